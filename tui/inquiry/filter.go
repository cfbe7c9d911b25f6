package inquiry

import "github.com/fabriziosalmi/rainlogs/core/filter"

// Filter is one condition on a field.
type Filter = filter.Filter

// Op is how a filter compares.
type Op = filter.Op

// The operators, as package filter has them.
const (
	Is       = filter.Is
	Differs  = filter.Differs
	Contains = filter.Contains
	Lacks    = filter.Lacks
	Like     = filter.Like
	Unlike   = filter.Unlike
	Inside   = filter.Inside
	Outside  = filter.Outside
	Less     = filter.Less
	AtMost   = filter.AtMost
	More     = filter.More
	AtLeast  = filter.AtLeast
	Absent   = filter.Absent
	Present  = filter.Present
)

// ErrFilter: a text is not a filter.
var ErrFilter = filter.ErrFilter

// ParseFilter reads a filter as it is typed.
func ParseFilter(text string) (Filter, error) {
	return filter.Parse(text) //nolint:wrapcheck // says what is wanted
}
