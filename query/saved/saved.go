// Package saved holds the incident questions that ship with the program and
// reads those of a user: SQL files that begin with comment lines
//
//	-- title: Who scans for what is not there
//	-- severity: medium
//	-- description: one or more lines
//	-- param min_hits = 100: how many refused requests make a scanner
//	-- param ip: a parameter that must be given
//
// followed by one SELECT over the views of package query/duckdb. Parameters
// are written $name and are texts. A query with a severity is a hunt: each row
// of its answer is a hit of that weight.
package saved

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
)

//go:embed *.sql
var files embed.FS

// Query is a saved query.
type Query struct {
	Name        string `json:"name"` // the file's name without .sql
	Title       string `json:"title"`
	Description string `json:"description"`
	// Severity is what a row of the answer weighs; "" for a query that is no hunt.
	Severity Severity `json:"severity,omitempty"`
	Params   []Param  `json:"params"`
	SQL      string   `json:"sql"`  // the whole file
	From     string   `json:"from"` // Program, or the file's path
}

// Program is where the queries that ship with the program come from.
const Program = "rainlogs"

// Severity is how much a hit matters.
type Severity string

// The severities, those of Sigma rules.
const (
	Info     Severity = "info"
	Low      Severity = "low"
	Medium   Severity = "medium"
	High     Severity = "high"
	Critical Severity = "critical"
)

// Severities are all of them, the gravest first.
var Severities = []Severity{Critical, High, Medium, Low, Info}

// Param is a parameter of a saved query.
type Param struct {
	Name     string `json:"name"`
	Default  string `json:"default"`
	Help     string `json:"help"`
	Required bool   `json:"required"` // there is no default
}

// String is the parameter as a list shows it: "name=default", or "name=…".
func (p Param) String() string {
	if p.Required {
		return p.Name + "=…"
	}
	return p.Name + "=" + p.Default
}

// ErrNotFound: there is no saved query of a name.
var ErrNotFound = errors.New("no such saved query")

// All returns the queries of the program, by name.
func All() ([]Query, error) {
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return nil, fmt.Errorf("list saved queries: %w", err)
	}
	var out []Query
	for _, name := range names {
		b, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, fmt.Errorf("read saved query: %w", err)
		}
		q, err := Parse(strings.TrimSuffix(name, ".sql"), string(b))
		if err != nil {
			return nil, err
		}
		q.From = Program
		out = append(out, q)
	}
	return out, nil
}

var paramPattern = regexp.MustCompile(`^([a-z][a-z0-9_]*)\s*(=\s*([^:]*?)\s*)?(?::\s*(.*))?$`)

// Parse reads a saved query's text.
func Parse(name, text string) (Query, error) {
	q := Query{Name: name, SQL: text}
	for line := range strings.Lines(text) {
		comment, ok := strings.CutPrefix(strings.TrimSpace(line), "--")
		if !ok {
			break
		}
		comment = strings.TrimSpace(comment)
		if s, ok := strings.CutPrefix(comment, "title:"); ok {
			q.Title = strings.TrimSpace(s)
		} else if s, ok := strings.CutPrefix(comment, "description:"); ok {
			q.Description = strings.TrimSpace(s)
		} else if s, ok := strings.CutPrefix(comment, "severity:"); ok {
			q.Severity = Severity(strings.ToLower(strings.TrimSpace(s)))
			if !slices.Contains(Severities, q.Severity) {
				return Query{}, fmt.Errorf("saved query %s: severity %.40q is not one of critical, high, medium, low, info", name, q.Severity)
			}
		} else if s, ok := strings.CutPrefix(comment, "param "); ok {
			m := paramPattern.FindStringSubmatch(strings.TrimSpace(s))
			if m == nil {
				return Query{}, fmt.Errorf("saved query %s: bad parameter %.80q", name, s)
			}
			q.Params = append(q.Params, Param{Name: m[1], Default: m[3], Help: m[4], Required: m[2] == ""})
		} else if q.Description != "" && len(q.Params) == 0 {
			q.Description += " " + comment
		}
	}
	if q.Title == "" {
		return Query{}, fmt.Errorf("saved query %s has no \"-- title:\" line", name)
	}
	return q, nil
}

// Values returns the query's parameters: the defaults, then what is given. A
// name that the query does not have is an error, and so is a value that it needs and has not.
func (q Query) Values(given map[string]string) (map[string]any, error) {
	values, missing := map[string]any{}, map[string]bool{}
	for _, p := range q.Params {
		values[p.Name], missing[p.Name] = p.Default, p.Required
	}
	for name, v := range given {
		if _, ok := values[name]; !ok {
			return nil, fmt.Errorf("saved query %s has no parameter %.80q", q.Name, name)
		}
		values[name], missing[name] = v, false
	}
	for _, p := range q.Params {
		if missing[p.Name] {
			return nil, fmt.Errorf("saved query %s needs a value of %s: %s", q.Name, p.Name, p.Help)
		}
	}
	return values, nil
}
