package investigate_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/tui/inquiry"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
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

// TestFirstViewIsWhole: what is not known yet, or never will be, is not in the first view; it is in others.
func TestFirstViewIsWhole(t *testing.T) {
	t.Parallel()
	f := newFake(3000, 20*time.Hour)
	from, until := end.Add(-19*time.Hour), end.Add(-15*time.Minute)
	f.ground.Zones[1].From, f.ground.Zones[1].Until = from, until
	s := start(t, f, 120, 38)
	if v := s.lastView("rows"); !v.From.Equal(from) || !v.To.Equal(until) {
		t.Errorf("from %s to %s", v.From, v.To)
	}
	s.press("T")
	s.typing("all")
	s.press("enter")
	if v := s.lastView("rows"); v.From.After(end.Add(-20*time.Hour).Add(time.Minute)) || !v.To.After(end) {
		t.Errorf("all is from %s to %s", v.From, v.To)
	}
	f.ground.Zones[1].From, f.ground.Zones[1].Until = end.Add(-5*time.Minute), end.Add(-10*time.Minute) // one short window
	s = start(t, f, 120, 38)
	if v := s.lastView("rows"); !v.To.After(end) {
		t.Errorf("to %s", v.To)
	}
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
	s.press("right", "o")
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
	s.press("enter", "right", "enter")
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
	s.press("right", "i", "right", "i", "[", "x")
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
