package tally_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
	"github.com/fabriziosalmi/rainlogs/query/dataset/datasettest"
	"github.com/fabriziosalmi/rainlogs/query/tally"
)

var epoch = time.Date(2026, 3, 28, 21, 0, 0, 0, time.UTC)

// archive makes windows of some minutes to an hour whose lines are early, far off, or
// without time or status, and expires one.
func archive(t *testing.T, rng *rand.Rand) *datasettest.Archive {
	t.Helper()
	a := datasettest.New(t, datasettest.Zone, "EdgeStartTimestamp", "EdgeResponseStatus")
	at := epoch
	for i := range 12 {
		length := []time.Duration{5 * time.Minute, 15 * time.Minute, time.Hour}[rng.IntN(3)]
		var b strings.Builder
		for range rng.IntN(200) {
			b.WriteString(line(rng, at, length) + "\n")
		}
		if i == 4 { // spread over days: a row of it is coarser than a minute
			for j := range 500 {
				fmt.Fprintf(&b, "{\"EdgeStartTimestamp\":%d,\"EdgeResponseStatus\":200}\n", at.Add(time.Duration(j)*7*time.Minute).UnixNano())
			}
		}
		e := a.Window(at, length, b.String())
		if i == 7 && e.Object != nil {
			defer a.Append(&evidence.Entry{Kind: evidence.KindExpiry, Expiry: &evidence.Expiry{Seqs: []int64{e.Seq}, Policy: "1d", Reason: "test"}})
		}
		at = at.Add(length)
	}
	return a
}

func line(rng *rand.Rand, start time.Time, length time.Duration) string {
	event := start.Add(time.Duration(rng.Int64N(int64(length))) - time.Minute)
	switch rng.IntN(40) {
	case 0:
		return `{"EdgeResponseStatus":200}`
	case 1:
		return `no record`
	case 2:
		event = time.Unix(0, rng.Int64N(int64(4*time.Hour))-int64(2*time.Hour)) // about 1970
	case 3:
		event = event.Truncate(time.Minute) // on an edge
	case 4:
		return fmt.Sprintf(`{"EdgeStartTimestamp":%d}`, event.UnixNano())
	}
	return fmt.Sprintf(`{"EdgeStartTimestamp":%d,"EdgeResponseStatus":%d}`, event.UnixNano(), []int{101, 200, 200, 302, 404, 503, 999}[rng.IntN(7)])
}

// record is what a line says: its time, if it has one, and its class.
type record struct {
	at    int64
	timed bool
	class int
	bytes int64
}

// records are the very lines that a query of the range reads.
func records(t *testing.T, a *datasettest.Archive, r dataset.Range) (out []record) {
	t.Helper()
	d := a.Open(dataset.Options{Range: r})
	for l, err := range d.Lines(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		var v struct{ EdgeStartTimestamp, EdgeResponseStatus int64 }
		_ = json.Unmarshal(l.Text, &v) // what is no record has neither
		rec := record{at: v.EdgeStartTimestamp, timed: v.EdgeStartTimestamp > 0, class: int(v.EdgeResponseStatus/100) - 1, bytes: int64(len(l.Text)) + 1}
		if rec.class < 0 || rec.class >= evidence.ClassOther {
			rec.class = evidence.ClassOther
		}
		out = append(out, rec)
	}
	return out
}

func holds(t *testing.T, what string, b tally.Bound, want int64, exact bool) {
	t.Helper()
	if want < b.Min || want > b.Max || exact && !b.Exact() {
		t.Errorf("%s is %+v, counted %d (exact asked: %v)", what, b, want, exact)
	}
}

