package shell

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/query"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
	"github.com/fabriziosalmi/rainlogs/query/format"
	"github.com/fabriziosalmi/rainlogs/query/saved"
	"github.com/fabriziosalmi/rainlogs/query/worker"
)

// Config is what a shell works with.
type Config struct {
	Ask func(context.Context, worker.Question) (*query.Result, error)
	// Explain gives an error of Ask its exit code and words.
	Explain func(error) error
	// Data opens where answers go; what it writes is harmless to a terminal.
	Data func() io.WriteCloser
	Err  io.Writer
	Dim  bool // Err is a terminal that shows dim text
	// Bar, if not nil, starts a progress bar.
	Bar   func() (set func(worker.Progress), done func())
	Range func(from, to string) (dataset.Range, error) // reads the arguments of .range
	Now   func() time.Time
	Saved *saved.Library // nil: the program's own
}

// Shell is a session. It is not for concurrent use, but for Words.
type Shell struct {
	cfg    Config
	asked  worker.Question // zones, range and limits of what is asked next
	format format.Format
	timer  bool
	file   *os.File // of .output, or nil
	kept   []string // definitions that run before each statement
	last   *query.Provenance
	depth  int // of .read
	Words  *Words
}

// New is a session that asks as q does, whose SQL is not used.
func New(cfg Config, q worker.Question) *Shell {
	if cfg.Saved == nil {
		cfg.Saved, _ = saved.Open() // they ship with the program: a test reads them
	}
	s := &Shell{cfg: cfg, asked: q, format: format.Table, Words: newWords()}
	for _, q := range cfg.Saved.All() {
		s.Words.saved = append(s.Words.saved, q.Name)
	}
	return s
}

// Close closes the file of .output.
func (s *Shell) Close() error { return s.output(nil) }

// errQuit ends a session.
var errQuit = errors.New("quit")

// ErrAborted: Ctrl-C at the prompt.
var ErrAborted = errors.New("line aborted")

// Lines is where an interactive session's lines come from.
type Lines interface {
	// Prompt reads a line; io.EOF ends the session, ErrAborted drops what was typed.
	Prompt(prompt string) (string, error)
	// Remember adds a statement to the history.
	Remember(line string)
}

const (
	prompt   = "rainlogs> "
	goesOn   = "     ...> "
	maxDepth = 8
)

// Interact runs a session on a terminal. A signal on interrupts cancels the
// statement under way.
func (s *Shell) Interact(ctx context.Context, lines Lines, interrupts <-chan os.Signal) error {
	text := ""
	for {
		p := prompt
		if text != "" {
			p = goesOn
		}
		line, err := lines.Prompt(p)
		switch {
		case errors.Is(err, ErrAborted):
			text = ""
			continue
		case errors.Is(err, io.EOF):
			_, _ = fmt.Fprintln(s.cfg.Err) // the prompt's line
			return nil
		case err != nil:
			return fmt.Errorf("read line: %w", err)
		}
		ready, rest := next(text, line)
		if blank(rest) {
			rest = ""
		}
		if text = rest; len(ready) > 0 {
			lines.Remember(remembered(ready))
		}
		for _, statement := range ready {
			err := cancellable(ctx, interrupts, func(ctx context.Context) error { return s.Do(ctx, statement) })
			if errors.Is(err, errQuit) {
				return nil
			}
			if err != nil {
				s.complain(err)
				break // what was typed with it is not asked
			}
		}
	}
}

// next adds a line to what was typed: the statements that are whole now, and the rest.
func next(text, line string) (ready []string, rest string) {
	if text == "" && strings.HasPrefix(strings.TrimSpace(line), ".") {
		return []string{strings.TrimSpace(line)}, ""
	}
	return split(text + line + "\n")
}

func remembered(ready []string) string {
	var out []string
	for _, statement := range ready {
		one := oneLine(statement)
		if one != "" && !strings.HasPrefix(one, ".") {
			one += ";"
		}
		out = append(out, one)
	}
	return strings.Join(out, " ")
}

// cancellable runs f under a context that an interrupt ends. Its goroutine ends with f.
func cancellable(ctx context.Context, interrupts <-chan os.Signal, f func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for len(interrupts) > 0 {
		<-interrupts // meant for something before
	}
	go func() {
		select {
		case <-interrupts:
			cancel()
		case <-ctx.Done():
		}
	}()
	return f(ctx)
}

func (s *Shell) complain(err error) {
	if errors.Is(err, context.Canceled) || errors.Is(err, query.ErrInterrupted) {
		_, _ = fmt.Fprintln(s.cfg.Err, "interrupted")
		return
	}
	_, _ = fmt.Fprintf(s.cfg.Err, "error: %s\n", site.SafeLine(err.Error()))
	if h := site.Hint(err); h != "" {
		_, _ = fmt.Fprintf(s.cfg.Err, "  → %s\n", h)
	}
}

// maxLine bounds a line of a script: SQL has at most 1 MiB.
const maxLine = 1 << 20

