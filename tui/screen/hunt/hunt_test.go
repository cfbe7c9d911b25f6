package hunt_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/tui/inquiry"
	"github.com/fabriziosalmi/rainlogs/tui/keymap"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
	"github.com/fabriziosalmi/rainlogs/tui/screen/hunt"
	"github.com/fabriziosalmi/rainlogs/tui/theme"
	"github.com/fabriziosalmi/rainlogs/tui/tuitest"
)

const hostile = "evil\x1b]0;owned\x07\r\n\u202e\u009b2J\xff"

var day = time.Date(2026, 3, 14, 0, 0, 0, 0, time.UTC)

func ground() hunt.Ground {
	return hunt.Ground{From: day, To: day.AddDate(0, 0, 1), Zones: []hunt.Zone{{ID: "5e", Name: "shop.example.eu"}, {ID: "0f", Name: "blog.example.eu"}}, Rules: []hunt.Rule{
		{Name: "sql_injection_success", Title: "SQL injection that was answered", Severity: "critical", From: "rainlogs", SQL: "SELECT 1\n",
			Description: "Requests whose URI carries SQL, by text or by Cloudflare's own attack score (1 to 20 is an attack), and that the origin answered with success."},
		{Name: "credential_stuffing", Title: "Who tries passwords", Severity: "high", From: "rainlogs", SQL: "SELECT 2",
			Params:      []hunt.Param{{Name: "path", Default: "%login%", Help: "a LIKE pattern for the login path"}, {Name: "min_failures", Default: "20", Help: "how many refusals make an attack"}},
			Description: "Clients with many POST requests to a login path that were refused, and how many then got in: each of those is an account to look at."},
		{Name: "waf_bypass", Title: "What got past the firewall", Severity: "high", From: "rainlogs"},
		{Name: "absence", Title: "One address", Severity: "medium", From: "/etc/rainlogs/queries/absence.sql", Params: []hunt.Param{{Name: "ip", Required: true, Help: "an address"}}},
		{Name: "scanners", Title: "Who scans for what is not there", Severity: "medium", From: "rainlogs"},
		{Name: "mine", Title: "Mine " + hostile, Description: hostile, Severity: "low", From: "/home/ann/" + hostile},
	}}
}

func view(ip string) inquiry.View {
	return inquiry.View{Dataset: "http_requests", From: day, To: day.Add(time.Hour), Filters: []inquiry.Filter{{Field: "ClientIP", Op: inquiry.Is, Value: ip}}}
}

func results() map[string]hunt.Result {
	clients := hunt.Result{Columns: []hunt.Column{{Name: "ClientIP"}, {Name: "failures", Right: true}, {Name: "successes", Right: true}, {Name: "a_user_agent"}, {Name: "first_seen"}},
		Hits: 300, Complete: true, Evidence: "24 windows complete\n24 objects verified, chain pinned", Elapsed: time.Second}
	for i := range 300 {
		ip := fmt.Sprintf("198.51.100.%d", i)
		clients.Rows = append(clients.Rows, hunt.Row{Cells: []string{ip, fmt.Sprint(900 - i), "1", "curl/8 " + hostile, "2026-03-14 01:02:03"}, View: view(ip)})
	}
	clients.Rows[2].View = inquiry.View{}
	return map[string]hunt.Result{
		"sql_injection_success": {Complete: true, Evidence: "24 windows complete"},
		"credential_stuffing":   clients,
		"scanners":              {Evidence: "24 windows, 2 parts in doubt", Columns: []hunt.Column{{Name: "n"}}},
		"mine":                  {Complete: true, Hits: 10_000, More: true, Evidence: hostile, Columns: []hunt.Column{{Name: hostile}}, Rows: []hunt.Row{{Cells: []string{strings.Repeat(hostile, 1000)}}}},
	}
}

// rules is a fake of the port.
type rules struct {
	ground  hunt.Ground
	results map[string]hunt.Result
	err     error // of the ground
	asked   []hunt.Question
	hold    bool // a run waits for its context
}

func (r *rules) Ground(context.Context) (hunt.Ground, error) { return r.ground, r.err }

func (r *rules) Span(text string) (from, to time.Time, err error) {
	if text == "bad" {
		return from, to, errors.New("bad is not a time")
	}
	return day, day.Add(time.Hour), nil
}

func (r *rules) Run(ctx context.Context, q hunt.Question, progress func(hunt.Progress)) (hunt.Result, error) {
	r.asked = append(r.asked, q)
	progress(hunt.Progress{Phase: "objects", Done: 6, Total: 24})
	if r.hold {
		<-ctx.Done()
		return hunt.Result{}, ctx.Err()
	}
	res, ok := r.results[q.Rule]
	if !ok {
		return res, errors.New("object x of entry 7: SHA-256 is not the sealed one \x1b[2J")
	}
	return res, nil
}

