package logpull_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fabriziosalmi/rainlogs/sdk/source"
)

// TestProbeClock compares the clocks by the answers' dates, as far as those
// tell, and never calls a clock wrong that may be right.
func TestProbeClock(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		ahead  time.Duration // of the service's clock
		header []string
		status source.Status
		value  string
		detail string
	}{
		{"alike", 0, nil, source.OK, "0s", ""},
		{"a little ahead", 3 * time.Second, nil, source.OK, "", ""},
		{"ahead", 90 * time.Second, nil, source.Warn, "-1m", "behind the service's"},
		{"behind", -90 * time.Second, nil, source.Warn, "1m", "ahead of the service's"},
		{"from a cache", -90 * time.Second, []string{"Age", "90"}, source.Unknown, "", "no answer was dated"},
		{"not new in its cache", 0, []string{"Age", "0"}, source.OK, "0s", ""},
		{"no date", 0, []string{"Date", "yesterday"}, source.Unknown, "", "no answer was dated"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := open(t, transport(func(*http.Request) (*http.Response, error) {
				a := answer(401, badAuth, row.header...)
				if a.Header.Get("Date") == "" {
					a.Header.Set("Date", time.Now().Add(row.ahead).UTC().Format(http.TimeFormat))
				}
				return a, nil
			}))
			r, err := s.Probe(t.Context(), zoneA)
			if err != nil {
				t.Fatal(err)
			}
			c := check(r, "clock")
			if c.Status != row.status || !strings.HasPrefix(c.Value, row.value) || !strings.Contains(c.Detail, row.detail) {
				t.Errorf("clock: %+v", c)
			}
		})
	}
}
