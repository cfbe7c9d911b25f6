package sql

import (
	"fmt"

	tea "charm.land/bubbletea/v2"

	"github.com/fabriziosalmi/rainlogs/tui/keymap"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
)

// Update takes a message.
func (s *Screen) Update(msg tea.Msg) (screen.Intent, tea.Cmd) {
	defer s.lay()
	switch msg := msg.(type) {
	case tea.KeyPressMsg:
		return s.key(msg)
	case tea.PasteMsg:
		return s.paste(msg.Content), nil
	case tea.MouseMsg:
		return s.point(msg)
	}
	return s.take(msg)
}

// take takes what comes back from outside.
func (s *Screen) take(msg tea.Msg) (screen.Intent, tea.Cmd) {
	switch msg := msg.(type) {
	case deskLoaded:
		s.desk, s.deskErr = msg.desk, msg.err
	case wordsLoaded:
		s.learn(msg.words, msg.err)
	case checked:
		return s.scoped(msg)
	case progressed:
		if msg.question == s.task.number && s.task.waiting {
			s.task.progress = msg.progress
			return nil, follow(msg.question, msg.next)
		}
	case beat:
		if msg.question == s.task.number && s.task.waiting {
			if s.task.began == 0 {
				s.task.began = msg.ms
			}
			s.task.now = msg.ms
			return nil, s.beat(msg.question)
		}
	case sorted:
		s.takeSorted(msg)
	case answered:
		return s.answered(msg)
	case exported:
		return s.exported(msg)
	case exists:
		return s.exists(msg)
	case overwrite:
		msg.target.Replace = true
		if s.task.waiting {
			return screen.Say{Level: screen.Warn, Text: "a question is under way: nothing was exported"}, nil
		}
		return nil, s.export(msg.question, msg.target)
	case remembered:
		if msg.err != nil {
			return screen.Say{Level: screen.Warn, Text: "the history is not kept: " + msg.err.Error()}, nil
		}
	}
	return nil, nil
}

// key goes to what stands above, to the completion, or to the pane that has the keys.
func (s *Screen) key(msg tea.KeyPressMsg) (screen.Intent, tea.Cmd) {
	if s.over != nil {
		return s.over.key(s, msg)
	}
	if s.completing != nil {
		if done := s.choose(msg); done {
			return nil, nil
		}
	}
	if action, ok := keymap.Pressed(s.cfg.Keys, scope, msg); ok && (action != stop || s.task.waiting) {
		return s.act(action)
	}
	if s.focus == inAnswer {
		return s.inAnswer(msg)
	}
	return s.inEditor(msg)
}

// act does what works in both panes.
func (s *Screen) act(action keymap.Action) (screen.Intent, tea.Cmd) {
	s.completing = nil
	switch action {
	case run:
		return s.run()
	case stop:
		return s.stop()
	case other:
		s.swap()
	case library:
		s.over = newLibrary(s)
	case past:
		s.over = newHistory(s)
	case ground:
		s.over = newScopeForm(s)
	case values:
		if names := s.wanted(); len(names) > 0 {
			s.over = newParamForm(s, names, false)
			return nil, nil
		}
		return screen.Say{Text: "the question has no $parameter"}, nil
	case export:
		return s.startExport()
	}
	return nil, nil
}

func (s *Screen) swap() {
	if s.focus == inEditor && s.answer != nil {
		s.focus = inAnswer
	} else {
		s.focus = inEditor
	}
}

// inEditor is a key in the text.
func (s *Screen) inEditor(msg tea.KeyPressMsg) (screen.Intent, tea.Cmd) {
	action, _ := keymap.Pressed(s.cfg.Keys, inEditor, msg)
	switch action {
	case complete:
		s.complete()
	case undo:
		if !s.editor.Undo() {
			return screen.Say{Text: "there is nothing to undo"}, nil
		}
	case redo:
		if !s.editor.Redo() {
			return screen.Say{Text: "there is nothing to redo"}, nil
		}
	case clear:
		s.editor.Set("")
		s.fault, s.remembering = -1, -1
	case older:
		s.remember(-1)
	case newer:
		s.remember(1)
	case leave:
		if s.answer != nil {
			s.focus = inAnswer
		}
	default:
		before := s.editor.Version()
		if !s.editor.Key(msg) {
			return nil, nil
		}
		if s.editor.Version() != before {
			s.fault, s.remembering = -1, -1
		}
	}
	s.retoken()
	return nil, nil
}

// remember walks through the history; what was written stands behind its newest.
func (s *Screen) remember(by int) {
	n := len(s.desk.History)
	at := s.remembering
	if at < 0 {
		at, s.draft = n, s.editor.Text()
	}
	at = max(0, min(at+by, n))
	switch {
	case n == 0:
		return
	case at == n:
		s.editor.Set(s.draft)
		at = -1
	default:
		s.editor.Set(s.desk.History[at])
	}
	s.remembering, s.fault = at, -1
}

func (s *Screen) paste(text string) screen.Intent {
	taken := true
	switch over := s.over.(type) {
	case nil:
		if s.focus == inAnswer {
			return screen.Say{Text: "the keys are at the answer: tab goes to the editor"}
		}
		s.completing, s.fault = nil, -1
		taken = s.editor.Insert(text)
		s.retoken()
	case *form:
		taken = over.fields[over.at].editor.Insert(text)
		over.follow(s)
	case *list:
		taken = over.filter.Insert(text)
		over.choose()
	}
	if !taken {
		return screen.Say{Level: screen.Warn, Text: fmt.Sprintf("too long: a question has at most %d KiB", maxText>>10)}
	}
	return nil
}

// point is the mouse.
func (s *Screen) point(msg tea.MouseMsg) (screen.Intent, tea.Cmd) {
	m := msg.Mouse()
	if s.over != nil {
		s.over.point(s, msg)
		return nil, nil
	}
	l := s.layout()
	switch msg.(type) {
	case tea.MouseWheelMsg:
		by := 3
		if m.Button == tea.MouseWheelUp {
			by = -3
		}
		if m.Y >= l.editor && m.Y < l.rule {
			s.editor.Scroll(by)
		} else {
			s.table.Move(int64(by))
			s.fill()
		}
	case tea.MouseClickMsg:
		s.completing = nil
		switch {
		case m.Y == 0:
			s.over = newScopeForm(s)
		case m.Y >= l.editor && m.Y < l.rule:
			s.focus = inEditor
			s.editor.Point(m.X, m.Y-l.editor)
		case s.answer != nil && m.Y > l.rule:
			s.focus = inAnswer
			if row, ok := s.table.At(m.Y - l.answer); ok {
				s.table.To(row)
				if column, ok := s.table.ColumnAt(m.X); ok && !s.charted {
					s.table.ToColumn(column)
				}
				s.fill()
			}
		}
	}
	return nil, nil
}
