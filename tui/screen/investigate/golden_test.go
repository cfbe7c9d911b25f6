package investigate_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/fabriziosalmi/rainlogs/tui/screen/investigate"
	"github.com/fabriziosalmi/rainlogs/tui/theme"
	"github.com/fabriziosalmi/rainlogs/tui/tuitest"
)

// chrome is the lines of the root around a screen.
const chrome = 2

// draw brings a screen into a state and draws it.
func draw(t *testing.T, state string, size tuitest.Size, o theme.Options) string {
	t.Helper()
	f := newFake(3000, 23*time.Hour)
	s := &station{t: t, Screen: newScreen(t, f, nil), fake: f}
	s.SetTheme(theme.New(o))
	s.SetSize(size.Width, size.Height-chrome)
	switch state {
	case "empty":
		f.ground = investigate.Ground{Archive: archive}
	case "error":
		away := errors.New("open the columns of 2026-03-14: /srv/archive/\x1b[2Jcolumns: input/output error")
		f.err = map[string]error{"histogram": away, "rows": away, "facet": away, "record": away}
	case "loading":
		s.half(s.Init())
		return s.View()
	}
	s.pump(s.Init())
	if state == "stacked" {
		s.press("S")
		s.typing("country")
		s.press("enter", "tab", "right", "right")
	}
	if state == "full" {
		s.press("right", "down", "down", "b", "down", "n")
		s.typing("looks odd")
		s.press("enter", "up", "m", "down", "x", "f")
		s.typing("ClientRequestURI*=products")
		s.press("enter", "down", "enter")
	}
	return s.View()
}

func TestGoldens(t *testing.T) {
	t.Parallel()
	for _, state := range []string{"full", "empty", "loading", "error", "stacked"} {
		for sizeName, size := range tuitest.Sizes {
			for themeName, o := range tuitest.Themes {
				t.Run(state+"/"+sizeName+"/"+themeName, func(t *testing.T) {
					t.Parallel()
					tuitest.Golden(t, state+"-"+sizeName+"-"+themeName, draw(t, state, size, o), tuitest.Size{Width: size.Width, Height: size.Height - chrome}, o)
				})
			}
		}
	}
}

// half answers what there is to look at, and tells how far the rest is, but does not answer it.
func (s *station) half(cmds ...tea.Cmd) {
	for len(cmds) > 0 {
		cmd := cmds[0]
		cmds = cmds[1:]
		if cmd == nil {
			continue
		}
		switch msg := cmd().(type) {
		case nil:
		case tea.BatchMsg:
			cmds = append(cmds, msg...)
		default:
			grounded := len(s.asked) > 1
			if told := fmt.Sprintf("%T", msg) == "investigate.progress"; told || !grounded {
				_, next := s.Update(msg)
				if !told {
					cmds = append(cmds, next)
				}
			}
		}
	}
}
