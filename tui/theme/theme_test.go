package theme_test

import (
	"reflect"
	"testing"

	"charm.land/lipgloss/v2"

	"github.com/fabriziosalmi/rainlogs/tui/theme"
)

// TestGlyphsHaveOneCell: a column of states must not shift.
func TestGlyphsHaveOneCell(t *testing.T) {
	t.Parallel()
	for _, ascii := range []bool{false, true} {
		g := reflect.ValueOf(theme.New(theme.Options{ASCII: ascii}).Glyphs)
		check := func(name, s string) {
			if lipgloss.Width(s) != 1 {
				t.Errorf("ASCII %t: %s %q has %d cells", ascii, name, s, lipgloss.Width(s))
			}
			if ascii && (len(s) != 1 || s[0] >= 0x80) {
				t.Errorf("%s %q is not ASCII", name, s)
			}
		}
		for i := range g.NumField() {
			name := g.Type().Field(i).Name
			switch v := g.Field(i).Interface().(type) {
			case string:
				check(name, v)
			case []string:
				for _, s := range v {
					check(name, s)
				}
			case [9]string:
				for _, s := range v {
					check(name, s)
				}
			}
		}
	}
}

// TestPlainHasNoColour: and still tells the selected, the bad and the excluded from the rest.
func TestPlainHasNoColour(t *testing.T) {
	t.Parallel()
	th := reflect.ValueOf(*theme.New(theme.Options{Plain: true}))
	for i := range th.NumField() {
		style, ok := th.Field(i).Interface().(theme.Style)
		if !ok {
			continue
		}
		s := style.Lipgloss()
		if s.GetForeground() != (lipgloss.NoColor{}) || s.GetBackground() != (lipgloss.NoColor{}) {
			t.Errorf("%s has a colour", th.Type().Field(i).Name)
		}
	}
	plain := theme.New(theme.Options{Plain: true})
	for name, s := range map[string]theme.Style{"selected": plain.Selected, "bad": plain.Bad, "exclude": plain.Exclude, "escaped": plain.Escaped, "tab": plain.TabHere} {
		if s.Render("x") == plain.Text.Render("x") {
			t.Errorf("%s looks like text", name)
		}
	}
}

// TestStyleAsTheLibrary: a text in a style is what the library makes of it.
func TestStyleAsTheLibrary(t *testing.T) {
	t.Parallel()
	for _, o := range []theme.Options{{}, {Dark: true}, {Plain: true}} {
		th := theme.New(o)
		for name, s := range map[string]theme.Style{
			"text": th.Text, "selected": th.Selected, "bad": th.Bad, "title": th.Title, "cell": th.Cell, "escaped": th.Escaped,
			"reversed": th.Text.Reverse(true), "underlined": th.Strong.Underline(true), "thin": th.Title.Bold(false), "both": th.Good.Inherit(th.Selected),
		} {
			for _, text := range []string{"", " ", "a", "a b ", "two\nlines", "a\tb", "a\r\nb", "日本 │", "\x1b[1mbold\x1b[m x"} {
				if got, want := s.Render(text), s.Lipgloss().Render(text); got != want {
					t.Errorf("%+v: %s: %q is %q, want %q", o, name, text, got, want)
				}
			}
		}
	}
}
