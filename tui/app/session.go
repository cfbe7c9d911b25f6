package app

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/fabriziosalmi/rainlogs/tui/screen"
)

// session is the state of an App as it is kept.
type session struct {
	V       int                             `json:"v"`
	Archive string                          `json:"archive"`
	Here    screen.Name                     `json:"here"`
	Past    []screen.Name                   `json:"past,omitempty"`
	Chosen  choices                         `json:"chosen"`
	Screens map[screen.Name]json.RawMessage `json:"screens,omitempty"`
	// Faults counts how often in a row a screen has ended the program.
	Faults map[screen.Name]int `json:"faults,omitempty"`
}

const (
	sessionVersion = 1
	// MaxSession bounds a session's bytes, and a quarter of it what one screen keeps.
	MaxSession = 4 << 20
	// maxFaults is after how many of them a screen begins anew: what it kept may be why.
	maxFaults = 2
)

// CheckSession says whether bytes are a session of an archive.
func CheckSession(b []byte, archive string) error {
	_, err := readSession(b, archive)
	return err
}

func readSession(b []byte, archive string) (session, error) {
	var s session
	if len(b) > MaxSession {
		return s, errors.New("it is too large")
	}
	if err := json.Unmarshal(b, &s); err != nil {
		return s, fmt.Errorf("it is damaged: %w", err)
	}
	switch {
	case s.V != sessionVersion:
		return s, fmt.Errorf("it is of version %d, not %d", s.V, sessionVersion)
	case s.Archive != archive:
		return s, errors.New("it is another archive's")
	}
	return s, nil
}

// restore takes up an earlier session, as far as it is one.
func (a *App) restore(b []byte) {
	if len(b) == 0 {
		return
	}
	s, err := readSession(b, a.cfg.Archive)
	if err != nil {
		a.say = screen.Say{Level: screen.Warn, Text: "the session before is not restored: " + err.Error()}
		return
	}
	if a.cfg.Arg == nil && a.cfg.Screens[s.Here] != nil {
		a.here = s.Here
	}
	for _, name := range s.Past {
		if a.cfg.Screens[name] != nil && name != a.here && len(a.past) < len(screen.All) {
			a.past = append(a.past, name)
		}
	}
	a.recall(s.Chosen)
	for _, name := range a.order {
		keeper, ok := a.cfg.Screens[name].(screen.Keeper)
		if state := s.Screens[name]; ok && state != nil {
			a.bring(name, keeper, state, s.Faults[name])
		}
	}
}

// bring gives a screen back what it kept, unless it has failed with it time and again.
func (a *App) bring(name screen.Name, keeper screen.Keeper, state json.RawMessage, faults int) {
	if faults >= maxFaults {
		a.say = screen.Say{Level: screen.Warn, Text: fmt.Sprintf("%s begins anew: it has failed %d times with what it had kept", name, faults)}
		return
	}
	a.faults[name] = faults
	a.keeping.last(name, state)
	a.guarded(name, func() { keeper.Restore(bytes.Clone(state)) })
}

// keeping is what is known of what was saved.
type keeping struct {
	waiting bool   // a tick is under way
	saving  bool   // a Save is
	told    bool   // that it cannot be saved
	saved   []byte // what the last Save was given
	states  map[screen.Name]json.RawMessage
}

func (k *keeping) last(name screen.Name, state json.RawMessage) {
	if k.states == nil {
		k.states = map[screen.Name]json.RawMessage{}
	}
	k.states[name] = state
}

type (
	keepTick struct{}
	keepDone struct{ err error }
)

// State is what this session is restored from.
func (a *App) State() []byte {
	s := session{V: sessionVersion, Archive: a.cfg.Archive, Here: a.here, Past: a.past, Chosen: a.chosen, Screens: map[screen.Name]json.RawMessage{}}
	for _, name := range a.order {
		keeper, ok := a.cfg.Screens[name].(screen.Keeper)
		if !ok {
			continue
		}
		if a.fault == nil || a.fault.Screen != name { // what a failed one says now is not to be trusted
			a.guarded(name, func() {
				if state := keeper.Keep(); json.Valid(state) && len(state) <= MaxSession/4 {
					a.keeping.last(name, state)
				}
			})
		}
		if state := a.keeping.states[name]; state != nil {
			s.Screens[name] = state
		}
	}
	if a.fault != nil { // an orderly end forgets the faults before it
		s.Faults = a.faults
	}
	b, err := json.Marshal(s)
	if err != nil {
		return nil // every part of it was valid
	}
	return b
}

// keepSoon asks for a tick after which the state is saved, unless one is under way.
func (a *App) keepSoon() tea.Cmd {
	if a.cfg.Save == nil || a.keeping.waiting || a.keeping.saving {
		return nil
	}
	a.keeping.waiting = true
	return tea.Tick(a.cfg.After, func(time.Time) tea.Msg { return keepTick{} })
}

// keep saves the state if it is another than the last that was saved.
func (a *App) keep() tea.Cmd {
	a.keeping.waiting = false
	state := a.State()
	if bytes.Equal(state, a.keeping.saved) {
		return nil
	}
	a.keeping.saving, a.keeping.saved = true, state
	save := a.cfg.Save
	return func() tea.Msg { return keepDone{save(state)} }
}

func (a *App) kept(err error) {
	a.keeping.saving = false
	if err != nil {
		a.keeping.saved = nil
		if !a.keeping.told {
			a.keeping.told = true
			a.say = screen.Say{Level: screen.Warn, Text: "this session is not kept for the next start: " + err.Error()}
		}
	}
}
