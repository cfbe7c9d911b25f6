package prompt_test

import (
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/fabriziosalmi/rainlogs/tui/component/prompt"
	"github.com/fabriziosalmi/rainlogs/tui/theme"
)

func TestKeys(t *testing.T) {
	t.Parallel()
	var p prompt.Prompt
	p.Set("one two\nthree")
	for _, step := range []struct {
		msg  tea.KeyPressMsg
		want string
	}{
		{tea.KeyPressMsg{Code: 'w', Mod: tea.ModCtrl}, "one two "}, {tea.KeyPressMsg{Code: tea.KeyBackspace}, "one two"}, {tea.KeyPressMsg{Code: tea.KeyHome}, "one two"},
		{tea.KeyPressMsg{Code: tea.KeyDelete}, "ne two"}, {tea.KeyPressMsg{Text: "ö", Code: 'ö'}, "öne two"}, {tea.KeyPressMsg{Code: tea.KeyRight}, "öne two"},
		{tea.KeyPressMsg{Code: 'k', Mod: tea.ModCtrl}, "ön"}, {tea.KeyPressMsg{Code: 'x', Mod: tea.ModAlt, Text: "x"}, "ön"}, {tea.KeyPressMsg{Code: 'u', Mod: tea.ModCtrl}, ""},
		{tea.KeyPressMsg{Code: tea.KeyBackspace}, ""}, {tea.KeyPressMsg{Code: tea.KeyLeft}, ""},
	} {
		before := p.Text()
		if changed := p.Key(step.msg); p.Text() != step.want || changed != (before != step.want) {
			t.Errorf("%s makes %q of %q, changed %t", step.msg, p.Text(), before, changed)
		}
	}
	p.Set(strings.Repeat("x", 9000))
	if len(p.Text()) != 4096 {
		t.Errorf("a field takes %d characters", len(p.Text()))
	}
}

func TestView(t *testing.T) {
	t.Parallel()
	th := theme.New(theme.Options{Plain: true})
	for _, text := range []string{"", "abc", strings.Repeat("long ", 100), "\x1b[2J\u202e", strings.Repeat("日本", 90), "e\u0301\u0301\u0301"} {
		p := prompt.Prompt{Label: "filter: ", Hint: "a hint"}
		p.Set(text)
		for range 20 {
			for width := range 60 {
				view := p.View(th, width)
				if got := ansi.StringWidth(view); got != width {
					t.Fatalf("%.20q in %d cells has %d: %q", text, width, got, view)
				}
				if strings.ContainsAny(ansi.Strip(view), "\x1b\u202e") {
					t.Fatalf("raw: %q", view)
				}
			}
			p.Key(tea.KeyPressMsg{Code: tea.KeyLeft})
		}
	}
	p := prompt.Prompt{Label: "> "}
	p.Set(strings.Repeat("a", 50) + "end")
	if got := ansi.Strip(p.View(th, 12)); got != "> …aaaaaend " {
		t.Errorf("the end is shown as %q", got)
	}
}
