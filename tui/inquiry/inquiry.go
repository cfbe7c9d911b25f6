// Package inquiry is what the screens share about what is being looked at: a
// view of the records, one record, and what a person has put on it.
package inquiry

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// View is a question of the records: those of zones of one dataset, in a
// half-open range of event time, that meet every filter.
type View struct {
	Zones   []string  `json:"zones,omitempty"` // ids; none means all of the dataset
	Dataset string    `json:"dataset"`
	From    time.Time `json:"from,omitzero"` // zero: as far as there is something
	To      time.Time `json:"to,omitzero"`
	Filters []Filter  `json:"filters,omitempty"`
}

// Equal reports whether two views ask the same.
func (v View) Equal(o View) bool {
	return slices.Equal(v.Zones, o.Zones) && v.Dataset == o.Dataset && v.From.Equal(o.From) && v.To.Equal(o.To) &&
		slices.EqualFunc(v.Filters, o.Filters, Filter.Equal)
}

// With is the view with one filter more. One that says the opposite of it, or the same, is taken out.
func (v View) With(f Filter) View {
	v.Filters = append(slices.DeleteFunc(slices.Clone(v.Filters), func(g Filter) bool {
		return g.Equal(f) || g.Equal(f.Not())
	}), f)
	return v
}

// Without is the view without the i-th filter.
func (v View) Without(i int) View {
	v.Filters = slices.Delete(slices.Clone(v.Filters), i, i+1)
	return v
}

// Between is the view of another range.
func (v View) Between(from, to time.Time) View {
	v.From, v.To = from, to
	return v
}

// Ref names one record for ever: a line of a sealed object.
type Ref struct {
	Archive string `json:"archive"` // the archive's id
	Zone    string `json:"zone"`
	Dataset string `json:"dataset"`
	Seq     int64  `json:"seq"`  // the entry
	Line    int64  `json:"line"` // 1-based
}

// Permalink is the record's address: rainlogs://ARCHIVE/ZONE/DATASET/SEQ/LINE.
func (r Ref) Permalink() string {
	return fmt.Sprintf("rainlogs://%s/%s/%s/%d/%d", r.Archive, r.Zone, r.Dataset, r.Seq, r.Line)
}

// Before orders records as the table does but for their event times: by zone, entry and line.
func (r Ref) Before(o Ref) bool {
	switch {
	case r.Zone != o.Zone:
		return r.Zone < o.Zone
	case r.Seq != o.Seq:
		return r.Seq < o.Seq
	}
	return r.Line < o.Line
}

// ParseRef reads a permalink.
func ParseRef(link string) (Ref, error) {
	rest, ok := strings.CutPrefix(strings.TrimSpace(link), "rainlogs://")
	parts := strings.Split(rest, "/")
	bad := fmt.Errorf("%.120q is not a record's address: want rainlogs://ARCHIVE/ZONE/DATASET/SEQ/LINE", link)
	if !ok || len(parts) != 5 || slices.Contains(parts, "") {
		return Ref{}, bad
	}
	r := Ref{Archive: parts[0], Zone: parts[1], Dataset: parts[2]}
	var err error
	if r.Seq, err = number(parts[3]); err != nil {
		return Ref{}, bad
	}
	if r.Line, err = number(parts[4]); err != nil || r.Line < 1 {
		return Ref{}, bad
	}
	return r, nil
}

// number is a decimal without a sign or leading zeros: an address has one spelling.
func number(s string) (int64, error) {
	var n int64
	err := json.Unmarshal([]byte(s), &n)
	if err != nil || n < 0 || s[0] == '-' {
		return 0, fmt.Errorf("%.20q is not a number", s)
	}
	return n, nil
}

// Bookmark is a record that a person keeps.
type Bookmark struct {
	Ref  Ref       `json:"ref"`
	Time time.Time `json:"time,omitzero"` // the record's event time
	// Line is the record as the table showed it, for a list.
	Line  string    `json:"line,omitempty"`
	Note  string    `json:"note,omitempty"`
	Added time.Time `json:"added"`
}

// MarksChanged tells all screens that bookmarks or notes are others than before.
type MarksChanged struct{}
