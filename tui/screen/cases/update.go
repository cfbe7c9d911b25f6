package cases

import (
	"context"
	"errors"
	"fmt"

	tea "charm.land/bubbletea/v2"

	"github.com/fabriziosalmi/rainlogs/tui/component/input"
	"github.com/fabriziosalmi/rainlogs/tui/inquiry"
	"github.com/fabriziosalmi/rainlogs/tui/keymap"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
)

// Update takes a message.
func (s *Screen) Update(msg tea.Msg) (screen.Intent, tea.Cmd) {
	switch msg := msg.(type) {
	case loaded:
		s.take(msg)
	case changed:
		return s.wasChanged(msg)
	case progressed:
		if msg.question == s.task && s.working != "" {
			s.done, s.total = msg.done, msg.total
		}
		return nil, listen(msg.more)
	case exported:
		return s.wasExported(msg)
	case removeNow:
		return nil, s.change(Change{Verb: Remove, Ref: msg.ref})
	case exportNow:
		return nil, s.export(msg.dir)
	case inquiry.MarksChanged:
		return nil, s.load()
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
	s.loading, s.err, s.failed = false, msg.err, "looking at the case"
	if msg.err != nil {
		return
	}
	s.now, s.all, s.loaded = msg.now, msg.all, true
	if len(s.all) == 0 {
		s.choosing = false
	}
	for i, b := range s.now.Bookmarks {
		if b.Ref == s.want {
			s.places[records].at = i
			s.want = inquiry.Ref{}
		}
	}
	s.settle()
}

func (s *Screen) wasChanged(msg changed) (screen.Intent, tea.Cmd) {
	if msg.question != s.task || s.working == "" {
		return nil, nil
	}
	sent := s.sent
	s.working, s.sent = "", nil
	if msg.err != nil {
		s.field = sent // what was typed is not lost
		s.err, s.failed = msg.err, "keeping it"
		return screen.Say{Level: screen.Bad, Text: "not kept: " + msg.err.Error()}, nil
	}
	s.err = nil
	switch msg.change.Verb {
	case Choose, Begin:
		s.choosing, s.part, s.places = false, records, [parts]place{}
	case Write:
		s.part, s.places[notes].at = notes, len(s.now.Notes) // it comes last
	case Annotate, Remove, Rename:
	}
	said := map[Verb]string{Annotate: "note kept", Remove: "let go; the log still has it", Write: "note kept", Rename: "title kept", Begin: "case begun", Choose: "case chosen"}
	return screen.Say{Level: screen.Good, Text: said[msg.change.Verb]}, marksChanged
}

func (s *Screen) wasExported(msg exported) (screen.Intent, tea.Cmd) {
	if msg.question != s.task || s.working == "" {
		return nil, nil
	}
	s.working, s.done, s.total = "", 0, 0
	if errors.Is(msg.err, context.Canceled) {
		return screen.Say{Text: "stopped; nothing was written"}, s.load()
	}
	if msg.err != nil {
		s.err, s.failed = msg.err, "the export"
		return screen.Say{Level: screen.Bad, Text: "not exported: " + msg.err.Error()}, s.load()
	}
	s.err = nil
	if n := len(msg.result.Left); n > 0 {
		s.err, s.failed = errors.New(msg.result.Left[0]), fmt.Sprintf("the bundle lacks %d records", n)
		return screen.Say{Level: screen.Warn, Text: fmt.Sprintf("%d records are in %s, %d could not be had: %s", msg.result.Records, msg.result.Folder, n, msg.result.Left[0])}, s.load()
	}
	return screen.Say{Level: screen.Good, Text: fmt.Sprintf("%d records with their proofs are in %s", msg.result.Records, msg.result.Folder)}, s.load()
}

// typed takes a key while there is a field.
func (s *Screen) typed(msg tea.KeyPressMsg) (screen.Intent, tea.Cmd) {
	action, _ := keymap.Pressed(s.cfg.Keys, fieldScope, msg)
	switch action {
	case leave:
		s.field = nil
	case accept:
		f := s.field
		if f.Text() == "" && f.change.Verb != Annotate {
			return screen.Say{Level: screen.Warn, Text: f.label + ": nothing was typed"}, nil
		}
		s.field = nil
		if f.export {
			return screen.Ask{Title: "export", Text: fmt.Sprintf("Write %d records with their proofs into a new folder under\n%s", len(s.now.Bookmarks), f.Text()), Then: exportNow{f.Text()}}, nil
		}
		s.sent = f
		c := f.change
		c.Text = f.Text()
		return nil, s.change(c)
	default:
		s.field.Key(msg)
	}
	return nil, nil
}

func (s *Screen) ask(label, text string, limit int, c Change) {
	s.field = &field{Field: input.New(text, limit), label: label, change: c}
}

// halt stops what is under way, or else leaves the list of cases.
func (s *Screen) halt() screen.Intent {
	switch {
	case s.working != "":
		s.cancelTask() // its answer says so
		return screen.Say{Text: "stopping"}
	case s.loading:
		s.cancelLoad()
		s.loading = false
		return screen.Say{Text: "stopped"}
	}
	s.choosing = false
	return nil
}

func (s *Screen) pointed(msg tea.MouseMsg) (screen.Intent, tea.Cmd) {
	m := msg.Mouse()
	if s.field != nil {
		return nil, nil
	}
	switch msg.(type) {
	case tea.MouseWheelMsg:
		s.move(map[bool]int{true: 3, false: -3}[m.Button == tea.MouseWheelDown])
	case tea.MouseClickMsg:
		if p, ok := s.partAt(m.X, m.Y); ok {
			s.part, s.choosing = p, false
			return nil, nil
		}
		row := m.Y - listTop + s.here().top
		if m.Y < listTop || m.Y >= listTop+s.listHeight() || row >= s.rows() {
			return nil, nil
		}
		if row == s.here().at { // a second click opens
			return s.open()
		}
		s.here().at = row
	}
	return nil, nil
}
