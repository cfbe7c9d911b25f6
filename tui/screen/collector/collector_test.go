package collector_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/fabriziosalmi/rainlogs/tui/inquiry"
	"github.com/fabriziosalmi/rainlogs/tui/keymap"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
	"github.com/fabriziosalmi/rainlogs/tui/screen/collector"
	"github.com/fabriziosalmi/rainlogs/tui/theme"
	"github.com/fabriziosalmi/rainlogs/tui/tuitest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	at    = time.Date(2026, 3, 14, 15, 9, 26, 0, time.UTC)
	shop  = collector.ID{Zone: strings.Repeat("5e", 16), Dataset: "http_requests"}
	blog  = collector.ID{Zone: strings.Repeat("0f", 16), Dataset: "http_requests"}
	quiet = collector.ID{Zone: strings.Repeat("aa", 16), Dataset: "http_requests"}
)

// hostile is what somebody might write where they can.
const hostile = "evil\x1b]0;owned\x07\r\n\u202e\u009b31m\xff.example"

// site is the screen's data.
type site struct {
	empty  bool
	text   string // in every field that can come from outside
	err    error
	looks  int
	orders []collector.Order
	pulls  []collector.ID
	hang   bool
}

func (s *site) Look(context.Context) (collector.Standing, error) {
	s.looks++
	if s.err != nil {
		return collector.Standing{}, s.err
	}
	now := collector.Standing{At: at, Catalog: "sqlite:/srv/rainlogs/catalog.db" + s.text, Log: "its log is its standard error" + s.text}
	if s.empty {
		now.NoQueue, now.Daemon = true, collector.Daemon{Level: collector.Warn, Text: "none answers at 127.0.0.1:8080 (rainlogs collector starts one)"}
		return now, nil
	}
	now.Daemon = collector.Daemon{Level: collector.Good, Text: "does its work, at 127.0.0.1:8080" + s.text, Facts: []collector.Fact{{Name: "storage" + s.text, Value: "ok" + s.text}}}
	now.Zones = []collector.Zone{
		{ID: shop, Name: "shop.example" + s.text, Source: "logpull", State: "collecting", Level: collector.Warn, SealedUntil: at.Add(-12 * time.Minute), Lag: 12*time.Minute + 26*time.Second,
			Planned: 1, Pulling: 1, Retrying: 2, OldestOpen: at.Add(-12 * time.Minute), AddedAt: at.AddDate(0, -3, 0)},
		{ID: blog, Name: "blog.example", Source: "logpull", State: "blocked (credential)", Level: collector.Bad, Blocked: true, Detail: "the token is refused (403)" + s.text,
			Remedy: "the token is refused: renew it" + s.text, Since: at.Add(-80 * time.Hour), SealedUntil: at.Add(-80 * time.Hour), Lag: 80 * time.Hour, Planned: 900, BlockedWindows: 60, Schedule: "@hourly", AddedAt: at.AddDate(0, -3, 0)},
		{ID: quiet, Name: "quiet.example", Source: "files", Subject: "quiet" + s.text, State: "paused", Level: collector.Quiet, Paused: true, SealedUntil: at.Add(-time.Hour), Lag: time.Hour, AddedAt: at.AddDate(0, -3, 0)},
	}
	for i := range 3 {
		now.Windows = append(now.Windows, collector.Window{
			ID: shop, Name: "shop.example", From: at.Truncate(time.Hour).Add(time.Duration(i*5) * time.Minute), To: at.Truncate(time.Hour).Add(time.Duration(i*5+5) * time.Minute),
			State: "retrying", Level: collector.Warn, Attempts: i + 1, Next: at.Add(time.Duration(i) * 90 * time.Second), Reason: "rate" + s.text, Detail: "the source asks to come again later" + s.text,
		})
	}
	states := []string{"running", "available", "retryable", "scheduled", "discarded", "cancelled"}
	for i, state := range states {
		j := collector.Job{
			Number: int64(4711 + i), Kind: "window", Queue: "live", State: state, Name: "shop.example" + s.text, From: at.Truncate(time.Hour), To: at.Truncate(time.Hour).Add(5 * time.Minute),
			Attempt: i, Attempts: 25, Created: at.Add(-time.Hour), CanRetry: i > 1, CanCancel: i < 4, By: "host:1",
		}
		if i > 1 {
			j.Due, j.Level = at.Add(time.Duration(i)*time.Minute), collector.Warn
			j.Failures = []collector.Failure{{At: at.Add(-time.Minute), Attempt: 1, Text: "seal window: store is away" + s.text}}
		}
		now.Jobs = append(now.Jobs, j)
	}
	return now, nil
}

