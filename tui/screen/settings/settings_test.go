package settings_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/fabriziosalmi/rainlogs/tui/keymap"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
	"github.com/fabriziosalmi/rainlogs/tui/screen/settings"
	"github.com/fabriziosalmi/rainlogs/tui/theme"
	"github.com/fabriziosalmi/rainlogs/tui/tuitest"
)

// entries are some of the root's and of another screen's beside the screen's own.
func entries() []keymap.Entry {
	return append([]keymap.Entry{
		{Scope: keymap.Global, Action: "quit", Keys: []string{"ctrl+q", "ctrl+c"}, Help: "quit"},
		{Scope: keymap.Global, Action: "back", Keys: []string{"alt+left", "ctrl+o"}, Help: "the screen before"},
		{Scope: "overview", Action: "up", Keys: []string{"up", "k"}, Help: "zone above"},
		{Scope: "overview", Action: "reload", Keys: []string{"r"}, Help: "look again"},
	}, settings.Keys()...)
}

func full() settings.Archive {
	return settings.Archive{
		Name: "RainLogs demo", ID: "1c0f2f0e-2d0e-4b57-9b0e-0a7a3f2f9a11", Purpose: "Security logging and incident evidence",
		Created: time.Date(2026, 3, 14, 15, 9, 26, 0, time.UTC), Config: "/srv/evidence/rainlogs.yaml",
		Stores: []string{"local: fs, /srv/evidence/archive", "away: s3, fsn1.your-objectstorage.com"},
		Keys: []settings.Key{
			{VKey: "rainlogs/1c0f2f0e+d3adb33f+AVeryLongBase64TextThatIsTheKeyItself0123456=", Trust: "this machine has its secret half", Known: true},
			{VKey: "rainlogs/other+0badcafe+AVeryLongBase64TextThatIsTheKeyItself0123456=", Trust: "nobody has said beforehand whose it is"},
		},
		Session: "/home/ada/.local/state/rainlogs/tui/1c0f2f0e.json", ReadOnly: "--read-only", Version: "rainlogs 1.2.3",
	}
}

type answer struct {
	archive settings.Archive
	err     error
	ctx     context.Context //nolint:containedctx // to see that it is cancelled
}

func (a *answer) Archive(ctx context.Context) (settings.Archive, error) {
	a.ctx = ctx
	return a.archive, a.err
}

func draw(t *testing.T, data settings.Data, size tuitest.Size, o theme.Options, load bool) *settings.Screen {
	t.Helper()
	keys, err := keymap.New(entries(), map[string][]string{"overview.reload": {"R", "f5"}})
	if err != nil {
		t.Fatal(err)
	}
	s := settings.New(settings.Config{Data: data, Keys: keys})
	s.SetTheme(theme.New(o))
	s.SetLook(screen.Look{Theme: "dark", ASCII: o.ASCII})
	s.SetSize(size.Width, size.Height)
	if cmd := s.Init(); load {
		s.Update(cmd())
	}
	return s
}

func press(s *settings.Screen, keys ...string) (intent screen.Intent, cmd tea.Cmd) {
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
		intent, cmd = s.Update(msg)
	}
	return intent, cmd
}

func TestGoldens(t *testing.T) {
	t.Parallel()
	for state, data := range map[string]*answer{
		"full": {archive: full()}, "loading": {}, "search": {archive: full()},
		"error": {err: errors.New("open archive: /srv/archive/\x1b[2Jrainlogs.json: permission denied")},
	} {
		for sizeName, size := range tuitest.Sizes {
			for themeName, o := range tuitest.Themes {
				t.Run(state+"/"+sizeName+"/"+themeName, func(t *testing.T) {
					t.Parallel()
					s := draw(t, &answer{archive: data.archive, err: data.err}, size, o, state != "loading")
					if state == "search" {
						press(s, "/", "o", "k", " ", "a")
					}
					tuitest.Golden(t, state+"-"+sizeName+"-"+themeName, s.View(), size, o)
				})
			}
		}
	}
}

// TestNothingRaw: hostile text in every field reaches no terminal, at any size and any place.
func TestNothingRaw(t *testing.T) {
	t.Parallel()
	hostile := "evil\x1b]0;owned\x07\r\n\u202e\u009b31m\xff" + strings.Repeat("界", 100_000)
	a := settings.Archive{
		Name: hostile, ID: hostile, Purpose: hostile, Config: hostile, Stores: []string{hostile}, Session: hostile, ReadOnly: hostile, Version: hostile,
		Keys: []settings.Key{{VKey: hostile, Trust: hostile}},
	}
	for _, width := range []int{1, 2, 34, 80, 129} {
		for _, height := range []int{1, 10, 46} {
			for _, data := range []*answer{{archive: a}, {err: errors.New(hostile)}} {
				s := draw(t, data, tuitest.Size{Width: width, Height: height}, theme.Options{Dark: true}, true)
				for _, k := range []string{"", " ", "/", "o", "enter", "G"} {
					if k != "" {
						press(s, k)
					}
					view := s.View()
					if plain := ansi.Strip(view); strings.ContainsAny(plain, "\x1b\r\x07\u202e\u009b") || strings.Contains(view, "]0;owned\x07") {
						t.Fatalf("%dx%d: %q", width, height, view)
					}
					lines := strings.Split(view, "\n")
					if len(lines) != height {
						t.Fatalf("%dx%d: %d lines", width, height, len(lines))
					}
					for _, line := range lines {
						if w := ansi.StringWidth(line); w > width {
							t.Fatalf("%dx%d %q: a line of %d cells: %q", width, height, k, w, ansi.Strip(line))
						}
					}
				}
			}
		}
	}
}

