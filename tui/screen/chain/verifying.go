package chain

import (
	"fmt"
	"strings"
	"time"

	"github.com/fabriziosalmi/rainlogs/tui/safetext"
)

// findingLines are the list of findings and, below it, the one under the cursor.
func (s *Screen) findingLines(l layout) []string {
	found := s.found()
	if len(found) == 0 {
		out := []string{"", s.theme.Good.Render(safetext.Cut("  "+s.theme.Glyphs.Good+" Nothing is known to be wrong with this chain.", s.width)), ""}
		text := "Its entries, tree and signature were verified when it was read; v looks at more: the objects, and every line in them."
		if v, ok := s.verdicts[s.book.ID]; ok {
			text = "Last verified at level " + string(v.Job.Level) + ", " + s.moment(v.At) + "."
		}
		for _, line := range safetext.Wrap(text, s.width-4) {
			out = append(out, "  "+s.theme.Dim.Render(line))
		}
		return out
	}
	rows := s.findingRows(l.height)
	top, at := s.firstFinding(), min(s.foundAt, len(found)-1)
	out := []string{s.theme.Title.Render(fill("  "+safetext.Fit("CODE", codeWidth)+" "+safetext.FitRight("ENTRY", 8)+"  WHAT", s.width))}
	for i := top; i < min(len(found), top+rows); i++ {
		out = append(out, s.findingLine(i, &found[i]))
	}
	if more := int64(len(found)-top-rows) + s.moreFindings(); more > 0 {
		out = append(out, s.theme.Dim.Render(fmt.Sprintf("  %s %s more", s.theme.Glyphs.Down, count(more))))
	} else {
		out = append(out, "")
	}
	return append(out, s.findingDetail(&found[at])...)
}

// firstFinding is the first that is listed, so that the one under the cursor is.
func (s *Screen) firstFinding() int {
	n, rows := len(s.found()), s.findingRows(s.layout().height)
	at := min(s.foundAt, n-1)
	top := max(0, min(s.foundTop, at, n-rows))
	if at >= top+rows {
		top = at - rows + 1
	}
	return top
}

const codeWidth = 19

// findingRows is how many findings are listed: the one under the cursor is told in full below.
func (s *Screen) findingRows(height int) int {
	return max(1, min(len(s.found()), height/2-2))
}

func (s *Screen) moreFindings() int64 {
	if v, ok := s.verdicts[s.book.ID]; ok {
		return v.More
	}
	return s.book.More
}

func (s *Screen) findingLine(i int, f *Finding) string {
	cursor, style := " ", s.theme.Bad
	if i == s.foundAt {
		cursor, style = s.theme.Glyphs.Cursor, s.theme.Selected
	}
	seq := "-"
	if f.Seq >= 0 {
		seq = fmt.Sprint(f.Seq)
	}
	what := f.Text
	if f.Chain != s.book.ID && f.Chain != (ID{}) {
		what = f.Chain.Zone + ": " + what
	}
	return style.Render(fill(cursor+s.theme.Glyphs.Bad+safetext.Fit(f.Code, codeWidth)+" "+safetext.FitRight(seq, 8)+"  "+safetext.Cut(what, s.width), s.width))
}

// findingDetail tells a finding in full: what it means, what differs, what to do.
func (s *Screen) findingDetail(f *Finding) []string {
	facts := []Fact{{Name: "what", Value: f.Text, Bad: true}, {Name: "means", Value: f.Meaning}}
	add := func(name, value string) {
		if value != "" {
			facts = append(facts, Fact{Name: name, Value: value})
		}
	}
	add("sealed", f.Want)
	add("found", f.Got)
	add("object", f.Object)
	add("what to do", f.Remedy)
	return s.sectionLines(Section{Title: f.Code, Facts: facts}, s.width)
}

func (s *Screen) clickFinding(line int) {
	if i := s.firstFinding() + line - 1; line >= 1 && line <= s.findingRows(s.layout().height) && i < len(s.found()) {
		s.foundAt = i
	}
}

