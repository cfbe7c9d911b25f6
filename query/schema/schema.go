package schema

import (
	_ "embed"
	"fmt"
	"sort"
	"strings"
	"sync"
)

// Type is what a field's JSON value is read as.
type Type uint8

// The types. Their SQL names are those of DuckDB.
const (
	JSON       Type = iota // any value, as its JSON text
	String                 // VARCHAR; a value that is not a string as its JSON text
	Int                    // BIGINT
	Float                  // DOUBLE
	Bool                   // BOOLEAN
	Time                   // TIMESTAMP_NS in UTC, from unixnano, unix or rfc3339
	StringList             // VARCHAR[]
	IntList                // BIGINT[]
)

var typeNames = [...]struct{ registry, sql string }{
	JSON: {"json", "JSON"}, String: {"string", "VARCHAR"}, Int: {"int", "BIGINT"},
	Float: {"float", "DOUBLE"}, Bool: {"bool", "BOOLEAN"}, Time: {"time", "TIMESTAMP_NS"},
	StringList: {"array[string]", "VARCHAR[]"}, IntList: {"array[int]", "BIGINT[]"},
}

// SQL is the type's name in DuckDB.
func (t Type) SQL() string { return typeNames[t].sql }

func (t Type) String() string { return typeNames[t].registry }

// Field is one column of a dataset.
type Field struct {
	Name  string // as in the records
	Type  Type
	State string // "current", "deprecated", "removed"; "unknown" if not in the registry
}

//go:embed http_requests.tsv
var httpRequests string

// registry parses the embedded tables once.
var registry = sync.OnceValue(func() map[string][]Field {
	return map[string][]Field{"http_requests": mustParse(httpRequests)}
})

// mustParse panics on a table that the build should not have shipped; the
// package's test parses each.
func mustParse(tsv string) []Field {
	var fields []Field
	for line := range strings.Lines(tsv) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		cells := strings.Split(line, "\t")
		t, ok := parseType(cells[1])
		if len(cells) != 3 || !ok {
			panic(fmt.Sprintf("schema table has a bad line %q", line))
		}
		fields = append(fields, Field{cells[0], t, cells[2]})
	}
	return fields
}

func parseType(name string) (Type, bool) {
	for t, n := range typeNames {
		if n.registry == name {
			return Type(t), true
		}
	}
	return JSON, false
}

// TimeField returns the field that a dataset's event time is read from, "" if none is known.
func TimeField(dataset string) string {
	if dataset == "http_requests" {
		return "EdgeStartTimestamp"
	}
	return ""
}

// The bounds of what names found in an archive may add to a schema.
const (
	MaxUnknown  = 512 // further unknown fields
	MaxNameSize = 256 // bytes
)

// Columns returns a dataset's columns: the registry's, in its order, then
// those of names that it does not know, sorted, as JSON. Column names in SQL
// are case-insensitive: a name that differs from an earlier one, or from a
// reserved one, by case only is left out, as is one longer than MaxNameSize.
// What is left out is still in the line as stored.
func Columns(dataset string, names, reserved []string) []Field {
	known := registry()[dataset]
	seen := make(map[string]bool, len(known)+len(names))
	for _, name := range reserved {
		seen[strings.ToLower(name)] = true
	}
	fields := make([]Field, 0, len(known)+len(names))
	for _, f := range known {
		seen[strings.ToLower(f.Name)] = true
		fields = append(fields, f)
	}
	names = append([]string(nil), names...)
	sort.Strings(names)
	unknown := 0
	for _, name := range names {
		lower := strings.ToLower(name)
		if seen[lower] || !validName(name) || unknown == MaxUnknown {
			continue
		}
		seen[lower] = true
		unknown++
		fields = append(fields, Field{name, JSON, "unknown"})
	}
	return fields
}

// validName refuses what a terminal or SQL should not meet in a column's name.
func validName(name string) bool {
	if name == "" || len(name) > MaxNameSize {
		return false
	}
	for _, r := range name {
		if r < ' ' || r == 0x7f || r == '\\' || r == '\uFFFD' {
			return false
		}
	}
	return true
}
