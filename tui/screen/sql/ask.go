package sql

import (
	"context"
	"errors"
	"fmt"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/fabriziosalmi/rainlogs/tui/component/editor"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
)

const (
	maxText = editor.MaxBytes
	maxPast = 2000 // questions of the history that are kept at hand
)

// wanted are the parameters of what a run would ask.
func (s *Screen) wanted() []string {
	if now := [2]int{s.editor.Version() + 1, s.editor.Offset()}; s.namesOf != now {
		s.retoken()
		s.namesOf, s.names = now, s.params()
	}
	return s.names
}

func (s *Screen) params() []string {
	sql, _ := asked(s.editor.Text(), s.tokens, s.editor.Offset())
	return params(sql, s.cfg.Tongue.Tokens(sql))
}

// run asks the statement at the cursor, once its parameters have values.
func (s *Screen) run() (screen.Intent, tea.Cmd) {
	if s.task.waiting {
		return screen.Say{Level: screen.Warn, Text: "a question is under way: esc stops it"}, nil
	}
	names := s.wanted()
	for _, name := range names {
		if _, ok := s.given[name]; !ok {
			s.over = newParamForm(s, names, true)
			return nil, nil
		}
	}
	return s.ask()
}

// question is what the statement at the cursor asks.
func (s *Screen) question() (Question, []piece) {
	sql, pieces := asked(s.editor.Text(), s.tokens, s.editor.Offset())
	q := Question{SQL: sql, Scope: s.scope}
	for _, name := range params(sql, s.cfg.Tongue.Tokens(sql)) {
		if q.Params == nil {
			q.Params = map[string]string{}
		}
		q.Params[name] = s.given[name]
	}
	return q, pieces
}

func (s *Screen) ask() (screen.Intent, tea.Cmd) {
	q, pieces := s.question()
	if q.SQL == "" {
		return screen.Say{Text: "there is no statement to run: " + s.cfg.Keys.Key(scope, library).Help().Key + " has saved ones"}, nil
	}
	s.fault = -1
	number, ctx, follow := s.begin(q)
	s.task.pieces = pieces
	data := s.cfg.Data
	ask := func() tea.Msg {
		defer close(follow)
		answer, err := data.Ask(ctx, q, tell(follow))
		return answered{number, answer, err}
	}
	if n := len(s.desk.History); n == 0 || s.desk.History[n-1] != q.SQL {
		s.desk.History = append(s.desk.History[max(0, n-maxPast+1):n:n], q.SQL)
	}
	remember := func() tea.Msg { return remembered{q.SQL, data.Remember(context.Background(), q.SQL)} }
	return nil, tea.Batch(ask, s.follow(follow), s.beat(number), remember)
}

// begin begins what can be stopped.
func (s *Screen) begin(q Question) (number int, ctx context.Context, follow chan Progress) {
	ctx, cancel := context.WithCancel(context.Background())
	s.task = task{number: s.task.number + 1, waiting: true, cancel: cancel, question: q}
	return s.task.number, ctx, make(chan Progress, 1)
}

// tell passes progress on; what is not looked at in time gives way to what is newer.
func tell(to chan Progress) func(Progress) {
	return func(p Progress) {
		select {
		case <-to:
		default:
		}
		to <- p // it has room: nobody else writes
	}
}

func (s *Screen) follow(c <-chan Progress) tea.Cmd { return follow(s.task.number, c) }

// follow waits for the next progress, until there is no more.
func follow(question int, c <-chan Progress) tea.Cmd {
	return func() tea.Msg {
		p, ok := <-c
		if !ok {
			return nil
		}
		return progressed{question, p, c}
	}
}

// beat looks at the clock, so that it is seen that something goes on.
func (s *Screen) beat(question int) tea.Cmd {
	return tea.Tick(s.cfg.Beat, func(t time.Time) tea.Msg { return beat{question, t.UnixMilli()} })
}

// stop stops what is under way; what was there before stays.
func (s *Screen) stop() (screen.Intent, tea.Cmd) {
	s.task.cancel()
	s.task.waiting = false
	if s.task.exporting {
		return screen.Say{Text: "stopped: no file was written"}, nil
	}
	return screen.Say{Text: "stopped"}, nil
}

func (s *Screen) answered(msg answered) (screen.Intent, tea.Cmd) {
	if msg.question != s.task.number || !s.task.waiting {
		return nil, nil
	}
	s.task.cancel()
	s.task.waiting = false
	s.errOfExport = false
	if s.err = msg.err; s.err != nil {
		s.mark(s.err)
		return nil, nil
	}
	s.answer, s.of = msg.answer, s.task.question
	s.sortBy, s.falling, s.sorting.waiting, s.charted = 0, false, false, false
	s.show()
	return nil, nil
}

// mark puts the cursor where the engine saw something wrong, if the text is still the one that was asked.
func (s *Screen) mark(err error) {
	var fault *Fault
	if !errors.As(err, &fault) || fault.At < 0 {
		return
	}
	at := place(s.task.pieces, fault.At)
	if sql, _ := s.question(); at < 0 || sql.SQL != s.task.question.SQL {
		return
	}
	s.fault = at
	s.editor.SetOffset(at)
	s.focus = inEditor
}

// scoped takes what a check of a scope said.
func (s *Screen) scoped(msg checked) (screen.Intent, tea.Cmd) {
	if msg.question != s.checks {
		return nil, nil
	}
	f, asking := s.over.(*form)
	if asking = asking && f.kind == scopeForm && f.checking; !asking {
		s.scopeWords = msg.words
		if msg.err != nil {
			return screen.Say{Level: screen.Warn, Text: msg.err.Error()}, nil
		}
		return nil, nil
	}
	f.checking, f.err = false, msg.err
	if msg.err == nil {
		s.scope, s.scopeWords, s.over = msg.scope, msg.words, nil
		return screen.Say{Text: "asked of " + msg.words}, nil
	}
	return nil, nil
}

// export asks the question again and writes all of its rows.
func (s *Screen) export(q Question, t Target) tea.Cmd {
	number, ctx, c := s.begin(q)
	s.task.exporting = true
	data := s.cfg.Data
	write := func() tea.Msg {
		defer close(c)
		wrote, err := data.Export(ctx, q, t, tell(c))
		if errors.Is(err, ErrExists) {
			return exists{number, q, t}
		}
		return exported{number, wrote, err}
	}
	return tea.Batch(write, s.follow(c), s.beat(number))
}

func (s *Screen) exported(msg exported) (screen.Intent, tea.Cmd) {
	if msg.question != s.task.number || !s.task.waiting {
		return nil, nil
	}
	s.task.cancel()
	s.task.waiting = false
	if msg.err != nil {
		s.err, s.errOfExport = msg.err, true
		return screen.Say{Level: screen.Bad, Text: "nothing was exported"}, nil
	}
	s.err = nil
	text := fmt.Sprintf("%s: %s", msg.wrote.Path, size(msg.wrote.Bytes))
	if msg.wrote.Beside != "" {
		text += ", what it stands on is in " + msg.wrote.Beside
	}
	return screen.Say{Level: screen.Good, Text: text}, nil
}

// exists asks whether a file may be replaced.
func (s *Screen) exists(msg exists) (screen.Intent, tea.Cmd) {
	if msg.question != s.task.number || !s.task.waiting {
		return nil, nil
	}
	s.task.cancel()
	s.task.waiting = false
	return screen.Ask{
		Title: "replace the file?", Text: msg.target.Path + "\nis there already. It will be replaced by the answer.",
		Then: overwrite{msg.of, msg.target},
	}, nil
}
