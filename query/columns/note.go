package columns

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/fabriziosalmi/rainlogs/query/schema"
)

// noteKey is the key of the file's own metadata that a note is kept under.
const noteKey = "rainlogs.columns"

// note is what a file says of itself.
type note struct {
	Fields     []schema.Field   `json:"-"`
	Names      [][2]string      `json:"fields"` // name and type, in order
	Lines      int64            `json:"lines"`
	Unreadable int64            `json:"unreadable,omitempty"`
	Mistyped   map[string]int64 `json:"mistyped,omitempty"`
	Unlisted   []string         `json:"unlisted,omitempty"`
}

func (n *note) encode() (string, error) {
	n.Names = make([][2]string, len(n.Fields))
	for i, f := range n.Fields {
		n.Names[i] = [2]string{f.Name, f.Type.String()}
	}
	b, err := json.Marshal(n)
	if err != nil {
		return "", fmt.Errorf("write note of columns: %w", err)
	}
	return string(b), nil
}

// decodeNote reads a note of a file of a dataset.
func decodeNote(dataset, text string) (*note, error) {
	var n note
	if err := json.Unmarshal([]byte(text), &n); err != nil {
		return nil, fmt.Errorf("read note of columns: %w", err)
	}
	names := make([]string, len(n.Names))
	for i, f := range n.Names {
		names[i] = f[0]
	}
	n.Fields, _ = fieldsOf(dataset, names)
	if len(n.Fields) != len(n.Names) {
		return nil, errors.New("read note of columns: its fields are not the registry's")
	}
	for i, f := range n.Fields {
		if f.Type.String() != n.Names[i][1] || f.Name != n.Names[i][0] {
			return nil, fmt.Errorf("read note of columns: field %.80q is not as in the registry", n.Names[i][0])
		}
	}
	return &n, nil
}

// fieldsOf returns the columns that a record with these members has, in the
// registry's order, and the members that have none.
func fieldsOf(dataset string, names []string) (fields []schema.Field, unlisted []string) {
	has := make(map[string]bool, len(names))
	for _, name := range names {
		has[name] = true
	}
	for _, f := range schema.Columns(dataset, names, Reserved()) {
		if has[f.Name] {
			fields = append(fields, f)
			delete(has, f.Name)
		}
	}
	for name := range has {
		if len(name) <= schema.MaxNameSize {
			unlisted = append(unlisted, strings.ToValidUTF8(name, "\uFFFD"))
		}
	}
	slices.Sort(unlisted)
	return fields, unlisted
}

// maxNames bounds the members' names that an object may have: what has more is read line by line.
const maxNames = 4096

// names is a set that keeps its order.
type names struct {
	list []string
	seen map[string]bool
}

func newNames(list []string) *names {
	n := &names{seen: map[string]bool{}}
	for _, name := range list {
		n.add(name)
	}
	return n
}

func (n *names) add(name string) {
	if !n.seen[name] && len(n.list) <= maxNames {
		n.seen[name] = true
		n.list = append(n.list, name)
	}
}
