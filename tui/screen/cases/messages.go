package cases

import (
	"context"

	tea "charm.land/bubbletea/v2"

	"github.com/fabriziosalmi/rainlogs/tui/inquiry"
)

// Answers, each with the number of its question.
type (
	loaded struct {
		question int
		now      Case
		all      []Summary
		err      error
	}
	changed struct {
		question int
		change   Change
		err      error
	}
	progressed struct {
		question    int
		done, total int64
		more        <-chan tea.Msg
	}
	exported struct {
		question int
		result   Export
		err      error
	}
)

// Orders that a person has confirmed.
type (
	removeNow struct{ ref inquiry.Ref }
	exportNow struct{ dir string }
)

// load asks for the case, in place of a question that is under way.
func (s *Screen) load() tea.Cmd {
	if s.cancelLoad != nil {
		s.cancelLoad()
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.asked, s.loading, s.cancelLoad = s.asked+1, true, cancel
	question, data := s.asked, s.cfg.Data
	return func() tea.Msg {
		defer cancel()
		now, err := data.Case(ctx)
		if err != nil {
			return loaded{question: question, err: err}
		}
		all, err := data.Cases(ctx)
		return loaded{question, now, all, err}
	}
}

// change asks for a change; what it says goes back into its field if it fails.
func (s *Screen) change(c Change) tea.Cmd {
	ctx, cancel := context.WithCancel(context.Background())
	s.task, s.working, s.cancelTask = s.task+1, "keeping it", cancel
	question, data := s.task, s.cfg.Data
	return func() tea.Msg {
		defer cancel()
		return changed{question, c, data.Do(ctx, c)}
	}
}

// export asks for a bundle, and listens for how far it is.
func (s *Screen) export(dir string) tea.Cmd {
	ctx, cancel := context.WithCancel(context.Background())
	s.task, s.working, s.cancelTask = s.task+1, "reading and proving the records", cancel
	question, data := s.task, s.cfg.Data
	told := make(chan tea.Msg, 1)
	run := func() tea.Msg {
		defer cancel()
		defer close(told)
		result, err := data.Export(ctx, dir, func(done, total int64) {
			select {
			case told <- progressed{question, done, total, told}:
			default: // nobody has looked at the last one yet
			}
		})
		return exported{question, result, err}
	}
	return tea.Batch(run, listen(told))
}

// listen waits for the next word of a task; it ends with the task.
func listen(told <-chan tea.Msg) tea.Cmd {
	return func() tea.Msg {
		if msg, open := <-told; open {
			return msg
		}
		return nil
	}
}

func marksChanged() tea.Msg { return inquiry.MarksChanged{} }
