package app_test

import (
	"fmt"
	"strings"
	"testing"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/tui/app"
	"github.com/fabriziosalmi/rainlogs/tui/keymap"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
	"github.com/fabriziosalmi/rainlogs/tui/theme"
	"github.com/fabriziosalmi/rainlogs/tui/tuitest"
)

// fake is a screen that tells what it was given.
type fake struct {
	name          string
	width, height int
	got           []string
	next          screen.Intent
	typing        bool
	more          int // keys
	dark          bool
}

func (f *fake) Init() tea.Cmd           { return nil }
func (f *fake) SetSize(w, h int)        { f.width, f.height = w, h }
func (f *fake) SetTheme(t *theme.Theme) { f.dark = t.Dark }
func (f *fake) Typing() bool            { return f.typing }
func (f *fake) Show(arg any) tea.Cmd    { f.got = append(f.got, fmt.Sprintf("show %v", arg)); return nil }
func (f *fake) Keys() []key.Binding {
	out := []key.Binding{key.NewBinding(key.WithKeys("x"), key.WithHelp("x", "exclude"))}
	for i := range f.more {
		k := fmt.Sprint(i + 1)
		out = append(out, key.NewBinding(key.WithKeys(k, "alt+"+k), key.WithHelp(k+"/alt+"+k, "more "+k)))
	}
	return out
}

// View draws more than there is room for.
func (f *fake) View() string {
	return strings.Repeat(f.name+strings.Repeat("·", f.width+5)+"\n", f.height+3)
}

func (f *fake) Update(msg tea.Msg) (screen.Intent, tea.Cmd) {
	f.got = append(f.got, fmt.Sprintf("%T %v", msg, msg))
	next := f.next
	f.next = nil
	return next, nil
}

func setup(t *testing.T, o theme.Options) (*app.App, map[screen.Name]*fake) {
	t.Helper()
	fakes := map[screen.Name]*fake{screen.Overview: {name: "OVERVIEW"}, screen.SQL: {name: "SQL"}, screen.Help: {name: "HELP"}}
	keys, err := keymap.New(app.Keys(screen.Overview, screen.SQL, screen.Help), nil)
	if err != nil {
		t.Fatal(err)
	}
	screens := map[screen.Name]screen.Screen{}
	for name, f := range fakes {
		screens[name] = f
	}
	return app.New(app.Config{Screens: screens, First: screen.Overview, Keys: keys, Theme: o, Title: "evil\x1b[2J\u202e"}), fakes
}

