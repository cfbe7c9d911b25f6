package format

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/fabriziosalmi/rainlogs/query"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
)

// WriteFooter writes what an answer stands on, for people: below a table, on
// stderr, or as a comment's text. Doubts begin with "!".
func WriteFooter(w io.Writer, p query.Provenance) error {
	var b strings.Builder
	WriteRange(&b, p.Range)
	writeObjects(&b, p)
	for _, c := range p.Chains {
		pinned := "pinned"
		if !c.Pinned {
			pinned = "NOT PINNED"
		}
		fmt.Fprintf(&b, "chain     %s %s, %d entries, root %s, key %s (%s)\n",
			safe(c.Zone), safe(c.Dataset), c.Size, safe(c.Root), safe(c.Key), pinned)
	}
	for _, d := range p.Objects.Damaged {
		fmt.Fprintf(&b, "! damaged %s\n", safe(d.Error()))
	}
	WriteCoverage(&b, p.Coverage, "SELECT * FROM windows")
	writeScan(&b, p)
	fmt.Fprintf(&b, "engine    %s, %s, %d ms\n", safe(p.Program), safe(p.Engine), p.ElapsedMillis)
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write footer: %w", err)
	}
	return nil
}

// writeObjects says how the answer came by the range's objects: not at all, where only the chain was asked.
func writeObjects(b *strings.Builder, p query.Provenance) {
	o := p.Objects
	if o.Verified+o.Columns+len(o.Damaged) == 0 {
		fmt.Fprintf(b, "objects   none of %d needed\n", o.Selected)
		return
	}
	fmt.Fprintf(b, "objects   %d of %d verified", o.Verified, o.Selected)
	if o.Columns > 0 {
		fmt.Fprintf(b, ", %d from columns of verified objects", o.Columns)
	}
	fmt.Fprintf(b, ", %d lines, %d bytes as stored\n", o.Lines, o.Bytes)
}

// WriteRange says which range was asked about.
func WriteRange(b *strings.Builder, r dataset.Range) {
	fmt.Fprintf(b, "range     %s to %s (event time, UTC)\n", bound(r.From, "the beginning"), bound(r.To, "the end"))
}

func bound(t time.Time, open string) string {
	if t.IsZero() {
		return open
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// shownSpans is how many incomplete spans a footer lists.
const shownSpans = 5

// WriteCoverage says whether the windows that could hold an answer's events
// were collected, and which are in doubt; all tells where the rest of them are listed.
func WriteCoverage(b *strings.Builder, c dataset.Coverage, all string) {
	if c.Complete {
		fmt.Fprintf(b, "coverage  complete, %d windows\n", c.Windows)
		return
	}
	total := len(c.Incomplete) + c.More
	fmt.Fprintf(b, "! coverage INCOMPLETE, %d windows, %d parts in doubt: absence of a record proves nothing there\n", c.Windows, total)
	several := slices.ContainsFunc(c.Incomplete, func(s dataset.Span) bool { return s.Zone != c.Incomplete[0].Zone })
	for i, s := range c.Incomplete {
		if i == shownSpans {
			fmt.Fprintf(b, "!   and %d more (%s)\n", total-i, all)
			break
		}
		more := ""
		if s.Reason != "" {
			more = " (" + safe(s.Reason) + ")"
		}
		if several {
			more += " of zone " + safe(s.Zone)
		}
		fmt.Fprintf(b, "!   %s/%s %s%s\n", bound(s.Start, ""), bound(s.End, ""), s.State, more)
	}
}

func writeScan(b *strings.Builder, p query.Provenance) {
	if p.Scan.Unreadable > 0 {
		fmt.Fprintf(b, "! %d lines are not JSON objects: their columns are NULL (SELECT * FROM logs WHERE _error IS NOT NULL)\n", p.Scan.Unreadable)
	}
	for _, name := range slices.Sorted(maps.Keys(p.Scan.Mistyped)) {
		fmt.Fprintf(b, "! %d values of %s are not of its type and shown as NULL; raw has them\n", p.Scan.Mistyped[name], safe(name))
	}
	if len(p.Scan.Unlisted) > 0 {
		fmt.Fprintf(b, "! members without a column: %s; raw has them\n", safe(strings.Join(p.Scan.Unlisted, ", ")))
	}
}

// WriteStats writes what an answer took, for people.
func WriteStats(w io.Writer, s *query.Stats, o dataset.ObjectCount) error {
	_, err := fmt.Fprintf(w, "time      check %.3f s, build %.3f s, scan %.3f s, rows %.3f s\n"+
		"rows      %d from %d objects by columns and %d read, %d lines, %d bytes as stored\n"+
		"memory    %d bytes in buffers at most, %d spilled\n",
		s.CheckSeconds, s.BuildSeconds, s.ScanSeconds, s.RowsSeconds,
		s.Rows, o.Columns, o.Verified, o.Lines, o.Bytes, s.PeakMemory, s.PeakSpill)
	if err != nil {
		return fmt.Errorf("write stats: %w", err)
	}
	return nil
}
