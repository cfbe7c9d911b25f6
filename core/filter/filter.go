// Package filter is the language in which conditions on records are typed: at the
// workstation, on its command line, and over the REST API. Matcher holds lines to them.
package filter

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"time"
)

// Op is how a filter compares.
type Op string

// The operators, as they are typed. What does not hold of NULL does not hold
// of its opposite either, but for Differs, Lacks, Outside and Unlike, which
// let records without the field through.
const (
	Is       Op = "="
	Differs  Op = "!="
	Contains Op = "*="  // the text, letter case aside
	Lacks    Op = "!*=" // the opposite
	Like     Op = "~"   // a regular expression (RE2) somewhere in the text
	Unlike   Op = "!~"
	Inside   Op = "in" // an address in a network, CIDR
	Outside  Op = "!in"
	Less     Op = "<"
	AtMost   Op = "<="
	More     Op = ">"
	AtLeast  Op = ">="
	Absent   Op = "absent" // NULL, or not there
	Present  Op = "present"
)

// Filter is one condition on a field.
type Filter struct {
	Field string `json:"field"`
	Op    Op     `json:"op"`
	Value string `json:"value,omitempty"`
}

// Equal reports whether two filters are the same.
func (f Filter) Equal(o Filter) bool { return f == o }

var opposite = map[Op]Op{
	Is: Differs, Differs: Is, Contains: Lacks, Lacks: Contains, Like: Unlike, Unlike: Like, Inside: Outside, Outside: Inside,
	Less: AtLeast, AtLeast: Less, More: AtMost, AtMost: More, Absent: Present, Present: Absent,
}

// Not is the opposite condition.
func (f Filter) Not() Filter {
	f.Op = opposite[f.Op]
	return f
}

// Excludes reports whether the filter takes away what its value names.
func (f Filter) Excludes() bool {
	switch f.Op {
	case Differs, Lacks, Unlike, Outside, Absent:
		return true
	}
	return false
}

// String is the filter as it is typed.
func (f Filter) String() string {
	switch f.Op {
	case Absent, Present:
		return f.Field + " " + string(f.Op)
	case Inside, Outside:
		return f.Field + " " + string(f.Op) + " " + f.Value
	}
	return f.Field + string(f.Op) + f.Value
}

// ErrFilter: a text is not a filter.
var ErrFilter = errors.New("not a filter")

// symbols are tried in this order: the longer ones before those they begin with.
var symbols = []Op{Lacks, Differs, Contains, Unlike, AtMost, AtLeast, Is, Like, Less, More}

// Parse reads a filter as it is typed: FIELD=VALUE, FIELD!=VALUE,
// FIELD*=TEXT, FIELD~REGEX, FIELD>=NUMBER, "FIELD in CIDR", "FIELD absent".
// A field is a name of letters, digits and "_"; whether there is such a field
// is for whoever knows the dataset. Errors wrap ErrFilter.
func Parse(text string) (Filter, error) {
	text = strings.TrimSpace(text)
	end := strings.IndexFunc(text, func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
	if end <= 0 {
		return Filter{}, fmt.Errorf("%w: want FIELD=VALUE, such as EdgeResponseStatus>=500", ErrFilter)
	}
	f, rest := Filter{Field: text[:end]}, text[end:]
	if word, value, _ := strings.Cut(strings.TrimSpace(rest), " "); rest[0] == ' ' {
		switch op := Op(word); op {
		case Inside, Outside:
			f.Op, f.Value = op, strings.TrimSpace(value)
			return f, f.Check()
		case Absent, Present:
			if strings.TrimSpace(value) == "" {
				f.Op = op
				return f, nil
			}
		}
	}
	rest = strings.TrimSpace(rest)
	for _, op := range symbols {
		if value, ok := strings.CutPrefix(rest, string(op)); ok {
			f.Op, f.Value = op, strings.TrimSpace(value)
			return f, f.Check()
		}
	}
	return Filter{}, fmt.Errorf("%w: after %s want one of = != *= !*= ~ !~ < <= > >= in !in absent present", ErrFilter, f.Field)
}

// Check reports what is wrong with a filter's value. Errors wrap ErrFilter.
func (f Filter) Check() error {
	switch f.Op {
	case Inside, Outside:
		if _, err := netip.ParsePrefix(f.Value); err != nil {
			if _, err := netip.ParseAddr(f.Value); err != nil {
				return fmt.Errorf("%w: %.60q is neither a network such as 192.0.2.0/24 nor an address", ErrFilter, f.Value)
			}
		}
	case Like, Unlike:
		if _, err := regexp.Compile(f.Value); err != nil {
			return fmt.Errorf("%w: %w", ErrFilter, err)
		}
	case Less, AtMost, More, AtLeast, Contains, Lacks:
		if f.Value == "" {
			return fmt.Errorf("%w: %s%s needs a value", ErrFilter, f.Field, f.Op)
		}
	case Is, Differs, Absent, Present:
	default:
		return fmt.Errorf("%w: %q is not an operator", ErrFilter, f.Op)
	}
	return nil
}

// timeForms are how a time is typed, and how a cell shows it.
var timeForms = []string{time.RFC3339Nano, "2006-01-02 15:04:05.999999999", "2006-01-02T15:04:05.999999999", "2006-01-02 15:04", "2006-01-02"}

// ParseTime reads a time as it is typed in a filter, in UTC unless it says otherwise.
func ParseTime(text string) (t time.Time, err error) {
	for _, form := range timeForms {
		if t, err = time.Parse(form, text); err == nil {
			return t.UTC(), nil
		}
	}
	return t, fmt.Errorf("%.60q is not a time such as 2026-03-14T15:09:26Z", text)
}
