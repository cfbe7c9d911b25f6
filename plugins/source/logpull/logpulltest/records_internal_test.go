package logpulltest

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"
)

// TestAppendString: what is written reads back as what it was.
func TestAppendString(t *testing.T) {
	t.Parallel()
	var all strings.Builder
	for c := rune(0); c < 0x300; c++ {
		all.WriteRune(c)
	}
	for _, want := range []string{"", `"`, `\`, "\x00\x1f\x7f", "a\"b", "Übersicht 🚲", "\u2028", all.String()} {
		var got string
		raw := appendString(nil, want)
		if err := json.Unmarshal(raw, &got); err != nil || got != want {
			t.Errorf("%q is written as %s (%v)", want, raw, err)
		}
	}
}

func TestRayHoldsItsMinute(t *testing.T) {
	t.Parallel()
	for _, seed := range []uint64{0, 1, math.MaxUint64} {
		seen := map[uint64]bool{}
		for _, minute := range []int64{0, 1, 29_000_000, math.MaxUint32} {
			for _, seq := range []uint64{0, 1, 4, math.MaxUint32} {
				ray := rayOf(minute, seq, seed)
				if got := unray(ray, seed); got != uint64(minute)<<32|seq {
					t.Errorf("ray of %d, %d comes back as %x", minute, seq, got)
				}
				seen[ray] = true
			}
		}
		if len(seen) != 16 {
			t.Errorf("seed %d: %d different rays of 16", seed, len(seen))
		}
	}
}

func TestTimeForms(t *testing.T) {
	t.Parallel()
	at := time.Date(1969, 12, 31, 23, 59, 59, 250_000_000, time.UTC).UnixNano()
	for form, want := range map[TimeForm]string{UnixNano: "-750000000", Unix: "-1", RFC3339: `"1969-12-31T23:59:59Z"`} {
		if got := string(form.appendTime(nil, at)); got != want {
			t.Errorf("%s: %s, want %s", form, got, want)
		}
	}
	for text, want := range map[string]int64{
		"1795186800": 1795186800e9, "1795186800123456789": 1795186800123456789, "-5": -5e9,
		"2026-11-20T15:00:00Z": 1795186800e9, "2026-11-20T16:00:00.5+01:00": 1795186800_500_000_000, "999999999999": 9e18,
	} {
		if got, ok := parseTime(text); !ok || got != want {
			t.Errorf("%s is %d (%v), want %d", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "x", "1e9", "99999999999999999999", "9999-01-01T00:00:00Z", "2026-11-20 15:00:00", "2026-11-20T15:00:00"} {
		if got, ok := parseTime(text); ok {
			t.Errorf("%q was taken for %d", text, got)
		}
	}
}

func TestPoissonMean(t *testing.T) {
	t.Parallel()
	for _, mean := range []float64{0, 0.3, 5, 29, 31, 1000} {
		r, sum := rng(1), 0
		const n = 20_000
		for range n {
			sum += r.poisson(mean)
		}
		if got := float64(sum) / n; math.Abs(got-mean) > 5*math.Sqrt(mean/n)+0.01 {
			t.Errorf("mean %v, want %v", got, mean)
		}
	}
}

// FuzzFromLines: what is taken is served as JSON, each record once, in order.
func FuzzFromLines(f *testing.F) {
	for _, seed := range []string{
		`{"EdgeStartTimestamp":1763650800,"RayID":"a"}`, "{\"EdgeStartTimestamp\":\"2026-11-20T15:00:00Z\",\"\\u0000\":{\"a\":[ ]}}\r\n\n",
		`{"EdgeStartTimestamp":9223372036854775807}`, `{"EdgeStartTimestamp":1,"EdgeEndTimestamp":"x"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := FromLines(strings.NewReader(string(data)), nil)
		if err != nil {
			return
		}
		names := map[string]bool{}
		for _, r := range l.records {
			for name := range r.fields {
				names[name] = true
			}
		}
		p := Projection{}
		for name := range names {
			p.Fields = append(p.Fields, name)
		}
		start, end := l.Span()
		n, last := 0, time.Time{}
		for at, line := range l.Window(start, end, p) {
			if n++; !json.Valid(line) || at.Before(last) {
				t.Fatalf("at %v after %v: %q", at, last, line)
			}
			last = at
		}
		if n != l.Len() {
			t.Fatalf("%d of %d records", n, l.Len())
		}
	})
}
