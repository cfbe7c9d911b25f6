package hunt

import (
	"context"
	"time"

	tea "charm.land/bubbletea/v2"
)

// Answers, each with the number of its question.
type (
	loaded struct {
		question int
		ground   Ground
		err      error
	}
	spanned struct {
		question int
		text     string
		from, to time.Time
		err      error
	}
	progressed struct {
		question int
		progress Progress
		more     <-chan tea.Msg
	}
	ran struct {
		question int
		rule     string
		result   Result
		err      error
	}
)

// load asks for the rules, in place of a question that is under way.
func (s *Screen) load() tea.Cmd {
	if s.cancelLoad != nil {
		s.cancelLoad()
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.asked, s.loading, s.cancelLoad = s.asked+1, true, cancel
	question, data := s.asked, s.cfg.Data
	return func() tea.Msg {
		defer cancel()
		ground, err := data.Ground(ctx)
		return loaded{question, ground, err}
	}
}

// span has a range read that was typed.
func (s *Screen) span(text string) tea.Cmd {
	s.spans++
	question, data := s.spans, s.cfg.Data
	return func() tea.Msg {
		from, to, err := data.Span(text)
		return spanned{question, text, from, to, err}
	}
}

// next runs the rule that is first in the queue, if none is running.
func (s *Screen) next() tea.Cmd {
	if s.running != "" || len(s.queue) == 0 {
		return nil
	}
	ctx, cancel := context.WithCancel(context.Background())
	name := s.queue[0]
	s.queue = s.queue[1:]
	s.task, s.running, s.cancelTask, s.progress = s.task+1, name, cancel, Progress{}
	question, data := s.task, s.cfg.Data
	q := Question{Rule: name, Params: s.params[name], Zones: s.zones(), From: s.from, To: s.to}
	told := make(chan tea.Msg, 1)
	run := func() tea.Msg {
		defer cancel()
		defer close(told)
		result, err := data.Run(ctx, q, func(p Progress) {
			select {
			case told <- progressed{question, p, told}:
			default: // nobody has looked at the last one yet
			}
		})
		return ran{question, name, result, err}
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
