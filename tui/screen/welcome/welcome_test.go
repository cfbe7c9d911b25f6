package welcome_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/fabriziosalmi/rainlogs/tui/keymap"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
	"github.com/fabriziosalmi/rainlogs/tui/screen/welcome"
	"github.com/fabriziosalmi/rainlogs/tui/theme"
	"github.com/fabriziosalmi/rainlogs/tui/tuitest"
)

// maker makes nothing, and says what it is told to.
type maker struct {
	lines []string
	err   error
	text  string
	dir   string // that Init was given
}

func (m *maker) Demo(ctx context.Context, tell func(string)) (welcome.Made, error) {
	for _, line := range m.lines {
		tell(line)
	}
	if m.err == nil {
		m.err = ctx.Err()
	}
	return welcome.Made{Dir: "/tmp/demo"}, m.err
}

func (m *maker) Init(_ context.Context, dir string) (welcome.Made, error) {
	m.dir = dir
	return welcome.Made{Dir: dir, Text: m.text}, m.err
}

func draw(t *testing.T, m *maker, size tuitest.Size, o theme.Options) *welcome.Screen {
	t.Helper()
	keys, err := keymap.New(welcome.Keys(), nil)
	if err != nil {
		t.Fatal(err)
	}
	s := welcome.New(welcome.Config{Data: m, Keys: keys, Dir: "/home/ada/evidence", Looked: []string{"/home/ada/rainlogs.yaml", "/home/ada/.config/rainlogs/rainlogs.yaml"}})
	s.SetTheme(theme.New(o))
	s.SetSize(size.Width, size.Height)
	return s
}

func press(s *welcome.Screen, keys ...string) (intent screen.Intent) {
	for _, k := range keys {
		msg := tea.KeyPressMsg{Text: k, Code: []rune(k)[0]}
		switch k {
		case "esc":
			msg = tea.KeyPressMsg{Code: tea.KeyEscape}
		case "enter":
			msg = tea.KeyPressMsg{Code: tea.KeyEnter}
		case "backspace":
			msg = tea.KeyPressMsg{Code: tea.KeyBackspace}
		}
		intent, _ = s.Update(msg)
	}
	return intent
}

// yes is what a person's yes to a question does, and what comes of it; until is
// how many messages are taken.
func yes(t *testing.T, s *welcome.Screen, intent screen.Intent, until int) screen.Intent {
	t.Helper()
	ask, ok := intent.(screen.Ask)
	if !ok {
		t.Fatalf("no question: %+v", intent)
	}
	_, cmd := s.Update(ask.Then)
	msgs := make(chan tea.Msg)
	run := func(c tea.Cmd) {
		if c != nil {
			go func() { msgs <- c() }()
		}
	}
	for _, c := range cmd().(tea.BatchMsg) {
		run(c)
	}
	var last screen.Intent
	for range until {
		msg := <-msgs
		if msg == nil {
			continue
		}
		intent, next := s.Update(msg)
		if intent != nil {
			last = intent
		}
		run(next)
	}
	return last
}

const made = "archive   5e96d4bd-a263-46f8-81c6-330c4d599f59\nconfig    /home/ada/evidence/rainlogs.yaml\n\nPin this verifier key where the archive's keepers cannot write:\n\n  rainlogs/5e96d4bd+f0222476+Abv5qvHfcSccaQYumKgA"

func TestGoldens(t *testing.T) {
	t.Parallel()
	for _, state := range []string{"first", "folder", "working", "made", "error"} {
		for sizeName, size := range tuitest.Sizes {
			for themeName, o := range tuitest.Themes {
				t.Run(state+"/"+sizeName+"/"+themeName, func(t *testing.T) {
					t.Parallel()
					m := &maker{text: made, lines: []string{"emulator of Cloudflare's Logpull API", "shop.example.eu: 24 windows sealed"}}
					s := draw(t, m, size, o)
					switch state {
					case "folder":
						press(s, "i", "2")
					case "working":
						yes(t, s, press(s, "d"), 2)
					case "made":
						yes(t, s, press(s, "i", "enter"), 2)
					case "error":
						m.err = errors.New("/home/ada/evidence/rainlogs.yaml exists already: an archive is made once")
						yes(t, s, press(s, "i", "enter"), 2)
					}
					tuitest.Golden(t, state+"-"+sizeName+"-"+themeName, s.View(), size, o)
				})
			}
		}
	}
}

