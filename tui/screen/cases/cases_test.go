package cases_test

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
	"github.com/fabriziosalmi/rainlogs/tui/screen/cases"
	"github.com/fabriziosalmi/rainlogs/tui/theme"
	"github.com/fabriziosalmi/rainlogs/tui/tuitest"
)

const (
	hostile = "evil\x1b]0;owned\x07\r\n\u202e\u009b2J\xff.example"
	archive = "2f1c7a52-6a4e-4f1a-9d6e-0a5d3c8b7e11"
	shop    = "5e2a1f0c9b8d7e6f5a4b3c2d1e0f9a8b"
)

var at = time.Date(2026, 3, 14, 15, 9, 26, 535_000_000, time.UTC)

func ref(seq, line int64) inquiry.Ref {
	return inquiry.Ref{Archive: archive, Zone: shop, Dataset: "http_requests", Seq: seq, Line: line}
}

func full() cases.Case {
	c := cases.Case{
		Name: "card-theft", Title: "Card theft of 14 March", Folder: "/home/ann/.local/share/rainlogs/cases/" + archive + "/card-theft",
		Created: at.Add(3 * time.Hour), By: "ann@desk", Head: strings.Repeat("3c9a", 16), Zones: map[string]string{shop: "shop.example.eu"},
	}
	for i, line := range []string{
		"198.51.100.77 GET shop.example.eu /wp-login.php 404", "198.51.100.77 POST shop.example.eu /account/login 401",
		"198.51.100.77 POST shop.example.eu /account/login 302", "198.51.100.77 GET shop.example.eu /account/orders?id=1%27%20UNION%20SELECT%20card,cvv%20FROM%20cards--" + strings.Repeat("%20", 60) + " 200",
		"203.0.113.9 GET shop.example.eu /" + hostile + " 200",
	} {
		b := inquiry.Bookmark{Ref: ref(310+int64(i), 17*int64(i)+1), Time: at.Add(time.Duration(i*i*i) * 17 * time.Second), Line: line, Added: at.Add(4 * time.Hour)}
		if i%2 == 0 {
			b.Note = []string{"the scanner's first request", "", "the first password that worked; the customer is told (ticket 4711)", "", hostile}[i]
		}
		c.Bookmarks = append(c.Bookmarks, b)
	}
	c.Notes = []cases.Note{{at.Add(5 * time.Hour), "ann@desk", "Early warning sent to the CSIRT at 19:40, reference " + hostile}, {at.Add(6 * time.Hour), "bert@laptop", "Cards blocked."}}
	c.Queries = []cases.Query{
		{Time: at.Add(4 * time.Hour), Who: "ann@desk", Title: "Who tries passwords", SQL: "-- title: Who tries passwords\nSELECT ClientIP,\n count(*)\nFROM logs", Rows: 3, Evidence: "24 windows\nverified up to a pinned key", Complete: true},
		{Time: at.Add(3 * time.Hour), Who: "ann@desk", Rows: 1, View: &inquiry.View{Dataset: "http_requests", From: at, Filters: []inquiry.Filter{{Field: "ClientIP", Op: inquiry.Is, Value: hostile}}}},
	}
	for i, text := range []string{"2 records into /media/usb, SHA-256 of SHA256SUMS 9f", c.Bookmarks[4].Ref.Permalink() + ": " + hostile, "Card theft of 14 March"} {
		c.Log = append(c.Log, cases.Event{N: int64(3 - i), Time: at.Add(time.Duration(6-i) * time.Hour), Who: "ann@desk", Kind: []string{"export", "bookmark", "created"}[i], Text: text})
	}
	return c
}

func list() []cases.Summary {
	return []cases.Summary{
		{Name: "card-theft", Title: "Card theft of 14 March", Bookmarks: 5, Notes: 2, Updated: at.Add(6 * time.Hour), By: "ann@desk", Current: true},
		{Name: "old", Title: hostile, Updated: at, By: "bert@laptop", Damage: "line 3 does not follow line 2"},
	}
}

// book is a fake of the port.
type book struct {
	now     cases.Case
	all     []cases.Summary
	err     error // of everything
	changes []cases.Change
	dirs    []string
	left    []string
	hold    bool // an export waits for its context
}

func (b *book) Case(context.Context) (cases.Case, error)       { return b.now, b.err }
func (b *book) Cases(context.Context) ([]cases.Summary, error) { return b.all, b.err }
func (b *book) Do(_ context.Context, c cases.Change) error {
	b.changes = append(b.changes, c)
	return b.err
}

