package health

import "time"

// Status is how a check stands, or all of them together.
type Status string

// The statuses. All together are failing when a critical check fails, and
// degraded when another does.
const (
	OK       Status = "ok"
	Degraded Status = "degraded"
	Failing  Status = "failing"
)

// Report is what /health answers, as JSON.
type Report struct {
	Status Status            `json:"status"`
	Checks map[string]Result `json:"checks"`
}

// Result is how one check stands.
type Result struct {
	Status Status `json:"status"`
	// Detail is for people: a line without secrets and internal addresses.
	Detail string `json:"detail,omitempty"`
	// Since is when the check came to have this status, in UTC, to the second.
	Since time.Time `json:"since"`
}

// Valid reports whether s is one of the statuses.
func (s Status) Valid() bool { return s == OK || s == Degraded || s == Failing }
