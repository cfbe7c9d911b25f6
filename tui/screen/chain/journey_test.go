package chain_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/tui/inquiry"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
	"github.com/fabriziosalmi/rainlogs/tui/screen/chain"
	"github.com/fabriziosalmi/rainlogs/tui/theme"
	"github.com/fabriziosalmi/rainlogs/tui/tuitest"
)

func shown(t testing.TB, data *archive, width, height int) *driver {
	t.Helper()
	d := drive(t, data, tuitest.Size{Width: width, Height: height}, theme.Options{Plain: true})
	d.run(d.s.Show(nil))
	return d
}

// TestNotReadUnseen: a chain is read when somebody looks, and once.
func TestNotReadUnseen(t *testing.T) {
	t.Parallel()
	data := &archive{entries: 401}
	d := drive(t, data, tuitest.Size{Width: 80, Height: 24}, theme.Options{})
	if data.opens != 0 {
		t.Error("a chain was read for a screen that nobody sees")
	}
	d.run(d.s.Show(nil))
	d.run(d.s.Show(nil))
	if data.opens != 1 {
		t.Errorf("read %d times", data.opens)
	}
	d.sees("401 entries as signed, by the pinned key", "▌ █ 400")
}

func TestMoving(t *testing.T) {
	t.Parallel()
	d := shown(t, &archive{entries: 401}, 80, 24)
	for _, c := range []struct {
		keys []string
		at   string
	}{
		{[]string{"up"}, "399"},
		{[]string{"home"}, "0"},
		{[]string{"n"}, "150"},
		{[]string{"n", "n"}, "170"},
		{[]string{"n", "n", "n"}, "203"},
		{[]string{"N"}, "202"},
		{[]string{"end"}, "400"},
		{[]string{"g", "1", "2", "3", "enter"}, "123"},
		{[]string{"g", "9", "backspace", "7", "enter"}, "7"},
		{[]string{"g", "9", "esc"}, "7"},
		{append(append([]string{"g"}, strings.Split(start(210).Format("2006-01-02"), "")...), "enter"), fmt.Sprint(210 - start(210).Hour())},
		{[]string{"f", "end"}, "203"},  // what is notable
		{[]string{"f", "home"}, "201"}, // gaps
		{[]string{"g", "5", "enter"}, "5"},
	} {
		d.press(c.keys...)
		if want := "▌ "; !strings.Contains(d.text(), want) || !cursorOn(d.text(), c.at) {
			t.Fatalf("after %v the cursor is not on %s:\n%s", c.keys, c.at, d.text())
		}
	}
	if say, ok := d.press("g", "9", "9", "9", "enter").(screen.Say); !ok || !strings.Contains(say.Text, "0 to 400") {
		t.Errorf("entry 999: %+v", say)
	}
	if say, ok := d.press("g", "x", "enter").(screen.Say); !ok || !strings.Contains(say.Text, "2026-11-23 14:00") {
		t.Errorf("entry x: %+v", say)
	}
}

func cursorOn(text, seq string) bool {
	for line := range strings.SplitSeq(text, "\n") {
		if strings.HasPrefix(line, "▌ ") && len(strings.Fields(line)) > 2 && strings.Fields(line)[2] == seq {
			return true
		}
	}
	return false
}

// TestVerify: choose, look on, stop, go to what was found, and the verdict stays.
func TestVerify(t *testing.T) {
	t.Parallel()
	data := &archive{entries: 401, verdict: damaged("")}
	d := shown(t, data, 100, 30)
	d.press("v")
	d.sees("Verify this chain, as deep as:", "and every line in them")
	d.press("a")
	d.sees("Verify all 2 chains")
	d.press("a", "up", "enter")
	if diff := cmp.Diff([]chain.Job{{Level: chain.LevelObjects, Chain: shop}}, data.jobs); diff != "" {
		t.Errorf("verified: %s", diff)
	}
	d.sees("✗ DAMAGED, 3 findings 15:10:26: objects of this chain, 396/398 objects, 812MB", "in 1m23s", "DAMAGED OR TAMPERED WITH, 3 findings", "✗ 395", "1 finding")
	d.press("tab")
	d.sees("object-changed", "sealed", "found", "what to do    Bring the sealed bytes back")
	d.press("enter")
	if !cursorOn(d.text(), "330") {
		t.Errorf("enter on a finding is not its entry:\n%s", d.text())
	}
	d.press("n")
	if !cursorOn(d.text(), "395") {
		t.Errorf("a finding is not notable:\n%s", d.text())
	}
	d.press("o")
	if job := data.jobs[len(data.jobs)-1]; job.Object == "" || job.Level != chain.LevelContent || job.Chain != shop {
		t.Errorf("the object of an entry is verified by %+v", job)
	}
	d.press("v", "a", "c")
	if job := data.jobs[len(data.jobs)-1]; job != (chain.Job{Level: chain.LevelChain}) {
		t.Errorf("all chains are verified by %+v", job)
	}
	if say, ok := d.press("tab", "end", "enter").(screen.Say); !ok || !strings.Contains(say.Text, "of no single entry") {
		t.Errorf("enter on a finding of no entry: %+v", say)
	}
}

