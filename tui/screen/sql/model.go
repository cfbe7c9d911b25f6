package sql

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/fabriziosalmi/rainlogs/tui/component/editor"
	"github.com/fabriziosalmi/rainlogs/tui/component/table"
	"github.com/fabriziosalmi/rainlogs/tui/inquiry"
	"github.com/fabriziosalmi/rainlogs/tui/keymap"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
	"github.com/fabriziosalmi/rainlogs/tui/theme"
)

// Config is what the screen is made of.
type Config struct {
	Data     Data
	Tongue   Tongue
	Keys     *keymap.Map
	ReadOnly bool           // nothing is written to files
	Local    *time.Location // that u shows times in; nil is UTC
	Beat     time.Duration  // between two looks at the clock while something runs, 0 = 200 ms
}

// Screen is the model.
type Screen struct {
	cfg           Config
	theme         *theme.Theme
	width, height int

	editor editor.Editor
	tokens []Token
	spans  []editor.Span
	seen   int // the editor's version that tokens and spans are of
	fault  int // where in the text the engine saw something wrong, or -1

	// names are the parameters of what a run would ask, as of a version and a place of the text.
	names   []string
	namesOf [2]int

	desk      Desk
	deskErr   error
	words     []Word
	kinds     map[string]WordKind // of words, in lower case
	wordsErr  error
	asksWords bool

	scope      Scope
	scopeWords string // as Check put it
	given      map[string]string
	hints      map[string]SavedParam
	// remembering is the place in the history that ctrl+p shows, -1 is none; draft is what was written before.
	remembering int
	draft       string

	focus      keymap.Scope // inEditor or inAnswer
	over       overlay
	completing *completion
	checks     int // the latest check of a scope

	task task

	answer      *Answer
	of          Question // what the answer is to
	err         error
	errOfExport bool
	order       []int // the answer's rows as they are shown
	sortBy      int   // column from 1, 0 is the answer's order
	falling     bool
	sorting     sorting
	charted     bool
	local       bool
	table       table.Table
}

// task is what is under way.
type task struct {
	number    int // of the latest
	waiting   bool
	exporting bool
	cancel    context.CancelFunc
	question  Question
	pieces    []piece
	progress  Progress
	began     int64 // ms, 0 until the first beat
	now       int64
}

// The rules of the root.
var (
	_ screen.Screen = (*Screen)(nil)
	_ screen.Typer  = (*Screen)(nil)
	_ screen.Shown  = (*Screen)(nil)
	_ screen.Keeper = (*Screen)(nil)
)

// New returns the screen, which loads from Init on.
func New(cfg Config) *Screen {
	if cfg.Beat == 0 {
		cfg.Beat = 200 * time.Millisecond
	}
	if cfg.Local == nil {
		cfg.Local = time.UTC
	}
	s := &Screen{cfg: cfg, focus: inEditor, fault: -1, seen: -1, remembering: -1, given: map[string]string{}, hints: map[string]SavedParam{}}
	s.SetTheme(theme.New(theme.Options{}))
	s.SetSize(80, 22)
	return s
}

// Init loads what lies ready.
func (s *Screen) Init() tea.Cmd {
	data := s.cfg.Data
	load := func() tea.Msg {
		desk, err := data.Desk(context.Background())
		return deskLoaded{desk, err}
	}
	return tea.Batch(load, s.check())
}

// check asks for the scope in words.
func (s *Screen) check() tea.Cmd {
	s.checks++
	question, data, of := s.checks, s.cfg.Data, s.scope
	return func() tea.Msg { return check(data, question, of) }
}

func check(data Data, question int, of Scope) tea.Msg {
	words, err := data.Check(context.Background(), of)
	return checked{question, of, words, err}
}

// SetSize sets the cells and lines of View.
func (s *Screen) SetSize(width, height int) {
	s.width, s.height = max(1, width), max(1, height)
	s.lay()
}

// SetTheme sets how it looks.
func (s *Screen) SetTheme(t *theme.Theme) {
	s.theme, s.seen = t, -1
	s.retoken()
}

// Typing reports whether keys that print go into a text.
func (s *Screen) Typing() bool {
	if s.over != nil {
		_, reading := s.over.(*reader)
		return !reading
	}
	return s.focus == inEditor
}

// Show opens a view of the records as SQL, or an SQL text. What was written before comes back with undo.
func (s *Screen) Show(arg any) tea.Cmd {
	switch arg := arg.(type) {
	case inquiry.View:
		text, err := s.cfg.Tongue.Statement(arg)
		if err != nil {
			s.err = fmt.Errorf("the view cannot be written as SQL: %w", err)
			return s.learning()
		}
		s.scope = Scope{Zones: arg.Zones}
		if !arg.From.IsZero() {
			s.scope.From = arg.From.UTC().Format(time.RFC3339Nano)
		}
		if !arg.To.IsZero() {
			s.scope.To = arg.To.UTC().Format(time.RFC3339Nano)
		}
		s.write(text)
		return tea.Batch(s.check(), s.learning())
	case string:
		s.write(arg)
	}
	return s.learning()
}

// learning asks for the words when the screen is first looked at, and again when that went wrong.
func (s *Screen) learning() tea.Cmd {
	if s.asksWords || len(s.words) > 0 {
		return nil
	}
	s.asksWords = true
	data := s.cfg.Data
	return func() tea.Msg {
		words, err := data.Words(context.Background())
		return wordsLoaded{words, err}
	}
}

// write puts another text into the editor, and the keys there.
func (s *Screen) write(text string) {
	s.editor.Set(text)
	s.focus, s.over, s.completing, s.fault, s.err = inEditor, nil, nil, -1, nil
	s.retoken()
	if len(statements(s.editor.Text(), s.tokens)) == 1 { // of more than one, a run asks the last
		s.editor.SetOffset(0)
	}
	s.lay()
}

// kept is what outlives the session.
type kept struct {
	Text   string            `json:"text"`
	Cursor int               `json:"cursor"`
	Scope  Scope             `json:"scope,omitzero"`
	Params map[string]string `json:"params,omitempty"`
	Local  bool              `json:"local,omitempty"`
}

// maxKept bounds the text that is kept for the next session.
const maxKept = 64 << 10

// Keep is what the next session begins with: what is written, and what of it is asked.
func (s *Screen) Keep() json.RawMessage {
	k := kept{Text: s.editor.Text(), Cursor: s.editor.Offset(), Scope: s.scope, Params: s.given, Local: s.local}
	if len(k.Text) > maxKept {
		k.Text, k.Cursor = "", 0
	}
	b, err := json.Marshal(k)
	if err != nil { // texts and numbers: it does not happen
		return nil
	}
	return b
}

// Restore takes what Keep returned.
func (s *Screen) Restore(state json.RawMessage) {
	var k kept
	if json.Unmarshal(state, &k) != nil || len(k.Text) > maxKept {
		return
	}
	s.editor = editor.Editor{}
	if k.Text != "" {
		s.editor.Set(k.Text)
		s.editor.Forget()
	}
	s.editor.SetOffset(k.Cursor)
	s.scope, s.local = k.Scope, k.Local
	if k.Params != nil {
		s.given = k.Params
	}
	s.retoken()
	s.lay()
}
