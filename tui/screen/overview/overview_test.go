package overview_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/fabriziosalmi/rainlogs/tui/keymap"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
	"github.com/fabriziosalmi/rainlogs/tui/screen/overview"
	"github.com/fabriziosalmi/rainlogs/tui/theme"
	"github.com/fabriziosalmi/rainlogs/tui/tuitest"
)

var at = time.Date(2026, 3, 14, 15, 9, 26, 0, time.UTC)

// hostile is what somebody might call a zone.
const hostile = "evil\x1b]0;owned\x07\r\u202e.example"

func days(n int, gap bool) (out []overview.Day) {
	for i := range n {
		d := overview.Day{Date: at.Truncate(24*time.Hour).AddDate(0, 0, i-n+1), Lines: int64(1000 * (1 + i*7%5))}
		for h := range 24 {
			d.Hours[h] = overview.Collected
			switch {
			case i == n-1 && h > 14:
				d.Hours[h] = overview.Outside
			case gap && i == n-2 && h == 3:
				d.Hours[h] = overview.Gap
			case gap && i == n-2 && h == 4:
				d.Hours[h] = overview.Missing
			case h == 2:
				d.Hours[h] = overview.Empty
			}
		}
		out = append(out, d)
	}
	return out
}

func full() overview.Overview {
	return overview.Overview{At: at, Zones: []overview.Zone{
		{Name: "shop.example", ID: strings.Repeat("5e", 16), StateText: "collecting", SealedUntil: at.Add(-7 * time.Minute), Lag: 7*time.Minute + 26*time.Second,
			Lines: 8_431_022, Entries: 9505, Pinned: true, Days: days(40, true), Gaps: 1, Missing: 1},
		{Name: hostile, ID: strings.Repeat("0f", 16), State: overview.Blocked, StateText: "blocked (credential)", Detail: "the token is refused", Remedy: "renew it",
			SealedUntil: at.Add(-80 * time.Hour), Lag: 80 * time.Hour, Open: 960, Lines: 12, Entries: 3, Days: days(3, false)},
		{Name: "damaged.example", ID: strings.Repeat("aa", 16), StateText: "collecting", Damage: "the root of 12 entries is not the signed one"},
		{Name: "paused.example", ID: strings.Repeat("bb", 16), State: overview.Paused, StateText: "paused"},
	}}
}

// answers are what Data says, one after another; the last stays.
type answers struct {
	list []overview.Overview
	err  error
}

func (a *answers) Overview(context.Context) (overview.Overview, error) {
	if a.err != nil {
		return overview.Overview{}, a.err
	}
	now := a.list[0]
	if len(a.list) > 1 {
		a.list = a.list[1:]
	}
	return now, nil
}

