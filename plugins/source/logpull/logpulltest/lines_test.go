package logpulltest_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/plugins/source/logpull/logpulltest"
)

// TestFromLines serves generated records again, from their NDJSON, as if they
// were somebody else's: nothing is lost or changed on the way.
func TestFromLines(t *testing.T) {
	t.Parallel()
	g := generator(t, logpulltest.GeneratorConfig{Seed: 4, RecordsPerDay: 500_000})
	start := now.Add(-2 * time.Hour)
	want := collect(g, start, start.Add(3*time.Minute), allFields)
	l, err := logpulltest.FromLines(strings.NewReader(strings.Join(want, "\r\n")+"\n\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	from, to := l.Span()
	b := setup(t, func(c *logpulltest.Config) { c.Zones[0].Records = l })
	var got []string
	for at := from.Truncate(time.Minute); at.Before(to); at = at.Add(time.Minute) {
		got = append(got, b.get(window(zoneA, at, at.Add(time.Minute), "fields", strings.Join(allFields.Fields, ","))).lines()...)
	}
	if diff := cmp.Diff(sorted(want), sorted(got)); diff != "" || l.Len() != len(want) {
		t.Errorf("%d records; lines differ:\n%.1000s", l.Len(), diff)
	}
	var rec struct{ RayID string }
	if err := json.Unmarshal([]byte(want[0]), &rec); err != nil {
		t.Fatal(err)
	}
	if a := b.get("/zones/" + zoneA + "/logs/rayids/" + rec.RayID); len(a.lines()) == 0 {
		t.Errorf("ray %s was not found: %d %s", rec.RayID, a.status, a.body)
	}
}

// TestFromRecords: members in the asked order, null kept, missing ones left
// out, times in the asked form whatever they came in.
func TestFromRecords(t *testing.T) {
	t.Parallel()
	raw := func(s string) json.RawMessage { return json.RawMessage(s) }
	l, err := logpulltest.FromRecords([]logpulltest.Record{
		{Received: now.Add(time.Second), Fields: map[string]json.RawMessage{"RayID": raw(`"b"`), "EdgeStartTimestamp": raw(`1763650800`), "ClientIP": raw(`null`)}},
		{Received: now, Fields: map[string]json.RawMessage{"RayID": raw(`"a"`), "EdgeStartTimestamp": raw(`"2025-11-20T15:00:00.25Z"`), "JA4Signals": raw("{ \"x\": [1 ,2] }")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for form, want := range map[logpulltest.TimeForm][]string{
		logpulltest.UnixNano: {`{"JA4Signals":{"x":[1,2]},"EdgeStartTimestamp":1763650800250000000,"RayID":"a"}`, `{"EdgeStartTimestamp":1763650800000000000,"ClientIP":null,"RayID":"b"}`},
		logpulltest.Unix:     {`{"JA4Signals":{"x":[1,2]},"EdgeStartTimestamp":1763650800,"RayID":"a"}`, `{"EdgeStartTimestamp":1763650800,"ClientIP":null,"RayID":"b"}`},
		logpulltest.RFC3339:  {`{"JA4Signals":{"x":[1,2]},"EdgeStartTimestamp":"2025-11-20T15:00:00Z","RayID":"a"}`, `{"EdgeStartTimestamp":"2025-11-20T15:00:00Z","ClientIP":null,"RayID":"b"}`},
	} {
		p := logpulltest.Projection{Fields: []string{"JA4Signals", "EdgeStartTimestamp", "ClientIP", "RayID"}, Timestamps: form}
		if diff := cmp.Diff(want, collect(l, now, now.Add(time.Second+1), p)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", form, diff)
		}
		if got := collect(l, now, now.Add(time.Second), p); len(got) != 1 {
			t.Errorf("half-open window holds %d", len(got))
		}
	}
}

func TestFromLinesRefuses(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"no JSON":          "{}\nx",
		"no object":        "[1]",
		"no time":          `{"RayID":"a"}`,
		"time as fraction": `{"EdgeStartTimestamp":1.5}`,
		"too long":         `{"EdgeStartTimestamp":1,"a":"` + strings.Repeat("x", logpulltest.MaxInputLine) + `"}`,
	} {
		if _, err := logpulltest.FromLines(strings.NewReader(text), nil); err == nil || !strings.Contains(err.Error(), "line ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := logpulltest.FromRecords([]logpulltest.Record{{}}); err == nil {
		t.Error("a record without a receive time was taken")
	}
}
