package verify

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// WriteText writes a report for people: verdicts first, then the findings,
// one a line.
func (r *Report) WriteText(w io.Writer) error {
	t := &textWriter{w: w}
	t.line("archive    %s", r.Archive)
	t.line("key        %s (%s)", r.VKey, r.KeyTrust)
	t.line("checked    %s, level %s: %d entries, %d of %d objects, %d of %d stored bytes, %d content bytes",
		r.CheckedAt.Format(time.RFC3339), r.Level, r.Entries, r.Objects, r.ObjectsDue, r.Bytes, r.BytesDue, r.Content)
	if r.Encrypted > 0 {
		t.line("encrypted  the content of %d objects was not checked", r.Encrypted)
	}
	for _, c := range r.Chains {
		t.line("chain      %s: %d entries, %d windows, %d gaps, %d expired, %d lines, root %s", c.Chain, c.Size, c.Windows, c.Gaps, c.Expired, c.Lines, c.Root)
		for _, s := range c.Segments {
			if s.State == Missing || s.State == Overlapping || s.State == Gap {
				t.line("           %s to %s: %s %s", s.From.Format(time.RFC3339), s.To.Format(time.RFC3339), s.State, s.Reason)
			}
		}
	}
	for _, n := range r.Notices {
		t.line("note       %s", n)
	}
	for _, f := range r.Findings {
		t.line("DAMAGED    [%s] %s", f.Code, f.Text)
	}
	if r.More > 0 {
		t.line("DAMAGED    and %d more findings", r.More)
	}
	if r.Covered > 0 {
		t.line("kept       the store keeps the sealed bytes of %d of these under what covers them: rainlogs archive uncover brings them back", r.Covered)
	}
	t.line("integrity  %s", map[bool]string{true: "INTACT", false: "DAMAGED OR TAMPERED WITH"}[r.Intact])
	t.line("coverage   %s", map[bool]string{true: "complete", false: "incomplete"}[r.Complete])
	return t.err
}

type textWriter struct {
	w   io.Writer
	err error
}

// line prints one line; what comes from an archive must not act on a terminal.
func (t *textWriter) line(format string, args ...any) {
	if t.err != nil {
		return
	}
	var b strings.Builder
	for _, c := range fmt.Sprintf(format, args...) {
		if unicode.IsPrint(c) && !unicode.Is(unicode.Bidi_Control, c) {
			b.WriteRune(c)
			continue
		}
		quoted := strconv.QuoteRuneToASCII(c)
		b.WriteString(quoted[1 : len(quoted)-1])
	}
	b.WriteByte('\n')
	if _, err := io.WriteString(t.w, b.String()); err != nil {
		t.err = fmt.Errorf("write report: %w", err)
	}
}
