package duckdb

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	duck "github.com/duckdb/duckdb-go/v2"
	"golang.org/x/sync/errgroup"

	"github.com/fabriziosalmi/rainlogs/query/columns"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
	"github.com/fabriziosalmi/rainlogs/query/schema"
	"github.com/fabriziosalmi/rainlogs/query/sqltext"
)

// logs is how a request's view of the records is made: of files of columns
// where there are any, and by reading the other objects.
type logs struct {
	columns []column
	files   []file
	read    []*dataset.Object // checked, without the damaged ones
	all     bool              // nothing was planned: the objects are checked if the view is used after all
}

// file is an object and its columns.
type file struct {
	columns.File
	object *dataset.Object
}

// plan finds or checks the objects of a request that uses logs, so that damage
// is found before a row flows. Another request touches no object.
func (s *session) plan(ctx context.Context, from Columns, sql string) error {
	if !usesLogs(sql) {
		fields, err := s.data.Columns(ctx, columns.Reserved(), func(*dataset.Object) ([]string, bool) { return nil, true })
		s.logs = logs{columns: logColumns(fields), all: true}
		return err //nolint:wrapcheck // nothing is read
	}
	s.logs.files, s.logs.read = find(s.data.Objects(), from)
	fields, err := s.fields(ctx)
	if err != nil {
		return err
	}
	s.logs.columns = logColumns(fields)
	s.logs.files = slices.DeleteFunc(s.logs.files, func(f file) bool {
		if f.Answers(fields) {
			return false
		}
		f.Release()
		s.logs.read = append(s.logs.read, f.object)
		return true
	})
	slices.SortFunc(s.logs.read, func(a, b *dataset.Object) int { return a.Index - b.Index })
	s.use.Read = s.logs.read
	for _, f := range s.logs.files {
		s.use.Columns = append(s.use.Columns, f.object)
		s.stats.add(f.Lines, f.Unreadable, f.Mistyped)
		for _, name := range f.Unlisted {
			s.stats.addUnlisted(name)
		}
	}
	if s.purpose.planning {
		return nil
	}
	s.logs.read, err = checked(ctx, s.data, s.logs.read)
	return err
}

// find parts objects into those with columns and the others. Files are looked at in
// parallel: each is hashed when a process first meets it.
func find(objects []*dataset.Object, from Columns) (files []file, others []*dataset.Object) {
	if from == nil {
		return nil, objects
	}
	found := make([]file, len(objects))
	var group errgroup.Group
	group.SetLimit(4)
	for i, o := range objects {
		group.Go(func() error {
			if f, ok := from.Find(o.Entry); ok {
				found[i] = file{f, o}
			}
			return nil
		})
	}
	_ = group.Wait() // none returns one
	for i, f := range found {
		if f.object == nil {
			others = append(others, objects[i])
			continue
		}
		files = append(files, f)
	}
	return files, others
}

// checked checks objects and returns those that are not damaged.
func checked(ctx context.Context, d *dataset.Dataset, objects []*dataset.Object) ([]*dataset.Object, error) {
	if err := d.Check(ctx, objects); err != nil {
		return nil, err //nolint:wrapcheck // names the object
	}
	return slices.DeleteFunc(slices.Clone(objects), func(o *dataset.Object) bool { return o.Damaged() }), nil
}

// fields are those of the view, by the names in the files as far as there are any.
func (s *session) fields(ctx context.Context) ([]schema.Field, error) {
	named := make(map[*dataset.Object]columns.File, len(s.logs.files))
	for _, f := range s.logs.files {
		named[f.object] = f.File
	}
	fields, err := s.data.Columns(ctx, columns.Reserved(), func(o *dataset.Object) ([]string, bool) {
		f, ok := named[o]
		if !ok {
			return nil, s.purpose.planning
		}
		names := make([]string, len(f.Fields))
		for i, field := range f.Fields {
			names[i] = field.Name
		}
		return names, true
	})
	if err != nil {
		return nil, fmt.Errorf("learn columns: %w", err)
	}
	return fields, nil
}

// maxWarm bounds the files that are opened ahead of a question that may not come.
const maxWarm = 256

