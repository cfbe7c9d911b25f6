package collector

import (
	"charm.land/bubbles/v2/key"

	"github.com/fabriziosalmi/rainlogs/tui/keymap"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
)

// The actions of the screen.
const (
	scope                  = keymap.Scope(screen.Collector)
	up       keymap.Action = "up"
	down     keymap.Action = "down"
	pageUp   keymap.Action = "page-up"
	pageDown keymap.Action = "page-down"
	first    keymap.Action = "first"
	last     keymap.Action = "last"
	nextPart keymap.Action = "next-part"
	prevPart keymap.Action = "previous-part"
	open     keymap.Action = "chain"
	reload   keymap.Action = "reload"
	stop     keymap.Action = "stop"
	timeZone keymap.Action = "time-zone"
	pause    keymap.Action = "pause"
	resume   keymap.Action = "resume"
	pull     keymap.Action = "pull"
	retry    keymap.Action = "retry"
	cancel   keymap.Action = "cancel"
)

// Keys are the screen's entries of the key map.
func Keys() []keymap.Entry {
	e := func(a keymap.Action, group, help string, keys ...string) keymap.Entry {
		return keymap.Entry{Scope: scope, Action: a, Keys: keys, Help: help, Group: group}
	}
	return []keymap.Entry{
		e(up, "move", "up", "up", "k"),
		e(down, "move", "down", "down", "j"),
		e(pageUp, "move", "page up", "pgup", "ctrl+b"),
		e(pageDown, "move", "page down", "pgdown", "ctrl+f", "space"),
		e(first, "move", "first", "home"),
		e(last, "move", "last", "end", "G"),
		e(nextPart, "move", "next part", "tab"),
		e(prevPart, "move", "part before", "shift+tab"),
		e(open, "look", "its chain", "enter"),
		e(reload, "look", "look again", "r", "f5"),
		e(stop, "look", "stop", "esc"),
		e(timeZone, "look", "UTC or local", "u"),
		e(pause, "zone", "pause", "p"),
		e(resume, "zone", "resume", "c"),
		e(pull, "zone", "pull now", "P"),
		e(retry, "job", "retry now", "t"),
		e(cancel, "job", "cancel", "x"),
	}
}

// Keys are those that work now.
func (s *Screen) Keys() []key.Binding {
	var out []key.Binding
	add := func(actions ...keymap.Action) {
		for _, a := range actions {
			out = append(out, s.cfg.Keys.Key(scope, a))
		}
	}
	if s.busy() {
		add(stop)
	}
	add(nextPart)
	if z, ok := s.zone(); ok {
		add(open)
		if !s.cfg.ReadOnly {
			if z.Paused || z.Blocked {
				add(resume)
			}
			if !z.Paused {
				add(pause)
			}
			if !s.pulling.Waiting() {
				add(pull)
			}
		}
	}
	if j, ok := s.job(); ok && !s.cfg.ReadOnly {
		if j.CanRetry {
			add(retry)
		}
		if j.CanCancel {
			add(cancel)
		}
	}
	add(reload)
	if len(s.lines()) > 1 {
		add(up, down, pageUp, pageDown, first, last)
	}
	add(timeZone, prevPart)
	return out
}
