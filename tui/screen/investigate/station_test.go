package investigate_test

import (
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/fabriziosalmi/rainlogs/tui/keymap"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
	"github.com/fabriziosalmi/rainlogs/tui/screen/investigate"
)

// station is a screen with a person before it.
type station struct {
	t *testing.T
	*investigate.Screen
	*fake
	intent screen.Intent // the latest
}

func newKeys(t testing.TB) *keymap.Map {
	t.Helper()
	m, err := keymap.New(investigate.Keys(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func newScreen(t testing.TB, f *fake, change func(*investigate.Config)) *investigate.Screen {
	t.Helper()
	c := investigate.Config{Data: f, Marks: f, Keys: newKeys(t), Pause: 1, Local: time.FixedZone("CET", 3600), Now: func() time.Time { return end }}
	if change != nil {
		change(&c)
	}
	s := investigate.New(c)
	t.Cleanup(s.Close)
	return s
}

func start(t *testing.T, f *fake, width, height int) *station {
	t.Helper()
	s := &station{t: t, Screen: newScreen(t, f, nil), fake: f}
	s.SetSize(width, height)
	s.pump(s.Init())
	return s
}

// pump does what was asked for, and what comes of it, until there is nothing left.
func (s *station) pump(cmds ...tea.Cmd) {
	for steps := 0; len(cmds) > 0; steps++ {
		if steps > 5000 {
			s.t.Fatal("the commands do not end")
		}
		cmd := cmds[0]
		cmds = cmds[1:]
		if cmd == nil {
			continue
		}
		switch msg := cmd().(type) {
		case nil:
		case tea.BatchMsg:
			cmds = append(cmds, msg...)
		default:
			intent, cmd := s.Update(msg)
			if intent != nil {
				s.intent = intent
			}
			cmds = append(cmds, cmd)
		}
	}
}

var named = map[string]tea.KeyPressMsg{
	"enter": {Code: tea.KeyEnter}, "esc": {Code: tea.KeyEscape}, "tab": {Code: tea.KeyTab}, "shift+tab": {Code: tea.KeyTab, Mod: tea.ModShift}, "up": {Code: tea.KeyUp}, "down": {Code: tea.KeyDown},
	"left": {Code: tea.KeyLeft}, "right": {Code: tea.KeyRight}, "shift+left": {Code: tea.KeyLeft, Mod: tea.ModShift}, "shift+right": {Code: tea.KeyRight, Mod: tea.ModShift},
	"pgdown": {Code: tea.KeyPgDown}, "pgup": {Code: tea.KeyPgUp}, "home": {Code: tea.KeyHome}, "end": {Code: tea.KeyEnd}, "space": {Code: tea.KeySpace, Text: " "},
	"backspace": {Code: tea.KeyBackspace}, "delete": {Code: tea.KeyDelete}, "ctrl+u": {Code: 'u', Mod: tea.ModCtrl}, "ctrl+down": {Code: tea.KeyDown, Mod: tea.ModCtrl}, "f5": {Code: tea.KeyF5},
	"ctrl+up": {Code: tea.KeyUp, Mod: tea.ModCtrl}, "ctrl+g": {Code: 'g', Mod: tea.ModCtrl},
}

func keyMsg(k string) tea.KeyPressMsg {
	if msg, ok := named[k]; ok {
		return msg
	}
	return tea.KeyPressMsg{Text: k, Code: []rune(k)[0]}
}

// press presses keys, each until all that comes of it is done.
func (s *station) press(keys ...string) {
	for _, k := range keys {
		s.intent = nil
		intent, cmd := s.Update(keyMsg(k))
		if intent != nil {
			s.intent = intent
		}
		s.pump(cmd)
	}
}

// typing types a text.
func (s *station) typing(text string) {
	for _, r := range text {
		if r == ' ' {
			s.press("space")
			continue
		}
		s.press(string(r))
	}
}

func (s *station) text() string { return ansi.Strip(s.View()) }

func (s *station) sees(want ...string) {
	s.t.Helper()
	for _, w := range want {
		if !strings.Contains(s.text(), w) {
			s.t.Fatalf("%q is not on the screen:\n%s", w, s.text())
		}
	}
}

func (s *station) misses(want ...string) {
	s.t.Helper()
	for _, w := range want {
		if strings.Contains(s.text(), w) {
			s.t.Fatalf("%q is on the screen:\n%s", w, s.text())
		}
	}
}
