package tally

import (
	"encoding/json"
	"fmt"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// Bound is a count of which the least and the most are known.
type Bound struct {
	Min int64 `json:"min"`
	Max int64 `json:"max"`
}

// Exact reports whether the count is known.
func (b Bound) Exact() bool { return b.Min == b.Max }

func (b *Bound) add(n int64, certain bool) {
	b.Max += n
	if certain {
		b.Min += n
	}
}

// Classes are counts by status class, in the order of evidence.Class1xx and so on.
type Classes [evidence.Classes]Bound

// classNames are the classes' names: the first digit of the status, or other
// for lines without a status that has one.
var classNames = [evidence.Classes]string{"1xx", "2xx", "3xx", "4xx", "5xx", "other"}

// ClassName names a class.
func ClassName(class int) string { return classNames[class] }

// MarshalJSON writes an object with a member for each class.
func (c Classes) MarshalJSON() ([]byte, error) {
	members := map[string]Bound{}
	for class, b := range c {
		members[classNames[class]] = b
	}
	out, err := json.Marshal(members)
	if err != nil {
		return nil, fmt.Errorf("encode classes: %w", err)
	}
	return out, nil
}

// Counts are lines, and of them those of each status class.
type Counts struct {
	Lines   Bound   `json:"lines"`
	Classes Classes `json:"classes"`
	// Unsplit are the lines of entries that do not tell their classes: in Lines and in no class.
	Unsplit Bound `json:"unsplit,omitzero"`
}

// add counts lines by class, or n lines without one.
func (c *Counts) add(classes []int64, n int64, certain bool) {
	if classes == nil {
		c.Unsplit.add(n, certain)
	}
	for class, lines := range classes {
		if lines != 0 {
			c.Classes[class].add(lines, certain)
			n += lines
		}
	}
	c.Lines.add(n, certain)
}

// Exact reports whether each of the counts is known, by class too.
func (c *Counts) Exact() bool {
	for _, b := range c.Classes {
		if !b.Exact() {
			return false
		}
	}
	return c.Lines.Exact() && c.Unsplit.Max == 0
}
