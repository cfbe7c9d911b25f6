package cli

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/query/format"
	"github.com/fabriziosalmi/rainlogs/query/tally"
)

const barWidth = 40 // terminal cells

// statGlyphs are what a bar is drawn with: eighths of a cell that are certain,
// from one to eight, and a cell that only may be.
type statGlyphs struct {
	certain []string
	maybe   string
}

func statGlyphsFor(env *site.Env) statGlyphs {
	if env.Unicode() {
		return statGlyphs{strings.Split("▏▎▍▌▋▊▉█", ""), "░"}
	}
	return statGlyphs{[]string{"#"}, "+"}
}

// bar draws a count beside the largest. A count that is not none is seen.
func (g statGlyphs) bar(b tally.Bound, largest int64) string {
	if largest <= 0 {
		return ""
	}
	parts := len(g.certain)
	scale := func(n int64) int { return int(float64(n) / float64(largest) * barWidth * float64(parts)) }
	least := scale(b.Min)
	if b.Min > 0 {
		least = max(least, 1)
	}
	out := strings.Repeat(g.certain[parts-1], least/parts)
	if least%parts > 0 {
		out += g.certain[least%parts-1]
	}
	cells := (scale(b.Max) + parts - 1) / parts
	if b.Max > b.Min {
		cells = max(cells, 1)
	}
	return out + strings.Repeat(g.maybe, max(0, cells-utf8.RuneCountInString(out)))
}

// boundText is a count for people.
func boundText(b tally.Bound) string {
	if b.Exact() {
		return site.Count(b.Min)
	}
	return site.Count(b.Min) + "-" + site.Count(b.Max)
}

// writeStatsTable draws totals and histogram.
func writeStatsTable(w io.Writer, a *tally.Answer, loc *time.Location, g statGlyphs) error {
	out := bufio.NewWriter(w) // its Flush reports what the lines could
	t := a.Totals
	rows := [][]string{{"STATUS", "LINES", "SHARE"}}
	for class, b := range t.Classes {
		if b.Max > 0 {
			rows = append(rows, []string{tally.ClassName(class), boundText(b), share(b, t.Lines)})
		}
	}
	if t.Unsplit.Max > 0 {
		rows = append(rows, []string{"not told", boundText(t.Unsplit), share(t.Unsplit, t.Lines)})
	}
	rows = append(rows, []string{"all", boundText(t.Lines), ""})
	aligned(out, rows)
	if len(a.Buckets) > 0 {
		fmt.Fprintln(out)
		aligned(out, histogramRows(a, loc, g))
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("print counts: %w", err)
	}
	return nil
}

func histogramRows(a *tally.Answer, loc *time.Location, g statGlyphs) [][]string {
	largest := int64(0)
	for _, b := range a.Buckets {
		largest = max(largest, b.Lines.Max)
	}
	rows := [][]string{{"FROM (" + loc.String() + ")", "LINES", "4xx", "5xx", "", ""}}
	for i := range a.Buckets {
		b := &a.Buckets[i]
		mark := ""
		if !b.Covered {
			mark = "?"
		}
		rows = append(rows, []string{bucketText(a.Step, b.Start.In(loc)), boundText(b.Lines),
			boundText(b.Classes[3]), boundText(b.Classes[4]), mark, g.bar(b.Lines, largest)})
	}
	return rows
}

// bucketText is a bucket's start, as short as its step allows.
func bucketText(step tally.Step, t time.Time) string {
	midnight := t.Equal(time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, t.Location()))
	switch {
	case t.Second() != 0 || t.Nanosecond() != 0:
		return t.Format(time.DateTime) // the range's own end
	case midnight && (step == "day" || step == "week" || step == "month" || step == "year"):
		return t.Format(time.DateOnly)
	}
	return t.Format("2006-01-02 15:04")
}

func share(b, of tally.Bound) string {
	if !b.Exact() || !of.Exact() || of.Min == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f%%", float64(b.Min)*100/float64(of.Min))
}

// aligned writes rows whose first and last column begin, and whose others end, in line.
func aligned(out io.Writer, rows [][]string) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range rows {
		var b strings.Builder
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			switch {
			case i == 0:
				b.WriteString(cell + pad)
			case i == len(row)-1 && len(row) > 3:
				b.WriteString("  " + cell)
			default:
				b.WriteString("  " + pad + cell)
			}
		}
		fmt.Fprintln(out, strings.TrimRight(b.String(), " "))
	}
}

// writeStatsFooter writes what an answer stands on. Doubts begin with "!".
func writeStatsFooter(w io.Writer, a *tally.Answer, took time.Duration) error {
	var b strings.Builder
	t := a.Totals
	format.WriteRange(&b, a.Range)
	fmt.Fprintf(&b, "entries   %s sealed tallies; no object was opened; %s of records as received\n", site.Count(int64(t.Entries-t.Vague)), bytesText(t.Bytes))
	for _, c := range a.Chains {
		pinned := "pinned"
		if !c.Pinned {
			pinned = "NOT PINNED"
		}
		fmt.Fprintf(&b, "chain     %s %s, %d entries, root %s, key %s (%s)\n", c.Zone, c.Dataset, c.Size, c.Root, c.Key, pinned)
	}
	if !t.Exact() || slices.ContainsFunc(a.Buckets, func(b tally.Bucket) bool { return !b.Exact }) {
		b.WriteString("! bounds  a number of the form A-B is between these: rows of the tallies lie across an edge\n")
	}
	if t.Vague > 0 {
		fmt.Fprintf(&b, "! tally   %d entries have none that can be used: of their lines neither class nor minute is told\n", t.Vague)
	}
	if t.Untimed > 0 {
		fmt.Fprintf(&b, "! untimed %s lines have no readable event time: in the range by their windows, and in no step\n", site.Count(t.Untimed))
	}
	if a.Outside.Max > 0 {
		fmt.Fprintf(&b, "! outside %s lines have an event time far from every window, and are in no step\n", boundText(a.Outside))
	}
	if t.Expired.Entries > 0 {
		fmt.Fprintf(&b, "! expired %d windows held %s lines more; their objects are gone and they are not counted\n", t.Expired.Entries, boundText(t.Expired.Lines))
	}
	format.WriteCoverage(&b, a.Coverage, "rainlogs coverage")
	fmt.Fprintf(&b, "engine    rainlogs %s, %d ms\n", site.Version, took.Milliseconds())
	if _, err := io.WriteString(w, site.SafeLine(b.String())); err != nil {
		return fmt.Errorf("write footer: %w", err)
	}
	return nil
}

func bytesText(b tally.Bound) string {
	if b.Exact() {
		return site.BytesText(b.Min)
	}
	return site.BytesText(b.Min) + " to " + site.BytesText(b.Max)
}