// TestChoices: keys and clicks ask for another look; nothing changes by itself.
func TestChoices(t *testing.T) {
	t.Parallel()
	s := draw(t, &answer{archive: full()}, tuitest.Size{Width: 120, Height: 40}, theme.Options{}, true)
	for key, want := range map[string]screen.Look{
		"t": {Theme: "light"}, "a": {Theme: "dark", ASCII: true}, "u": {Theme: "dark", Local: true},
	} {
		if intent, _ := press(s, key); intent != (screen.Choose{Look: want}) {
			t.Errorf("%s is %+v", key, intent)
		}
	}
	s.SetLook(screen.Look{Theme: "light"})
	if intent, _ := press(s, "t"); intent != (screen.Choose{Look: screen.Look{Theme: "auto"}}) {
		t.Errorf("after light comes %+v", intent)
	}
	for y, line := range strings.Split(ansi.Strip(s.View()), "\n") {
		intent, _ := s.Update(tea.MouseClickMsg{X: 20, Y: y, Button: tea.MouseLeft})
		if strings.Contains(line, "characters") != (intent == screen.Choose{Look: screen.Look{Theme: "light", ASCII: true}}) {
			t.Errorf("a click on %q is %+v", line, intent)
		}
	}
}

func TestSearch(t *testing.T) {
	t.Parallel()
	s := draw(t, &answer{archive: full()}, tuitest.Size{Width: 120, Height: 40}, theme.Options{}, true)
	press(s, "/", "Z", "o", "n", "e")
	if !s.Typing() {
		t.Fatal("/ takes no text")
	}
	view := ansi.Strip(s.View())
	if !strings.Contains(view, "zone above") || !strings.Contains(view, "UTC or local time") || strings.Contains(view, "quit  ") || !strings.Contains(view, "2 keys") {
		t.Errorf("found:\n%s", view)
	}
	press(s, "enter")
	if s.Typing() {
		t.Error("enter goes on")
	}
	again := draw(t, &answer{archive: full()}, tuitest.Size{Width: 120, Height: 40}, theme.Options{}, true)
	again.Restore(s.Keep())
	if again.View() != s.View() {
		t.Error("what is kept is not what is restored")
	}
	for _, state := range []string{"", "[]", `{"query":7}`, `{"first":-5}`, `{"query":"` + strings.Repeat("x", 100) + `"}`} {
		again.Restore(json.RawMessage(state))
	}
	press(s, "esc")
	if !strings.Contains(ansi.Strip(s.View()), "quit  ") {
		t.Error("esc does not drop the search")
	}
	s.Update(tea.PasteMsg{Content: "not typing"})
	press(s, "/", "x", "backspace", "backspace")
	s.Update(tea.PasteMsg{Content: "quit\nmore"})
	if view := ansi.Strip(s.View()); !strings.Contains(view, "/quit▌") || !strings.Contains(view, "1 key") {
		t.Errorf("pasted:\n%s", view)
	}
}

// TestStale: what nobody waits for any more is dropped, and esc cancels it.
func TestStale(t *testing.T) {
	t.Parallel()
	data := &answer{archive: full()}
	s := draw(t, data, tuitest.Size{Width: 120, Height: 40}, theme.Options{}, false)
	first := s.Init()
	if first != nil {
		t.Error("two questions are under way")
	}
	press(s, "esc")
	_, second := press(s, "r")
	if second == nil {
		t.Fatal("r does not look")
	}
	msg := second()
	press(s, "esc")
	s.Update(msg)
	if strings.Contains(s.View(), "RainLogs demo") {
		t.Error("a stale answer was taken")
	}
	_, third := press(s, "r")
	s.Update(third())
	data.err = errors.New("the store is away")
	_, fourth := press(s, "r")
	s.Update(fourth())
	if view := ansi.Strip(s.View()); !strings.Contains(view, "since then: the store is away") || !strings.Contains(view, "RainLogs demo") {
		t.Errorf("what was known is not shown beside what went wrong:\n%s", view)
	}
	_, _ = press(s, "r")
	s.Close()
	if data.ctx.Err() == nil {
		t.Error("a question goes on")
	}
}

// TestKeysWork: each key that help lists does something.
func TestKeysWork(t *testing.T) {
	t.Parallel()
	s := draw(t, &answer{archive: full()}, tuitest.Size{Width: 80, Height: 20}, theme.Options{}, true)
	codes := map[string]tea.KeyPressMsg{
		"up": {Code: tea.KeyUp}, "down": {Code: tea.KeyDown}, "pgup": {Code: tea.KeyPgUp}, "pgdown": {Code: tea.KeyPgDown},
		"home": {Code: tea.KeyHome}, "end": {Code: tea.KeyEnd},
	}
	press(s, " ")
	for _, b := range s.Keys() {
		name := b.Keys()[0]
		msg, ok := codes[name]
		if !ok {
			msg = tea.KeyPressMsg{Text: name, Code: []rune(name)[0]}
		}
		before := s.View()
		intent, cmd := s.Update(msg)
		if intent == nil && cmd == nil && s.View() == before {
			t.Errorf("%s (%s) does nothing", name, b.Help().Desc)
		}
		press(s, "esc", "g", " ")
	}
}

func BenchmarkView(b *testing.B) {
	keys, err := keymap.New(entries(), nil)
	if err != nil {
		b.Fatal(err)
	}
	s := settings.New(settings.Config{Data: &answer{archive: full()}, Keys: keys})
	s.SetSize(120, 40)
	s.Update(s.Init()())
	for b.Loop() {
		_ = s.View()
	}
}
