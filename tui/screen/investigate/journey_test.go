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

// lastView is the view that was last asked of.
func (s *station) lastView(what string) inquiry.View {
	s.t.Helper()
	for i := len(s.asked) - 1; i >= 0; i-- {
		if strings.HasPrefix(s.asked[i], what) {
			return s.views[i]
		}
	}
	s.t.Fatalf("nobody asked for %s", what)
	return inquiry.View{}
}

func (s *station) filters() string {
	s.t.Helper()
	var out []string
	for _, f := range s.lastView("rows").Filters {
		out = append(out, f.String())
	}
	return strings.Join(out, " & ")
}

// TestFirstView: the zone with the latest records, its last day, the histogram and the rows asked before the facets, each thing once.
func TestFirstView(t *testing.T) {
	t.Parallel()
	s := start(t, newFake(3000, 72*time.Hour), 120, 38)
	v := s.lastView("rows")
	want := inquiry.View{Zones: []string{zone}, Dataset: "http_requests", From: end.Truncate(time.Second).Add(time.Second - 24*time.Hour), To: end.Truncate(time.Second).Add(time.Second)}
	if diff := cmp.Diff(want, v); diff != "" {
		t.Errorf("view: %s", diff)
	}
	asked := slices.DeleteFunc(slices.Clone(s.asked), func(what string) bool { return what == "prepare" })
	if diff := cmp.Diff([]string{"ground", "histogram", "rows 0+128", "facet EdgeResponseStatus", "facet ClientIP"}, asked[:5]); diff != "" || len(s.asked) > 11 {
		t.Errorf("asked %v: %s", s.asked, diff)
	}
	s.sees("shop.example http_requests", "[24h]", "1,000 records", "row 1 of 1,000", "not complete: 1440 windows", "198.51.100.")
}

// TestFindTheScanner is a short incident by keys alone.
func TestFindTheScanner(t *testing.T) {
	t.Parallel()
	s := start(t, newFake(3000, 23*time.Hour), 120, 38)
	s.press("f")
	s.typing("ClientRequestPath=/wp-login.php")
	s.sees("filter: ClientRequestPath=/wp-login.php", "90 records")
	s.press("enter")
	if got := s.filters(); got != "ClientRequestPath=/wp-login.php" {
		t.Fatalf("filters %s", got)
	}
	s.press("right", "right", "o")
	if got := s.filters(); got != "ClientIP=203.0.113.66" {
		t.Fatalf("only this client: %s", got)
	}
	s.press("c")
	v := s.lastView("rows")
	if got := s.filters(); got != "ClientIP=203.0.113.66 & ClientRequestUserAgent=python-requests/2.31" || v.To.Sub(v.From) != time.Hour {
		t.Fatalf("the session: %s over %s", got, v.To.Sub(v.From))
	}
	s.press("b")
	if len(s.marks) != 1 || s.marks[0].Added != end || !strings.Contains(s.marks[0].Line, "/wp-login.php") {
		t.Fatalf("kept: %+v", s.marks)
	}
	s.sees("★")
	s.press("n")
	s.typing("first try")
	s.press("enter")
	if len(s.marks) != 1 || s.marks[0].Note != "first try" {
		t.Fatalf("noted: %+v", s.marks)
	}
	s.press("b")
	ask, ok := s.intent.(screen.Ask)
	if !ok || !strings.Contains(ask.Text, "first try") || len(s.marks) != 1 {
		t.Fatalf("a note is lost without a question: %#v", s.intent)
	}
	_, cmd := s.Update(ask.Then)
	s.pump(cmd)
	if len(s.marks) != 0 {
		t.Error("the record is still kept")
	}
	s.press("e")
	if diff := cmp.Diff(screen.Go{To: screen.SQL, Arg: v}, s.intent); diff != "" {
		t.Errorf("as SQL: %s", diff)
	}
	s.press("E")
	if to, ok := s.intent.(screen.Go); !ok || to.To != screen.Chain || to.Arg.(inquiry.Ref).Dataset != "http_requests" {
		t.Errorf("the entry: %#v", s.intent)
	}
	s.press("[", "[")
	if got := s.filters(); got != "ClientRequestPath=/wp-login.php" {
		t.Errorf("two views back: %s", got)
	}
}