func (s *site) Plugins(context.Context) ([]collector.Plugin, error) {
	if s.err != nil {
		return nil, s.err
	}
	return []collector.Plugin{
		{Name: "logpull", Kind: "source", Version: "1.0.0", State: "built in", UsedBy: []string{"sources.logpull"}},
		{Name: "gcs" + s.text, Kind: "storage", State: "wrong digest", Level: collector.Bad, File: "/opt/rainlogs-storage-gcs" + s.text, SHA256: strings.Repeat("ab", 32), Detail: "not the file that was pinned" + s.text},
	}, nil
}

func (s *site) Checks(ctx context.Context) ([]collector.Check, error) {
	if s.hang {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return []collector.Check{
		{Name: "config", Found: "/etc/rainlogs.yaml"},
		{Level: collector.Bad, Name: "zone", Subject: "blog.example" + s.text, Found: "the token is refused" + s.text, ToBeDone: "renew it" + s.text},
	}, s.err
}

func (s *site) Do(_ context.Context, o collector.Order) (string, error) {
	s.orders = append(s.orders, o)
	return "done as told" + s.text, s.err
}

func (s *site) Pull(ctx context.Context, id collector.ID, progress func(collector.Progress)) (string, error) {
	s.pulls = append(s.pulls, id)
	progress(collector.Progress{Done: 3, Planned: 12, Lines: 4200, Bytes: 3_200_000, Last: "come again later" + s.text})
	if s.hang {
		<-ctx.Done()
		return "", ctx.Err()
	}
	return "12 windows sealed", s.err
}

// driver is a screen whose commands are run as they come, but for those that wait for time to pass.
type driver struct {
	t       testing.TB
	s       *collector.Screen
	intents []screen.Intent
}

func drive(t testing.TB, cfg collector.Config, size tuitest.Size, o theme.Options) *driver {
	t.Helper()
	m, err := keymap.New(collector.Keys(), nil)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Keys, cfg.Local, cfg.Every = m, time.FixedZone("CET", 3600), time.Nanosecond
	d := &driver{t: t, s: collector.New(cfg)}
	d.s.SetTheme(theme.New(o))
	d.s.SetSize(size.Width, size.Height)
	return d
}

func (d *driver) run(cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	switch msg := cmd().(type) {
	case nil:
	case tea.BatchMsg:
		for _, c := range msg {
			d.run(c)
		}
	default:
		if strings.HasSuffix(fmt.Sprintf("%T", msg), ".tick") {
			return
		}
		intent, next := d.s.Update(msg)
		if intent != nil {
			d.intents = append(d.intents, intent)
		}
		d.run(next)
	}
}

func keyOf(name string) tea.KeyPressMsg {
	codes := map[string]rune{"esc": tea.KeyEscape, "enter": tea.KeyEnter, "up": tea.KeyUp, "down": tea.KeyDown, "tab": tea.KeyTab, "home": tea.KeyHome, "end": tea.KeyEnd, "pgup": tea.KeyPgUp, "pgdown": tea.KeyPgDown}
	switch code, ok := codes[name]; {
	case ok:
		return tea.KeyPressMsg{Code: code}
	case name == "shift+tab":
		return tea.KeyPressMsg{Code: tea.KeyTab, Mod: tea.ModShift}
	}
	return tea.KeyPressMsg{Code: []rune(name)[0], Text: name}
}

func (d *driver) press(names ...string) screen.Intent {
	var last screen.Intent
	for _, name := range names {
		intent, cmd := d.s.Update(keyOf(name))
		last = intent
		d.run(cmd)
	}
	return last
}

// yes answers a question with yes.
func (d *driver) yes(intent screen.Intent) {
	d.t.Helper()
	q, ok := intent.(screen.Ask)
	if !ok {
		d.t.Fatalf("not asked before it is done: %+v", intent)
	}
	intent, cmd := d.s.Update(q.Then)
	if intent != nil {
		d.intents = append(d.intents, intent)
	}
	d.run(cmd)
}

func (d *driver) text() string { return ansi.Strip(d.s.View()) }

func (d *driver) sees(want ...string) {
	d.t.Helper()
	for _, w := range want {
		if !strings.Contains(d.text(), w) {
			d.t.Errorf("%q is not shown:\n%s", w, d.text())
		}
	}
}

func shown(t testing.TB, data *site, size tuitest.Size) *driver {
	t.Helper()
	d := drive(t, collector.Config{Data: data}, size, theme.Options{Plain: true})
	d.run(d.s.Show(nil))
	return d
}

var wide = tuitest.Size{Width: 110, Height: 30}

func TestGoldens(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"full", "empty", "loading", "error"} {
		for sizeName, size := range tuitest.Sizes {
			for themeName, o := range tuitest.Themes {
				t.Run(name+"/"+sizeName+"/"+themeName, func(t *testing.T) {
					t.Parallel()
					data := &site{empty: name == "empty"}
					if name == "error" {
						data.err = errors.New("open catalog: /srv/\x1b[2Jcatalog.db: catalog is damaged → nothing sealed is lost: run rainlogs archive rebuild-catalog")
					}
					d := drive(t, collector.Config{Data: data}, size, o)
					cmd := d.s.Show(nil)
					if name != "loading" {
						d.run(cmd)
						d.press("down")
					}
					tuitest.Golden(t, name+"-"+sizeName+"-"+themeName, d.s.View(), size, o)
				})
			}
		}
	}
}

