package investigate_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/tui/inquiry"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
	"github.com/fabriziosalmi/rainlogs/tui/screen/investigate"
)

// TestStaleAnswers: what is answered to a question that is no longer asked is dropped, and one question of a kind is under way.
func TestStaleAnswers(t *testing.T) {
	t.Parallel()
	s := start(t, newFake(600, 23*time.Hour), 120, 38)
	before := len(s.asked)
	s.press("right")
	var late []tea.Cmd
	for _, k := range []string{"i", "[", "p", "p"} { // nothing is answered meanwhile
		_, cmd := s.Update(keyMsg(k))
		late = append(late, cmd)
	}
	if len(s.asked) != before {
		t.Fatal("asked in Update")
	}
	s.pump(late...)
	hist := 0
	for i, what := range s.asked[before:] {
		if what == "histogram" {
			hist++
		}
		if strings.HasPrefix(what, "facet") && len(s.views[before+i].Filters) > 0 {
			t.Error("a facet was asked of a view that is gone")
		}
	}
	if hist != 2 { // the first, whose answer is dropped, and the last
		t.Errorf("%d histograms: %v", hist, s.asked[before:])
	}
	s.sees("[1h]", "view 3/3+")
	v := s.lastView("rows")
	if want := v.To.Add(-time.Hour); !v.From.Equal(want) {
		t.Errorf("from %s, want %s", v.From, want)
	}
}

// TestEstimatedFacets: estimates are drawn as such until all records are counted, and are worth something when that is stopped.
func TestEstimatedFacets(t *testing.T) {
	t.Parallel()
	f := newFake(600, 23*time.Hour)
	s := &station{t: t, fake: f}
	stop := false
	s.Screen = newScreen(t, f, func(c *investigate.Config) {
		c.Data = estimating{f, func(estimate bool) {
			switch {
			case estimate:
				s.misses(" about")
			case stop:
				s.press("esc")
			default:
				s.sees("- EdgeResponseStatus    about")
			}
		}}
	})
	s.SetSize(120, 38)
	s.pump(s.Init())
	s.misses(" about", " rough")
	asked := slices.DeleteFunc(slices.Clone(s.asked), func(what string) bool { return !strings.HasPrefix(what, "together") })
	if len(asked) < 2 || !strings.HasSuffix(asked[0], "true") || !strings.HasSuffix(asked[len(asked)-1], "false") {
		t.Errorf("asked %v", asked)
	}
	stop = true
	s.press("f5")
	s.sees("rough")
	s.misses(" about")
}

// TestSized: another size asks for what it shows: a histogram of as many buckets, facets that there was no room for.
func TestSized(t *testing.T) {
	t.Parallel()
	s := start(t, newFake(600, 23*time.Hour), 80, 22)
	s.misses("FIELDS")
	s.SetSize(120, 38)
	s.pump(s.Sized())
	s.sees("FIELDS", "198.51.100.1")
	if n := len(s.asked); s.asked[n-1] != "facet ClientRequestUserAgent" {
		t.Errorf("asked %v", s.asked)
	}
	s.press("right", "right", "right", "right", "right", "right")
	s.misses("▌ TIME UTC") // scrolled along the long value
	s.SetSize(160, 38)
	s.pump(s.Sized())
	s.sees("TIME UTC")
}

// TestNoBarsOfAnotherView: while a view's histogram is asked, that of the view before is not drawn for it.
func TestNoBarsOfAnotherView(t *testing.T) {
	t.Parallel()
	s := start(t, newFake(600, 23*time.Hour), 120, 38)
	s.sees("█████")
	s.press("right")
	s.Update(keyMsg("i"))
	if bars := strings.Join(strings.Split(s.text(), "\n")[2:8], ""); strings.TrimSpace(bars) != "" {
		t.Errorf("bars: %q", bars)
	}
	s.sees("asking for the histogram")
}

// TestStop: esc ends what is under way, which can be asked again.
func TestStop(t *testing.T) {
	t.Parallel()
	s := start(t, newFake(600, 23*time.Hour), 120, 38)
	_, cmd := s.Update(keyMsg("p"))
	s.press("esc")
	if say, ok := s.intent.(screen.Say); !ok || !strings.Contains(say.Text, "R asks anew") {
		t.Errorf("said %#v", s.intent)
	}
	s.pump(cmd)
	s.sees("records: stopped", "histogram: stopped")
	s.press("R")
	s.sees("[15m]", "row 1 of 7")
	s.misses("stopped")
}

