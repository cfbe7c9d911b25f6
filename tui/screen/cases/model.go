package cases

import (
	"context"
	"encoding/json"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/fabriziosalmi/rainlogs/tui/component/input"
	"github.com/fabriziosalmi/rainlogs/tui/inquiry"
	"github.com/fabriziosalmi/rainlogs/tui/keymap"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
	"github.com/fabriziosalmi/rainlogs/tui/theme"
)

// Config is what the screen is made of.
type Config struct {
	Data Data
	Keys *keymap.Map
	// Local is the zone of local times, nil for UTC alone.
	Local *time.Location
	// Folder is what the field of an export begins with.
	Folder   string
	ReadOnly bool
}

// part is one of the lists of a case.
type part uint8

const (
	records part = iota
	notes
	queries
	log
	parts
)

var partNames = [parts]string{records: "records", notes: "notes", queries: "queries", log: "log"}

// place is where a list is looked at.
type place struct{ at, top int }

// Screen is the model.
type Screen struct {
	cfg           Config
	theme         *theme.Theme
	width, height int

	now      Case
	all      []Summary
	loaded   bool
	err      error // of the last load, or of what was tried last
	failed   string
	part     part
	places   [parts]place
	choosing bool  // among the cases, in place of the parts
	cases    place // of that list
	isLocal  bool
	want     inquiry.Ref // the record to put the cursor on when it is here

	asked      int // the latest load
	loading    bool
	cancelLoad context.CancelFunc

	task        int    // the latest change or export
	working     string // what is under way, "" for nothing
	done, total int64
	cancelTask  context.CancelFunc

	field *field
	sent  *field // what the change under way is from, in case it fails
}

// field is a text that is asked for.
type field struct {
	input.Field
	label  string
	change Change // gets the text, unless it is an export
	export bool
}

var (
	_ screen.Screen = (*Screen)(nil)
	_ screen.Typer  = (*Screen)(nil)
	_ screen.Shown  = (*Screen)(nil)
	_ screen.Keeper = (*Screen)(nil)
	_ screen.Looked = (*Screen)(nil)
	_ screen.Closer = (*Screen)(nil)
)

// New returns the screen, which loads from Init on.
func New(cfg Config) *Screen {
	return &Screen{cfg: cfg, theme: theme.New(theme.Options{})}
}

// Init asks for the case.
func (s *Screen) Init() tea.Cmd { return s.load() }

// Show looks again: the case may have been added to elsewhere.
func (s *Screen) Show(arg any) tea.Cmd {
	if ref, ok := arg.(inquiry.Ref); ok {
		s.part, s.choosing, s.want = records, false, ref
	}
	return s.load()
}

// SetSize sets the cells and lines of View.
func (s *Screen) SetSize(width, height int) {
	s.width, s.height = width, height
	s.settle()
}

// SetTheme sets how it looks.
func (s *Screen) SetTheme(t *theme.Theme) { s.theme = t }

// SetLook sets in which zone times are shown.
func (s *Screen) SetLook(l screen.Look) { s.isLocal = l.Local && s.cfg.Local != nil }

// Typing reports whether keys go to a field.
func (s *Screen) Typing() bool { return s.field != nil }

// Close stops what is under way.
func (s *Screen) Close() {
	if s.cancelLoad != nil {
		s.cancelLoad()
	}
	if s.cancelTask != nil {
		s.cancelTask()
	}
}

// kept is what outlives a session.
type kept struct {
	Part  part   `json:"part"`
	Local bool   `json:"local,omitempty"`
	Link  string `json:"link,omitempty"` // of the record under the cursor
}

// Keep returns where the person is.
func (s *Screen) Keep() json.RawMessage {
	k := kept{Part: s.part, Local: s.isLocal}
	if at := s.places[records].at; at < len(s.now.Bookmarks) {
		k.Link = s.now.Bookmarks[at].Ref.Permalink()
	}
	b, err := json.Marshal(k)
	if err != nil {
		return nil
	}
	return b
}

// Restore goes there again.
func (s *Screen) Restore(state json.RawMessage) {
	var k kept
	if json.Unmarshal(state, &k) != nil {
		return
	}
	if k.Part < parts {
		s.part = k.Part
	}
	s.isLocal = k.Local && s.cfg.Local != nil
	if ref, err := inquiry.ParseRef(k.Link); err == nil {
		s.want = ref
	}
}

// here is the list that is looked at.
func (s *Screen) here() *place {
	if s.choosing {
		return &s.cases
	}
	return &s.places[s.part]
}

// rows is how many rows it has.
func (s *Screen) rows() int {
	switch {
	case s.choosing:
		return len(s.all)
	case !s.loaded:
		return 0
	}
	return s.count(s.part)
}

func (s *Screen) count(p part) int {
	return [parts]int{records: len(s.now.Bookmarks), notes: len(s.now.Notes), queries: len(s.now.Queries), log: len(s.now.Log)}[p]
}

// move moves the cursor, and what is shown with it.
func (s *Screen) move(by int) {
	p := s.here()
	p.at = max(0, min(p.at+by, s.rows()-1))
	height := s.listHeight()
	p.top = max(0, min(p.top, p.at, s.rows()-height))
	if p.at >= p.top+height {
		p.top = p.at - height + 1
	}
}

// settle brings all cursors to where something is.
func (s *Screen) settle() {
	part, choosing := s.part, s.choosing
	for p := range parts {
		s.part, s.choosing = p, false
		s.move(0)
	}
	s.choosing = true
	s.move(0)
	s.part, s.choosing = part, choosing
}

// bookmark is the record under the cursor.
func (s *Screen) bookmark() (inquiry.Bookmark, bool) {
	at := s.places[records].at
	if s.choosing || !s.loaded || s.part != records || at >= len(s.now.Bookmarks) {
		return inquiry.Bookmark{}, false
	}
	return s.now.Bookmarks[at], true
}

// query is the question under the cursor.
func (s *Screen) query() (Query, bool) {
	at := s.places[queries].at
	if s.choosing || !s.loaded || s.part != queries || at >= len(s.now.Queries) {
		return Query{}, false
	}
	return s.now.Queries[at], true
}
