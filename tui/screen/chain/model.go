package chain

import (
	"context"
	"slices"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/fabriziosalmi/rainlogs/tui/ask"
	"github.com/fabriziosalmi/rainlogs/tui/component/table"
	"github.com/fabriziosalmi/rainlogs/tui/inquiry"
	"github.com/fabriziosalmi/rainlogs/tui/keymap"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
	"github.com/fabriziosalmi/rainlogs/tui/theme"
)

// Config is what the screen is made of.
type Config struct {
	Data  Data
	Keys  *keymap.Map
	Local *time.Location // shown on demand; nil is UTC
	// Front: the screen is the first to be shown. Else a chain is read when it comes to the front.
	Front bool
}

// part is one of the screen's three.
type part uint8

const (
	entries part = iota
	findings
	head
	parts
)

// Screen is the model.
type Screen struct {
	cfg           Config
	theme         *theme.Theme
	width, height int

	chains  []Chain
	listErr error
	at      int // the chain
	want    *wanted

	book     *Book
	bookErr  error
	part     part
	table    table.Table
	show     filtering
	shown    []int64 // the seqs of the table's rows, nil for all
	rowsErr  error
	rowsFrom int64 // the page that is asked for
	entry    *Entry
	entryErr error
	paneOpen bool // and has the keys
	scroll   int  // lines, of the pane or the head
	local    bool

	hurt              map[int64]int // findings by entry
	here              [states]bool  // the states that there are
	firstStart        int64         // of the windows, Unix seconds, 0 if there is none
	lastStart         int64
	foundAt, foundTop int // the finding under the cursor
	verdicts          map[ID]Verdict
	verifyErr         error
	verifyJob         Job

	choosing bool // a verification
	level    int
	all      bool
	typing   bool // where to go
	typed    []rune

	listing, opening, filling, showing, verifying ask.Question
	openAt, verifyAt                              Progress
}

// wanted is where to go once it can be gone to.
type wanted struct {
	id  ID
	seq int64 // -1: the last entry
}

var (
	_ screen.Screen = (*Screen)(nil)
	_ screen.Shown  = (*Screen)(nil)
	_ screen.Typer  = (*Screen)(nil)
	_ screen.Keeper = (*Screen)(nil)
)

// New returns the screen, which lists the chains from Init on.
func New(cfg Config) *Screen {
	s := &Screen{cfg: cfg, theme: theme.New(theme.Options{}), verdicts: map[ID]Verdict{}, level: len(levels) - 1}
	if s.cfg.Local == nil {
		s.cfg.Local = time.UTC
	}
	s.SetSize(80, 22)
	return s
}

// Init lists the chains.
func (s *Screen) Init() tea.Cmd { return s.list() }

// SetSize sets the cells and lines of View.
func (s *Screen) SetSize(width, height int) {
	s.width, s.height = max(1, width), max(1, height)
	s.arrange()
}

// SetTheme sets how it looks.
func (s *Screen) SetTheme(t *theme.Theme) { s.theme = t }

// Typing reports whether keys that print go to the screen.
func (s *Screen) Typing() bool { return s.typing }

// Show reads the chain that is to be looked at, if it has not been read.
func (s *Screen) Show(arg any) tea.Cmd {
	s.cfg.Front = true
	if ref, ok := arg.(inquiry.Ref); ok {
		s.want = &wanted{id: ID{ref.Zone, ref.Dataset}, seq: ref.Seq}
		s.part, s.choosing, s.typing = entries, false, false
		return s.follow()
	}
	switch {
	case s.want != nil && len(s.chains) > 0: // from the session before
		return s.follow()
	case s.book == nil && !s.opening.Waiting():
		return s.open()
	}
	return nil
}

// follow goes where somebody wants to be, as far as that is possible now.
func (s *Screen) follow() tea.Cmd {
	if s.want == nil || len(s.chains) == 0 {
		return nil
	}
	i := slices.IndexFunc(s.chains, func(c Chain) bool { return c.ID == s.want.id })
	switch {
	case i < 0:
		s.listErr, s.want = errNoChain(s.want.id), nil
		return nil
	case s.book == nil || s.book.ID != s.want.id:
		s.at = i
		return s.open()
	case s.want.seq >= int64(len(s.book.Entries)):
		if s.opening.Waiting() { // which may bring it
			return nil
		}
		s.rowsErr, s.want = errNoEntry(s.want.seq, len(s.book.Entries)), nil
		return nil
	}
	seq := s.want.seq
	s.want = nil
	if seq < 0 {
		return nil
	}
	s.part, s.listErr = entries, nil
	return s.goSeq(seq)
}

// list asks for the chains.
func (s *Screen) list() tea.Cmd {
	ctx, n := s.listing.Begin()
	data := s.cfg.Data
	return func() tea.Msg {
		chains, err := data.Chains(ctx)
		return listed{n, chains, err}
	}
}

