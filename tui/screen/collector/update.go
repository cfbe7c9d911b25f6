package collector

import (
	"context"
	"errors"
	"fmt"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/fabriziosalmi/rainlogs/tui/ask"
	"github.com/fabriziosalmi/rainlogs/tui/inquiry"
	"github.com/fabriziosalmi/rainlogs/tui/keymap"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
)

// Update takes a message.
func (s *Screen) Update(msg tea.Msg) (screen.Intent, tea.Cmd) {
	switch msg := msg.(type) {
	case looked:
		return nil, s.takeLook(msg)
	case plugged:
		if s.plugging.Take(msg.question) {
			if s.plugErr = msg.err; msg.err == nil {
				s.plugins = append([]Plugin{}, msg.plugins...)
			}
		}
	case checked:
		if s.checking.Take(msg.question) {
			if s.chkErr = msg.err; msg.err == nil {
				s.checks = append([]Check{}, msg.checks...)
			}
		}
	case logRead:
		s.takeLog(msg)
	case done:
		return s.takeDone(msg)
	case pulled:
		return s.takePull(msg)
	case ask.Progress[Progress]:
		if msg.Question == &s.pulling && s.pulling.Is(msg.Number) {
			s.pullAt = msg.At
			return nil, msg.Next()
		}
	case confirmed:
		return nil, s.do(msg)
	case tick:
		if msg.question == s.tickOf {
			return nil, s.look()
		}
	case tea.KeyPressMsg:
		return s.key(msg)
	case tea.MouseClickMsg:
		return nil, s.click(msg.Mouse())
	case tea.MouseWheelMsg:
		s.move(map[bool]int{true: -1, false: 1}[msg.Mouse().Button == tea.MouseWheelUp])
	}
	return nil, nil
}

func (s *Screen) takeLook(msg looked) tea.Cmd {
	if !s.looking.Take(msg.question) {
		return nil
	}
	if s.err = msg.err; msg.err == nil {
		s.now = &msg.standing
	}
	n := msg.question
	s.tickOf = n
	if s.part == logs { // what has come since
		return tea.Batch(tea.Tick(s.cfg.Every, func(time.Time) tea.Msg { return tick{n} }), s.readLog())
	}
	again := tea.Tick(s.cfg.Every, func(time.Time) tea.Msg { return tick{n} })
	if s.part == plugins && s.plugins == nil && s.plugErr == nil {
		return tea.Batch(again, s.listPlugins())
	}
	return again
}

func (s *Screen) takeDone(msg done) (screen.Intent, tea.Cmd) {
	if !s.doing.Take(msg.question) {
		return nil, nil
	}
	if s.lastErr = msg.err; msg.err != nil {
		return screen.Say{Level: screen.Bad, Text: msg.err.Error()}, s.lookAnew()
	}
	return screen.Say{Level: screen.Good, Text: msg.said}, s.lookAnew()
}

func (s *Screen) takePull(msg pulled) (screen.Intent, tea.Cmd) {
	if !s.pulling.Take(msg.question) {
		return nil, nil
	}
	if s.lastErr = msg.err; msg.err != nil && !errors.Is(msg.err, context.Canceled) {
		return screen.Say{Level: screen.Bad, Text: msg.zone + ": " + msg.err.Error()}, s.lookAnew()
	}
	return screen.Say{Level: screen.Good, Text: msg.zone + ": " + msg.said}, s.lookAnew()
}

// lookAnew gives up a look that may be from before something was done.
func (s *Screen) lookAnew() tea.Cmd {
	s.looking.Stop()
	return s.look()
}

func (s *Screen) key(msg tea.KeyPressMsg) (screen.Intent, tea.Cmd) {
	action, _ := keymap.Pressed(s.cfg.Keys, scope, msg)
	page := max(1, s.rows()-1)
	const far = 1 << 20
	if by, ok := map[keymap.Action]int{up: -1, down: 1, pageUp: -page, pageDown: page, first: -far, last: far}[action]; ok {
		s.move(by)
		return nil, nil
	}
	switch action {
	case nextPart:
		return nil, s.turn((s.part + 1) % parts)
	case prevPart:
		return nil, s.turn((s.part + parts - 1) % parts)
	case reload:
		return nil, s.again()
	case stop:
		return s.halt(), nil
	case timeZone:
		s.local = !s.local
	case open:
		if z, ok := s.zone(); ok {
			return screen.Go{To: screen.Chain, Arg: inquiry.Ref{Zone: z.Zone, Dataset: z.Dataset, Seq: -1}}, nil
		}
	default:
		return s.order(action), nil
	}
	return nil, nil
}