func TestParts(t *testing.T) {
	t.Parallel()
	d := shown(t, &site{}, wide)
	d.sees("collector ✓ does its work", "3 zones, 964 windows open (2 retrying, 60 blocked); jobs running: 1")
	d.press("down")
	d.sees("blocked (credential)", "what to do    ! the token is refused: renew it", "since         2026-03-11 07:09:26 UTC")
	d.press("tab", "down")
	d.sees("2026-03-14 15:05 +5m", "in 1m30s", "retrying after 2 failed attempts", "not before    2026-03-14 15:10:56 UTC")
	d.press("tab", "end")
	d.sees("cancelled", "failure 1     ! 2026-03-14 15:08:26 UTC: seal window: store is away")
	d.press("tab", "down")
	d.sees("wrong digest", "file          /opt/rainlogs-storage-gcs")
	d.press("tab")
	d.sees("daemon", "storage", "r looks at everything")
	d.press("r", "end")
	d.sees("zone      blog.example", "what to do    ! renew it")
	d.press("u", "shift+tab", "shift+tab", "shift+tab")
	d.sees("CET")
}

// TestOrders: nothing is done without a yes, and then that alone.
func TestOrders(t *testing.T) {
	t.Parallel()
	data := &site{}
	d := shown(t, data, wide)
	d.yes(d.press("p"))
	d.yes(d.press("down", "c")) // blocked: it is probed
	d.yes(d.press("down", "c")) // paused
	if d.press("p") != nil {
		t.Error("a zone that is paused can be paused")
	}
	d.press("tab", "tab")
	if d.press("t") != nil {
		t.Error("a job that is running can be retried")
	}
	d.yes(d.press("x"))
	d.yes(d.press("down", "down", "t"))
	want := []collector.Order{
		{Kind: collector.Pause, Zone: shop}, {Kind: collector.Resume, Zone: blog}, {Kind: collector.Resume, Zone: quiet}, {Kind: collector.Cancel, Job: 4711}, {Kind: collector.Retry, Job: 4713},
	}
	if diff := cmp.Diff(want, data.orders); diff != "" {
		t.Errorf("orders: %s", diff)
	}
	if data.looks != 6 {
		t.Errorf("looked %d times: once, and after each order", data.looks)
	}
	if diff := cmp.Diff(screen.Intent(screen.Say{Level: screen.Good, Text: "done as told"}), d.intents[0]); diff != "" {
		t.Errorf("said: %s", diff)
	}
	want2 := screen.Go{To: screen.Chain, Arg: inquiry.Ref{Zone: shop.Zone, Dataset: shop.Dataset, Seq: -1}}
	d.press("shift+tab", "shift+tab", "home")
	if diff := cmp.Diff(screen.Intent(want2), d.press("enter")); diff != "" {
		t.Errorf("enter: %s", diff)
	}
}

