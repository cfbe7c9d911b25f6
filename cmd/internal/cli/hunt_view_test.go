package cli

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/verify"
	"github.com/fabriziosalmi/rainlogs/query"
	"github.com/fabriziosalmi/rainlogs/tui/inquiry"
	"github.com/fabriziosalmi/rainlogs/tui/screen/hunt"
)

// TestViewOf: from the columns of a hit to its records.
func TestViewOf(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 3, 14, 12, 0, 30, 5, time.UTC)
	q := hunt.Question{Zones: []string{"5e"}, From: noon.Add(-time.Hour), To: noon.Add(time.Hour)}
	is := func(field, value string) inquiry.Filter {
		return inquiry.Filter{Field: field, Op: inquiry.Is, Value: value}
	}
	minute := noon.Truncate(time.Minute)
	for name, c := range map[string]struct {
		columns  []string
		row      []any
		filters  []inquiry.Filter
		from, to time.Time
	}{
		"a client": {[]string{"ClientIP", "failures", "a_user_agent", "first_seen", "last_seen"}, []any{"192.0.2.1", int64(5), "x", noon, noon.Add(time.Minute)},
			[]inquiry.Filter{is("ClientIP", "192.0.2.1")}, noon.Truncate(time.Second), noon.Truncate(time.Second).Add(61 * time.Second)},
		"a request": {[]string{"EdgeStartTimestamp", "ClientIP", "EdgeResponseStatus", "RayID", "ClientRequestURI"}, []any{noon, "192.0.2.1", int64(200), "abc", "/"},
			[]inquiry.Filter{is("RayID", "abc")}, minute.Add(-time.Minute), minute.Add(2 * time.Minute)},
		"a path": {[]string{"onset", "ClientRequestHost", "ClientRequestPath", "EdgeResponseBytes", "EdgeResponseStatus"}, []any{noon, nil, "/a b", int64(7), int64(502)},
			[]inquiry.Filter{{Field: "ClientRequestHost", Op: inquiry.Absent}, is("ClientRequestPath", "/a b"), is("EdgeResponseStatus", "502")}, q.From, q.To},
		"numbers": {[]string{"hour", "n"}, []any{noon, int64(7)}, nil, q.From, q.To},
	} {
		var columns []query.Column
		for _, n := range c.columns {
			columns = append(columns, query.Column{Name: n})
		}
		want := inquiry.View{Zones: q.Zones, Dataset: "http_requests", From: c.from, To: c.to, Filters: c.filters}
		if diff := cmp.Diff(want, viewOf(columns, c.row, q)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestLastDay: the last day whose coverage can be complete.
func TestLastDay(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 3, 14, 0, 0, 0, 0, time.UTC)
	chain := func(hours int) verify.Chain {
		var c verify.Chain
		for h := range hours {
			c.Entries = append(c.Entries, &evidence.Entry{Kind: evidence.KindLog, Window: &evidence.Window{Start: start.Add(time.Duration(h) * time.Hour), End: start.Add(time.Duration(h+1) * time.Hour)}})
		}
		return c
	}
	for _, c := range []struct {
		chains   []verify.Chain
		from, to time.Time
	}{
		{nil, time.Time{}, time.Time{}},
		{[]verify.Chain{chain(2), chain(5)}, start, start.Add(5*time.Hour - 15*time.Minute)},
		{[]verify.Chain{chain(48)}, start.Add(24*time.Hour - 15*time.Minute), start.Add(48*time.Hour - 15*time.Minute)},
	} {
		if from, to := lastDay(c.chains); !from.Equal(c.from) || !to.Equal(c.to) {
			t.Errorf("%s to %s, want %s to %s", from, to, c.from, c.to)
		}
	}
}