// TestMade: the demo is opened at once, an archive after its key was shown, and nothing is made without a yes.
func TestMade(t *testing.T) {
	t.Parallel()
	size := tuitest.Sizes["80x24"]
	m := &maker{lines: []string{"one", "two", "three"}}
	s := draw(t, m, size, theme.Options{})
	if end := yes(t, s, press(s, "enter"), 5); end != (screen.Quit{}) {
		t.Errorf("the demo ends in %+v", end)
	}
	if got, open := s.Made(); got.Dir != "/tmp/demo" || !open {
		t.Errorf("made %+v, %t", got, open)
	}

	m = &maker{text: made}
	s = draw(t, m, size, theme.Options{})
	if end := yes(t, s, press(s, "j", "enter", "s", "backspace", "2", "enter"), 2); end != nil || m.dir != "/home/ada/evidence2" {
		t.Errorf("made in %s, ends in %+v", m.dir, end)
	}
	if _, open := s.Made(); open {
		t.Error("opened before it was read")
	}
	if end := press(s, "enter"); end != (screen.Quit{}) {
		t.Errorf("enter is %+v", end)
	}
	if _, open := s.Made(); !open {
		t.Error("not opened")
	}

	s = draw(t, &maker{}, size, theme.Options{})
	if end := press(s, "q"); end != (screen.Quit{}) {
		t.Errorf("q is %+v", end)
	}
	if _, open := s.Made(); open {
		t.Error("opened after q")
	}
}

// TestStopped: esc ends what is being done, what it says then is dropped, and another try is taken.
func TestStopped(t *testing.T) {
	t.Parallel()
	m := &maker{lines: []string{"one", "two"}}
	s := draw(t, m, tuitest.Sizes["80x24"], theme.Options{})
	ask := press(s, "d").(screen.Ask)
	_, cmd := s.Update(ask.Then)
	do := cmd().(tea.BatchMsg)[0]
	if intent := press(s, "esc"); intent == nil {
		t.Error("esc says nothing")
	}
	intent, _ := s.Update(do()) // its teller gives up: it is cancelled
	if intent != nil || strings.Contains(s.View(), "not made") {
		t.Errorf("a stale end was taken: %+v", intent)
	}
	m.err = nil
	if end := yes(t, s, press(s, "d"), 4); end != (screen.Quit{}) {
		t.Errorf("the second try ends in %+v", end)
	}
}

func TestNothingRaw(t *testing.T) {
	t.Parallel()
	hostile := "evil\x1b]0;owned\x07\r\n\u202e\u009b31m\xff" + strings.Repeat("界", 1000)
	for width := 1; width < 130; width += 9 {
		for height := 1; height < 50; height += 7 {
			size := tuitest.Size{Width: width, Height: height}
			m := &maker{text: hostile, lines: []string{hostile}}
			a, b, c, d := draw(t, m, size, theme.Options{}), draw(t, m, size, theme.Options{}), draw(t, &maker{err: errors.New(hostile)}, size, theme.Options{}), draw(t, m, size, theme.Options{})
			yes(t, a, press(a, "d"), 1)
			yes(t, b, press(b, "i", "enter"), 2)
			yes(t, c, press(c, "d"), 2)
			press(d, "i")
			d.Update(tea.PasteMsg{Content: hostile})
			for _, s := range []*welcome.Screen{a, b, c, d} {
				view := s.View()
				if plain := ansi.Strip(view); strings.ContainsAny(plain, "\x1b\r\x07\u202e\u009b") {
					t.Fatalf("%dx%d: %q", width, height, view)
				}
				lines := strings.Split(view, "\n")
				if len(lines) != height {
					t.Fatalf("%dx%d: %d lines", width, height, len(lines))
				}
				for _, line := range lines {
					if ansi.StringWidth(line) > width {
						t.Fatalf("%dx%d: %q", width, height, ansi.Strip(line))
					}
				}
			}
		}
	}
}

func TestMouse(t *testing.T) {
	t.Parallel()
	s := draw(t, &maker{}, tuitest.Sizes["80x24"], theme.Options{})
	for y, line := range strings.Split(ansi.Strip(s.View()), "\n") {
		intent, _ := s.Update(tea.MouseClickMsg{X: 5, Y: y, Button: tea.MouseLeft})
		if strings.Contains(line, "Try the demo") {
			if _, ok := intent.(screen.Ask); !ok {
				t.Errorf("a click on %q is %+v", line, intent)
			}
		}
		if strings.Contains(line, "Leave") && intent != (screen.Quit{}) {
			t.Errorf("a click on %q is %+v", line, intent)
		}
		press(s, "esc")
	}
}
