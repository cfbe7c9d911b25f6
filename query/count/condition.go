package count

import (
	"bytes"
	"cmp"
	"net/netip"
	"strconv"

	"github.com/fabriziosalmi/rainlogs/core/filter"
	"github.com/fabriziosalmi/rainlogs/query/schema"
)

// condition is a filter with its value read once. It holds of the values of which the SQL engine finds that it does.
type condition struct {
	filter.Filter
	number int64
	part   []byte // of Contains and Lacks, in lower case
	within netip.Prefix
	known  []bool // whether it holds of the thread's values
	// numbered is whether it holds of the numbering's values, as far as that is known: 0 where it is not.
	numbered []int8
}

// newCondition makes a condition of a field's type, if it can be told here what the SQL engine would.
func newCondition(f filter.Filter, is schema.Type) (c condition, err error) {
	if f.Check() != nil || is != schema.String && is != schema.Int {
		return c, errElsewhere
	}
	c.Filter = f
	switch f.Op {
	case filter.Contains, filter.Lacks:
		c.part = bytes.ToLower([]byte(f.Value))
	case filter.Inside, filter.Outside:
		if c.within, err = netip.ParsePrefix(f.Value); err != nil {
			a, err := netip.ParseAddr(f.Value)
			if err != nil {
				return c, errElsewhere
			}
			a = a.WithZone("")
			c.within = netip.PrefixFrom(a, a.BitLen())
		}
	case filter.Is, filter.Differs, filter.Less, filter.AtMost, filter.More, filter.AtLeast:
		if is == schema.Int {
			if c.number, err = strconv.ParseInt(f.Value, 10, 64); err != nil {
				return c, errElsewhere
			}
		}
	case filter.Present, filter.Absent:
	default: // regular expressions
		return c, errElsewhere
	}
	return c, nil
}

// passing says of each value of a column whether the condition holds.
func (c *condition) passing(of *chunk, into []bool) []bool {
	into = sized(into, of.values())
	into[0] = c.Excludes()
	if of.numbers != nil {
		c.ofNumbers(of, into)
	} else {
		for code := 1; code < of.own; code++ {
			into[code] = c.holds(of.value(code), of.is)
		}
	}
	for n := len(c.known); n < of.all.values(); n++ {
		c.known = append(c.known, c.holds(of.all.value(n), of.is))
	}
	copy(into[of.own:], c.known)
	return into
}

// ofNumbers says so of a file's own values. The text of one that many files have is looked at once.
func (c *condition) ofNumbers(of *chunk, into []bool) {
	of.numbering.mu.RLock()
	defer of.numbering.mu.RUnlock()
	all := of.numbering.all
	if short := all.values() - len(c.numbered); short > 0 {
		c.numbered = append(c.numbered, make([]int8, short)...)
	}
	for code := 1; code < of.own; code++ {
		known := &c.numbered[of.numbers[code]]
		if *known == 0 {
			if *known = -1; c.holds(all.value(int(of.numbers[code])), of.is) {
				*known = 1
			}
		}
		into[code] = *known > 0
	}
}

// holds says whether it holds of a value.
func (c *condition) holds(value []byte, is schema.Type) bool {
	switch {
	case c.Op == filter.Present, c.Op == filter.Absent:
		return c.Op == filter.Present
	case is == schema.String:
		return c.text(value)
	case c.orders():
		return c.ordered(cmp.Compare(integer(value), c.number))
	}
	return c.text(appendText(nil, value, is))
}

// orders: it compares as numbers where the field has numbers.
func (c *condition) orders() bool {
	switch c.Op {
	case filter.Is, filter.Differs, filter.Less, filter.AtMost, filter.More, filter.AtLeast:
		return true
	}
	return false
}

func (c *condition) text(text []byte) bool {
	switch c.Op {
	case filter.Contains, filter.Lacks:
		return bytes.Contains(bytes.ToLower(text), c.part) == (c.Op == filter.Contains)
	case filter.Inside, filter.Outside:
		a, err := netip.ParseAddr(string(text))
		return (err == nil && c.within.Contains(a.WithZone("").Unmap())) == (c.Op == filter.Inside)
	}
	return c.ordered(bytes.Compare(text, []byte(c.Value)))
}

func (c *condition) ordered(order int) bool {
	switch c.Op {
	case filter.Is:
		return order == 0
	case filter.Differs:
		return order != 0
	case filter.Less:
		return order < 0
	case filter.AtMost:
		return order <= 0
	case filter.More:
		return order > 0
	}
	return order >= 0
}
