package collector_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"go.uber.org/goleak"

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
	now.Budgets = []collector.Fact{{Name: "zone budgets", Value: "spent for 12s, in the one that is spent longest; waits since the collector was started: 34, 3m12s in all" + s.text}, {Name: "token budgets" + s.text, Value: "left in each; waits since the collector was started: 1, 2s in all"}}
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

func (s *site) Log(context.Context) ([]collector.LogLine, string, error) {
	return []collector.LogLine{
		{At: at.Add(-time.Minute), Name: "INFO", Text: "window sealed  lines=4200" + s.text}, {Name: "odd" + s.text, Text: "panic: at the disco" + s.text},
		{At: at, Name: "WARN", Level: collector.Warn, Text: "window is put off  reason=rate  window=2026-03-14T15:00:00Z" + strings.Repeat(" more", 40) + s.text},
	}, "the journal of unit rainlogsd" + s.text, s.err
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
	for _, name := range []string{"full", "empty", "loading", "error", "log"} {
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
					if name == "log" {
						d.press("shift+tab", "up")
					}
					tuitest.Golden(t, name+"-"+sizeName+"-"+themeName, d.s.View(), size, o)
				})
			}
		}
	}
}