// TestHints: that there is a list of all keys is told in any width, and while text is typed how another screen is reached.
func TestHints(t *testing.T) {
	t.Parallel()
	a, fakes := setup(t, theme.Options{})
	foot := func(width int) string {
		a.Update(tea.WindowSizeMsg{Width: width, Height: 24})
		lines := strings.Split(ansi.Strip(a.Content()), "\n")
		return strings.TrimSpace(lines[len(lines)-1])
	}
	fakes[screen.Overview].more = 9
	if diff := cmp.Diff("x exclude  1 more 1  2 more 2  3 more 3  4 more 4  5 more 5  6 more 6  ? keys", foot(80)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff("x exclude  1 more 1  2 more 2  ? keys", foot(42)); diff != "" {
		t.Error(diff)
	}
	fakes[screen.Overview].typing, fakes[screen.Overview].more = true, 0
	if diff := cmp.Diff("x exclude  alt+1–3 screens  f1 keys", foot(80)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff("x exclude  f1 keys", foot(42)); diff != "" {
		t.Error(diff)
	}
}

// TestKeyHelpScrolls: a list that is longer than the screen says so.
func TestKeyHelpScrolls(t *testing.T) {
	t.Parallel()
	a, fakes := setup(t, theme.Options{})
	fakes[screen.Overview].more = 30
	a.Update(tea.WindowSizeMsg{Width: 80, Height: 24})
	press(a, "?")
	if text := ansi.Strip(a.Content()); !strings.Contains(text, "keys, 1 to 18 of 40: ↑ and ↓ for more") {
		t.Error(text)
	}
	a.Update(tea.KeyPressMsg{Code: tea.KeyPgDown})
	if text := ansi.Strip(a.Content()); !strings.Contains(text, "keys, 11 to 28 of 40") {
		t.Error(text)
	}
}

func press(a *app.App, keys ...string) tea.Cmd {
	var cmd tea.Cmd
	for _, k := range keys {
		msg := tea.KeyPressMsg{Text: k, Code: []rune(k)[0]}
		switch k {
		case "esc":
			msg = tea.KeyPressMsg{Code: tea.KeyEscape}
		case "enter":
			msg = tea.KeyPressMsg{Code: tea.KeyEnter}
		case "ctrl+q":
			msg = tea.KeyPressMsg{Code: 'q', Mod: tea.ModCtrl}
		case "alt+2":
			msg = tea.KeyPressMsg{Code: '2', Mod: tea.ModAlt}
		case "alt+left":
			msg = tea.KeyPressMsg{Code: tea.KeyLeft, Mod: tea.ModAlt}
		}
		_, cmd = a.Update(msg)
	}
	return cmd
}

func TestRouting(t *testing.T) {
	t.Parallel()
	a, fakes := setup(t, theme.Options{})
	a.Update(tea.WindowSizeMsg{Width: 100, Height: 30})
	for name, f := range fakes {
		if f.width != 100 || f.height != 28 {
			t.Errorf("%s has %dx%d", name, f.width, f.height)
		}
	}
	press(a, "2", "x")
	if a.Here() != screen.SQL || len(fakes[screen.SQL].got) != 2 || len(fakes[screen.Overview].got) != 0 {
		t.Errorf("at %s; the screen got %v, the other %v", a.Here(), fakes[screen.SQL].got, fakes[screen.Overview].got)
	}
	press(a, "alt+left")
	if a.Here() != screen.Overview {
		t.Errorf("back is %s", a.Here())
	}
	a.Update("a result")
	for name, f := range fakes {
		if len(f.got) == 0 || f.got[len(f.got)-1] != "string a result" {
			t.Errorf("%s did not get the result: %v", name, f.got)
		}
	}
	press(a, ":", "h", "e", "enter")
	if a.Here() != screen.Help {
		t.Errorf(":he is %s", a.Here())
	}
}

// TestTyping: while a screen has a text field, what prints is its own.
func TestTyping(t *testing.T) {
	t.Parallel()
	a, fakes := setup(t, theme.Options{})
	fakes[screen.Overview].typing = true
	press(a, "2", ":", "?", "esc")
	if a.Here() != screen.Overview || len(fakes[screen.Overview].got) != 4 {
		t.Errorf("at %s after %v", a.Here(), fakes[screen.Overview].got)
	}
	press(a, "alt+2")
	if a.Here() != screen.SQL {
		t.Errorf("alt+2 is %s", a.Here())
	}
}

// TestAsk: nothing is done without a yes, and a dialog has all keys.
func TestAsk(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]bool{"y": true, "n": false, "esc": false, "enter": false, "2": false} {
		a, fakes := setup(t, theme.Options{})
		fakes[screen.Overview].next = screen.Ask{Title: "delete?", Text: "all of\x1b[2J it", Then: "deleted"}
		press(a, "x")
		if content := ansi.Strip(a.Content()); !strings.Contains(content, "delete?") || strings.Contains(a.Content(), "\x1b[2J") {
			t.Errorf("the question is not asked safely: %q", content)
		}
		cmd := press(a, answer)
		if (cmd != nil && cmd() == "deleted") != want {
			t.Errorf("%s did it: %t", answer, !want)
		}
		if a.Here() != screen.Overview {
			t.Errorf("%s went to %s", answer, a.Here())
		}
	}
}

func TestIntents(t *testing.T) {
	t.Parallel()
	a, fakes := setup(t, theme.Options{})
	f := fakes[screen.Overview]
	f.next = screen.Say{Level: screen.Bad, Text: "the store\r is away"}
	press(a, "x")
	if !strings.Contains(ansi.Strip(a.Content()), `✗ the store\r is away`) {
		t.Error("nothing is said")
	}
	f.next = screen.Go{To: screen.Help, Arg: 7}
	press(a, "x")
	if a.Here() != screen.Help || fakes[screen.Help].got[0] != "show 7" {
		t.Errorf("at %s, shown %v", a.Here(), fakes[screen.Help].got)
	}
	if cmd := press(a, "ctrl+q"); cmd == nil {
		t.Error("ctrl+q does not quit")
	}
}

// TestFrame: whatever a screen draws, the frame has the terminal's lines and cells, in each theme and size.
func TestFrame(t *testing.T) {
	t.Parallel()
	for _, o := range tuitest.Themes {
		a, _ := setup(t, o)
		for width := 1; width < 140; width += 9 {
			for height := 1; height < 50; height += 6 {
				a.Update(tea.WindowSizeMsg{Width: width, Height: height})
				for _, k := range []string{"", "?", "esc", ":"} {
					if k != "" {
						press(a, k)
					}
					lines := strings.Split(a.Content(), "\n")
					if len(lines) != height {
						t.Fatalf("%dx%d %q: %d lines", width, height, k, len(lines))
					}
					for _, line := range lines {
						if ansi.StringWidth(line) != width {
							t.Fatalf("%dx%d %q: a line of %d cells: %q", width, height, k, ansi.StringWidth(line), line)
						}
					}
				}
				press(a, "esc")
			}
		}
	}
}

func TestThemeFollowsTheTerminal(t *testing.T) {
	t.Parallel()
	a, fakes := setup(t, theme.Options{})
	a.Update(tea.BackgroundColorMsg{Color: ansi.Black})
	if !fakes[screen.SQL].dark {
		t.Error("a dark terminal has a light theme")
	}
}

func TestMouse(t *testing.T) {
	t.Parallel()
	a, fakes := setup(t, theme.Options{})
	a.Update(tea.WindowSizeMsg{Width: 120, Height: 30})
	a.Update(tea.MouseClickMsg{X: 15, Y: 0, Button: tea.MouseLeft})
	if a.Here() != screen.SQL {
		t.Errorf("a click on the second tab is %s", a.Here())
	}
	a.Update(tea.MouseClickMsg{X: 5, Y: 3, Button: tea.MouseLeft})
	if got := fakes[screen.SQL].got; len(got) != 2 || !strings.Contains(got[1], "Click") {
		t.Errorf("the screen got %v", got)
	}
}
