package chain

import (
	"fmt"
	"strings"
	"time"

	"github.com/fabriziosalmi/rainlogs/tui/component/histogram"
	"github.com/fabriziosalmi/rainlogs/tui/safetext"
)

// nameWidth is how wide the names of facts are.
const nameWidth = 13

// paneLines are all of the entry under the cursor.
func (s *Screen) paneLines(width int) []string {
	switch {
	case s.entryErr != nil:
		out := []string{s.theme.Bad.Render(safetext.Cut(s.theme.Glyphs.Bad+" this entry cannot be shown:", width)), ""}
		return append(out, safetext.Wrap(s.entryErr.Error(), width)...)
	case s.entry == nil:
		return []string{s.theme.Dim.Render(safetext.Cut("reading the entry "+s.theme.Glyphs.Ellipsis, width))}
	}
	e := s.entry
	out := []string{s.theme.Title.Render(safetext.Cut(fmt.Sprintf("entry %d  %s", e.Seq, e.Kind), width))}
	out = append(out, s.entryFindings(width)...)
	for i, section := range e.Sections {
		if i > 0 || len(out) > 1 {
			out = append(out, "")
		}
		out = append(out, s.sectionLines(section, width)...)
		if i == 0 {
			out = append(out, s.tallyLines(width)...)
		}
	}
	return out
}

// entryFindings are what is wrong with the entry, above all else.
func (s *Screen) entryFindings(width int) []string {
	var out []string
	for _, f := range s.found() {
		if f.Seq != s.entry.Seq || f.Chain != s.book.ID {
			continue
		}
		out = append(out, "", s.theme.Bad.Render(safetext.Cut(s.theme.Glyphs.Bad+" "+f.Code+": "+f.Meaning, width)))
		for _, line := range safetext.Wrap(f.Text, width-2) {
			out = append(out, "  "+line)
		}
	}
	return out
}

func (s *Screen) sectionLines(section Section, width int) []string {
	var out []string
	if section.Title != "" {
		out = append(out, s.theme.Strong.Render(safetext.Cut(section.Title, width)))
	}
	for _, f := range section.Facts {
		out = append(out, s.factLines(f, width)...)
	}
	return out
}

// factLines draws a name and, beside it, the value in as many lines as it takes.
func (s *Screen) factLines(f Fact, width int) []string {
	value := f.Value
	if !f.Time.IsZero() {
		value = s.moment(f.Time)
	}
	if f.Bad {
		value = s.theme.Glyphs.Bad + " " + value
	}
	style := s.theme.Text
	if f.Bad {
		style = s.theme.Bad
	}
	if f.Name == "" || width < 2*nameWidth {
		if f.Name == "" {
			style = s.theme.Dim
		}
		return styledLines(safetext.Wrap(strings.TrimSpace(f.Name+" "+value), width), "", style.Render)
	}
	lines := styledLines(safetext.Wrap(value, width-nameWidth-1), strings.Repeat(" ", nameWidth+1), style.Render)
	lines[0] = s.theme.Dim.Render(fill(f.Name, nameWidth)) + " " + strings.TrimPrefix(lines[0], strings.Repeat(" ", nameWidth+1))
	return lines
}

func styledLines(lines []string, indent string, render func(string) string) []string {
	for i := range lines {
		lines[i] = indent + render(lines[i])
	}
	return lines
}

// tallyLines draw how the entry's lines lie in time.
func (s *Screen) tallyLines(width int) []string {
	t := s.entry.Tally
	if len(t.Buckets) == 0 || width < 20 {
		return nil
	}
	cells := min(width, len(t.Buckets))
	wide := width / len(t.Buckets)
	h := histogram.Histogram{Cursor: -1}
	for i := range cells {
		var b histogram.Bucket
		for _, counts := range t.Buckets[i*len(t.Buckets)/cells : (i+1)*len(t.Buckets)/cells] {
			for class, n := range counts {
				b.Counts[class] += n
			}
		}
		for range max(1, min(wide, 6)) {
			h.Buckets = append(h.Buckets, b)
		}
	}
	const height = 5
	out := append([]string{""}, strings.Split(h.View(s.theme, min(width, len(h.Buckets)), height), "\n")...)
	from, to := s.in(t.From), s.in(t.From.Add(t.Step*time.Duration(len(t.Buckets))))
	until := to.Format("15:04")
	if from.YearDay() != to.YearDay() || from.Year() != to.Year() {
		until = s.stamp(to)
	}
	return append(out, s.theme.Dim.Render(safetext.Cut(fmt.Sprintf("lines by event time, %s to %s", s.stamp(from), until), width)))
}