func TestReadOnly(t *testing.T) {
	t.Parallel()
	data := &site{}
	d := drive(t, collector.Config{Data: data, ReadOnly: true}, wide, theme.Options{Plain: true})
	d.run(d.s.Show(nil))
	for _, part := range []int{0, 1, 2} {
		for _, k := range []string{"p", "c", "P", "t", "x"} {
			if d.press(k) != nil {
				t.Errorf("part %d: %s does something", part, k)
			}
			for _, b := range d.s.Keys() {
				if b.Keys()[0] == k {
					t.Errorf("part %d: %s is in the help", part, k)
				}
			}
		}
		d.press("tab")
	}
	if len(data.orders)+len(data.pulls) > 0 {
		t.Error("something was done")
	}
	d.sees("to look at only")
}

// TestPull: it tells how far it is, and esc ends it.
func TestPull(t *testing.T) {
	t.Parallel()
	data := &site{}
	d := shown(t, data, wide)
	d.yes(d.press("P"))
	if len(data.pulls) != 1 || data.pulls[0] != shop {
		t.Fatalf("pulled %v", data.pulls)
	}
	data.hang = true
	q, ok := d.press("P").(screen.Ask)
	if !ok {
		t.Fatal("not asked")
	}
	_, cmd := d.s.Update(q.Then)
	batch, ok := cmd().(tea.BatchMsg)
	if !ok {
		t.Fatal("a pull is not followed")
	}
	answer := make(chan tea.Msg, 1)
	go func() { answer <- batch[0]() }()
	_, next := d.s.Update(batch[1]())
	d.sees("pulling shop.example: 3 of 12 windows, 4,200 lines, 3.2MB  (esc stops)  ! come again later")
	if d.press("P") != nil {
		t.Error("two pulls at once")
	}
	if say, ok := d.press("esc").(screen.Say); !ok || !strings.Contains(say.Text, "what is sealed stays") {
		t.Errorf("esc says %+v", say)
	}
	if intent, cmd := d.s.Update(<-answer); intent != nil || cmd != nil {
		t.Error("the answer of a pull that was stopped is taken")
	}
	d.run(next)
}

// TestGoesOn: what goes wrong is told, and what was known stays; stale answers are dropped.
func TestGoesOn(t *testing.T) {
	t.Parallel()
	data := &site{}
	d := shown(t, data, wide)
	data.err = errors.New("the catalog is away")
	d.press("r")
	d.sees("since then: the catalog is away", "shop.example")
	d.yes(d.press("p"))
	d.sees("✗ the catalog is away")
	data.err = nil
	_, cmd := d.s.Update(keyOf("r"))
	d.press("esc")
	data.empty = true
	d.run(cmd) // an answer that nobody waits for
	d.sees("shop.example")
	d.press("r")
	d.sees("No zone is under collection yet.")
}

