package collector

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/api/client/gen"
)

// TestPrintEvents: an empty log and one that is cut say so beside the table, not in it.
func TestPrintEvents(t *testing.T) {
	t.Parallel()
	event := gen.Event{At: time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC), Action: "zone.create", Address: "192.0.2.1"}
	for _, c := range []struct {
		events []gen.Event
		rows   int
		said   string
	}{
		{nil, 0, "nothing yet"},
		{[]gen.Event{event}, 1, ""},
		{[]gen.Event{event, event}, 1, "more than these 1"},
	} {
		var out, said bytes.Buffer
		if err := printEvents(&site.Env{Out: &out, Err: &said}, c.events, 1, false); err != nil {
			t.Fatal(err)
		}
		if got := strings.Count(out.String(), "\n") - 1; got != c.rows {
			t.Errorf("%d events: %d rows:\n%s", len(c.events), got, out.String())
		}
		if got := said.String(); (c.said == "") != (got == "") || !strings.Contains(got, c.said) {
			t.Errorf("%d events: said %q, not %q", len(c.events), got, c.said)
		}
	}
}