// TestErrors: what is wrong is said where it happened, the rest goes on, and asking again helps.
func TestErrors(t *testing.T) {
	t.Parallel()
	f := newFake(600, 23*time.Hour)
	f.err = map[string]error{"histogram": errors.New("columns: input/output error"), "facet": errors.New("too many"), "record": errors.New("object is gone")}
	s := start(t, f, 120, 38)
	s.press("enter")
	s.sees("✗ histogram: columns: input/output error", "✗ too many", "object is gone", "row 1 of 600")
	f.err = map[string]error{"prepare": errors.New("disk full"), "mark": errors.New("case is read-only")}
	s.press("R")
	s.sees("RECORD 0/1", "[all]", "GET")
	s.misses("✗")
	s.press("b")
	if say, ok := s.intent.(screen.Say); !ok || say.Text != "case is read-only" {
		t.Errorf("said %#v", s.intent)
	}
	f.err = map[string]error{"ground": errors.New("the store\x1b is away")}
	s = start(t, f, 80, 22)
	s.sees(`the store\x1b is away`, "R asks again")
	f.err = nil
	s.press("R")
	s.sees("row 1 of 600")
}

// TestPrepared: what was slow is asked again when the range is prepared, which is done once a range.
func TestPrepared(t *testing.T) {
	t.Parallel()
	s := start(t, newFake(600, 23*time.Hour), 120, 38)
	s.press("p", "p", "right", "i")
	n := 0
	for _, what := range s.asked {
		if what == "prepare" {
			n++
		}
	}
	if n != 1 {
		t.Errorf("prepared %d times", n)
	}
}

// TestDraft: a filter shows its effect while it is typed, and leaves none when it is left.
func TestDraft(t *testing.T) {
	t.Parallel()
	s := start(t, newFake(600, 23*time.Hour), 120, 38)
	s.press("/")
	s.typing("client")
	s.sees("ClientIP", "ClientRequestMethod", "address")
	s.press("ctrl+u")
	s.typing("clientc")
	s.press("tab", "=")
	s.sees("ClientCountry=DE", "ClientCountry=FR")
	s.press("I", "T")
	s.sees("filter: ClientCountry=IT")
	if v := s.lastView("histogram"); len(v.Filters) != 1 {
		t.Errorf("no effect while it is typed: %+v", v)
	}
	s.misses("600 records")
	s.press("esc", "f")
	s.typing("clientrequesturi=") // its facet is not among those shown
	s.sees("ClientRequestURI=/wp-login.php")
	s.typing("cts/7?")
	s.sees("ClientRequestURI=/products/7?page=3")
	s.misses("ClientRequestURI=/wp-login.php")
	s.press("down", "enter")
	if got := s.filters(); !strings.HasPrefix(got, "ClientRequestURI=/products/7?page=") {
		t.Errorf("completed to %s", got)
	}
	s.press("[")
	s.sees("600 records", "no filter")
	if got := s.filters(); got != "" {
		t.Errorf("left filter %s stays", got)
	}
	s.press("f")
	s.typing("Nothing=1")
	s.press("enter")
	s.sees(`! http_requests has no field "Nothing"`)
	s.press("esc")
	s.Update(tea.PasteMsg{Content: "ignored"})
	s.press("f")
	_, cmd := s.Update(tea.PasteMsg{Content: "ClientIP=\x1b[2J\n\u202e"})
	s.pump(cmd)
	s.sees(`ClientIP=\x1b[2J \u202e`)
}

// TestZones: another zone of another dataset, its filters those that it can have.
func TestZones(t *testing.T) {
	t.Parallel()
	s := start(t, newFake(600, 23*time.Hour), 120, 38)
	s.press("right", "i", "z")
	s.sees("zones:", "old.example", "dns_logs, 2025-12-14 to 2026-02-12")
	s.press("enter")
	s.sees("old.example dns_logs", "no records")
	if say, ok := s.intent.(screen.Say); !ok || !strings.Contains(say.Text, "taken away") {
		t.Errorf("said %#v", s.intent)
	}
}

// TestShow: a view and a record by its address, before there is ground and after.
func TestShow(t *testing.T) {
	t.Parallel()
	f := newFake(3000, 23*time.Hour)
	s := &station{t: t, Screen: newScreen(t, f, nil), fake: f}
	s.SetSize(120, 38)
	ref := f.records[2003].Ref
	early := s.Show(ref)
	s.pump(s.Init(), early)
	s.sees("RECORD 40/4", "rainlogs://7b1c/"+zone[:8])
	if v := s.lastView("rows"); v.To.Sub(v.From) != 10*time.Minute {
		t.Errorf("view %+v", v)
	}
	s.pump(s.Show(inquiry.View{Dataset: "http_requests", Filters: []inquiry.Filter{{Field: "EdgeResponseStatus", Op: inquiry.Is, Value: "502"}}}))
	s.sees("+ EdgeResponseStatus=502")
	ref.Line = 99
	s.pump(s.Show(ref))
	if say, ok := s.intent.(screen.Say); !ok || say.Text != "there is no such record" {
		t.Errorf("said %#v", s.intent)
	}
	s.sees("+ EdgeResponseStatus=502")
}

