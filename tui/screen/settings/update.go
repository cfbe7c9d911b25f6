package settings

import (
	"strings"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"

	"github.com/fabriziosalmi/rainlogs/tui/keymap"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
)

// maxQuery bounds the search, in bytes.
const maxQuery = 60

// Update takes a message.
func (s *Screen) Update(msg tea.Msg) (screen.Intent, tea.Cmd) {
	switch msg := msg.(type) {
	case loaded:
		if msg.question == s.asked && s.waiting {
			s.waiting, s.err = false, msg.err
			if msg.err == nil {
				s.archive, s.loaded = msg.archive, true
			}
			s.scroll(0)
		}
	case tea.KeyPressMsg:
		if s.typing {
			s.typed(msg)
			return nil, nil
		}
		return s.key(msg)
	case tea.PasteMsg:
		if s.typing {
			s.add(msg.Content)
		}
	case tea.MouseWheelMsg:
		if msg.Mouse().Button == tea.MouseWheelDown {
			s.scroll(3)
		} else {
			s.scroll(-3)
		}
	case tea.MouseClickMsg:
		return s.click(msg.Mouse()), nil
	}
	return nil, nil
}

func (s *Screen) key(msg tea.KeyPressMsg) (screen.Intent, tea.Cmd) {
	action, _ := keymap.Pressed(s.cfg.Keys, scope, msg)
	switch action {
	case hue, ascii, zone:
		return s.change(action), nil
	case search:
		s.typing = true
		if !s.wide() { // the keys are below
			s.first = len(s.left()) + 1
			s.scroll(0)
		}
	case clear:
		return s.drop(), nil
	case reload:
		return nil, s.load()
	case up:
		s.scroll(-1)
	case down:
		s.scroll(1)
	case pageUp:
		s.scroll(-s.rows())
	case pageDown:
		s.scroll(s.rows())
	case top:
		s.scroll(-s.first)
	case bottom:
		s.scroll(s.most())
	}
	return nil, nil
}

// change is the choice of the next value.
func (s *Screen) change(action keymap.Action) screen.Intent {
	l := s.look
	switch action {
	case hue:
		l.Theme = map[string]string{"auto": "dark", "dark": "light"}[l.Theme]
		if l.Theme == "" {
			l.Theme = "auto"
		}
	case ascii:
		l.ASCII = !l.ASCII
	case zone:
		l.Local = !l.Local
	}
	return screen.Choose{Look: l}
}

// drop stops looking, or else forgets the search.
func (s *Screen) drop() screen.Intent {
	switch {
	case s.waiting:
		s.cancel()
		s.waiting = false
		return screen.Say{Text: "stopped looking at the archive"}
	case s.query != "":
		s.query = ""
		s.scroll(0)
	}
	return nil
}

// typed edits the search; what it finds is shown as it is typed.
func (s *Screen) typed(msg tea.KeyPressMsg) {
	switch {
	case msg.Code == tea.KeyEscape:
		s.typing, s.query = false, ""
	case msg.Code == tea.KeyEnter:
		s.typing = false
	case msg.Code == tea.KeyBackspace:
		_, n := utf8.DecodeLastRuneInString(s.query)
		s.query = s.query[:len(s.query)-n]
	case msg.String() == "ctrl+u":
		s.query = ""
	default:
		s.add(msg.Text)
	}
	s.scroll(0)
}

func (s *Screen) add(text string) {
	text, _, _ = strings.Cut(text, "\n")
	if len(s.query)+len(text) <= maxQuery {
		s.query += text
	}
	s.scroll(0)
}

// click chooses what is clicked in the look.
func (s *Screen) click(m tea.Mouse) screen.Intent {
	i := m.Y
	if !s.wide() {
		i += s.first
	} else if m.X >= leftWidth {
		return nil
	}
	left := s.left()
	if i < 0 || i >= len(left) || m.Y >= s.rows() || left[i].action == "" {
		return nil
	}
	return s.change(left[i].action)
}

// scroll moves what scrolls by so many lines.
func (s *Screen) scroll(by int) { s.first = max(0, min(s.first+by, s.most())) }

// most is how far it can be scrolled.
func (s *Screen) most() int { return max(0, len(s.scrolled())-s.rows()) }