// warm reads the footers of files of columns into an instance that has no
// request yet, and makes the view of them, best effort. They stay true: another content has another path.
func (s *session) warm(ctx context.Context, last *lately) {
	if len(last.paths) > maxWarm {
		return
	}
	var rows int64
	err := s.conn.QueryRowContext(ctx, "SELECT count(*) FROM "+readParquet(last.paths)).Scan(&rows) // a file may be gone: the request finds out
	if err == nil && last.whole && s.create(ctx, [][2]string{{"logs", last.view}}) == nil {
		s.view = last.view
	}
}

// readParquet reads files of the same columns.
func readParquet(paths []string) string {
	quoted := make([]string, len(paths))
	for i, p := range paths {
		quoted[i] = quoteText(p)
	}
	return fmt.Sprintf("read_parquet([%s], hive_partitioning = false, union_by_name = false)", strings.Join(quoted, ", "))
}

// paths are those of the files.
func (l *logs) paths() []string {
	out := make([]string, len(l.files))
	for i, f := range l.files {
		out[i] = f.Path
	}
	return out
}

// release says that no file is in use any more.
func (l *logs) release() {
	for _, f := range l.files {
		f.Release()
	}
	l.files = nil
}

// named reports whether an error is about one of the files.
func (l *logs) named(err error) bool {
	var refused *duck.Error
	if !errors.As(err, &refused) {
		return false
	}
	return slices.ContainsFunc(l.files, func(f file) bool { return strings.Contains(refused.Msg, f.Path) })
}

// branch is what one part of the view is made of: files with the same
// columns, whose lines are chosen in the same way.
type branch struct {
	fields  []schema.Field
	where   string
	objects []file
}

// view is the SELECT behind logs.
func (l *logs) view() string {
	var parts []string
	for _, b := range l.branches() {
		paths := make([]string, len(b.objects))
		for i, f := range b.objects {
			paths[i] = f.Path
		}
		parts = append(parts, fmt.Sprintf("SELECT %s FROM %s%s", selection(l.columns, b.fields), readParquet(paths), b.where))
	}
	if len(l.read) > 0 || len(parts) == 0 {
		parts = append(parts, fmt.Sprintf("SELECT %s FROM rainlogs_logs()", selection(l.columns, nil)))
	}
	return strings.Join(parts, " UNION ALL ")
}

func (l *logs) branches() []*branch {
	var out []*branch
	index := map[string]*branch{}
	for _, f := range l.files {
		where := condition(f.object)
		var key strings.Builder
		key.WriteString(where)
		for _, field := range f.Fields {
			key.WriteString("\x00" + field.Name)
		}
		b := index[key.String()]
		if b == nil {
			b = &branch{fields: f.Fields, where: where}
			index[key.String()] = b
			out = append(out, b)
		}
		b.objects = append(b.objects, f)
	}
	return out
}

// condition chooses the lines of an object that straddles the range, as Object.Holds does.
func condition(o *dataset.Object) string {
	if o.All() {
		return ""
	}
	from, to, untimed := o.Bounds()
	var timed []string
	if from != math.MinInt64 {
		timed = append(timed, fmt.Sprintf("_event >= make_timestamp_ns(%d)", from))
	}
	if to != math.MaxInt64 {
		timed = append(timed, fmt.Sprintf("_event < make_timestamp_ns(%d)", to))
	}
	where := " WHERE " + strings.Join(timed, " AND ")
	if untimed {
		return where + " OR _event IS NULL"
	}
	return where
}

// usesLogs reports whether SQL may look at the view logs or at what the
// catalog says of it. Where it does and this does not see it, the view still answers, by
// reading each object.
func usesLogs(sql string) bool {
	for i := 0; i < len(sql); {
		next, kind, _ := sqltext.Next(sql, i)
		name := strings.ToLower(strings.Trim(sql[i:next], `"'`))
		i = next
		if kind == sqltext.Blank {
			continue
		}
		switch {
		case name == "logs", name == "show", name == "information_schema",
			strings.HasPrefix(name, "duckdb_"), strings.HasPrefix(name, "pg_"), strings.HasPrefix(name, "sqlite_"):
			return true
		}
	}
	return false
}