func keys(t *testing.T) *keymap.Map {
	t.Helper()
	m, err := keymap.New(hunt.Keys(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func draw(t *testing.T, data hunt.Data, size tuitest.Size, o theme.Options, load bool) *hunt.Screen {
	t.Helper()
	s := hunt.New(hunt.Config{Data: data, Keys: keys(t), Local: time.FixedZone("CET", 3600)})
	s.SetTheme(theme.New(o))
	s.SetSize(size.Width, size.Height)
	if cmd := s.Init(); load {
		s.Update(cmd())
	}
	return s
}

func press(s *hunt.Screen, names ...string) (intent screen.Intent, cmd tea.Cmd) {
	special := map[string]tea.KeyPressMsg{
		"up": {Code: tea.KeyUp}, "down": {Code: tea.KeyDown}, "left": {Code: tea.KeyLeft}, "right": {Code: tea.KeyRight}, "enter": {Code: tea.KeyEnter},
		"esc": {Code: tea.KeyEscape}, "space": {Code: tea.KeySpace, Text: " "}, "end": {Code: tea.KeyEnd}, "home": {Code: tea.KeyHome}, "f5": {Code: tea.KeyF5},
		"pgup": {Code: tea.KeyPgUp}, "pgdown": {Code: tea.KeyPgDown}, "ctrl+u": {Code: 'u', Mod: tea.ModCtrl}, "ctrl+d": {Code: 'd', Mod: tea.ModCtrl},
	}
	for _, name := range names {
		k, ok := special[name]
		if !ok {
			k = tea.KeyPressMsg{Code: []rune(name)[0], Text: name}
		}
		intent, cmd = s.Update(k)
	}
	return intent, cmd
}

func typeIn(s *hunt.Screen, text string) {
	for _, r := range text {
		s.Update(tea.KeyPressMsg{Code: r, Text: string(r)})
	}
}

// finish runs the rules that a command begins, and all after it.
func finish(t *testing.T, s *hunt.Screen, cmd tea.Cmd) screen.Intent {
	t.Helper()
	for cmd != nil {
		var intent screen.Intent
		intent, cmd = s.Update(cmd().(tea.BatchMsg)[0]())
		if cmd == nil {
			return intent
		}
	}
	t.Fatal("nothing was run")
	return nil
}

func hunted(t *testing.T, data *rules, size tuitest.Size, o theme.Options) *hunt.Screen {
	t.Helper()
	s := draw(t, data, size, o, true)
	_, cmd := press(s, "r")
	finish(t, s, cmd)
	return s
}

func TestGoldens(t *testing.T) {
	t.Parallel()
	for state, prepare := range map[string]func(t *testing.T, size tuitest.Size, o theme.Options) *hunt.Screen{
		"full": func(t *testing.T, size tuitest.Size, o theme.Options) *hunt.Screen {
			s := hunted(t, &rules{ground: ground(), results: results()}, size, o)
			press(s, "down")
			return s
		},
		"hits": func(t *testing.T, size tuitest.Size, o theme.Options) *hunt.Screen {
			s := hunted(t, &rules{ground: ground(), results: results()}, size, o)
			press(s, "down", "enter", "down")
			return s
		},
		"empty": func(t *testing.T, size tuitest.Size, o theme.Options) *hunt.Screen {
			return draw(t, &rules{}, size, o, true)
		},
		"loading": func(t *testing.T, size tuitest.Size, o theme.Options) *hunt.Screen {
			return draw(t, &rules{}, size, o, false)
		},
		"error": func(t *testing.T, size tuitest.Size, o theme.Options) *hunt.Screen {
			return draw(t, &rules{err: errors.New("read chain: \x1b[2Jdamaged")}, size, o, true)
		},
		"running": func(t *testing.T, size tuitest.Size, o theme.Options) *hunt.Screen {
			s := draw(t, &rules{ground: ground(), results: results()}, size, o, true)
			_, cmd := press(s, "r")
			batch := cmd().(tea.BatchMsg)
			batch[0]()
			s.Update(batch[1]())
			return s
		},
	} {
		for sizeName, size := range tuitest.Sizes {
			for themeName, o := range tuitest.Themes {
				if (state == "running" || state == "hits") && themeName != "plain" {
					continue
				}
				t.Run(state+"/"+sizeName+"/"+themeName, func(t *testing.T) {
					t.Parallel()
					tuitest.Golden(t, state+"-"+sizeName+"-"+themeName, prepare(t, size, o).View(), size, o)
				})
			}
		}
	}
}

// TestNothingRaw: what attackers write reaches no terminal, at any size.
func TestNothingRaw(t *testing.T) {
	t.Parallel()
	for width := 1; width < 140; width += 9 {
		for height := 1; height < 50; height += 6 {
			for _, walk := range [][]string{nil, {"end"}, {"end", "enter"}, {"end", "enter", "right"}, {"down", "enter"}, {"down", "p"}, {"f"}, {"down", "down"}} {
				s := hunted(t, &rules{ground: ground(), results: results()}, tuitest.Size{Width: width, Height: height}, theme.Options{Dark: true})
				press(s, walk...)
				shown := s.View()
				if plain := ansi.Strip(shown); strings.ContainsAny(plain, "\x1b\r\x07\u202e\u009b") || strings.Contains(shown, "]0;owned\x07") {
					t.Fatalf("%dx%d %v: %q", width, height, walk, shown)
				}
				lines := strings.Split(shown, "\n")
				if len(lines) != height {
					t.Fatalf("%dx%d %v: %d lines", width, height, walk, len(lines))
				}
				for i, line := range lines {
					if w := ansi.StringWidth(line); w > width {
						t.Fatalf("%dx%d %v: line %d has %d cells: %q", width, height, walk, i, w, line)
					}
				}
			}
		}
	}
}

// TestHunt runs the rules, and goes from a hit to its records.
func TestHunt(t *testing.T) {
	t.Parallel()
	data := &rules{ground: ground(), results: results()}
	s := draw(t, data, tuitest.Size{Width: 120, Height: 40}, theme.Options{}, true)
	press(s, "space") // the first is left out
	_, cmd := press(s, "r")
	intent := finish(t, s, cmd)
	if say, ok := intent.(screen.Say); !ok || say.Level != screen.Bad || say.Text != "2 rules hit, 1 could not be run" {
		t.Errorf("%+v", intent)
	}
	var order []string
	for _, q := range data.asked {
		order = append(order, q.Rule)
		if !q.From.Equal(day) || !q.To.Equal(day.AddDate(0, 0, 1)) || q.Zones != nil {
			t.Errorf("%+v", q)
		}
	}
	if diff := cmp.Diff([]string{"credential_stuffing", "waf_bypass", "scanners", "mine"}, order); diff != "" {
		t.Error(diff)
	}
	plain := ansi.Strip(s.View())
	for _, want := range []string{"4 of 6 rules run  1 high  1 low", "needs ip", "left out", "10000+", "none, gaps in range", "failed"} {
		if !strings.Contains(plain, want) {
			t.Errorf("%q is not shown:\n%s", want, plain)
		}
	}
	press(s, "enter", "G")
	if intent, _ = press(s, "enter"); !cmp.Equal(intent, screen.Intent(screen.Go{To: screen.Investigate, Arg: view("198.51.100.299")})) {
		t.Errorf("%+v", intent)
	}
	press(s, "g", "down", "down")
	if intent, _ = press(s, "enter"); intent != nil {
		t.Errorf("a hit that tells nothing leads to %+v", intent)
	}
	press(s, "esc")
	if intent, _ = press(s, "s"); !cmp.Equal(intent, screen.Intent(screen.Go{To: screen.SQL, Arg: "SELECT 2"})) {
		t.Errorf("%+v", intent)
	}
	want := screen.Copy{Text: "SELECT 2\n-- 24 windows complete\n-- 24 objects verified, chain pinned\n", What: "the rule's SQL"}
	if intent, _ = press(s, "y"); !cmp.Equal(intent, screen.Intent(want)) {
		t.Errorf("%+v", intent)
	}
}

// TestAsked: range, zone and parameters are those of the next question, and age what was found.
func TestAsked(t *testing.T) {
	t.Parallel()
	data := &rules{ground: ground(), results: results()}
	s := hunted(t, data, tuitest.Size{Width: 120, Height: 40}, theme.Options{})
	press(s, "f")
	if !s.Typing() {
		t.Fatal("f asks for no range")
	}
	press(s, "ctrl+u")
	typeIn(s, "bad")
	_, cmd := press(s, "enter")
	s.Update(cmd())
	if plain := ansi.Strip(s.View()); !s.Typing() || !strings.Contains(plain, "bad is not a time") || !strings.Contains(plain, "range: bad") {
		t.Errorf("a bad range:\n%s", plain)
	}
	press(s, "ctrl+u")
	typeIn(s, "-1h")
	_, cmd = press(s, "enter")
	s.Update(cmd())
	if plain := ansi.Strip(s.View()); s.Typing() || !strings.Contains(plain, "to 2026-03-14 01:00 UTC") || !strings.Contains(plain, "hit, asked before") {
		t.Errorf("another range:\n%s", plain)
	}
	press(s, "z", "down", "down", "down", "p")
	typeIn(s, "192.0.2.1; ")
	press(s, "enter")
	data.asked = nil
	_, cmd = press(s, "e")
	finish(t, s, cmd)
	want := []hunt.Question{{Rule: "absence", Params: map[string]string{"ip": "192.0.2.1"}, Zones: []string{"5e"}, From: day, To: day.Add(time.Hour)}}
	if diff := cmp.Diff(want, data.asked); diff != "" {
		t.Error(diff)
	}
	press(s, "p", "ctrl+u", "x")
	if press(s, "enter"); !s.Typing() || !strings.Contains(ansi.Strip(s.View()), "want NAME=VALUE") {
		t.Errorf("bad parameters:\n%s", ansi.Strip(s.View()))
	}
	press(s, "esc")
	again := hunt.New(hunt.Config{Data: data, Keys: keys(t)})
	again.SetSize(120, 40)
	again.Restore([]byte("[]"))
	again.Restore(s.Keep())
	again.Update(again.Init()())
	data.asked = nil
	_, cmd = press(again, "e")
	finish(t, again, cmd)
	if diff := cmp.Diff(want, data.asked); diff != "" {
		t.Error(diff)
	}
}

// TestStop: esc stops the rule under way and those behind it; what they answer later is not taken.
func TestStop(t *testing.T) {
	t.Parallel()
	data := &rules{ground: ground(), results: results(), hold: true}
	s := draw(t, data, tuitest.Size{Width: 120, Height: 40}, theme.Options{}, true)
	_, cmd := press(s, "r")
	batch := cmd().(tea.BatchMsg)
	ended := make(chan tea.Msg)
	go func() { ended <- batch[0]() }()
	_, more := s.Update(batch[1]())
	if plain := ansi.Strip(s.View()); !strings.Contains(plain, "1 of 5: sql_injection_success  objects 25%") {
		t.Errorf("progress is not shown:\n%s", plain)
	}
	if _, cmd := press(s, "r"); cmd != nil {
		t.Error("two hunts are under way")
	}
	press(s, "esc")
	msg := <-ended
	intent, cmd := s.Update(msg)
	if say, ok := intent.(screen.Say); !ok || cmd != nil || say.Text != "stopped; 5 rules were not run to their end" {
		t.Errorf("%+v", intent)
	}
	if intent, cmd := s.Update(msg); intent != nil || cmd != nil {
		t.Error("a stale answer was taken")
	}
	if more() != nil {
		t.Error("it is listened on")
	}
	s.Close()
}

// TestStaleRules: of two answers the later question's is taken, and a failure leaves what was there.
func TestStaleRules(t *testing.T) {
	t.Parallel()
	data := &rules{ground: ground(), results: results()}
	s := draw(t, data, tuitest.Size{Width: 120, Height: 40}, theme.Options{}, true)
	_, first := press(s, "f5")
	stale := first()
	press(s, "esc")
	data.err = errors.New("the store is away")
	_, second := press(s, "f5")
	s.Update(stale)
	s.Update(second())
	if plain := ansi.Strip(s.View()); !strings.Contains(plain, "the store is away") || !strings.Contains(plain, "Who tries passwords") {
		t.Errorf("\n%s", plain)
	}
}

// TestHelp: every key in the list of those that work does something.
func TestHelp(t *testing.T) {
	t.Parallel()
	for _, e := range hunt.Keys() {
		if e.Scope != keymap.Scope(screen.Hunt) {
			continue
		}
		for _, name := range e.Keys {
			s := hunted(t, &rules{ground: ground(), results: results()}, tuitest.Size{Width: 80, Height: 12}, theme.Options{})
			press(s, "down")
			if e.Action == "stop" || e.Action == "left" || e.Action == "right" {
				press(s, "enter", "right", "right")
			}
			before := s.View()
			if intent, cmd := press(s, name); intent == nil && cmd == nil && s.View() == before {
				t.Errorf("%s (%s) does nothing", name, e.Action)
			}
		}
	}
}

func TestMouse(t *testing.T) {
	t.Parallel()
	s := hunted(t, &rules{ground: ground(), results: results()}, tuitest.Size{Width: 80, Height: 24}, theme.Options{})
	click := func(y int) screen.Intent {
		intent, _ := s.Update(tea.MouseClickMsg{X: 5, Y: y, Button: tea.MouseLeft})
		return intent
	}
	click(4)
	click(4) // opens its hits
	click(4)
	s.Update(tea.MouseWheelMsg{Button: tea.MouseWheelDown})
	click(3)
	if intent := click(3); !cmp.Equal(intent, screen.Intent(screen.Go{To: screen.Investigate, Arg: view("198.51.100.0")})) {
		t.Errorf("%+v:\n%s", intent, ansi.Strip(s.View()))
	}
}
