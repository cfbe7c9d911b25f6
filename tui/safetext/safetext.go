// Package safetext makes text from outside visible and harmless: attackers
// write paths and user agents, and an analyst's terminal obeys what it is sent.
//
// # Promises
//
// What Spans, Line and Fit return holds no byte below 0x20, no 0x7F, no C1
// control, no invalid UTF-8, and no character that moves, hides or reorders
// others: bidirectional controls, zero-width characters, variation selectors,
// line and paragraph separators, private use and unassigned code points. Each
// of those is written out, as \x1b or \u202e, in a span of its own that a
// screen draws in another style, so that it is never mistaken for the same
// letters in the text. Nothing is dropped.
//
// Widths are those that the terminal library counts (x/ansi, by grapheme), so
// that a line of n cells has n cells on the screen.
package safetext

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// Span is a piece of text that may be drawn.
type Span struct {
	Text    string
	Escaped bool // Text stands for a character that must not be drawn
}

// maxMarks bounds the combining marks on one letter: more of them grow over
// the lines above and below.
const maxMarks = 2

// Spans parts a text into what can be drawn as it stands and what is escaped.
func Spans(s string) []Span {
	if plain(s) {
		return one(s)
	}
	var out []Span
	start, marks := 0, maxMarks // a mark at the beginning has no letter to stand on
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if unicode.IsMark(r) {
			marks++
		} else {
			marks = 0
		}
		if drawable(r, n) && marks <= maxMarks {
			i += n
			continue
		}
		if start < i {
			out = append(out, Span{Text: s[start:i]})
		}
		out = append(out, Span{escape(r, s[i:i+n]), true})
		i += n
		start = i
		marks = maxMarks
	}
	if start < len(s) {
		out = append(out, Span{Text: s[start:]})
	}
	return out
}

// Line is a text as one drawable line.
func Line(s string) string {
	if plain(s) {
		return s
	}
	var b strings.Builder
	for _, span := range Spans(s) {
		b.WriteString(span.Text)
	}
	return b.String()
}

// plain is the quick way for what most text is.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

func one(s string) []Span {
	if s == "" {
		return nil
	}
	return []Span{{Text: s}}
}

func drawable(r rune, size int) bool {
	switch {
	case r == utf8.RuneError && size <= 1:
		return false
	case r == 0xfffd:
		return true
	case r >= 0xfe00 && r <= 0xfe0f, r >= 0xe0100 && r <= 0xe01ef: // variation selectors change the width of what they follow
		return false
	case r >= 0x1f1e6 && r <= 0x1f1ff: // regional indicators pair up, or not: terminals disagree
		return false
	case r >= 0x1f3fb && r <= 0x1f3ff: // skin tones join what is before them
		return false
	case r >= 0x1160 && r <= 0x11ff, r == 0x115f, r == 0x3164, r == 0xffa0: // Hangul letters that join, and fillers that show nothing
		return false
	}
	return r == ' ' || unicode.IsPrint(r)
}

func escape(r rune, raw string) string {
	switch {
	case r == utf8.RuneError && len(raw) == 1:
		return fmt.Sprintf(`\x%02x`, raw[0])
	case r == '\n':
		return `\n`
	case r == '\r':
		return `\r`
	case r == '\t':
		return `\t`
	case r < 0x80:
		return fmt.Sprintf(`\x%02x`, r)
	case r <= 0xffff:
		return fmt.Sprintf(`\u%04x`, r)
	}
	return fmt.Sprintf(`\U%08x`, r)
}

// Width is the number of cells of a text that Line or Fit returned.
func Width(s string) int {
	if plain(s) {
		return len(s)
	}
	return Drawn(s)
}

// Ellipsis stands for what did not fit.
const Ellipsis = "…"

// Cut is a text as one drawable line of at most width cells; what does not
// fit ends in an ellipsis. It looks at no more of the text than it can show.
func Cut(s string, width int) string {
	if width <= 0 {
		return ""
	}
	if plain(s[:min(len(s), width+1)]) { // what most text is, at a tenth of the cost
		if len(s) <= width {
			return s
		}
		return s[:width-1] + Ellipsis
	}
	if n, ok := cells(s[:min(len(s), 3*width+1)], false); ok && n <= width { // most other text, ours
		return s
	}
	// No character is narrower than a cell for each of its bytes but marks, of which a letter has two.
	const bytesPerCell = utf8.UTFMax * (1 + maxMarks)
	if limit := (width + 1) * bytesPerCell; len(s) > limit {
		for limit > 0 && !utf8.RuneStart(s[limit]) {
			limit--
		}
		s = s[:limit] + Ellipsis
	}
	return ansi.Truncate(Line(s), width, Ellipsis)
}

// Fit is Cut, filled with spaces to exactly width cells.
func Fit(s string, width int) string {
	s = Cut(s, width)
	return s + strings.Repeat(" ", max(0, width-Width(s)))
}

// FitRight is Fit with the text at the right edge, for numbers.
func FitRight(s string, width int) string {
	s = Cut(s, width)
	return strings.Repeat(" ", max(0, width-Width(s))) + s
}
