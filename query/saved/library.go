package saved

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Library is the program's queries and those of folders.
type Library struct {
	queries map[string]Query
	notices []string
}

// maxFile bounds a file of a folder, as the engine bounds its SQL.
const maxFile = 1 << 20

// Open reads the program's queries and then the .sql files of folders, of
// which one that is not there has none. A query of a later folder stands in for an earlier one of its name;
// that, and each file that is no query, is a notice.
func Open(folders ...string) (*Library, error) {
	shipped, err := All()
	if err != nil {
		return nil, err
	}
	l := &Library{queries: map[string]Query{}}
	for _, q := range shipped {
		l.queries[q.Name] = q
	}
	for _, folder := range folders {
		entries, err := os.ReadDir(folder)
		if err != nil {
			if !errors.Is(err, fs.ErrNotExist) {
				l.notices = append(l.notices, "saved queries: "+err.Error())
			}
			continue
		}
		for _, entry := range entries {
			if filepath.Ext(entry.Name()) == ".sql" {
				l.add(filepath.Join(folder, entry.Name()))
			}
		}
	}
	return l, nil
}

func (l *Library) add(path string) {
	q, err := read(path)
	if err != nil {
		l.notices = append(l.notices, fmt.Sprintf("%s is left out: %v", path, err))
		return
	}
	if before, ok := l.queries[q.Name]; ok {
		l.notices = append(l.notices, fmt.Sprintf("saved query %s is that of %s, instead of that of %s", q.Name, path, before.From))
	}
	l.queries[q.Name] = q
}

// read reads a query's file. A link is followed: the folder is the user's own.
func read(path string) (q Query, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return q, fmt.Errorf("read saved query: %w", err)
	}
	if !info.Mode().IsRegular() {
		return q, errors.New("it is no file")
	}
	f, err := os.Open(path)
	if err != nil {
		return q, fmt.Errorf("read saved query: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return q, fmt.Errorf("read saved query: %w", err)
	}
	if len(b) > maxFile {
		return q, fmt.Errorf("it is larger than %d bytes", maxFile)
	}
	q, err = Parse(strings.TrimSuffix(filepath.Base(path), ".sql"), string(b))
	q.From = path
	return q, err
}

// All returns the queries by name.
func (l *Library) All() []Query {
	out := make([]Query, 0, len(l.queries))
	for _, q := range l.queries {
		out = append(out, q)
	}
	slices.SortFunc(out, func(a, b Query) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// Notices are what a user should know of the folders.
func (l *Library) Notices() []string { return l.notices }

// Find returns the query of a name.
func (l *Library) Find(name string) (Query, error) {
	q, ok := l.queries[name]
	if !ok {
		return q, fmt.Errorf("%w: %.80q", ErrNotFound, name)
	}
	return q, nil
}
