package investigate_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/fabriziosalmi/rainlogs/tui/inquiry"
	"github.com/fabriziosalmi/rainlogs/tui/screen/investigate"
	"github.com/fabriziosalmi/rainlogs/tui/theme"
)

func (s *station) stackBy(field string) {
	s.t.Helper()
	s.press("S")
	s.typing(field)
	s.press("enter")
}

func (s *station) stacks() int {
	return len(slices.DeleteFunc(slices.Clone(s.asked), func(what string) bool { return !strings.HasPrefix(what, "stack ") }))
}

// TestStack: the bars are parted by a field of choice, in each view from then on, and by status again.
func TestStack(t *testing.T) {
	t.Parallel()
	s := start(t, newFake(3000, 23*time.Hour), 120, 38)
	s.sees("by status  █ 2xx 2554", "█ 5xx ")
	s.stackBy("ClientCountry")
	s.sees("by ClientCountry  █ DE 970", "█ NL 90")
	s.misses("by status", "others")
	s.press("right", "i") // ClientIP
	if v := s.lastView("stack ClientCountry"); len(v.Filters) != 1 {
		t.Errorf("asked of %+v", v)
	}
	s.press("[")
	s.stackBy("ClientRequestURI")
	s.sees("by ClientRequestURI  █ /wp-login.p…  █ /products/", "█ others  ")
	s.press("tab", "right")
	s.sees("others")
	n := s.stacks()
	s.stackBy("2xx")
	s.sees("by status  █ 2xx")
	if s.stacks() != n {
		t.Error("the status class is asked for")
	}
}

// TestStackOfFacet: in the facets, the list begins at the field that is looked at.
func TestStackOfFacet(t *testing.T) {
	t.Parallel()
	s := start(t, newFake(3000, 23*time.Hour), 120, 38)
	s.press("shift+tab", "down", "S", "enter")
	s.sees("by EdgeResponseStatus  █ 200 2554")
}

// TestStackWhileTyping: the draft's bars are parted too, and the view's again after it.
func TestStackWhileTyping(t *testing.T) {
	t.Parallel()
	s := start(t, newFake(3000, 23*time.Hour), 120, 38)
	s.stackBy("ClientCountry")
	s.press("f")
	s.typing("EdgeResponseStatus=403")
	s.sees("by ClientCountry  █ NL 90 ")
	s.press("esc")
	s.sees("█ IT 9", "█ NL 90")
}

// TestStackFails: the bars by status stay, and it is asked for again on demand alone.
func TestStackFails(t *testing.T) {
	t.Parallel()
	f := newFake(3000, 23*time.Hour)
	f.err["stack"] = errors.New("out of memory")
	s := start(t, f, 80, 22)
	s.misses("by status")
	s.stackBy("ClientCountry")
	s.sees("by ClientCountry  out of memory; R asks again")
	n := s.stacks()
	s.press("down", "up")
	if s.stacks() != n {
		t.Errorf("asked %d times more", s.stacks()-n)
	}
	delete(f.err, "stack")
	s.press("R")
	s.sees("█ IT 9")
}

// TestStackStops: what is under way ends with esc, and what comes late is dropped.
func TestStackStops(t *testing.T) {
	t.Parallel()
	s := start(t, newFake(3000, 23*time.Hour), 120, 38)
	s.press("S", "down")
	_, cmd := s.Update(keyMsg("enter"))
	s.sees("by ClientRequestMethod in a moment")
	s.press("esc")
	s.sees("by ClientRequestMethod  stopped; R asks again")
	s.pump(cmd)
	s.sees("by ClientRequestMethod  stopped; R asks again")
	s.pump(func() tea.Msg { return inquiry.MarksChanged{} })
	s.press("R")
	s.sees("by ClientRequestMethod  █ GET")
}

// TestWithoutStacks: Data that cannot part bars has no key for it.
func TestWithoutStacks(t *testing.T) {
	t.Parallel()
	f := newFake(300, time.Hour)
	s := &station{t: t, Screen: newScreen(t, f, func(c *investigate.Config) { c.Data = struct{ investigate.Data }{f} }), fake: f}
	s.pump(s.Init())
	s.press("S")
	if s.Typing() {
		t.Error("a list is open")
	}
	for _, b := range s.Keys() {
		if b.Help().Key == "S" {
			t.Error("the key is told")
		}
	}
}

// TestOddStack: of buckets that are not the histogram's nothing is drawn.
func TestOddStack(t *testing.T) {
	t.Parallel()
	f := newFake(300, time.Hour)
	odd := &station{t: t, Screen: newScreen(t, f, func(c *investigate.Config) { c.Data = oddStack{f} }), fake: f}
	odd.SetSize(120, 38)
	odd.pump(odd.Init())
	odd.stackBy("ClientCountry")
	odd.sees("█ 2xx")
	whole(t, odd.View(), 120, 38, theme.Options{})
}

// oddStack has more values than were asked for, of fewer buckets.
type oddStack struct{ *fake }

func (oddStack) Stack(context.Context, inquiry.View, int, string) (investigate.Stack, error) {
	return investigate.Stack{Values: make([]investigate.Value, 9), Counts: make([][6]int64, 3)}, nil
}
