package tally_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
	"github.com/fabriziosalmi/rainlogs/query/dataset/datasettest"
	"github.com/fabriziosalmi/rainlogs/query/tally"
)

// minutes is an archive of one window of ten minutes with a line a minute.
func minutes(t *testing.T) (*datasettest.Archive, *evidence.Content) {
	t.Helper()
	a := datasettest.New(t, datasettest.Zone, "EdgeStartTimestamp")
	var b strings.Builder
	for i := range 10 {
		fmt.Fprintf(&b, "{\"EdgeStartTimestamp\":%d,\"EdgeResponseStatus\":404}\n", epoch.Add(time.Duration(i)*time.Minute).UnixNano())
	}
	return a, a.Window(epoch, 10*time.Minute, b.String()).Content
}

func ask(t *testing.T, a *datasettest.Archive, o tally.Options) *tally.Answer {
	t.Helper()
	answer, err := tally.Ask([]dataset.Chain{a.Chain()}, o)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// TestForeignEntries: a tally that is absent, or cannot be one of the entry's
// lines, counts for nothing, and the answer says so.
func TestForeignEntries(t *testing.T) {
	t.Parallel()
	cases := map[string]func(c *evidence.Content){
		"none":                 func(c *evidence.Content) { c.Tally = nil },
		"more lines":           func(c *evidence.Content) { c.Tally.Rows[3][4]++ },
		"fewer lines":          func(c *evidence.Content) { c.Tally.Rows[3][4]-- },
		"negative":             func(c *evidence.Content) { c.Tally.Rows[3][3], c.Tally.Rows[3][4] = -1, 2 },
		"negative untimed":     func(c *evidence.Content) { c.Tally.Rows[3][4], c.Tally.Untimed[0] = 2, -1 },
		"overflow":             func(c *evidence.Content) { c.Tally.Rows[3][3], c.Tally.Rows[4][3] = math.MaxInt64, math.MaxInt64 },
		"no bucket":            func(c *evidence.Content) { c.Tally.Bucket = 0 },
		"bucket of ages":       func(c *evidence.Content) { c.Tally.Bucket = math.MaxInt64 },
		"rows not ascending":   func(c *evidence.Content) { c.Tally.Rows[3][0] = 1 },
		"row before the first": func(c *evidence.Content) { c.Tally.Rows[0][0] = -1 },
		"row far away":         func(c *evidence.Content) { c.Tally.Rows[9][0] = math.MaxInt64 / 2 },
		"between buckets":      func(c *evidence.Content) { c.Tally.From = c.Tally.From.Add(time.Second) },
		"another day":          func(c *evidence.Content) { c.Tally.From = c.Tally.From.AddDate(0, 0, 1) },
		"before 1970":          func(c *evidence.Content) { c.Tally.From = time.Unix(-60, 0) },
		"no events":            func(c *evidence.Content) { c.FirstEvent, c.LastEvent = nil, nil },
	}
	half := dataset.Range{From: epoch, To: epoch.Add(5 * time.Minute)}
	for name, change := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, content := minutes(t)
			change(content)
			all := ask(t, a, tally.Options{}).Totals
			if (all.Lines != tally.Bound{Min: 10, Max: 10}) || all.Vague != 1 || all.Unsplit != all.Lines || all.Exact() {
				t.Errorf("all: %+v", all)
			}
			answer := ask(t, a, tally.Options{Range: half, Step: "minute"})
			if got := answer.Totals.Lines; got.Min != 0 || got.Max != 10 {
				t.Errorf("half of it: %+v", got)
			}
			for _, b := range answer.Buckets {
				if b.Exact || b.Lines.Min != 0 || b.Lines.Max != 10 {
					t.Errorf("bucket %v: %+v", b.Start, b)
				}
			}
			away := ask(t, a, tally.Options{Range: dataset.Range{From: epoch.AddDate(0, 1, 0), To: epoch.AddDate(0, 2, 0)}})
			if content.FirstEvent != nil && away.Totals.Lines.Max != 0 {
				t.Errorf("a month later: %+v", away.Totals.Lines)
			}
		})
	}
}

// TestCoverage: a bucket is covered if each window that could hold its events
// is there, whatever another zone has.
func TestCoverage(t *testing.T) {
	t.Parallel()
	const other = "fedcba9876543210fedcba9876543210"
	one, two := datasettest.New(t, datasettest.Zone), datasettest.New(t, other)
	for i := range 6 {
		one.Window(epoch.Add(time.Duration(i)*time.Hour), time.Hour, "")
		if i != 2 {
			two.Window(epoch.Add(time.Duration(i)*time.Hour), time.Hour, "")
		}
	}
	r := dataset.Range{From: epoch, To: epoch.Add(5 * time.Hour)}
	for _, c := range []struct {
		chains []dataset.Chain
		want   string
	}{
		{[]dataset.Chain{one.Chain()}, "+++++"},
		{[]dataset.Chain{two.Chain()}, "+--++"}, // the hour before waits for its last lines
		{[]dataset.Chain{one.Chain(), two.Chain()}, "+--++"},
	} {
		answer, err := tally.Ask(c.chains, tally.Options{Range: r, Step: "hour"})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, b := range answer.Buckets {
			got += map[bool]string{true: "+", false: "-"}[b.Covered]
		}
		if got != c.want || answer.Coverage.Complete == strings.Contains(got, "-") {
			t.Errorf("%d chains: %s, want %s; coverage %+v", len(c.chains), got, c.want, answer.Coverage)
		}
	}
}

// TestSteps: days and longer are the calendar's, hours the clock's, where the
// clock is turned forward in one night and back in another.
func TestSteps(t *testing.T) {
	t.Parallel()
	rome, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		t.Fatal(err)
	}
	at := func(month time.Month, day, hour int) time.Time {
		return time.Date(2026, month, day, hour, 0, 0, 0, rome)
	}
	for _, c := range []struct {
		step     tally.Step
		from, to time.Time
		buckets  int
		second   time.Time
	}{
		{"hour", at(3, 29, 0), at(3, 30, 0), 23, at(3, 29, 1)},
		{"hour", at(10, 25, 0), at(10, 26, 0), 25, at(10, 25, 1)},
		{"6h", at(10, 25, 0), at(10, 26, 0), 4, at(10, 25, 6)},
		{"day", at(3, 28, 12), at(3, 31, 0), 3, at(3, 29, 0)},
		{"week", at(3, 25, 0), at(4, 8, 0), 3, at(3, 30, 0)},
		{"month", at(1, 31, 0), at(4, 1, 0), 3, at(2, 1, 0)},
		{"year", at(1, 31, 0), at(4, 1, 0).AddDate(2, 0, 0), 3, time.Date(2027, 1, 1, 0, 0, 0, 0, rome)},
		{tally.Auto, at(3, 1, 0), at(3, 2, 0), 24, at(3, 1, 1)},
	} {
		got, err := tally.Histogram(nil, dataset.Range{From: c.from, To: c.to}, c.step, rome)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != c.buckets || !got[1].Start.Equal(c.second) || !got[len(got)-1].End.Equal(c.to) {
			t.Errorf("%s from %v: %d buckets, the second from %v; want %d, %v", c.step, c.from, len(got), got[1].Start.In(rome), c.buckets, c.second)
		}
	}
	for _, r := range []dataset.Range{{}, {From: time.Date(1500, 1, 1, 0, 0, 0, 0, time.UTC), To: time.Date(1600, 1, 1, 0, 0, 0, 0, time.UTC)}} {
		if _, err := tally.Histogram(nil, r, "year", rome); err == nil {
			t.Errorf("histogram of %+v", r)
		}
	}
}
