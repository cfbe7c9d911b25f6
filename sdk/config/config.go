// Package config describes a plugin's settings: a small schema that the host
// reads before it opens the plugin, and the checked values it hands over.
package config

import (
	"fmt"
	"log/slog"
	"sort"
	"strconv"
	"strings"
	"time"
)

// Kind is a setting's type.
type Kind string

// The kinds.
const (
	String   Kind = "string"
	Int      Kind = "int"
	Bool     Kind = "bool"
	Duration Kind = "duration" // Go syntax: "30s"
	List     Kind = "list"     // comma-separated
)

// Field describes one setting.
type Field struct {
	Name     string
	Kind     Kind
	Help     string
	Default  string
	Required bool
	// Secret values come by reference (env:NAME, file:PATH), reach the plugin
	// over its private socket only, and are never printed.
	Secret bool
	// Endpoint says that the value is the host, with a port or without, or the
	// URL of it, to which objects go. The host judges under whose law that is.
	Endpoint bool
}

// Schema is the list of a plugin's settings.
type Schema []Field

// Values are settings by name, checked against a Schema by Check.
type Values map[string]string

// LogValue keeps values, which may be secrets, out of logs: only the names
// are shown.
func (v Values) LogValue() slog.Value {
	names := make([]string, 0, len(v))
	for n := range v {
		names = append(names, n)
	}
	sort.Strings(names)
	return slog.StringValue(strings.Join(names, ","))
}

// String keeps values out of formatted text.
func (v Values) String() string { return v.LogValue().String() }

// GoString keeps values out of %#v.
func (v Values) GoString() string { return v.String() }

// Check returns values with defaults filled in, or an error that names the
// first wrong setting and never its value where it is secret.
func (s Schema) Check(in Values) (Values, error) {
	out := Values{}
	known := map[string]Field{}
	for _, f := range s {
		known[f.Name] = f
	}
	for _, name := range sortedKeys(in) {
		f, ok := known[name]
		if !ok {
			return nil, fmt.Errorf("unknown setting %q (known: %s)", name, strings.Join(s.names(), ", "))
		}
		if err := f.check(in[name]); err != nil {
			return nil, err
		}
		out[name] = in[name]
	}
	for _, f := range s {
		if out[f.Name] != "" {
			continue
		}
		if f.Required {
			return nil, fmt.Errorf("setting %q is missing: %s", f.Name, f.Help)
		}
		out[f.Name] = f.Default
	}
	return out, nil
}

func (s Schema) names() []string {
	names := make([]string, len(s))
	for i, f := range s {
		names[i] = f.Name
	}
	sort.Strings(names)
	return names
}

func (f Field) check(value string) error {
	if value == "" {
		return nil
	}
	var err error
	switch f.Kind {
	case Int:
		_, err = strconv.ParseInt(value, 10, 64)
	case Bool:
		_, err = strconv.ParseBool(value)
	case Duration:
		_, err = time.ParseDuration(value)
	case String, List:
	default:
		return fmt.Errorf("setting %q: schema has unknown kind %q", f.Name, f.Kind)
	}
	if err == nil {
		return nil
	}
	if f.Secret {
		return fmt.Errorf("setting %q: not a valid %s", f.Name, f.Kind)
	}
	return fmt.Errorf("setting %q: %q is not a valid %s", f.Name, value, f.Kind)
}

// Int returns a checked integer setting, 0 where it is empty.
func (v Values) Int(name string) int64 {
	n, _ := strconv.ParseInt(v[name], 10, 64) // Check has parsed it
	return n
}

// Bool returns a checked boolean setting, false where it is empty.
func (v Values) Bool(name string) bool {
	b, _ := strconv.ParseBool(v[name]) // Check has parsed it
	return b
}

// Duration returns a checked duration setting, 0 where it is empty.
func (v Values) Duration(name string) time.Duration {
	d, _ := time.ParseDuration(v[name]) // Check has parsed it
	return d
}

// List returns a list setting's items, without blanks around them.
func (v Values) List(name string) []string {
	var items []string
	for _, item := range strings.Split(v[name], ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}

func sortedKeys(v Values) []string {
	keys := make([]string, 0, len(v))
	for k := range v {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