// TestKeep: where one was and how it looked survives a restart, and rubbish does no harm.
func TestKeep(t *testing.T) {
	t.Parallel()
	f := newFake(3000, 23*time.Hour)
	s := start(t, f, 120, 38)
	s.press("right", "i", "v")
	s.typing("EdgeResponseBytes")
	s.press("space", "enter", "F")
	s.typing("RayID")
	s.press("space", "enter", "shift+tab", "home", "enter", "tab", "S") // the first facet is folded
	s.typing("method")
	s.press("enter", "u", "end", "enter", "[", "]")
	s.press("end")
	kept := s.Keep()
	again := &station{t: t, Screen: newScreen(t, f, nil), fake: f}
	again.Restore(kept)
	again.SetSize(120, 38)
	if diff := cmp.Diff(string(kept), string(again.Keep())); diff != "" {
		t.Errorf("before the first answer: %s", diff)
	}
	again.pump(again.Init())
	again.sees("+ ClientIP=198.51.100.0", "EdgeResponse", "TIME local", "+ EdgeResponseStatus", "- ClientIP", "by ClientRequestMethod", "view 2/2", "row 416 of 416")
	if diff := cmp.Diff(string(kept), string(again.Keep())); diff != "" {
		t.Errorf("after it: %s", diff)
	}
	for _, rubbish := range []string{"", "null", "[]", `{"views":[{"dataset":"gone"}],"at":7}`, `{"views":[{"dataset":"http_requests","filters":[{"field":"a","op":"~","value":"("}]}]}`, `{"at":-3,"row":-9,"views":[{"dataset":"http_requests"}]}`} {
		s := &station{t: t, Screen: newScreen(t, f, nil), fake: f}
		s.Restore([]byte(rubbish))
		s.pump(s.Init())
		s.sees("row 1 of 3,000")
	}
}

// TestTimeAside: a time that is a number is told in words too, and copied as it is.
func TestTimeAside(t *testing.T) {
	t.Parallel()
	f := newFake(30, time.Hour)
	for i, field := range f.records[0].Fields {
		if field.Name == "EdgeStartTimestamp" {
			f.records[0].Fields[i].Value = "1773500966535000000"
		}
	}
	s := start(t, f, 120, 38)
	s.press("enter", "enter", "/")
	s.typing("EdgeStart")
	s.press("enter")
	s.sees("1773500966535000000 = 2026-03-14 15:09:26.535000 UTC")
	s.press("y")
	if c, ok := s.intent.(screen.Copy); !ok || c.Text != "1773500966535000000" {
		t.Errorf("copied %#v", s.intent)
	}
}

// TestReadOnly: what would change something is not there.
func TestReadOnly(t *testing.T) {
	t.Parallel()
	f := newFake(600, 23*time.Hour)
	s := &station{t: t, Screen: newScreen(t, f, func(c *investigate.Config) { c.ReadOnly = true }), fake: f}
	s.pump(s.Init())
	s.press("b", "n")
	if len(f.marks) > 0 || s.Typing() {
		t.Error("something is kept")
	}
	for _, b := range s.Keys() {
		if h := b.Help().Desc; h == "bookmark" || h == "note" {
			t.Errorf("help knows %s", h)
		}
	}
}

var opposite = map[string]string{"up": "down", "down": "up", "left": "right", "right": "left", "home": "end", "end": "home", "pgup": "pgdown", "pgdown": "pgup", "ctrl+up": "down", "ctrl+down": "up"}

// TestHelpIsTrue: each key that is told does something that is seen, said or asked, in each pane.
func TestHelpIsTrue(t *testing.T) {
	t.Parallel()
	for _, pane := range [][]string{nil, {"enter", "enter", "down"}, {"tab", "right", "right"}, {"shift+tab", "down"}, {"right", "i", "right", "i", "tab", "tab"}, {"f"}, {"v"}} {
		prepare := func() *station {
			s := start(t, newFake(600, 20*time.Hour), 120, 38)
			s.press("#")
			s.typing("300")
			s.press("enter", "-", "-", "+", "[")
			s.press(pane...)
			return s
		}
		for _, b := range prepare().Keys() {
			if !b.Enabled() || b.Help().Desc == "" {
				continue
			}
			s := prepare()
			before, asked := s.View(), len(s.asked)
			s.press(b.Keys()[0])
			if o := opposite[b.Keys()[0]]; o != "" && s.View() == before { // it was at an end
				s.press(o)
				before = s.View()
				s.press(b.Keys()[0])
			}
			if s.View() == before && s.intent == nil && len(s.asked) == asked {
				t.Errorf("after %v, %s (%s) does nothing", pane, b.Keys()[0], b.Help().Desc)
			}
		}
	}
}

// TestFind: a record is found among many by one question.
func TestFind(t *testing.T) {
	t.Parallel()
	f := newFake(3000, 23*time.Hour)
	s := start(t, f, 100, 30)
	for _, row := range []int{1, 129, 1500, 2999} {
		s.pump(s.Show(f.records[row].Ref))
		s.press("T")
		s.typing("all")
		s.press("enter")
		s.sees(fmt.Sprintf("RECORD %d/%d", row/50, row%50+1), "of 3,000")
		if s.asked[len(s.asked)-1] == "find" {
			t.Error("the page with the record is not asked for")
		}
	}
}