func TestKeepAndRestore(t *testing.T) {
	t.Parallel()
	d := shown(t, &site{}, wide)
	d.press("down", "u")
	again := drive(t, collector.Config{Data: &site{}, Front: true}, wide, theme.Options{Plain: true})
	again.s.Restore(d.s.Keep())
	again.s.Restore([]byte("nonsense"))
	again.run(again.s.Init())
	if got, want := again.text(), d.text(); got != want {
		t.Errorf("not where it was left: %s", cmp.Diff(want, got))
	}
}

// TestKeysDoSomething: each key of the help changes what is shown or asks for something.
func TestKeysDoSomething(t *testing.T) {
	t.Parallel()
	for _, before := range [][]string{{"down"}, {"tab", "down"}, {"tab", "tab", "down", "down", "down"}, {"tab", "tab", "tab"}, {"tab", "tab", "tab", "tab", "r"}} {
		setup := func() *driver {
			d := shown(t, &site{}, tuitest.Size{Width: 90, Height: 14})
			d.press(before...)
			return d
		}
		for _, b := range setup().s.Keys() {
			d := setup()
			was := d.s.View()
			intent, cmd := d.s.Update(keyOf(b.Keys()[0]))
			if up := b.Help().Desc == "up" || b.Help().Desc == "page up" || b.Help().Desc == "first"; intent == nil && cmd == nil && d.s.View() == was && !up {
				d.press("home")
				was = d.s.View()
				if d.press(b.Keys()[0]); d.s.View() == was {
					t.Errorf("after %v: %s (%s) does nothing", before, b.Keys()[0], b.Help().Desc)
				}
			}
		}
	}
}

func TestMouse(t *testing.T) {
	t.Parallel()
	d := shown(t, &site{}, wide)
	d.s.Update(tea.MouseClickMsg{X: 10, Y: 5, Button: tea.MouseLeft})
	d.sees("▌✗blog.example")
	d.s.Update(tea.MouseWheelMsg{X: 10, Y: 5, Button: tea.MouseWheelDown})
	d.sees("▌◌quiet.example")
	d.s.Update(tea.MouseClickMsg{X: 15, Y: 2, Button: tea.MouseLeft})
	d.sees("not before")
}

// TestNothingRaw: hostile text reaches no terminal, and the screen has its lines and cells, at any size and in any part.
func TestNothingRaw(t *testing.T) {
	t.Parallel()
	long := hostile + strings.Repeat("\u0301日\x1b[2J", 50_000)
	for _, o := range []theme.Options{{Dark: true}, {Plain: true, ASCII: true}} {
		d := drive(t, collector.Config{Data: &site{text: long}}, wide, o)
		d.run(d.s.Show(nil))
		for range 5 {
			d.press("r", "end")
			for width := 1; width < 130; width += 16 {
				for height := 1; height < 45; height += 6 {
					d.s.SetSize(width, height)
					check(t, d.s.View(), width, height)
				}
			}
			d.press("tab")
		}
		d.yes(d.press("home", "P"))
		d.s.SetSize(113, 43)
		check(t, d.s.View(), 113, 43)
	}
	d := drive(t, collector.Config{Data: &site{err: errors.New(long + " → " + long)}}, tuitest.Size{Width: 50, Height: 12}, theme.Options{Dark: true})
	d.run(d.s.Show(nil))
	check(t, d.s.View(), 50, 12)
}

func check(t *testing.T, view string, width, height int) {
	t.Helper()
	lines := strings.Split(view, "\n")
	if len(lines) != height {
		t.Fatalf("%dx%d: %d lines", width, height, len(lines))
	}
	for _, line := range lines {
		if plain := ansi.Strip(line); strings.ContainsAny(plain, "\x1b\r\x07\u202e\u009b") || !utf8.ValidString(plain) || strings.Contains(line, "\x1b[2J") {
			t.Fatalf("%dx%d: raw: %q", width, height, line)
		}
		if w := ansi.StringWidth(line); w > width {
			t.Fatalf("%dx%d: %d cells: %q", width, height, w, ansi.Strip(line))
		}
	}
}
