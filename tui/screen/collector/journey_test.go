package collector_test

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/tui/inquiry"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
	"github.com/fabriziosalmi/rainlogs/tui/screen/collector"
	"github.com/fabriziosalmi/rainlogs/tui/theme"
	"github.com/fabriziosalmi/rainlogs/tui/tuitest"
)

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
	d.press("tab")
	d.sees("log", "03-14 15:09:26  WARN", "panic: at the disco", "the last 3 lines of the journal of unit rainlogsd", "time          2026-03-14 15:09:26.000 UTC")
	d.press("end")
	d.sees("says          window sealed  lines=4200")
	d.press("u", "shift+tab", "shift+tab", "shift+tab", "shift+tab")
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
	for _, before := range [][]string{{"down"}, {"tab", "down"}, {"tab", "tab", "down", "down", "down"}, {"tab", "tab", "tab"}, {"tab", "tab", "tab", "tab", "r"}, {"shift+tab", "down"}} {
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

// TestLog: it is read anew with each look while it is shown, and what cannot be read any more is not shown as if it were now.
func TestLog(t *testing.T) {
	t.Parallel()
	data := &site{}
	d := shown(t, data, wide)
	d.press("shift+tab")
	d.sees("the last 3 lines", "window is put off")
	data.err = errors.New("ask journal: exit status 1: No access → tui.log says where it goes")
	d.press("r")
	d.sees("The collector's log cannot be read:", "No access", "tui.log says where it goes")
	data.err = nil
	d.run(d.s.Show(nil))
	d.sees("window is put off")
	_, cmd := d.s.Update(keyOf("r"))
	d.press("esc")
	data.err = errors.New("late")
	d.run(cmd)
	d.sees("window is put off")
}

// TestNothingRaw: hostile text reaches no terminal, and the screen has its lines and cells, at any size and in any part.
func TestNothingRaw(t *testing.T) {
	t.Parallel()
	long := hostile + strings.Repeat("\u0301日\x1b[2J", 50_000)
	for _, o := range []theme.Options{{Dark: true}, {Plain: true, ASCII: true}} {
		d := drive(t, collector.Config{Data: &site{text: long}}, wide, o)
		d.run(d.s.Show(nil))
		for range 6 {
			d.press("r", "end")
			for _, width := range []int{1, 17, 40, 80, 130} {
				for _, height := range []int{1, 2, 5, 9, 24, 43} {
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