// headLines are the checkpoint and what it is trusted by.
func (s *Screen) headLines(width int) []string {
	h := s.book.Head
	out := s.sectionLines(Section{"signed checkpoint", s.headFacts()}, width)
	out = append(out, "")
	out = append(out, s.sectionLines(Section{"key", s.keyFacts()}, width)...)
	if h.Note != "" {
		out = append(out, "", s.theme.Strong.Render("as it stands in the store"))
		for line := range strings.SplitSeq(strings.TrimRight(safeCut(h.Note), "\n"), "\n") {
			out = append(out, s.theme.Dim.Render(safetext.Cut("  "+line, width)))
		}
	}
	out = append(out, "")
	out = append(out, s.sectionLines(Section{"coverage in receive time", s.coverageFacts()}, width)...)
	notices := s.book.Notices
	if v, ok := s.verdicts[s.book.ID]; ok {
		notices = v.Notices
	}
	if len(notices) > 0 {
		out = append(out, "", s.theme.Strong.Render("notes of the verification"))
		for _, n := range notices[:min(len(notices), 200)] {
			for i, line := range safetext.Wrap(n, width-4) {
				out = append(out, map[bool]string{true: "  " + s.theme.Glyphs.Bullet + " ", false: "    "}[i == 0]+line)
			}
		}
	}
	return out
}

func (s *Screen) headFacts() []Fact {
	b, h := s.book, s.book.Head
	out := []Fact{{Name: "archive", Value: b.Archive}, {Name: "chain", Value: b.Zone + "/" + b.Dataset}, {Name: "size", Value: plural(h.Size, "entry")}, {Name: "root", Value: h.Root}}
	if !h.Published.IsZero() {
		out = append(out, Fact{Name: "published", Time: h.Published})
	}
	switch {
	case h.Remembered < 0:
		out = append(out, Fact{Name: "seen before", Value: "never on this machine: a rollback before now cannot be seen"})
	case h.Remembered > h.Size:
		out = append(out, Fact{Name: "ROLLBACK", Value: fmt.Sprintf("this machine has seen %s, the archive holds %d: entries were dropped, or an older state was put back", plural(h.Remembered, "entry"), h.Size), Bad: true})
	default:
		out = append(out, Fact{Name: "seen before", Value: fmt.Sprintf("%s, and they are still the first ones", plural(h.Remembered, "entry"))})
	}
	return append(out, s.timestampFact())
}

func (s *Screen) timestampFact() Fact {
	f := Fact{Name: "timestamps", Value: "none: no authority has attested when a checkpoint existed"}
	if t := s.book.Head.Timestamps; len(t) > 0 {
		f.Value = fmt.Sprintf("%s; the latest over %s", plural(int64(len(t)), "token"), plural(t[len(t)-1], "entry"))
	}
	return f
}

func (s *Screen) keyFacts() []Fact {
	h := s.book.Head
	trust := map[Trust]string{
		Pinned:     "pinned: it came by another way than the archive",
		Remembered: "remembered: the one this machine saw first; pin it to be sure (rainlogs verify --key)",
		Unpinned:   "NOT pinned: the archive's own word, which whoever can rewrite the archive can rewrite (rainlogs verify --key)",
	}[h.Trust]
	out := []Fact{{Name: "in force", Value: h.Key}, {Name: "trust", Value: trust, Bad: h.Trust == Unpinned}}
	for _, o := range h.Handovers {
		out = append(out, Fact{Name: "handover", Value: fmt.Sprintf("entry %d, %s: to %s", o.Seq, s.moment(o.At), o.Key)})
	}
	return out
}

func (s *Screen) coverageFacts() []Fact {
	b := s.book
	if b.First.IsZero() {
		return []Fact{{Name: "windows", Value: "none yet"}}
	}
	out := []Fact{
		{Name: "from", Time: b.First}, {Name: "to", Time: b.Last},
		{Name: "windows", Value: fmt.Sprintf("%s, %s, %s of objects expired", plural(b.Windows, "window"), plural(b.Gaps, "gap"), plural(b.Expired, "window"))},
		{Name: "lines", Value: plural(b.Lines, "line") + " in " + bytesText(b.Bytes) + " of objects"},
	}
	if b.Complete {
		return append(out, Fact{Name: "complete", Value: "yes: no gap, no hole"})
	}
	for _, hole := range b.Holes {
		out = append(out, Fact{Name: "not covered", Value: fmt.Sprintf("%s to %s: %s", s.stamp(hole.From), s.stamp(hole.To), hole.What), Bad: true})
	}
	if b.MoreHoles > 0 {
		out = append(out, Fact{Name: "", Value: fmt.Sprintf("and %d more (rainlogs coverage lists them)", b.MoreHoles)})
	}
	return out
}
