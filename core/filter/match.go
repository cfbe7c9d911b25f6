package filter

import (
	"bytes"
	"cmp"
	"fmt"
	"net/netip"
	"regexp"
	"regexp/syntax"

	"github.com/fabriziosalmi/rainlogs/core/jsonline"
)

// maxProgram bounds what a regular expression costs on each byte of a line.
const maxProgram = 2000

// Matcher holds lines to conditions. It is not safe for concurrent use.
type Matcher struct {
	scan       *jsonline.Scanner
	conditions []condition
	text       []byte // of a member with escapes
}

// condition is a filter with its value read once.
type condition struct {
	Filter
	member  int // of the scanner's values
	number  number
	numeric bool
	nanos   int64 // of a time, since the epoch
	timed   bool
	part    []byte // of Contains and Lacks, in lower case
	like    *regexp.Regexp
	network netip.Prefix
}

// NewMatcher makes a matcher of filters that must all hold. Errors wrap ErrFilter.
func NewMatcher(filters []Filter) (*Matcher, error) {
	m := &Matcher{}
	var names []string
	index := map[string]int{}
	for _, f := range filters {
		c, err := newCondition(f)
		if err != nil {
			return nil, err
		}
		at, ok := index[f.Field]
		if !ok {
			at = len(names)
			index[f.Field] = at
			names = append(names, f.Field)
		}
		c.member = at
		m.conditions = append(m.conditions, c)
	}
	m.scan = jsonline.NewScanner(names, nil)
	return m, nil
}

func newCondition(f Filter) (c condition, err error) {
	if err := f.Check(); err != nil {
		return c, err
	}
	c.Filter = f
	c.number, c.numeric = parseNumber([]byte(f.Value))
	if t, err := ParseTime(f.Value); err == nil && t.Year() >= 1970 && t.Year() < 2262 {
		c.nanos, c.timed = t.UnixNano(), true
	}
	switch f.Op {
	case Contains, Lacks:
		c.part = bytes.ToLower([]byte(f.Value))
	case Like, Unlike:
		c.like, err = compile(f.Value)
	case Inside, Outside:
		c.network = network(f.Value)
	}
	return c, err
}

func compile(expr string) (*regexp.Regexp, error) {
	tree, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFilter, err)
	}
	program, err := syntax.Compile(tree.Simplify())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFilter, err)
	}
	if n := len(program.Inst); n > maxProgram {
		return nil, fmt.Errorf("%w: the regular expression takes %d steps, of %d at most", ErrFilter, n, maxProgram)
	}
	re, err := regexp.Compile(expr)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFilter, err)
	}
	return re, nil
}

// network is a network or, of an address, that of it alone. Check has read the text.
func network(text string) netip.Prefix {
	if p, err := netip.ParsePrefix(text); err == nil {
		return p.Masked()
	}
	a, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Prefix{} // holds nothing
	}
	a = a.WithZone("")
	return netip.PrefixFrom(a, a.BitLen())
}

// Match reports whether a line (without its line feed) meets every condition.
// One that is no JSON object has no members. Times stand in it in the form of its
// entry's Source.Timestamps.
func (m *Matcher) Match(line []byte, timestamps string) bool {
	if len(m.conditions) == 0 {
		return true
	}
	values, err := m.scan.Scan(line)
	if err != nil {
		clear(values)
	}
	for i := range m.conditions {
		c := &m.conditions[i]
		if !m.holds(c, values[c.member], timestamps) {
			return false
		}
	}
	return true
}

// holds compares a member's raw value, nil for none.
func (m *Matcher) holds(c *condition, raw []byte, timestamps string) bool {
	if raw == nil || jsonline.IsNull(raw) {
		return c.Excludes()
	}
	switch c.Op {
	case Present:
		return true
	case Absent:
		return false
	case Is, Differs:
		return c.same(raw, m.textOf(raw), timestamps) == (c.Op == Is)
	case Contains, Lacks:
		return bytes.Contains(bytes.ToLower(m.textOf(raw)), c.part) == (c.Op == Contains)
	case Like, Unlike:
		return c.like.Match(m.textOf(raw)) == (c.Op == Like)
	case Inside, Outside:
		return c.inside(m.textOf(raw)) == (c.Op == Inside)
	}
	order, ok := c.order(raw, m.textOf(raw), timestamps)
	if !ok {
		return false
	}
	switch c.Op {
	case Less:
		return order < 0
	case AtMost:
		return order <= 0
	case More:
		return order > 0
	}
	return order >= 0
}

// textOf is a string's value, or any other value's JSON text.
func (m *Matcher) textOf(raw []byte) []byte {
	if text, plain := jsonline.Plain(raw); plain {
		return text
	}
	m.text = jsonline.AppendText(m.text[:0], raw)
	return m.text
}

func (c *condition) inside(text []byte) bool {
	a, err := netip.ParseAddr(string(text))
	return err == nil && c.network.Contains(a.Unmap().WithZone(""))
}

// same reports whether a member has the filter's value: as a number where the
// member is one, as a time where it can be read as one, or to the letter.
func (c *condition) same(raw, text []byte, timestamps string) bool {
	if string(text) == c.Value {
		return true
	}
	if c.timed {
		nanos, ok := jsonline.Time(raw, timestamps)
		return ok && nanos == c.nanos
	}
	if !c.numeric || raw[0] == '"' {
		return false
	}
	n, ok := parseNumber(raw)
	return ok && n.compare(c.number) == 0
}

// order compares a member with the filter's value: as numbers where both can be
// read so, as times where the value is one, else as text. It is false for what
// cannot be compared.
func (c *condition) order(raw, text []byte, timestamps string) (int, bool) {
	switch {
	case c.numeric:
		if n, ok := parseNumber(text); ok {
			return n.compare(c.number), true
		}
	case c.timed:
		if nanos, ok := jsonline.Time(raw, timestamps); ok {
			return cmp.Compare(nanos, c.nanos), true
		}
	}
	if raw[0] != '"' {
		return 0, false
	}
	return bytes.Compare(text, []byte(c.Value)), true
}