// again looks anew at what is shown.
func (s *Screen) again() tea.Cmd {
	switch s.part {
	case plugins:
		return s.listPlugins()
	case checks:
		return s.check()
	case logs:
		return s.readLog()
	}
	return s.look()
}

// turn goes to another part. The checks ask sources and take long: they wait for a word.
func (s *Screen) turn(p part) tea.Cmd {
	s.part = p
	if p == plugins && s.plugins == nil {
		return s.listPlugins()
	}
	if p == logs {
		return s.readLog()
	}
	return nil
}

// halt stops what is under way, the latest first.
func (s *Screen) halt() screen.Intent {
	switch {
	case s.pulling.Stop():
		return screen.Say{Level: screen.Warn, Text: "pull of " + s.pullOf + " stopped: what is sealed stays, the rest is open"}
	case s.checking.Stop():
		return screen.Say{Text: "checks stopped"}
	case s.reading.Stop():
		return screen.Say{Text: "reading the log was stopped"}
	case s.plugging.Stop():
		return screen.Say{Text: "listing the plugins was stopped"}
	case s.doing.Stop():
		return screen.Say{Level: screen.Warn, Text: "given up; whether it was done is not known"}
	case s.looking.Stop():
		return screen.Say{Text: "stopped looking for now"}
	}
	return nil
}

// order asks before anything is done.
func (s *Screen) order(action keymap.Action) screen.Intent {
	if s.cfg.ReadOnly {
		return nil
	}
	if z, ok := s.zone(); ok {
		return s.orderZone(action, &z)
	}
	if j, ok := s.job(); ok {
		return s.orderJob(action, &j)
	}
	return nil
}

func (s *Screen) orderZone(action keymap.Action, z *Zone) screen.Intent {
	c := confirmed{order: Order{Zone: z.ID}, name: z.Name}
	switch {
	case action == pause && !z.Paused:
		c.order.Kind = Pause
		return screen.Ask{Title: "Pause " + z.Name + "?", Then: c,
			Text: "The collector leaves the zone alone until it is resumed. What the\nsource forgets meanwhile is lost, and will be sealed as a gap."}
	case action == resume && (z.Paused || z.Blocked):
		c.order.Kind = Resume
		return screen.Ask{Title: "Resume " + z.Name + "?", Then: c,
			Text: "The collector goes on with the zone. If it is blocked, the source\nis asked at once whether it still is."}
	case action == pull && !s.pulling.Waiting():
		c.pull = true
		return screen.Ask{Title: "Pull " + z.Name + " now?", Then: c,
			Text: fmt.Sprintf("What is due of it is collected by this program: it is %s behind.\nA collector that runs pulls by itself, and lets nobody else.", short(z.Lag))}
	}
	return nil
}

func (s *Screen) orderJob(action keymap.Action, j *Job) screen.Intent {
	c := confirmed{order: Order{Job: j.Number}, name: fmt.Sprintf("job %d", j.Number)}
	switch {
	case action == retry && j.CanRetry:
		c.order.Kind = Retry
		return screen.Ask{Title: fmt.Sprintf("Retry job %d now?", j.Number), Then: c,
			Text: "It becomes due at once. The ledger decides what is to be done: if\nthe window is sealed, or the zone is paused, the job ends at once."}
	case action == cancel && j.CanCancel:
		c.order.Kind = Cancel
		return screen.Ask{Title: fmt.Sprintf("Cancel job %d?", j.Number), Then: c,
			Text: "This stops no collecting: the window stays open, and the collector\nmakes a new job of it within seconds. To stop a zone, pause it."}
	}
	return nil
}

func (s *Screen) click(m tea.Mouse) tea.Cmd {
	if m.Y == tabsLine {
		if p, ok := s.partAt(m.X); ok {
			return s.turn(p)
		}
		return nil
	}
	lines := s.lines()
	if i := s.top() + m.Y - tabsLine - 2; m.Y >= tabsLine+2 && m.Y < tabsLine+2+s.rows() && i < len(lines) {
		s.cursors[s.part] = lines[i].name
	}
	return nil
}