// check holds totals and histogram to a count of the lines.
func check(t *testing.T, a *datasettest.Archive, r dataset.Range, step tally.Step, exact bool) {
	t.Helper()
	loc, err := time.LoadLocation("Europe/Rome") // its clock is turned in the middle of the archive
	if err != nil {
		t.Fatal(err)
	}
	answer, err := tally.Ask([]dataset.Chain{a.Chain()}, tally.Options{Range: r, Step: step, Location: loc})
	if err != nil {
		t.Fatal(err)
	}
	var lines, untimed, bytes, inside int64
	var classes [evidence.Classes]int64
	buckets := make([][evidence.Classes]int64, len(answer.Buckets))
	for _, rec := range records(t, a, r) {
		lines, bytes = lines+1, bytes+rec.bytes
		classes[rec.class]++
		if !rec.timed {
			untimed++
			continue
		}
		for i, b := range answer.Buckets {
			if rec.at >= b.Start.UnixNano() && rec.at < b.End.UnixNano() {
				buckets[i][rec.class]++
				inside++
			}
		}
	}
	name := fmt.Sprintf("%v to %v by %s", r.From, r.To, step)
	holds(t, name+": lines", answer.Totals.Lines, lines, exact)
	holds(t, name+": bytes", answer.Totals.Bytes, bytes, r == dataset.Range{})
	holds(t, name+": outside", answer.Outside, lines-untimed-inside, false)
	if answer.Totals.Untimed != untimed {
		t.Errorf("%s: %d lines without a time, counted %d", name, answer.Totals.Untimed, untimed)
	}
	for class, n := range classes {
		holds(t, name+": class "+tally.ClassName(class), answer.Totals.Classes[class], n, exact)
	}
	for i, b := range answer.Buckets {
		if i > 0 && !b.Start.Equal(answer.Buckets[i-1].End) || !b.Start.Before(b.End) {
			t.Errorf("%s: bucket %d is %v to %v", name, i, b.Start, b.End)
		}
		sum := int64(0)
		for class, n := range buckets[i] {
			holds(t, fmt.Sprintf("%s: bucket %v class %d", name, b.Start, class), b.Classes[class], n, b.Exact)
			sum += n
		}
		holds(t, fmt.Sprintf("%s: bucket %v", name, b.Start), b.Lines, sum, b.Exact)
	}
}

var steps = []tally.Step{tally.Auto, "minute", "5m", "15m", "hour", "6h", "day", "week", "month", "year"}

// TestAgainstLines compares answers of any range with the lines that a query
// of it reads.
func TestAgainstLines(t *testing.T) {
	t.Parallel()
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(seed, 5))
			a := archive(t, rng)
			check(t, a, dataset.Range{}, steps[rng.IntN(len(steps))], true)
			for range 12 {
				from := epoch.Add(time.Duration(rng.Int64N(int64(8 * time.Hour))))
				r := dataset.Range{From: from, To: from.Add(1 + time.Duration(rng.Int64N(int64(5*time.Hour))))}
				switch rng.IntN(6) {
				case 0:
					r.From = time.Time{}
				case 1:
					r.To = time.Time{}
				}
				check(t, a, r, steps[rng.IntN(len(steps))], false)
			}
		})
	}
}

// TestExactOnEdges: where each window's rows are minutes, what is asked in
// whole minutes is exact in the totals and in each bucket.
func TestExactOnEdges(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(7, 7))
	a := datasettest.New(t, datasettest.Zone, "EdgeStartTimestamp")
	for i := range 30 {
		var b strings.Builder
		for range 60 {
			start := epoch.Add(time.Duration(i) * 15 * time.Minute)
			fmt.Fprintf(&b, "{\"EdgeStartTimestamp\":%d,\"EdgeResponseStatus\":%d}\n", start.UnixNano()+rng.Int64N(int64(15*time.Minute)), 100*(1+rng.IntN(6)))
		}
		a.Window(epoch.Add(time.Duration(i)*15*time.Minute), 15*time.Minute, b.String())
	}
	for range 40 {
		from := epoch.Add(time.Duration(rng.IntN(400)-10) * time.Minute)
		r := dataset.Range{From: from, To: from.Add(time.Duration(1+rng.IntN(300)) * time.Minute)}
		check(t, a, r, steps[rng.IntN(len(steps))], true)
		answer, err := tally.Ask([]dataset.Chain{a.Chain()}, tally.Options{Range: r, Step: "minute"})
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range answer.Buckets {
			if !b.Exact {
				t.Fatalf("bucket %v of whole minutes is not exact: %+v", b.Start, b.Counts)
			}
		}
	}
}
