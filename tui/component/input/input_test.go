package input_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/fabriziosalmi/rainlogs/tui/component/input"
	"github.com/fabriziosalmi/rainlogs/tui/theme"
)

func TestEditing(t *testing.T) {
	t.Parallel()
	f := input.New("hello", 30)
	for _, c := range []struct {
		key  tea.KeyPressMsg
		want string
	}{
		{tea.KeyPressMsg{Code: 'x', Text: "x"}, "hellox"},
		{tea.KeyPressMsg{Code: tea.KeyBackspace}, "hello"},
		{tea.KeyPressMsg{Code: tea.KeyLeft}, "hello"},
		{tea.KeyPressMsg{Code: 'ä', Text: "ä"}, "helläo"},
		{tea.KeyPressMsg{Code: tea.KeyDelete}, "hellä"},
		{tea.KeyPressMsg{Code: tea.KeyDelete}, "hellä"},
		{tea.KeyPressMsg{Code: tea.KeySpace, Text: " "}, "hellä "},
		{tea.KeyPressMsg{Code: 'w', Text: "w"}, "hellä w"},
		{tea.KeyPressMsg{Code: 'w', Mod: tea.ModCtrl}, "hellä "},
		{tea.KeyPressMsg{Code: 'a', Mod: tea.ModCtrl}, "hellä "},
		{tea.KeyPressMsg{Code: tea.KeyBackspace}, "hellä "},
		{tea.KeyPressMsg{Code: tea.KeyRight}, "hellä "},
		{tea.KeyPressMsg{Code: 'u', Mod: tea.ModCtrl}, "ellä "},
		{tea.KeyPressMsg{Code: 'k', Mod: tea.ModCtrl}, ""},
	} {
		if !f.Key(c.key) || f.Text() != c.want {
			t.Fatalf("%s: %q, want %q", c.key, f.Text(), c.want)
		}
	}
	if f.Key(tea.KeyPressMsg{Code: tea.KeyEnter}) || f.Key(tea.KeyPressMsg{Code: tea.KeyF5}) {
		t.Error("a key that does not edit is taken")
	}
	f.Insert("a\r\n\tb\xff" + strings.Repeat("€", 100))
	if text := f.Text(); !strings.HasPrefix(text, "a   b\ufffd€") || len(text) > 30 {
		t.Errorf("%q", text)
	}
}

// FuzzView: any text at any width is exactly that wide, and nothing of it is raw.
func FuzzView(f *testing.F) {
	f.Add("a\x1b[2J\u202eb日本", uint8(9), uint8(3))
	plain := theme.New(theme.Options{Plain: true})
	f.Fuzz(func(t *testing.T, text string, width, left uint8) {
		field := input.New(text, 300)
		for range left {
			field.Key(tea.KeyPressMsg{Code: tea.KeyLeft})
		}
		view := field.View(int(width), plain.Text, plain.Text.Reverse(true))
		if w := ansi.StringWidth(view); w != int(width) {
			t.Errorf("%d cells, want %d: %q", w, width, view)
		}
		if plain := ansi.Strip(view); strings.ContainsAny(plain, "\x1b\r\n\u202e\x00") || !utf8.ValidString(plain) {
			t.Errorf("%q", plain)
		}
	})
}