func (b *book) Export(ctx context.Context, dir string, progress func(done, total int64)) (cases.Export, error) {
	b.dirs = append(b.dirs, dir)
	progress(1, 5)
	if b.hold {
		<-ctx.Done()
		return cases.Export{}, ctx.Err()
	}
	return cases.Export{Folder: dir + "/rainlogs-card-theft", Records: len(b.now.Bookmarks) - len(b.left), Left: b.left}, b.err
}

func keys(t *testing.T) *keymap.Map {
	t.Helper()
	m, err := keymap.New(cases.Keys(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func draw(t *testing.T, data cases.Data, size tuitest.Size, o theme.Options, load bool, change ...func(*cases.Config)) *cases.Screen {
	t.Helper()
	cfg := cases.Config{Data: data, Keys: keys(t), Local: time.FixedZone("CET", 3600), Folder: "/home/ann"}
	for _, f := range change {
		f(&cfg)
	}
	s := cases.New(cfg)
	s.SetTheme(theme.New(o))
	s.SetSize(size.Width, size.Height)
	if cmd := s.Init(); load {
		s.Update(cmd())
	}
	return s
}

func press(s *cases.Screen, names ...string) (screen.Intent, tea.Cmd) {
	var intent screen.Intent
	var cmd tea.Cmd
	for _, name := range names {
		intent, cmd = s.Update(pressed(name))
	}
	return intent, cmd
}

func pressed(name string) tea.KeyPressMsg {
	special := map[string]rune{
		"up": tea.KeyUp, "down": tea.KeyDown, "tab": tea.KeyTab, "enter": tea.KeyEnter, "esc": tea.KeyEscape, "end": tea.KeyEnd, "home": tea.KeyHome,
		"pgdown": tea.KeyPgDown, "pgup": tea.KeyPgUp, "f5": tea.KeyF5, "delete": tea.KeyDelete,
	}
	if mod, rest, ok := strings.Cut(name, "+"); ok {
		k := pressed(rest)
		k.Text = ""
		k.Mod = map[string]tea.KeyMod{"ctrl": tea.ModCtrl, "shift": tea.ModShift}[mod]
		return k
	}
	if code, ok := special[name]; ok {
		return tea.KeyPressMsg{Code: code}
	}
	return tea.KeyPressMsg{Code: []rune(name)[0], Text: name}
}

func typeIn(s *cases.Screen, text string) {
	for _, r := range text {
		s.Update(tea.KeyPressMsg{Code: r, Text: string(r)})
	}
}

func TestGoldens(t *testing.T) {
	t.Parallel()
	for state, prepare := range map[string]func() (*book, []string){
		"full":  func() (*book, []string) { return &book{now: full(), all: list()}, []string{"down", "down"} },
		"empty": func() (*book, []string) { return &book{}, nil },
		"error": func() (*book, []string) {
			return &book{err: errors.New("read case: open /home/ann/\x1b[2Jcase.jsonl: permission denied")}, nil
		},
		"loading": func() (*book, []string) { return &book{}, nil },
		"queries": func() (*book, []string) { return &book{now: full(), all: list()}, []string{"tab", "tab"} },
	} {
		for sizeName, size := range tuitest.Sizes {
			for themeName, o := range tuitest.Themes {
				if state == "queries" && themeName != "plain" {
					continue
				}
				t.Run(state+"/"+sizeName+"/"+themeName, func(t *testing.T) {
					t.Parallel()
					data, keys := prepare()
					s := draw(t, data, size, o, state != "loading")
					press(s, keys...)
					tuitest.Golden(t, state+"-"+sizeName+"-"+themeName, s.View(), size, o)
				})
			}
		}
	}
}

// TestNothingRaw: what attackers and colleagues write reaches no terminal, in any part and at any size.
func TestNothingRaw(t *testing.T) {
	t.Parallel()
	now := full()
	now.Title, now.By, now.Damage = hostile, hostile, hostile
	now.Zones[shop] = hostile
	for i := range now.Bookmarks {
		now.Bookmarks[i].Line, now.Bookmarks[i].Note = strings.Repeat(hostile, 10_000), strings.Repeat("\u0301\u202e", 50_000)
	}
	now.Queries[0].SQL, now.Queries[0].Evidence, now.Queries[0].Title = strings.Repeat(hostile, 10_000), hostile, ""
	now.Log[0].Text, now.Log[0].Who, now.Log[0].Kind = strings.Repeat("\u200b", 100_000), hostile, hostile
	walks := [][]string{nil, {"end"}, {"tab"}, {"tab", "tab"}, {"tab", "tab", "down"}, {"shift+tab"}, {"c", "down"}, {"n"}, {"N", "x"}}
	for width := 1; width < 140; width += 9 {
		for height := 1; height < 50; height += 6 {
			for _, walk := range walks {
				if len(walk) > 0 && strings.ContainsAny(walk[0], "nN") {
					now.Damage = ""
				}
				s := draw(t, &book{now: now, all: list()}, tuitest.Size{Width: width, Height: height}, theme.Options{Dark: true}, true)
				press(s, walk...)
				view := s.View()
				if plain := ansi.Strip(view); strings.ContainsAny(plain, "\x1b\r\x07\u202e\u009b\u200b") || strings.Contains(view, "]0;owned\x07") {
					t.Fatalf("%dx%d %v: %q", width, height, walk, view)
				}
				lines := strings.Split(view, "\n")
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

// TestRecords: from a record to other screens, and what is kept about it.
func TestRecords(t *testing.T) {
	t.Parallel()
	data := &book{now: full(), all: list()}
	s := draw(t, data, tuitest.Size{Width: 120, Height: 40}, theme.Options{}, true)
	for _, c := range []struct {
		keys []string
		want screen.Intent
	}{
		{[]string{"enter"}, screen.Go{To: screen.Investigate, Arg: ref(310, 1)}},
		{[]string{"down", "enter"}, screen.Go{To: screen.Investigate, Arg: ref(311, 18)}},
		{[]string{"p"}, screen.Go{To: screen.Chain, Arg: ref(311, 18)}},
		{[]string{"y"}, screen.Copy{Text: ref(311, 18).Permalink(), What: "the record's address"}},
		{[]string{"G", "up", "k", "y"}, screen.Copy{Text: ref(312, 35).Permalink(), What: "the record's address"}},
		{[]string{"tab", "tab", "enter"}, screen.Go{To: screen.SQL, Arg: full().Queries[0].SQL}},
		{[]string{"down", "enter"}, screen.Go{To: screen.Investigate, Arg: *full().Queries[1].View}},
		{[]string{"home", "y"}, screen.Copy{Text: full().Queries[0].SQL + "\n-- 24 windows verified up to a pinned key", What: "the query"}},
		{[]string{"tab", "y"}, screen.Copy{Text: full().Head, What: "the hash of the journal's last line"}},
		{[]string{"enter"}, nil},
	} {
		if intent, _ := press(s, c.keys...); !cmp.Equal(c.want, intent) {
			t.Errorf("%v: %s", c.keys, cmp.Diff(c.want, intent))
		}
	}
	press(s, "tab", "n")
	if !s.Typing() || len(s.Keys()) != 2 {
		t.Fatal("n asks for no note")
	}
	press(s, "ctrl+u")
	typeIn(s, "new x")
	s.Update(tea.PasteMsg{Content: "yz\n"})
	_, cmd := press(s, "enter")
	intent, cmd := s.Update(cmd())
	if diff := cmp.Diff([]cases.Change{{Verb: cases.Annotate, Ref: ref(312, 35), Text: "new xyz "}}, data.changes); diff != "" {
		t.Error(diff)
	}
	if _, ok := cmd().(inquiry.MarksChanged); !ok || intent == nil {
		t.Error("other screens are not told")
	}
	if _, cmd := s.Update(inquiry.MarksChanged{}); cmd == nil {
		t.Error("the case is not looked at again")
	}
	intent, _ = press(s, "d")
	ask, ok := intent.(screen.Ask)
	if !ok || len(data.changes) != 1 {
		t.Fatalf("d asks %+v, and did %+v", intent, data.changes)
	}
	_, cmd = s.Update(ask.Then)
	s.Update(cmd())
	if got := data.changes[1]; got.Verb != cases.Remove || got.Ref != ref(312, 35) {
		t.Errorf("%+v", got)
	}
}

// TestFailure: what was typed is not lost, and the case stays on the screen.
func TestFailure(t *testing.T) {
	t.Parallel()
	data := &book{now: full(), all: list()}
	s := draw(t, data, tuitest.Size{Width: 120, Height: 40}, theme.Options{}, true)
	press(s, "a")
	if intent, _ := press(s, "enter"); intent == nil || !s.Typing() {
		t.Error("an empty note is taken")
	}
	typeIn(s, "a long story")
	data.err = errors.New("no space left on device")
	_, cmd := press(s, "enter")
	if s.Typing() {
		t.Fatal("enter leaves the field open")
	}
	intent, _ := s.Update(cmd())
	if say, ok := intent.(screen.Say); !ok || say.Level != screen.Bad || !strings.Contains(say.Text, "no space left") {
		t.Errorf("%+v", intent)
	}
	if view := ansi.Strip(s.View()); !s.Typing() || !strings.Contains(view, "a long story") || !strings.Contains(view, "Card theft") {
		t.Errorf("what was typed is lost:\n%s", view)
	}
	press(s, "esc")
	if view := ansi.Strip(s.View()); !strings.Contains(view, "no space left") {
		t.Errorf("what went wrong is not shown:\n%s", view)
	}
	_, cmd = press(s, "r")
	s.Update(cmd())
	if view := ansi.Strip(s.View()); !strings.Contains(view, "looking at the case: no space left") || !strings.Contains(view, "wp-login") {
		t.Errorf("a load that fails takes away what was there:\n%s", view)
	}
}

// TestExport: asked, confirmed, told how far it is, stopped, done.
func TestExport(t *testing.T) {
	t.Parallel()
	data := &book{now: full(), all: list(), hold: true}
	s := draw(t, data, tuitest.Size{Width: 120, Height: 40}, theme.Options{}, true)
	begin := func() []tea.Cmd {
		t.Helper()
		press(s, "x")
		intent, _ := press(s, "enter")
		ask, ok := intent.(screen.Ask)
		if !ok || !strings.Contains(ask.Text, "5 records") || !strings.Contains(ask.Text, "/home/ann") {
			t.Fatalf("%+v", intent)
		}
		_, cmd := s.Update(ask.Then)
		return cmd().(tea.BatchMsg)
	}
	cmds := begin()
	ended := make(chan tea.Msg)
	go func() { ended <- cmds[0]() }()
	_, more := s.Update(cmds[1]())
	if view := ansi.Strip(s.View()); !strings.Contains(view, "1 of 5") {
		t.Errorf("progress is not shown:\n%s", view)
	}
	for _, k := range []string{"x", "n", "d", "N", "a"} {
		if intent, cmd := press(s, k); intent != nil || cmd != nil || s.Typing() {
			t.Errorf("%s begins something while an export is under way", k)
		}
	}
	press(s, "esc")
	intent, _ := s.Update(<-ended)
	if say, ok := intent.(screen.Say); !ok || !strings.Contains(say.Text, "nothing was written") {
		t.Errorf("%+v", intent)
	}
	if msg := more(); msg != nil {
		t.Errorf("it is listened on: %v", msg)
	}
	data.hold = false
	intent, _ = s.Update(begin()[0]())
	if say, ok := intent.(screen.Say); !ok || say.Level != screen.Good || !strings.Contains(say.Text, "/home/ann/rainlogs-card-theft") {
		t.Errorf("%+v", intent)
	}
	data.left = []string{"record x: damaged"}
	intent, _ = s.Update(begin()[0]())
	if say, ok := intent.(screen.Say); !ok || say.Level != screen.Warn || !strings.Contains(ansi.Strip(s.View()), "record x: damaged") {
		t.Errorf("%+v", intent)
	}
	late := begin()[0]()
	s.Update(late)
	if intent, _ := s.Update(late); intent != nil {
		t.Errorf("an answer was taken that nobody waits for: %+v", intent)
	}
}

// TestCases: one is chosen, begun and renamed.
func TestCases(t *testing.T) {
	t.Parallel()
	data := &book{now: full(), all: list()}
	s := draw(t, data, tuitest.Size{Width: 80, Height: 24}, theme.Options{}, true)
	press(s, "c")
	if view := ansi.Strip(s.View()); !strings.Contains(view, "2 cases of the archive") {
		t.Errorf("\n%s", view)
	}
	press(s, "esc")
	_, cmd := press(s, "c", "down", "enter")
	s.Update(cmd())
	press(s, "N")
	typeIn(s, "Other")
	_, cmd = press(s, "enter")
	s.Update(cmd())
	press(s, "T", "!")
	_, cmd = press(s, "enter")
	s.Update(cmd())
	want := []cases.Change{{Verb: cases.Choose, Text: "old"}, {Verb: cases.Begin, Text: "Other"}, {Verb: cases.Rename, Text: "Card theft of 14 March!"}}
	if diff := cmp.Diff(want, data.changes); diff != "" {
		t.Error(diff)
	}
}

// TestStale: of two answers the later question's is taken, and esc drops both.
func TestStale(t *testing.T) {
	t.Parallel()
	data := &book{now: full(), all: list()}
	s := draw(t, data, tuitest.Size{Width: 80, Height: 24}, theme.Options{}, true)
	first := s.Show(nil)
	data.now.Title = "Later"
	stale := first()
	second := s.Show(nil)
	s.Update(stale)
	if !strings.Contains(s.View(), "Card theft") {
		t.Error("a stale answer was taken")
	}
	s.Update(second())
	if !strings.Contains(s.View(), "Later") {
		t.Error("the later answer was not taken")
	}
	data.now.Title = "Never"
	third := s.Show(nil)
	press(s, "esc")
	s.Update(third())
	if !strings.Contains(s.View(), "Later") {
		t.Error("an answer was taken that was stopped")
	}
}

// TestReadOnly: keys that change something are gone, the others are not.
func TestReadOnly(t *testing.T) {
	t.Parallel()
	data := &book{now: full(), all: list()}
	s := draw(t, data, tuitest.Size{Width: 80, Height: 24}, theme.Options{}, true, func(c *cases.Config) { c.ReadOnly = true })
	for _, k := range []string{"n", "a", "x", "N", "d", "T"} {
		if intent, cmd := press(s, k); intent != nil || cmd != nil || s.Typing() {
			t.Errorf("%s does something", k)
		}
		for _, b := range s.Keys() {
			if b.Help().Key == k {
				t.Errorf("%s is in help", k)
			}
		}
	}
	if intent, _ := press(s, "enter"); intent == nil {
		t.Error("a record cannot be looked at")
	}
}

// TestKeep: the place is found again by the record, not by its number.
func TestKeep(t *testing.T) {
	t.Parallel()
	data := &book{now: full(), all: list()}
	s := draw(t, data, tuitest.Size{Width: 80, Height: 24}, theme.Options{}, true)
	press(s, "down", "down", "u")
	state := s.Keep()
	data.now.Bookmarks = data.now.Bookmarks[1:]
	again := cases.New(cases.Config{Data: data, Keys: keys(t), Local: time.FixedZone("CET", 3600)})
	again.SetSize(80, 24)
	again.Restore([]byte("{"))
	again.Restore(state)
	again.Update(again.Init()())
	if intent, _ := press(again, "enter"); !cmp.Equal(intent, screen.Intent(screen.Go{To: screen.Investigate, Arg: ref(312, 35)})) {
		t.Errorf("%+v", intent)
	}
	if !strings.Contains(again.View(), "TIME (local)") || !strings.Contains(again.View(), "16:11:42") {
		t.Errorf("times are not local:\n%s", ansi.Strip(again.View()))
	}
}

// TestHelp: every key in the list of those that work does something.
func TestHelp(t *testing.T) {
	t.Parallel()
	for _, e := range cases.Keys() {
		if e.Scope != keymap.Scope(screen.Case) {
			continue
		}
		for _, name := range e.Keys {
			s := draw(t, &book{now: full(), all: list()}, tuitest.Size{Width: 80, Height: 12}, theme.Options{}, true)
			press(s, "down")
			if e.Action == "stop" {
				s.Show(nil)
			}
			before := fmt.Sprint(s.View(), s.Typing())
			intent, cmd := press(s, name)
			if intent == nil && cmd == nil && fmt.Sprint(s.View(), s.Typing()) == before {
				t.Errorf("%s (%s) does nothing", name, e.Action)
			}
		}
	}
}

// TestMouse: a click on a part, on a row, and on the same row again.
func TestMouse(t *testing.T) {
	t.Parallel()
	s := draw(t, &book{now: full(), all: list()}, tuitest.Size{Width: 80, Height: 24}, theme.Options{}, true)
	click := func(x, y int) screen.Intent {
		intent, _ := s.Update(tea.MouseClickMsg{X: x, Y: y, Button: tea.MouseLeft})
		return intent
	}
	if intent := click(5, 5); intent != nil {
		t.Errorf("%+v", intent)
	}
	if intent := click(5, 5); !cmp.Equal(intent, screen.Intent(screen.Go{To: screen.Investigate, Arg: ref(312, 35)})) {
		t.Errorf("%+v", intent)
	}
	s.Update(tea.MouseWheelMsg{Button: tea.MouseWheelUp})
	if intent := click(5, 3); !cmp.Equal(intent, screen.Intent(screen.Go{To: screen.Investigate, Arg: ref(310, 1)})) {
		t.Errorf("%+v", intent)
	}
	click(14, 1)
	if !strings.Contains(s.View(), "Cards blocked") {
		t.Errorf("\n%s", ansi.Strip(s.View()))
	}
	click(1, 23)
	click(1, 20)
}