// TestProgress: the rate and the time left are told, and esc ends it.
func TestProgress(t *testing.T) {
	t.Parallel()
	data := &archive{entries: 401, verdict: damaged("")}
	d := shown(t, data, 120, 30)
	data.hang = true
	d.press("v")
	_, cmd := d.s.Update(keyOf("enter"))
	batch, ok := cmd().(tea.BatchMsg)
	if !ok || len(batch) != 2 {
		t.Fatalf("a verification is %T", batch)
	}
	answer := make(chan tea.Msg, 1)
	go func() { answer <- batch[0]() }()
	_, next := d.s.Update(batch[1]()) // the progress
	d.sees("25%", "verifying, content: objects 250MB of 1.0GB", "50.0MB/s", "15.0s left", "2 findings", "(esc stops)")
	if say, ok := d.press("esc").(screen.Say); !ok || !strings.Contains(say.Text, "nothing is concluded") {
		t.Errorf("esc says %+v", say)
	}
	late := <-answer // the context was cancelled
	d.s.Update(late)
	if next != nil {
		d.run(next) // the feed has ended
	}
	d.sees("objects not verified in this session")
	d.seesNot("not verified: context")
}

// TestStale: an answer to a question that was given up changes nothing.
func TestStale(t *testing.T) {
	t.Parallel()
	data := &archive{entries: 401}
	d := shown(t, data, 80, 24)
	_, first := d.s.Update(keyOf("r"))
	data.entries = 77
	stale := collect(first)
	_, second := d.s.Update(keyOf("r"))
	for _, msg := range stale { // while the answer to another question is waited for
		d.s.Update(msg)
	}
	d.seesNot("77 entries")
	data.entries = 30
	d.run(second)
	for _, msg := range stale {
		d.s.Update(msg)
	}
	d.sees("30 entries as signed")
	// An entry under a cursor that has moved on.
	_, cmd := d.s.Update(keyOf("up"))
	old := collect(cmd)
	d.press("up")
	for _, msg := range old {
		d.s.Update(msg)
	}
	d.press("enter")
	d.sees("entry 27")
}

// collect runs a command without handing on what comes of it.
func collect(cmd tea.Cmd) (out []tea.Msg) {
	if cmd == nil {
		return nil
	}
	switch msg := cmd().(type) {
	case nil:
	case tea.BatchMsg:
		for _, c := range msg {
			out = append(out, collect(c)...)
		}
	default:
		out = append(out, msg)
	}
	return out
}

// TestGoesOn: what goes wrong is told, and what was known stays.
func TestGoesOn(t *testing.T) {
	t.Parallel()
	data := &archive{entries: 401}
	d := shown(t, data, 100, 30)
	data.err = errors.New("the store is away")
	d.press("r")
	d.sees("since then: the store is away", "▌ █ 400")
	d.press("v", "enter")
	d.sees("not verified: the store is away")
	data.err = nil
	d.press("r", "v", "enter")
	d.seesNot("the store is away")
}

func TestIntents(t *testing.T) {
	t.Parallel()
	d := shown(t, &archive{entries: 401}, 100, 30)
	d.press("g", "3", "0", "0", "enter")
	want := screen.Go{To: screen.Investigate, Arg: inquiry.View{
		Zones: []string{shop.Zone}, Dataset: "http_requests", From: start(300).Add(-5 * time.Minute), To: start(301),
	}}
	if diff := cmp.Diff(screen.Intent(want), d.press("i")); diff != "" {
		t.Errorf("investigate: %s", diff)
	}
	if c, ok := d.press("y").(screen.Copy); !ok || c.Text != strings.Repeat("ab", 32)+"  logs/"+shop.Zone+start(300).Format("/2006/01/02/15")+".ndjson.zst" {
		t.Errorf("copied %+v", c)
	}
	if c, ok := d.press("Y").(screen.Copy); !ok || c.Text != `{"seq":300}` {
		t.Errorf("copied %+v", c)
	}
	// Another screen asks for an entry of another chain.
	d.run(d.s.Show(inquiry.Ref{Zone: other.Zone, Dataset: other.Dataset, Seq: 12, Line: 1}))
	d.sees("← 2 of 2 →", "▌ -  12")
	d.run(d.s.Show(inquiry.Ref{Zone: "aa", Dataset: "http_requests", Seq: 12, Line: 1}))
	d.sees("the archive has no chain aa/http_requests")
}