// Script runs the statements of a text, and stops at the first error.
func (s *Shell) Script(ctx context.Context, r io.Reader) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	text, number, begun := "", 0, 0
	for lines.Scan() {
		number++
		if blank(text) {
			text, begun = "", number
		}
		var ready []string
		ready, text = next(text, lines.Text())
		if err := s.all(ctx, ready, begun); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read line %d: %w", number+1, err)
	}
	if blank(text) {
		return nil
	}
	return s.all(ctx, []string{strings.TrimSpace(text)}, begun)
}

func (s *Shell) all(ctx context.Context, statements []string, line int) error {
	for _, statement := range statements {
		if err := s.Do(ctx, statement); err != nil {
			if errors.Is(err, errQuit) {
				return err
			}
			return fmt.Errorf("line %d: %w", line, err)
		}
	}
	return nil
}

// IsQuit reports whether an error is only the end that .quit asked for.
func IsQuit(err error) bool { return errors.Is(err, errQuit) }

// Do runs one statement, or one command that begins with a dot.
func (s *Shell) Do(ctx context.Context, statement string) error {
	if strings.HasPrefix(statement, ".") {
		return s.command(ctx, statement)
	}
	if slices.Contains([]string{"create", "insert", "update", "delete", "drop"}, firstWord(statement)) {
		return s.define(ctx, statement)
	}
	return s.answer(ctx, statement, nil)
}

// define checks a definition by running it, and keeps it.
func (s *Shell) define(ctx context.Context, statement string) error {
	res, err := s.ask(ctx, statement, nil)
	if err != nil {
		return err
	}
	s.kept = append(s.kept, statement)
	s.note("kept: it runs before each statement from here on (.reset forgets it)\n")
	return s.explained(res.Close())
}

// ask asks a question, with a progress bar until there is an answer.
func (s *Shell) ask(ctx context.Context, sql string, params map[string]any) (*query.Result, error) {
	q := s.asked
	// A comment may end a statement: its line must end before the semicolon.
	q.SQL, q.Params = strings.Join(append(slices.Clone(s.kept), sql), "\n;\n"), params
	done := func() {}
	if s.cfg.Bar != nil {
		q.Progress, done = s.cfg.Bar()
	}
	res, err := s.cfg.Ask(ctx, q)
	done()
	return res, s.explained(err)
}

func (s *Shell) explained(err error) error {
	if err == nil || s.cfg.Explain == nil {
		return err
	}
	return s.cfg.Explain(err)
}

// answer asks and writes what comes back.
func (s *Shell) answer(ctx context.Context, sql string, params map[string]any) (err error) {
	started := s.cfg.Now()
	res, err := s.ask(ctx, sql, params)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.explained(res.Close())) }()
	s.doubt(res.Provenance)
	if err := s.write(func(w io.Writer) error { return format.Write(w, s.format, res) }); err != nil {
		return s.explained(err)
	}
	p := res.Provenance
	s.last = &p
	s.footer(p)
	if s.timer {
		took := s.cfg.Now().Sub(started).Seconds()
		s.note(fmt.Sprintf("time      %.3f s, of which the engine %.3f s\n", took, float64(p.ElapsedMillis)/1000))
	}
	return nil
}

// look asks about the session itself: what the answer stands on is no matter.
func (s *Shell) look(ctx context.Context, sql string, params map[string]any) (err error) {
	res, err := s.ask(ctx, sql, params)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.explained(res.Close())) }()
	return s.explained(s.write(func(w io.Writer) error { return format.Write(w, s.format, res) }))
}

// doubt says before the rows what their absence does not prove.
func (s *Shell) doubt(p query.Provenance) {
	if p.Coverage.Complete {
		return
	}
	parts := len(p.Coverage.Incomplete) + p.Coverage.More
	_, _ = fmt.Fprintf(s.cfg.Err, "! the range is not wholly covered (%d parts in doubt): what is not found may still have happened\n", parts)
}

func (s *Shell) footer(p query.Provenance) {
	if s.format == format.JSON { // it is in the document
		return
	}
	var b strings.Builder
	if err := format.WriteFooter(&b, p); err == nil { // a builder takes everything
		s.note(b.String())
	}
}

// note writes harmless text beside the answer.
func (s *Shell) note(text string) {
	if s.cfg.Dim {
		text = "\x1b[2m" + strings.TrimSuffix(text, "\n") + "\x1b[0m\n"
	}
	_, _ = io.WriteString(s.cfg.Err, text) // nothing can be told if stderr is gone
}

// write writes to the file of .output, or to where answers go.
func (s *Shell) write(f func(io.Writer) error) error {
	if s.file != nil {
		return f(s.file)
	}
	w := s.cfg.Data()
	return errors.Join(f(w), w.Close())
}

// output changes the file that answers go to; nil is none.
func (s *Shell) output(file *os.File) error {
	old := s.file
	s.file = file
	if old == nil {
		return nil
	}
	if err := old.Close(); err != nil {
		return fmt.Errorf("close %s: %w", old.Name(), err)
	}
	return nil
}
