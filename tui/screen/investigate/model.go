package investigate

import (
	"context"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/fabriziosalmi/rainlogs/tui/component/chips"
	"github.com/fabriziosalmi/rainlogs/tui/component/facets"
	"github.com/fabriziosalmi/rainlogs/tui/component/record"
	"github.com/fabriziosalmi/rainlogs/tui/component/table"
	"github.com/fabriziosalmi/rainlogs/tui/inquiry"
	"github.com/fabriziosalmi/rainlogs/tui/keymap"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
	"github.com/fabriziosalmi/rainlogs/tui/theme"
)

// Config is what the screen is made of.
type Config struct {
	Data     Data
	Marks    Marks // nil: records cannot be kept
	Keys     *keymap.Map
	Local    *time.Location   // for times on demand, nil without
	Now      func() time.Time // when a bookmark is added; nil leaves that to Marks
	ReadOnly bool             // nothing is kept
	Pause    time.Duration    // in typing, after which a filter shows its effect; 0 = 150 ms
}

// pane is a part of the screen that can have the keys.
type pane uint8

const (
	onTable pane = iota
	onRecord
	onTime
	onChips
	onFacets
)

// Screen is the model.
type Screen struct {
	cfg           Config
	theme         *theme.Theme
	width, height int
	ctx           context.Context //nolint:containedctx // of the commands, ended by Close
	end           context.CancelFunc

	ground    Ground
	grounded  bool
	kinds     map[string]map[string]Kind // by dataset and field
	groundErr error
	wanted    any // what to open when the ground is known
	restored  memory

	questions [subjects]question
	prepared  []inquiry.View // ranges without filters
	preparing inquiry.View
	progress  progress

	history tree
	view    inquiry.View
	draft   *inquiry.View // the view with the filter that is being typed

	hist     histogramOf // of view
	drafted  histogramOf // of draft
	histErr  error
	brush    brush
	by       map[string]string // the field that the bars are parted by, by dataset
	stack    stackOf           // the latest
	stacking stackOf           // what is asked
	rowsErr  error
	total    int64 // rows of the view, -1 while not known
	table    table.Table
	columns  map[string][]string // by dataset, as chosen
	asked    []string            // the columns of the rows that are here
	sought   *Row                // to be found in the table of view
	seeking  bool                // that is under way
	mark     *Row                // from which time is measured
	facets   facets.Facets
	fields   map[string][]string // of the facets, by dataset, as chosen
	folds    map[string]bool     // what a person has folded, or unfolded, by field
	tops     map[string]int      // how many values are asked for, by field

	focus     pane
	open      bool // the record pane is
	record    Record
	wantedRef inquiry.Ref // of the record pane
	locating  bool        // wantedRef is gone to, and not found yet
	recordErr error
	pane      record.Pane
	chips     chips.Chips
	marks     map[inquiry.Ref]inquiry.Bookmark
	local     bool
	prompt    *entry
	pick      *choice
	memo      memo
	typedSeq  int
	dragging  bool
}

var (
	_ screen.Screen = (*Screen)(nil)
	_ screen.Typer  = (*Screen)(nil)
	_ screen.Shown  = (*Screen)(nil)
	_ screen.Sized  = (*Screen)(nil)
	_ screen.Keeper = (*Screen)(nil)
)

// New returns the screen, which asks from Init on.
func New(cfg Config) *Screen {
	if cfg.Pause == 0 {
		cfg.Pause = 150 * time.Millisecond
	}
	s := &Screen{
		cfg: cfg, theme: theme.New(theme.Options{}), width: 80, height: 22, total: -1,
		columns: map[string][]string{}, fields: map[string][]string{}, by: map[string]string{}, tops: map[string]int{}, folds: map[string]bool{}, marks: map[inquiry.Ref]inquiry.Bookmark{},
	}
	s.ctx, s.end = context.WithCancel(context.Background())
	for i := range s.questions {
		s.questions[i].of = subject(i)
	}
	s.table.ByCell = true
	s.chips.At = -1
	s.resize()
	return s
}

// Close ends the questions that are under way. It can be called twice.
func (s *Screen) Close() { s.end() }

// Init asks what there is.
func (s *Screen) Init() tea.Cmd { return tea.Batch(s.askGround(), s.askMarks()) }

// SetSize sets the cells and lines of View.
func (s *Screen) SetSize(width, height int) {
	s.width, s.height = width, height
	s.resize()
}

// Sized asks for what the new size shows.
func (s *Screen) Sized() tea.Cmd { return s.follow() }

// SetTheme sets how it looks.
func (s *Screen) SetTheme(t *theme.Theme) { s.theme = t }

// Typing reports whether there is a text field.
func (s *Screen) Typing() bool { return s.prompt != nil || s.pick != nil }

// Show opens a view or a record.
func (s *Screen) Show(arg any) tea.Cmd {
	switch arg.(type) {
	case inquiry.View, inquiry.Ref:
	default:
		return s.follow() // it may have another size than when it last asked
	}
	s.prompt, s.pick = nil, nil
	if !s.grounded {
		s.wanted = arg
		return nil
	}
	return tea.Batch(s.openWanted(arg), s.follow())
}

func (s *Screen) openWanted(arg any) tea.Cmd {
	switch arg := arg.(type) {
	case inquiry.View:
		return s.visit(arg, nil)
	case inquiry.Ref:
		return s.locate(arg)
	}
	return nil
}