func keys(t *testing.T) *keymap.Map {
	t.Helper()
	m, err := keymap.New(overview.Keys(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func draw(t *testing.T, data overview.Data, size tuitest.Size, o theme.Options, load bool) *overview.Screen {
	t.Helper()
	s := overview.New(overview.Config{Data: data, Keys: keys(t)})
	s.SetTheme(theme.New(o))
	s.SetSize(size.Width, size.Height)
	if cmd := s.Init(); load {
		s.Update(cmd())
	}
	return s
}

func TestGoldens(t *testing.T) {
	t.Parallel()
	for state, data := range map[string]*answers{
		"full": {list: []overview.Overview{full()}}, "empty": {list: []overview.Overview{{At: at}}}, "loading": {},
		"error": {err: errors.New("open archive: /srv/archive/\x1b[2Jrainlogs.json: permission denied")},
	} {
		for sizeName, size := range tuitest.Sizes {
			for themeName, o := range tuitest.Themes {
				t.Run(state+"/"+sizeName+"/"+themeName, func(t *testing.T) {
					t.Parallel()
					s := draw(t, &answers{list: data.list, err: data.err}, size, o, state != "loading")
					tuitest.Golden(t, state+"-"+sizeName+"-"+themeName, s.View(), size, o)
				})
			}
		}
	}
}

// TestNothingRaw: a hostile name reaches no terminal, at any size.
func TestNothingRaw(t *testing.T) {
	t.Parallel()
	for width := 1; width < 130; width += 7 {
		for height := 1; height < 50; height += 3 {
			view := draw(t, &answers{list: []overview.Overview{full()}}, tuitest.Size{Width: width, Height: height}, theme.Options{Dark: true}, true).View()
			if plain := ansi.Strip(view); strings.ContainsAny(plain, "\x1b\r\x07\u202e") || strings.Contains(view, "]0;owned\x07") {
				t.Fatalf("%dx%d: %q", width, height, view)
			}
			if lines := strings.Count(view, "\n") + 1; lines != height {
				t.Fatalf("%dx%d: %d lines", width, height, lines)
			}
		}
	}
}

// TestKeys walks the zones, looks again, and drops what is no longer asked for.
func TestKeys(t *testing.T) {
	t.Parallel()
	later := full()
	later.Zones = later.Zones[:1]
	data := &answers{list: []overview.Overview{full(), later}}
	s := draw(t, data, tuitest.Size{Width: 100, Height: 30}, theme.Options{}, true)
	press := func(k tea.KeyPressMsg) (screen.Intent, tea.Cmd) { return s.Update(k) }
	for range 3 {
		press(tea.KeyPressMsg{Code: tea.KeyDown})
	}
	if !strings.Contains(s.View(), "coverage of paused.example") {
		t.Errorf("three down is not the last zone:\n%s", ansi.Strip(s.View()))
	}
	_, cmd := press(tea.KeyPressMsg{Code: 'r', Text: "r"})
	if cmd == nil {
		t.Fatal("r does not look again")
	}
	if _, again := press(tea.KeyPressMsg{Code: 'r', Text: "r"}); again != nil {
		t.Error("two questions are under way")
	}
	if intent, _ := press(tea.KeyPressMsg{Code: tea.KeyEscape}); intent == nil {
		t.Error("esc says nothing")
	}
	s.Update(cmd()) // an answer that nobody waits for any more
	if !strings.Contains(s.View(), "coverage of paused.example") {
		t.Error("a stale answer was taken")
	}
	_, cmd = press(tea.KeyPressMsg{Code: 'r', Text: "r"})
	s.Update(cmd())
	if !strings.Contains(s.View(), "coverage of shop.example") {
		t.Errorf("the cursor is not on a zone that is there:\n%s", ansi.Strip(s.View()))
	}
	data.err = errors.New("the store is away")
	_, cmd = press(tea.KeyPressMsg{Code: 'r', Text: "r"})
	s.Update(cmd())
	if view := ansi.Strip(s.View()); !strings.Contains(view, "since then: the store is away") || !strings.Contains(view, "shop.example") {
		t.Errorf("what was known is not shown beside what went wrong:\n%s", view)
	}
}

// TestKept: the cursor is on the same zone at the next start, wherever that stands then.
func TestKept(t *testing.T) {
	t.Parallel()
	size := tuitest.Size{Width: 100, Height: 30}
	s := draw(t, &answers{list: []overview.Overview{full()}}, size, theme.Options{}, true)
	for range 2 {
		s.Update(tea.KeyPressMsg{Code: tea.KeyDown})
	}
	state := s.Keep()
	later := full()
	later.Zones = later.Zones[1:]
	again := overview.New(overview.Config{Data: &answers{list: []overview.Overview{later}}, Keys: keys(t)})
	again.SetSize(size.Width, size.Height)
	again.Restore([]byte("7"))
	again.Restore(state)
	if string(again.Keep()) != string(state) {
		t.Errorf("before it is loaded: %s, kept was %s", again.Keep(), state)
	}
	again.Update(again.Init()())
	if string(again.Keep()) != string(state) {
		t.Errorf("the cursor is on %s, was on %s", again.Keep(), state)
	}
}