// TestCursorStays: after a filter the cursor is on the same record, however many there are; after it is excluded, on its neighbour.
func TestCursorStays(t *testing.T) {
	t.Parallel()
	s := start(t, newFake(3000, 23*time.Hour), 100, 30)
	s.press("#")
	s.typing("2001")
	s.press("enter", "right", "right", "enter")
	s.sees("row 2,001 of 3,000", "8f000000000007d0", "RECORD 40/1")
	s.press("i") // its client
	s.sees("8f000000000007d0", "RECORD 40/1")
	s.misses("row 2,001 of")
	s.press("t")
	if v := s.lastView("rows"); v.To.Sub(v.From) != 10*time.Minute || len(v.Filters) != 0 {
		t.Errorf("around the record: %+v", v)
	}
	s.sees("RECORD 40/1")
	s.press("[", "[", "x")
	s.sees("row 1,720 of 2,584") // records are left
	s.press("end")
	s.sees("row 2,584 of 2,584")
	s.press("g")
	s.sees("row 1 of 2,584")
}

func TestPivotsFromRecordAndFacets(t *testing.T) {
	t.Parallel()
	s := start(t, newFake(600, 23*time.Hour), 120, 38)
	s.press("enter", "enter", "/")
	s.typing("country")
	s.press("enter")
	s.sees("with country")
	s.press("x")
	if got := s.filters(); got != "ClientCountry!=IT" {
		t.Errorf("from the record: %s", got)
	}
	s.press("esc", "end", "i")
	if say, ok := s.intent.(screen.Say); !ok || !strings.Contains(say.Text, "raw is of the evidence") {
		t.Errorf("filtered by the raw line: %#v", s.intent)
	}
	s.press("y")
	if c, ok := s.intent.(screen.Copy); !ok || !strings.HasPrefix(c.Text, `{"ClientIP"`) {
		t.Errorf("copied: %#v", s.intent)
	}
	s.press("esc", "shift+tab", "down", "down", "enter") // facets: the second status
	if got := s.filters(); !strings.HasPrefix(got, "ClientCountry!=IT & EdgeResponseStatus=") {
		t.Errorf("from a facet: %s", got)
	}
	s.press("tab", "tab", "tab", "left", "!") // chips
	if got := s.filters(); !strings.HasPrefix(got, "ClientCountry=IT & EdgeResponseStatus=") {
		t.Errorf("turned round: %s", got)
	}
	s.press("delete")
	if got := s.filters(); strings.Contains(got, "IT") {
		t.Errorf("taken away: %s", got)
	}
	s.press("enter", "ctrl+u")
	s.typing("clientip=198.51.100.1")
	s.press("enter")
	if got := s.filters(); got != "ClientIP=198.51.100.1" {
		t.Errorf("edited: %s", got)
	}
	s.press("0")
	if got := s.filters(); got != "" {
		t.Errorf("all taken away: %s", got)
	}
}

// TestAbsent: an empty cell of an absent field is filtered by its absence.
func TestAbsent(t *testing.T) {
	t.Parallel()
	s := start(t, newFake(600, 23*time.Hour), 120, 38)
	s.press("v")
	s.typing("Cookies")
	s.press("space", "enter")
	s.sees("Cookies")
	for range 9 {
		s.press("right")
	}
	s.press("i")
	if got := s.filters(); got != "Cookies absent" {
		t.Errorf("%s", got)
	}
}

// TestHistory: a branch that was left is still there.
func TestHistory(t *testing.T) {
	t.Parallel()
	s := start(t, newFake(600, 23*time.Hour), 120, 38)
	s.press("right", "right", "i", "right", "i", "[", "x")
	s.sees("view 3/3+")
	s.press("H")
	s.sees("views:", "ClientIP=198.51.100.0  ClientRequestMethod=GET", "ClientIP=198.51.100.0  ClientRequestMethod!=GET")
	s.press("up", "enter")
	if got := s.filters(); got != "ClientIP=198.51.100.0 & ClientRequestMethod=GET" {
		t.Errorf("the branch: %s", got)
	}
	s.press("[", "[", "[", "]")
	if got := s.filters(); got != "ClientIP=198.51.100.0" {
		t.Errorf("back and forward: %s", got)
	}
}

