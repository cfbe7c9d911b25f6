package cases

import (
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/fabriziosalmi/rainlogs/tui/keymap"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
)

// key takes a key while there is no field.
func (s *Screen) key(msg tea.KeyPressMsg) (screen.Intent, tea.Cmd) {
	action, _ := keymap.Pressed(s.cfg.Keys, scope, msg)
	if action == "" || !s.works(action) {
		return nil, nil
	}
	switch action {
	case up:
		s.move(-1)
	case down:
		s.move(1)
	case pageUp:
		s.move(-s.listHeight())
	case pageDown:
		s.move(s.listHeight())
	case first:
		s.move(-s.rows())
	case last:
		s.move(s.rows())
	case nextPart:
		s.part = (s.part + 1) % parts
	case partBefore:
		s.part = (s.part + parts - 1) % parts
	case local:
		s.isLocal = !s.isLocal
	case reload:
		return nil, s.load()
	case stop:
		return s.halt(), nil
	case openIt:
		return s.open()
	case choose:
		s.choose()
	default:
		return s.onRecord(action), nil
	}
	return nil, nil
}

// onRecord does what is about a record, or begins what needs a text.
func (s *Screen) onRecord(action keymap.Action) screen.Intent {
	b, _ := s.bookmark()
	switch action {
	case note:
		s.ask("note on the record", b.Note, 0, Change{Verb: Annotate, Ref: b.Ref})
	case write:
		s.ask("note on the case", "", 0, Change{Verb: Write})
	case rename:
		s.ask("title of the case", s.now.Title, titleLimit, Change{Verb: Rename})
	case begin:
		s.ask("title of the new case", "", titleLimit, Change{Verb: Begin})
	case export:
		s.ask("export into a new folder under", s.cfg.Folder, 0, Change{})
		s.field.export = true
	case remove:
		return screen.Ask{Title: "let the record go", Text: "The record stays in the archive, and the case's log says that it was kept.\n" + b.Ref.Permalink(), Then: removeNow{b.Ref}}
	case prove:
		return screen.Go{To: screen.Chain, Arg: b.Ref}
	case copyIt:
		text, what := s.copied()
		return screen.Copy{Text: text, What: what}
	}
	return nil
}

// titleLimit is in bytes.
const titleLimit = 200

func (s *Screen) choose() {
	s.choosing = true
	for i, c := range s.all {
		if c.Current {
			s.cases.at = i
		}
	}
	s.move(0)
}

// opens reports whether what is under the cursor can be opened.
func (s *Screen) opens() bool {
	if s.choosing {
		return s.working == "" && len(s.all) > 0
	}
	_, marked := s.bookmark()
	_, asked := s.query()
	return marked || asked
}

// open goes to what is under the cursor.
func (s *Screen) open() (screen.Intent, tea.Cmd) {
	if !s.opens() {
		return nil, nil
	}
	if s.choosing {
		return nil, s.change(Change{Verb: Choose, Text: s.all[s.cases.at].Name})
	}
	if b, ok := s.bookmark(); ok {
		return screen.Go{To: screen.Investigate, Arg: b.Ref}, nil
	}
	q, _ := s.query()
	if q.View != nil {
		return screen.Go{To: screen.Investigate, Arg: *q.View}, nil
	}
	return screen.Go{To: screen.SQL, Arg: q.SQL}, nil
}

// copied is what is copied of what is under the cursor. A query travels with what it stood on.
func (s *Screen) copied() (text, what string) {
	at := s.here().at
	if s.choosing || at >= s.rows() {
		return "", ""
	}
	switch s.part {
	case records:
		return s.now.Bookmarks[at].Ref.Permalink(), "the record's address"
	case notes:
		return s.now.Notes[at].Text, "the note"
	case queries:
		q := s.now.Queries[at]
		lines := []string{q.SQL}
		if q.View != nil {
			lines = []string{filters(*q.View)}
		}
		if q.Evidence != "" {
			lines = append(lines, "-- "+strings.ReplaceAll(q.Evidence, "\n", " "))
		}
		return strings.Join(lines, "\n"), "the query"
	case log, parts:
	}
	return s.now.Head, "the hash of the journal's last line"
}
