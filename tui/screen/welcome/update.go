package welcome

import (
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"

	"github.com/fabriziosalmi/rainlogs/tui/keymap"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
)

const (
	maxDir   = 4096 // bytes of a path
	maxLines = 200  // of what is told
)

// Update takes a message.
func (s *Screen) Update(msg tea.Msg) (screen.Intent, tea.Cmd) {
	switch msg := msg.(type) {
	case begin:
		if !s.working {
			return nil, s.work(msg)
		}
	case more:
		if msg.job == s.job && s.working {
			s.lines = append(s.lines, msg.line)
			s.lines = s.lines[max(0, len(s.lines)-maxLines):]
		}
		return nil, s.listen(msg.lines) // to its end, or who tells would wait for ever
	case made:
		return s.take(msg), nil
	case tea.KeyPressMsg:
		if s.typing {
			return s.typed(msg), nil
		}
		return s.key(msg), nil
	case tea.PasteMsg:
		if s.typing && len(s.dir)+len(msg.Content) <= maxDir {
			s.dir += msg.Content
		}
	case tea.MouseClickMsg:
		if i := s.choiceAt(msg.Mouse().Y); i >= 0 {
			s.at = i
			return s.choose(i), nil
		}
	}
	return nil, nil
}

func (s *Screen) take(msg made) screen.Intent {
	if msg.job != s.job || !s.working {
		return nil
	}
	s.working, s.err = false, msg.err
	if msg.err != nil {
		return nil
	}
	s.made, s.done = msg.made, true
	if msg.made.Text == "" {
		s.open = true
		return screen.Quit{}
	}
	return nil
}

func (s *Screen) key(msg tea.KeyPressMsg) screen.Intent {
	action, _ := keymap.Pressed(s.cfg.Keys, scope, msg)
	if s.working {
		if action == stop {
			s.cancel()
			s.working = false
			return screen.Say{Text: "stopped; what was made so far is left where it is"}
		}
		return nil
	}
	switch action {
	case up:
		s.at = max(0, s.at-1)
	case down:
		s.at = min(len(choices)-1, s.at+1)
	case choose:
		if s.done {
			s.open = true
			return screen.Quit{}
		}
		return s.choose(s.at)
	case demo:
		return s.choose(0)
	case create:
		return s.choose(1)
	case leave:
		return screen.Quit{}
	}
	return nil
}

// choose does what one of the choices says.
func (s *Screen) choose(i int) screen.Intent {
	if s.working || s.done {
		return nil
	}
	s.at = i
	switch choices[i].action {
	case demo:
		return screen.Ask{Title: "the demo", Text: "Make the demo's archive in a new temporary folder?\nNothing leaves this machine.", Then: begin{demo: true}}
	case create:
		s.typing = true
		return nil
	}
	return screen.Quit{}
}

// typed edits the folder's name.
func (s *Screen) typed(msg tea.KeyPressMsg) screen.Intent {
	switch {
	case msg.Code == tea.KeyEscape:
		s.typing = false
	case msg.Code == tea.KeyEnter && s.dir != "":
		return screen.Ask{Title: "a new archive", Text: "Make a config, a signing key, a catalog and an archive in\n" + s.dir + "?", Then: begin{dir: s.dir}}
	case msg.Code == tea.KeyBackspace:
		_, n := utf8.DecodeLastRuneInString(s.dir)
		s.dir = s.dir[:len(s.dir)-n]
	case msg.String() == "ctrl+u":
		s.dir = ""
	case len(s.dir)+len(msg.Text) <= maxDir:
		s.dir += msg.Text
	}
	return nil
}
