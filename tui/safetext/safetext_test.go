package safetext_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/tui/safetext"
)

func TestLine(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                          "",
		"/login?a=1":                "/login?a=1",
		"è 日本 😀":                    "è 日本 😀",
		"DENY 10.0.0.1\rALLOW":      `DENY 10.0.0.1\rALLOW`,
		"\x1b[8mhidden\x1b[0m":      `\x1b[8mhidden\x1b[0m`,
		"\x1b]52;c;ZXZpbA==\x07":    `\x1b]52;c;ZXZpbA==\x07`,
		"\u009b31mred":              `\u009b31mred`,
		"\x9b31m":                   `\x9b31m`,
		"user\u202etxt.exe":         `user\u202etxt.exe`,
		"a\u2066b\u2069\u200f":      `a\u2066b\u2069\u200f`,
		"zero\u200bwidth\ufeff":     `zero\u200bwidth\ufeff`,
		"line\u2028sep\u2029":       `line\u2028sep\u2029`,
		"tab\tnew\nline\x00\x7f":    `tab\tnew\nline\x00\x7f`,
		"\xff\xfe\xc3":              `\xff\xfe\xc3`,
		"\ue000\U000f0000":          `\ue000\U000f0000`,
		"❤\ufe0f 👩\u200d👩":          `❤\ufe0f 👩\u200d👩`,
		"\U000e0041tag":             `\U000e0041tag`,
		"e\u0301\u0302\u0303\u0304": "e\u0301\u0302" + `\u0303\u0304`,
		"\u0301x":                   `\u0301x`,
		"🇮🇹":                        `\U0001f1ee\U0001f1f9`,
		"no\u00a0break\u00ad":       `no\u00a0break\u00ad`,
	} {
		if diff := cmp.Diff(want, safetext.Line(in)); diff != "" {
			t.Errorf("%q: -want +got:\n%s", in, diff)
		}
	}
}

func TestSpansTellTheEscapedApart(t *testing.T) {
	t.Parallel()
	want := []safetext.Span{{`\x1b`, false}, {`\x1b`, true}, {"x", false}}
	if diff := cmp.Diff(want, safetext.Spans("\\x1b\x1bx")); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestFit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in    string
		width int
		want  string
	}{
		{"abc", 5, "abc  "}, {"abcdef", 4, "abc…"}, {"日本語", 4, "日… "}, {"日本語", 6, "日本語"}, {"x", 0, ""}, {"x", -1, ""},
		{"a\x1b", 4, `a\x…`}, {strings.Repeat("é", 1<<20), 3, "éé…"},
	} {
		if got := safetext.Fit(c.in, c.width); got != c.want {
			t.Errorf("Fit(%.20q, %d) = %q, want %q", c.in, c.width, got, c.want)
		}
	}
	if got := safetext.FitRight("42", 4); got != "  42" {
		t.Errorf("FitRight: %q", got)
	}
}

// harmless reports what must never reach a terminal.
func harmless(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if r < 0x20 || r >= 0x7f && r < 0xa0 || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Bidi_Control, r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r) || unicode.Is(unicode.Co, r) {
			return false
		}
	}
	return true
}

func FuzzSafe(f *testing.F) {
	for _, s := range []string{"", "\x1b[31m", "日本\u202e", "\xff", "e\u0301", "👩\u200d👩\u200d👧", "\u1100\u1161", strings.Repeat("\u0301", 50)} {
		f.Add(s, 10)
	}
	f.Fuzz(func(t *testing.T, s string, width int) {
		width = max(-1, min(width, 500))
		line := safetext.Line(s)
		if !harmless(line) {
			t.Errorf("Line(%q) = %q", s, line)
		}
		if safetext.Line(line) != line {
			t.Errorf("Line is not done: %q", line)
		}
		fit := safetext.Fit(s, width)
		if !harmless(fit) {
			t.Errorf("Fit(%q) = %q", s, fit)
		}
		if got := ansi.StringWidth(fit); got != max(0, width) {
			t.Errorf("Fit(%q, %d) has %d cells: %q", s, width, got, fit)
		}
	})
}

func TestWrap(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text  string
		width int
		want  []string
	}{
		{"", 5, []string{""}},
		{"open /var/lib/rainlogs: denied", 12, []string{"open /var/", "lib/rainlogs", ":", "denied"}},
		{"one\ntwo \x1b[2J", 20, []string{"one", "two \\x1b[2J"}},
		{"unbroken", 3, []string{"unb", "rok", "en"}},
		{"x", 0, []string{"x"}},
	} {
		if diff := cmp.Diff(c.want, safetext.Wrap(c.text, c.width)); diff != "" {
			t.Errorf("%q in %d: %s", c.text, c.width, diff)
		}
	}
	for _, letter := range []string{"a", "é", "日", "\xff"} {
		lines := safetext.Wrap("x"+strings.Repeat(letter, 300<<10), 40)
		if n := len(strings.Join(lines, "")); n > 5*4096 || !strings.HasSuffix(lines[len(lines)-1], safetext.Ellipsis) || strings.Contains(strings.Join(lines, ""), `\xe3`) {
			t.Errorf("of 300 KiB of %q %d bytes are left, ending in %q", letter, n, lines[len(lines)-1])
		}
	}
}

// FuzzDrawn: the quick count of a line's cells is that of x/ansi, and a text that is cut as it stands is one that Line leaves so.
func FuzzDrawn(f *testing.F) {
	for _, s := range []string{"", "plain", "\x1b[1;38:2:1:2:3mbold\x1b[m", "▌ ok│█…–·", "e\u0301", "│\u0301", "─\ufe0f", "·\u0300x", "日本│", "\x1b[", "\x1b]0;x\x07", "a\x1b[3Am", "\xe2\x94", "x\x1b[1m\u0301"} {
		f.Add(s, 7)
	}
	f.Fuzz(func(t *testing.T, s string, width int) {
		if got, want := safetext.Drawn(s), ansi.StringWidth(s); got != want {
			t.Errorf("%q has %d cells, want %d", s, got, want)
		}
		if width < 0 || width > 1000 {
			return
		}
		if got := safetext.Cut(s, width); safetext.Line(s) == s && ansi.StringWidth(s) <= width && got != s || ansi.StringWidth(got) > width || safetext.Line(got) != got {
			t.Errorf("%q in %d cells is %q", s, width, got)
		}
	})
}