// open reads the chain that was chosen. What is shown of it stays until then.
func (s *Screen) open() tea.Cmd {
	if len(s.chains) == 0 {
		if s.listing.Waiting() {
			return nil
		}
		return s.list()
	}
	id := s.chains[s.at].ID
	if s.book != nil && s.book.ID != id {
		s.forget()
	}
	s.bookErr, s.openAt = nil, Progress{}
	data := s.cfg.Data
	return ask.Follow(&s.opening, func(ctx context.Context, n int, progress func(Progress)) tea.Msg {
		book, err := data.Open(ctx, id, progress)
		return opened{n, book, err}
	})
}

// forget drops what belongs to the chain before.
func (s *Screen) forget() {
	s.filling.Stop()
	s.showing.Stop()
	s.book, s.entry, s.shown = nil, nil, nil
	s.rowsErr, s.entryErr, s.paneOpen, s.scroll, s.foundAt, s.foundTop = nil, nil, false, 0, 0, 0
	s.table.Reset(0)
}

// fetch asks for the rows that are lacking.
func (s *Screen) fetch() tea.Cmd {
	from, count, ok := s.table.Need()
	if !ok || s.book == nil || s.filling.Waiting() && s.rowsFrom == from {
		return nil
	}
	seqs := make([]int64, count)
	for i := range seqs {
		seqs[i] = s.seqAt(from + int64(i))
	}
	ctx, n := s.filling.Begin()
	s.rowsFrom, s.rowsErr = from, nil
	data, id := s.cfg.Data, s.book.ID
	return func() tea.Msg {
		rows, err := data.Rows(ctx, id, seqs)
		return filled{n, from, rows, err}
	}
}

// settle is how long the cursor has to rest before an entry is read.
const settle = 40 * time.Millisecond

// read asks for the entry under the cursor.
func (s *Screen) read() tea.Cmd {
	row := s.table.Cursor()
	if s.book == nil || row < 0 {
		s.entry = nil
		return nil
	}
	seq := s.seqAt(row)
	if s.entry != nil && s.entry.Seq == seq {
		s.showing.Stop()
		return nil
	}
	s.entry, s.entryErr, s.scroll = nil, nil, 0
	ctx, n := s.showing.Begin()
	data, id := s.cfg.Data, s.book.ID
	return tea.Tick(settle, func(time.Time) tea.Msg {
		if ctx.Err() != nil {
			return nil // the cursor has moved on
		}
		e, err := data.Entry(ctx, id, seq)
		return shown{n, e, err}
	})
}

// moved is what follows a move of the cursor.
func (s *Screen) moved() tea.Cmd { return tea.Batch(s.fetch(), s.read()) }

// verify begins a verification.
func (s *Screen) verify(job Job) tea.Cmd {
	s.verifyJob, s.verifyErr, s.choosing, s.verifyAt = job, nil, false, Progress{}
	data := s.cfg.Data
	return ask.Follow(&s.verifying, func(ctx context.Context, n int, progress func(Progress)) tea.Msg {
		v, err := data.Verify(ctx, job, progress)
		return verified{n, job, v, err}
	})
}

func (s *Screen) busy() bool {
	return s.listing.Waiting() || s.opening.Waiting() || s.verifying.Waiting()
}

// seqAt is the entry of a row, and rowOf the row of an entry or of the next one that is shown.
func (s *Screen) seqAt(row int64) int64 {
	if s.shown == nil {
		return row
	}
	return s.shown[row]
}

func (s *Screen) rowOf(seq int64) int64 {
	if s.shown == nil {
		return seq
	}
	i, _ := slices.BinarySearch(s.shown, seq)
	return int64(i)
}

// goSeq moves the cursor to an entry; a filter that hides it goes.
func (s *Screen) goSeq(seq int64) tea.Cmd {
	if s.shown != nil {
		if _, here := slices.BinarySearch(s.shown, seq); !here {
			s.show = showAll
			s.sift()
		}
	}
	s.table.To(s.rowOf(seq))
	return s.moved()
}

// question is the entry under the cursor as a view of records.
func (s *Screen) question() inquiry.View {
	if s.entry == nil || s.entry.From.IsZero() || s.book == nil {
		return inquiry.View{}
	}
	v := inquiry.View{Zones: []string{s.book.Zone}, Dataset: s.book.Dataset, From: s.entry.From, To: s.entry.To}
	if !s.entry.First.IsZero() && !s.entry.Last.IsZero() { // records are asked for by when they happened
		v.From, v.To = s.entry.First.Truncate(time.Second), s.entry.Last.Truncate(time.Second).Add(time.Second)
	}
	return v
}