func TestKeepAndRestore(t *testing.T) {
	t.Parallel()
	d := shown(t, &archive{entries: 401}, 80, 24)
	d.press("right", "g", "7", "7", "enter", "u")
	state := d.s.Keep()
	again := drive(t, &archive{entries: 401}, tuitest.Size{Width: 80, Height: 24}, theme.Options{Plain: true})
	again.s.Restore(state)
	again.s.Restore([]byte("nonsense"))
	again.run(again.s.Show(nil))
	if !cursorOn(again.text(), "77") || !strings.Contains(again.text(), "← 2 of 2 →") || !strings.Contains(again.text(), "CET") {
		t.Errorf("not where it was left:\n%s", again.text())
	}
}

// TestKeysDoSomething: each key of the help changes what is shown or asks for something.
func TestKeysDoSomething(t *testing.T) {
	t.Parallel()
	for name, before := range map[string][]string{
		"entries": {"g", "2", "0", "0", "enter"}, "pane": {"g", "2", "0", "0", "enter", "enter", "down"}, "findings": {"v", "enter", "tab", "down"},
		"head": {"tab", "tab", "down"}, "choosing": {"v", "up"}, "typing": {"g", "1"},
	} {
		setup := func() *driver {
			d := shown(t, &archive{entries: 401, verdict: damaged("")}, 60, 16)
			d.press(before...)
			return d
		}
		for _, b := range setup().s.Keys() {
			d := setup()
			was, n := d.s.View(), len(d.intents)
			intent, cmd := d.s.Update(keyOf(b.Keys()[0]))
			if intent == nil && cmd == nil && d.s.View() == was && len(d.intents) == n {
				t.Errorf("%s: %s (%s) does nothing", name, b.Keys()[0], b.Help().Desc)
			}
			d.s.Update(keyOf("esc"))
		}
	}
}

func TestMouse(t *testing.T) {
	t.Parallel()
	d := shown(t, &archive{entries: 401, verdict: damaged("")}, 120, 30)
	click := func(x, y int) {
		_, cmd := d.s.Update(tea.MouseClickMsg{X: x, Y: y, Button: tea.MouseLeft})
		d.run(cmd)
	}
	click(60, 2) // the middle of the strip
	if !cursorOn(d.text(), "200") {
		t.Errorf("a click on the strip:\n%s", d.text())
	}
	click(5, 8)
	if cursorOn(d.text(), "200") {
		t.Errorf("a click on a row:\n%s", d.text())
	}
	click(20, 4)
	d.sees("Nothing is known to be wrong")
	click(5, 4)
	d.s.Update(tea.MouseWheelMsg{X: 5, Y: 8, Button: tea.MouseWheelDown})
}

// TestNothingRaw: hostile text reaches no terminal, and the screen has its lines and cells, at any size and in any part.
func TestNothingRaw(t *testing.T) {
	t.Parallel()
	long := hostile + strings.Repeat("\u0301日\x1b[2J", 50_000)
	data := &archive{entries: 401, text: long, verdict: damaged(long)}
	for _, o := range []theme.Options{{Dark: true}, {Plain: true, ASCII: true}} {
		d := drive(t, data, tuitest.Size{Width: 120, Height: 40}, o)
		d.run(d.s.Show(nil))
		d.press("v", "enter")
		for _, where := range [][]string{{}, {"enter"}, {"esc", "tab"}, {"tab"}, {"v"}, {"esc", "g"}} {
			d.press(where...)
			for _, width := range []int{1, 17, 40, 80, 130} {
				for _, height := range []int{1, 2, 5, 9, 24, 43} {
					d.s.SetSize(width, height)
					check(t, d.s.View(), width, height)
				}
			}
		}
	}
	data.err = errors.New(long)
	d := drive(t, data, tuitest.Size{Width: 50, Height: 12}, theme.Options{Dark: true})
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

// BenchmarkView draws a chain of 13 months of windows of five minutes.
func BenchmarkView(b *testing.B) {
	d := shown(b, &archive{entries: 114_048}, 200, 60)
	for b.Loop() {
		_ = d.s.View()
	}
}