func TestTime(t *testing.T) {
	t.Parallel()
	s := start(t, newFake(600, 23*time.Hour), 120, 38)
	long := func() time.Duration { v := s.lastView("rows"); return v.To.Sub(v.From) }
	s.press("p")
	if long() != 15*time.Minute {
		t.Errorf("after all comes %s", long())
	}
	s.press("-", "-")
	if long() != time.Hour {
		t.Errorf("out twice is %s", long())
	}
	s.press("<")
	if v := s.lastView("rows"); long() != time.Hour || !v.To.Before(end.Add(-29*time.Minute)) {
		t.Errorf("earlier is %s", v.To)
	}
	s.press("T")
	s.sees("the last 24h")
	s.typing("2026-03-14 10:00 to 11:30")
	s.press("enter")
	if v := s.lastView("rows"); v.From.Hour() != 10 || long() != 90*time.Minute {
		t.Errorf("typed: %s, %s", v.From, long())
	}
	s.press("T")
	s.typing("yesterday")
	s.press("enter")
	s.sees("! want 15m, FROM to TO")
	s.press("esc", "tab", "home", "right", "right", "space", "right", "shift+right")
	s.sees("(2m15s)") // the length of three buckets
	s.press("enter")
	if got := long(); got != 2*time.Minute+16*time.Second && got != 2*time.Minute+15*time.Second {
		t.Errorf("brushed %s", got)
	}
	s.Update(tea.MouseClickMsg{X: 10, Y: 4, Button: tea.MouseLeft})
	s.Update(tea.MouseMotionMsg{X: 69, Y: 4, Button: tea.MouseLeft})
	s.Update(tea.MouseReleaseMsg{X: 69, Y: 4, Button: tea.MouseLeft})
	_, cmd := s.Update(tea.MouseClickMsg{X: 40, Y: 4, Button: tea.MouseLeft})
	s.pump(cmd)
	if got := long(); got < 67*time.Second || got > 69*time.Second {
		t.Errorf("half of it with the mouse is %s", got)
	}
	_, cmd = s.Update(tea.MouseClickMsg{X: 118, Y: 0, Button: tea.MouseLeft})
	s.pump(cmd)
	if long() < 23*time.Hour {
		t.Errorf("a click on all is %s", long())
	}
}

// TestMark: the time between rows.
func TestMark(t *testing.T) {
	t.Parallel()
	s := start(t, newFake(23*60*60, 23*time.Hour), 80, 22)
	s.press("m", "down", "down", "down")
	s.sees("mark +3s", "row 4 of 82,800")
	s.press("up", "up", "m", "up")
	s.sees("mark -1s")
	s.press("u")
	s.sees("TIME local")
}

// TestStaleAnswers: what is answered to a question that is no longer asked is dropped, and one question of a kind is under way.
func TestStaleAnswers(t *testing.T) {
	t.Parallel()
	s := start(t, newFake(600, 23*time.Hour), 120, 38)
	before := len(s.asked)
	s.press("right", "right")
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
	s.press("p", "p", "right", "right", "i")
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
	s.press("esc")
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
	s.press("right", "right", "i", "z")
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
	s.press("right", "right", "i", "v")
	s.typing("EdgeResponseBytes")
	s.press("space", "enter", "F")
	s.typing("RayID")
	s.press("space", "enter", "u", "end", "enter", "[", "]")
	s.press("end")
	kept := s.Keep()
	again := &station{t: t, Screen: newScreen(t, f, nil), fake: f}
	again.Restore(kept)
	again.SetSize(120, 38)
	if diff := cmp.Diff(string(kept), string(again.Keep())); diff != "" {
		t.Errorf("before the first answer: %s", diff)
	}
	again.pump(again.Init())
	again.sees("+ ClientIP=198.51.100.0", "EdgeResponse", "TIME local", "view 2/2", "row 416 of 416")
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
	for _, pane := range [][]string{nil, {"enter", "enter", "down"}, {"tab", "right", "right"}, {"shift+tab", "down"}, {"right", "right", "i", "right", "i", "tab", "tab"}, {"f"}, {"v"}} {
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

// TestOrderOfTheTable: a record is found among many by few questions.
func TestOrderOfTheTable(t *testing.T) {
	t.Parallel()
	f := newFake(3000, 23*time.Hour)
	s := start(t, f, 100, 30)
	for _, row := range []int{1, 129, 1500, 2999} {
		before := len(s.asked)
		s.pump(s.Show(f.records[row].Ref))
		s.press("T")
		s.typing("all")
		s.press("enter")
		s.sees(fmt.Sprintf("RECORD %d/%d", row/50, row%50+1), "of 3,000")
		rows := 0
		for _, what := range s.asked[before:] {
			if strings.HasPrefix(what, "rows") {
				rows++
			}
		}
		if rows > 16 {
			t.Errorf("row %d took %d questions", row, rows)
		}
	}
}
