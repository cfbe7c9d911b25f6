package investigate_test

import (
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
)

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