// choices are the levels to choose from.
func (s *Screen) choices() []string {
	scope := "this chain"
	if s.all {
		scope = fmt.Sprintf("all %d chains", len(s.chains))
	}
	k := func(i int) string { return s.cfg.Keys.Key(verifyScope, levels[i].key).Help().Key }
	out := []string{"", s.theme.Title.Render(safetext.Cut("  Verify "+scope+", as deep as:", s.width)), ""}
	for i, l := range levels {
		cursor, style := "  ", s.theme.Text
		if i == s.level {
			cursor, style = s.theme.Glyphs.Cursor+" ", s.theme.Selected
		}
		out = append(out, style.Render(fill(cursor+safetext.Fit(k(i), 3)+safetext.Fit(l.name, 9)+l.what, s.width)))
	}
	note := "Chains are verified whole. Verifying changes nothing in the store."
	return append(out, "", s.theme.Dim.Render(safetext.Cut("  "+note, s.width)))
}

// foot is where somebody types, else the verification that is under way, else the last one.
func (s *Screen) foot() string {
	switch {
	case s.typing:
		return s.theme.Key.Render(safetext.Cut("go to entry or time: ", s.width)) + s.theme.Text.Render(safetext.Cut(string(s.typed), max(0, s.width-23))) + s.theme.Strong.Render("_") +
			s.theme.Dim.Render(safetext.Cut("   such as 120 or 2026-11-23 14:00", max(0, s.width-24-len(s.typed))))
	case s.verifying.Waiting():
		return s.running()
	case s.verifyErr != nil:
		return s.theme.Bad.Render(safetext.Cut(s.theme.Glyphs.Bad+" not verified: "+s.verifyErr.Error(), s.width))
	case s.book == nil:
		return ""
	}
	v, ok := s.verdicts[s.book.ID]
	if !ok {
		return s.theme.Dim.Render(safetext.Cut("objects not verified in this session: v", s.width))
	}
	return s.concluded(&v)
}

// running draws the progress, the rate and how long it will still take.
func (s *Screen) running() string {
	p := s.verifyAt
	head := "verifying, " + string(s.verifyJob.Level)
	if p.Total <= 0 {
		return s.theme.Strong.Render(safetext.Cut(s.theme.Glyphs.Pending+" "+head+" "+s.theme.Glyphs.Ellipsis+"  (esc stops)", s.width))
	}
	amount := count
	if p.Bytes {
		amount = bytesText
	}
	text := fmt.Sprintf("%s: %s %s of %s", head, p.Stage, amount(p.Done), amount(p.Total))
	if p.Elapsed > 0 && p.Done > 0 {
		rate := float64(p.Done) / p.Elapsed.Seconds()
		text += fmt.Sprintf("  %s/s", amount(int64(rate)))
		if left := time.Duration(float64(p.Total-p.Done) / rate * float64(time.Second)); left > 0 {
			text += "  " + took(left) + " left"
		}
	}
	if p.Found > 0 {
		text += "  " + s.theme.Glyphs.Bad + " " + plural(p.Found, "finding")
	}
	const bar = 20
	cells := max(0, min(bar, s.width-safetext.Width(text)-16))
	full := int(int64(cells) * min(p.Done, p.Total) / p.Total)
	drawn := s.theme.Good.Render(strings.Repeat(s.theme.Glyphs.Block, full)) + s.theme.Dim.Render(strings.Repeat(s.theme.Glyphs.Empty, cells-full))
	percent := fmt.Sprintf(" %3d%% ", min(100, 100*p.Done/p.Total))
	return drawn + s.theme.Strong.Render(safetext.Cut(percent+text+"  (esc stops)", max(0, s.width-cells)))
}

// concluded is the verdict, which stays.
func (s *Screen) concluded(v *Verdict) string {
	style, text := s.theme.Good, s.theme.Glyphs.Good+" INTACT"
	if !v.Intact {
		style, text = s.theme.Bad, fmt.Sprintf("%s DAMAGED, %s", s.theme.Glyphs.Bad, plural(int64(len(v.Findings))+v.More, "finding"))
	}
	text += fmt.Sprintf(" %s: %s of %s", s.in(v.At).Format("15:04:05"), v.Job.Level, scopeName(v.Job))
	if v.Job.Level != LevelChain {
		text += fmt.Sprintf(", %d/%d objects, %s", v.Objects, v.ObjectsDue, bytesText(v.Stored))
	}
	text += ", " + plural(v.Entries, "entry")
	if v.Job.Level == LevelContent {
		text += ", content " + bytesText(v.Content)
	}
	if v.Encrypted > 0 {
		text += fmt.Sprintf(", %d of it not checked: encrypted", v.Encrypted)
	}
	return style.Render(safetext.Cut(text+", in "+took(v.Took), s.width))
}
