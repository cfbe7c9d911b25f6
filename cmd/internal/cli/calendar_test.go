package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/verify"
)

func instant(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.Parse("2006-01-02 15:04:05", text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// tiling makes segments from a begin, and pairs of state and end. What stands
// behind a state's space is its reason.
func tiling(t testing.TB, from string, pairs ...string) []verify.Segment {
	t.Helper()
	at := instant(t, from)
	var out []verify.Segment
	for i := 0; i < len(pairs); i += 2 {
		state, reason, _ := strings.Cut(pairs[i], " ")
		end := instant(t, pairs[i+1])
		out = append(out, verify.Segment{From: at, To: end, State: verify.State(state), Reason: reason})
		at = end
	}
	return out
}

func logged(t testing.TB, from, to string, lines int64) *evidence.Entry {
	t.Helper()
	return &evidence.Entry{
		Kind: evidence.KindLog, Content: &evidence.Content{Lines: lines},
		Window: &evidence.Window{Start: instant(t, from), End: instant(t, to)},
	}
}

func drawn(t testing.TB, g glyphs, segments []verify.Segment, entries ...*evidence.Entry) string {
	t.Helper()
	c := newCalendar(segments)
	c.count(entries)
	var b bytes.Buffer
	if err := c.draw(&b, g, segments); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestCalendarOfDays(t *testing.T) {
	t.Parallel()
	segments := tiling(t, "2026-11-20 05:30:00",
		"collected", "2026-11-20 09:00:00", "empty", "2026-11-20 11:00:00", "collected", "2026-11-21 03:00:00",
		"gap too_old", "2026-11-21 05:00:00", "collected", "2026-11-21 07:55:00", "missing", "2026-11-21 07:55:10",
		"overlapping", "2026-11-21 09:00:00", "collected", "2026-11-21 22:00:00", "gap retention_off", "2026-11-23 02:00:00",
		"expired", "2026-11-23 04:00:00", "collected", "2026-11-23 06:20:00")
	entries := []*evidence.Entry{
		logged(t, "2026-11-20 05:00:00", "2026-11-20 06:00:00", 1_000_000), // reaches into the range
		logged(t, "2026-11-20 23:00:00", "2026-11-21 00:00:00", 234_567),
		logged(t, "2026-11-21 00:00:00", "2026-11-21 01:00:00", 12),
		logged(t, "2026-11-20 04:00:00", "2026-11-20 05:00:00", 9), // lies outside
		logged(t, "2026-11-23 06:20:00", "2026-11-23 07:00:00", 9),
		{Kind: evidence.KindGap, Window: &evidence.Window{Start: instant(t, "2026-11-21 03:00:00"), End: instant(t, "2026-11-21 05:00:00")}},
	}
	const want = `            00    06    12    18          LINES
2026-11-20       ▒███··█████████████  1,234,567
2026-11-21  ███✗✗██?=█████████████✗✗         12  gap 03:00-05:00 too_old (+3 more)
2026-11-22  ✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗✗          0  gap 00:00-24:00 retention_off
2026-11-23  ✗✗--██▒                           0  gap 00:00-02:00 retention_off

2026-11-21T03:00:00Z to 2026-11-21T05:00:00Z  gap (too_old)
2026-11-21T07:55:00Z to 2026-11-21T07:55:10Z  missing
2026-11-21T07:55:10Z to 2026-11-21T09:00:00Z  overlapping
2026-11-21T22:00:00Z to 2026-11-23T02:00:00Z  gap (retention_off)
`
	if diff := cmp.Diff(want, drawn(t, unicodeGlyphs, segments, entries...)); diff != "" {
		t.Errorf("calendar (-want +got):\n%s", diff)
	}
	ascii := strings.NewReplacer("█", "#", "·", ".", "▒", "+", "✗", "G").Replace(want)
	if diff := cmp.Diff(ascii, drawn(t, asciiGlyphs, segments, entries...)); diff != "" {
		t.Errorf("in ASCII (-want +got):\n%s", diff)
	}
}

func TestCalendarOfWeeks(t *testing.T) {
	t.Parallel()
	segments := tiling(t, "2026-09-16 12:00:00", // a Wednesday
		"expired", "2026-09-19 00:00:00", "collected", "2026-09-30 03:00:05", "missing", "2026-10-06 00:00:00",
		"empty", "2026-10-12 00:00:00", "collected", "2026-11-18 00:00:00")
	got := drawn(t, asciiGlyphs, segments, logged(t, "2026-09-20 23:00:00", "2026-09-21 00:00:00", 7), logged(t, "2026-09-21 00:00:00", "2026-09-21 01:00:00", 8))
	const want = `            MTWTFSS  LINES
2026-09-14    ---##      7
2026-09-21  #######      8
2026-09-28  ##?????      0  missing Sep 30 03:00:05-Oct 4 24:00
2026-10-05  ?......      0  missing Oct 5 00:00-Oct 6 00:00
2026-10-12  #######      0
2026-10-19  #######      0
2026-10-26  #######      0
2026-11-02  #######      0
2026-11-09  #######      0
2026-11-16  ##           0

2026-09-30T03:00:05Z to 2026-10-06T00:00:00Z  missing
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("calendar (-want +got):\n%s", diff)
	}
}

// TestCalendarIsHarmless: reasons come from the archive, whoever wrote it.
func TestCalendarIsHarmless(t *testing.T) {
	t.Parallel()
	got := drawn(t, asciiGlyphs, tiling(t, "1969-12-31 23:00:00", "gap \x1b[2J", "1970-01-01 01:00:00", "later", "1970-01-01 02:00:00"))
	if strings.Contains(got, "\x1b") || strings.Count(got, `\x1b[2J`) != 3 {
		t.Errorf("drawn:\n%s", got)
	}
	if !strings.Contains(got, "\n1969-12-31                         G  ") || !strings.Contains(got, "\n1970-01-01  G?  ") {
		t.Errorf("before the epoch, or of a state not known:\n%s", got)
	}
}

// year is a year of windows of five minutes of which no two neighbours are alike.
func year(t testing.TB) ([]verify.Segment, []*evidence.Entry) {
	t.Helper()
	at := instant(t, "2026-01-01 00:00:00")
	states := []verify.State{verify.Collected, verify.Gap}
	segments, entries := make([]verify.Segment, 105_120), make([]*evidence.Entry, 105_120)
	for i := range segments {
		end := at.Add(5 * time.Minute)
		segments[i] = verify.Segment{From: at, To: end, State: states[i%2]}
		entries[i] = &evidence.Entry{Kind: evidence.KindLog, Content: &evidence.Content{Lines: 1}, Window: &evidence.Window{Start: at, End: end}}
		at = end
	}
	return segments, entries
}

func TestCalendarOfAYear(t *testing.T) {
	t.Parallel()
	segments, entries := year(t)
	got := drawn(t, asciiGlyphs, segments, entries...)
	if n := strings.Count(got, "gap\n"); n != len(segments)/2 {
		t.Errorf("%d stretches are listed", n)
	}
	if !strings.Contains(got, "2026-01-05  GGGGGGG  2,016  gap Jan 5 00:05-Jan 5 00:10 (+1007 more)\n") {
		t.Errorf("drawn:\n%.2000s", got)
	}
}

func BenchmarkCalendarOfAYear(b *testing.B) {
	segments, entries := year(b)
	for b.Loop() {
		drawn(b, asciiGlyphs, segments, entries...)
	}
}
