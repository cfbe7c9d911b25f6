package hunt

import (
	"context"
	"errors"
	"fmt"
	"slices"

	tea "charm.land/bubbletea/v2"

	"github.com/fabriziosalmi/rainlogs/tui/keymap"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
)

// Update takes a message.
func (s *Screen) Update(msg tea.Msg) (screen.Intent, tea.Cmd) {
	switch msg := msg.(type) {
	case loaded:
		s.take(msg)
	case spanned:
		s.takeSpan(msg)
	case progressed:
		if msg.question == s.task && s.running != "" {
			s.progress = msg.progress
		}
		return nil, listen(msg.more)
	case ran:
		return s.wasRun(msg)
	case tea.PasteMsg:
		if s.field != nil {
			s.field.Insert(msg.Content)
		}
	case tea.KeyPressMsg:
		if s.field != nil {
			return s.typed(msg)
		}
		return s.key(msg)
	case tea.MouseMsg:
		return s.pointed(msg)
	}
	return nil, nil
}

func (s *Screen) take(msg loaded) {
	if msg.question != s.asked || !s.loading {
		return
	}
	s.loading, s.err = false, msg.err
	if msg.err != nil {
		return
	}
	before := ""
	if s.at < len(s.ground.Rules) {
		before = s.ground.Rules[s.at].Name
	}
	s.ground, s.loaded = msg.ground, true
	if !s.ranged {
		s.from, s.to = msg.ground.From, msg.ground.To
	}
	if !slices.ContainsFunc(s.ground.Zones, func(z Zone) bool { return z.ID == s.zone }) {
		s.zone = ""
	}
	if i := slices.IndexFunc(s.ground.Rules, func(r Rule) bool { return r.Name == before }); i >= 0 {
		s.at = i
	}
	s.move(0)
}

func (s *Screen) takeSpan(msg spanned) {
	if msg.question != s.spans || s.field == nil || s.field.rule != "" {
		return
	}
	if msg.err != nil {
		s.field.err = msg.err
		return
	}
	s.field = nil
	s.from, s.to, s.ranged = msg.from, msg.to, true
	s.age()
}

// age marks what was found as found in another range.
func (s *Screen) age() {
	for name, o := range s.found {
		o.stale = true
		s.found[name] = o
	}
}

func (s *Screen) wasRun(msg ran) (screen.Intent, tea.Cmd) {
	if msg.question != s.task || s.running == "" {
		return nil, nil
	}
	s.running, s.progress = "", Progress{}
	if errors.Is(msg.err, context.Canceled) {
		left := len(s.queue) + 1
		s.queue = nil
		return screen.Say{Text: fmt.Sprintf("stopped; %d rules were not run to their end", left)}, nil
	}
	s.found[msg.rule] = outcome{Result: msg.result, err: msg.err}
	if cmd := s.next(); cmd != nil {
		return nil, cmd
	}
	return s.conclusion(), nil
}

// conclusion says what a run came to.
func (s *Screen) conclusion() screen.Intent {
	hit, failed, holes := s.count()
	switch {
	case failed > 0:
		return screen.Say{Level: screen.Bad, Text: fmt.Sprintf("%d rules hit, %d could not be run", hit, failed)}
	case hit > 0:
		return screen.Say{Level: screen.Warn, Text: fmt.Sprintf("%d rules hit", hit)}
	case holes > 0:
		return screen.Say{Level: screen.Warn, Text: "no rule hits, but coverage is incomplete: that proves nothing for the windows in doubt"}
	}
	return screen.Say{Level: screen.Good, Text: "no rule hits"}
}

// count is how many rules hit, failed, or were answered over incomplete coverage.
func (s *Screen) count() (hit, failed, holes int) {
	for _, r := range s.ground.Rules {
		o, ok := s.found[r.Name]
		switch {
		case !ok || o.stale:
		case o.err != nil:
			failed++
		case o.Hits > 0:
			hit++
		}
		if ok && o.err == nil && !o.stale && !o.Complete {
			holes++
		}
	}
	return hit, failed, holes
}

// typed takes a key while there is a field.
func (s *Screen) typed(msg tea.KeyPressMsg) (screen.Intent, tea.Cmd) {
	action, _ := keymap.Pressed(s.cfg.Keys, fieldScope, msg)
	switch action {
	case leave:
		s.field = nil
	case accept:
		if s.field.rule == "" {
			return nil, s.span(s.field.Text())
		}
		values, err := parseParams(s.field.Text())
		if err != nil {
			s.field.err = err
			return nil, nil
		}
		s.params[s.field.rule] = values
		if o, ok := s.found[s.field.rule]; ok {
			o.stale = true
			s.found[s.field.rule] = o
		}
		s.field = nil
	default:
		s.field.err = nil
		s.field.Key(msg)
	}
	return nil, nil
}

// halt stops what is under way, or else leaves the hits.
func (s *Screen) halt() screen.Intent {
	switch {
	case s.running != "":
		s.cancelTask() // its answer says so
		return screen.Say{Text: "stopping"}
	case s.loading:
		s.cancelLoad()
		s.loading = false
		return screen.Say{Text: "stopped"}
	}
	s.inside = false
	return nil
}

func (s *Screen) pointed(msg tea.MouseMsg) (screen.Intent, tea.Cmd) {
	m := msg.Mouse()
	if s.field != nil || !s.loaded {
		return nil, nil
	}
	switch msg.(type) {
	case tea.MouseWheelMsg:
		s.move(map[bool]int{true: 3, false: -3}[m.Button == tea.MouseWheelDown])
		s.fill()
	case tea.MouseClickMsg:
		if s.inside {
			row, ok := s.hits.At(m.Y - headLines)
			switch {
			case ok && row == s.hits.Cursor():
				return s.open()
			case ok:
				s.hits.To(row)
			}
			return nil, nil
		}
		row := m.Y - listTop + s.top
		if m.Y < listTop || m.Y >= listTop+s.listHeight() || row >= len(s.ground.Rules) {
			return nil, nil
		}
		if row == s.at {
			return s.open()
		}
		s.at = row
	}
	return nil, nil
}
