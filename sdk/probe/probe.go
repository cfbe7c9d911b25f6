// Package probe is how a plugin tells what will work and what will not.
package probe

import "slices"

// Status is a check's outcome.
type Status string

// The outcomes of a check.
const (
	OK   Status = "ok"
	Warn Status = "warn"
	Fail Status = "fail"
	// Unknown: it could not be found out (for want of a permission, say).
	Unknown Status = "unknown"
)

// Valid reports whether s is one of the outcomes.
func (s Status) Valid() bool { return slices.Contains([]Status{OK, Warn, Fail, Unknown}, s) }

// Check is one line of a probe: what was looked at, what was found, and what
// to do about it.
type Check struct {
	Name   string // closed for each port
	Status Status
	Value  string // machine-readable finding: "true", "eu", "123 fields"
	Detail string // for people
	Remedy string // for people, empty when Status is OK
}

// Passed reports whether no check failed.
func Passed(checks []Check) bool {
	return !slices.ContainsFunc(checks, func(c Check) bool { return c.Status == Fail })
}
