package hunt

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/fabriziosalmi/rainlogs/tui/component/input"
	"github.com/fabriziosalmi/rainlogs/tui/component/table"
	"github.com/fabriziosalmi/rainlogs/tui/keymap"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
	"github.com/fabriziosalmi/rainlogs/tui/theme"
)

// Config is what the screen is made of.
type Config struct {
	Data  Data
	Keys  *keymap.Map
	Local *time.Location // of local times, nil for UTC alone
}

// outcome is what became of a rule.
type outcome struct {
	Result
	err   error
	stale bool // range, zones or parameters are others since
}

// Screen is the model.
type Screen struct {
	cfg           Config
	theme         *theme.Theme
	width, height int
	isLocal       bool

	ground  Ground
	loaded  bool
	err     error
	from    time.Time
	to      time.Time
	ranged  bool   // the person chose the range
	zone    string // id, "" for all
	params  map[string]map[string]string
	skipped map[string]bool
	found   map[string]outcome

	at, top int
	inside  bool // the hits of the rule under the cursor are shown
	hits    table.Table

	asked      int // the latest load
	loading    bool
	cancelLoad context.CancelFunc
	spans      int // the latest range that was typed

	queue      []string // rules that are still to be run
	total      int      // of this run
	task       int      // the latest rule that was begun
	running    string
	progress   Progress
	cancelTask context.CancelFunc

	field *field
}

// field is a text that is asked for.
type field struct {
	input.Field
	label string
	rule  string // its parameters; "" for the range
	err   error
}

var (
	_ screen.Screen = (*Screen)(nil)
	_ screen.Typer  = (*Screen)(nil)
	_ screen.Keeper = (*Screen)(nil)
	_ screen.Looked = (*Screen)(nil)
	_ screen.Closer = (*Screen)(nil)
)

// New returns the screen, which loads from Init on.
func New(cfg Config) *Screen {
	return &Screen{
		cfg: cfg, theme: theme.New(theme.Options{}), params: map[string]map[string]string{}, skipped: map[string]bool{}, found: map[string]outcome{},
	}
}

// Init asks for the rules.
func (s *Screen) Init() tea.Cmd { return s.load() }

// SetSize sets the cells and lines of View.
func (s *Screen) SetSize(width, height int) {
	s.width, s.height = width, height
	s.hits.SetSize(width, max(2, height-headLines-1))
	s.move(0)
}

// SetTheme sets how it looks.
func (s *Screen) SetTheme(t *theme.Theme) { s.theme = t }

// SetLook sets in which zone times are shown.
func (s *Screen) SetLook(l screen.Look) { s.isLocal = l.Local && s.cfg.Local != nil }

// Typing reports whether keys go to a field.
func (s *Screen) Typing() bool { return s.field != nil }

// Close stops what is under way.
func (s *Screen) Close() {
	s.queue = nil
	for _, cancel := range []context.CancelFunc{s.cancelLoad, s.cancelTask} {
		if cancel != nil {
			cancel()
		}
	}
}

// kept is what outlives a session.
type kept struct {
	Rule    string                       `json:"rule,omitempty"`
	From    time.Time                    `json:"from,omitzero"`
	To      time.Time                    `json:"to,omitzero"`
	Ranged  bool                         `json:"ranged,omitempty"`
	Zone    string                       `json:"zone,omitempty"`
	Local   bool                         `json:"local,omitempty"`
	Skipped []string                     `json:"skipped,omitempty"`
	Params  map[string]map[string]string `json:"params,omitempty"`
}

// Keep returns what was chosen.
func (s *Screen) Keep() json.RawMessage {
	k := kept{From: s.from, To: s.to, Ranged: s.ranged, Zone: s.zone, Local: s.isLocal, Params: s.params}
	if r, ok := s.rule(); ok {
		k.Rule = r.Name
	}
	for name := range s.skipped {
		k.Skipped = append(k.Skipped, name)
	}
	slices.Sort(k.Skipped)
	b, err := json.Marshal(k)
	if err != nil {
		return nil
	}
	return b
}

// Restore chooses it again.
func (s *Screen) Restore(state json.RawMessage) {
	var k kept
	if json.Unmarshal(state, &k) != nil {
		return
	}
	s.from, s.to, s.ranged, s.zone, s.isLocal = k.From, k.To, k.Ranged, k.Zone, k.Local && s.cfg.Local != nil
	for _, name := range k.Skipped {
		s.skipped[name] = true
	}
	for name, values := range k.Params {
		s.params[name] = values
	}
	s.ground.Rules = []Rule{{Name: k.Rule}} // the cursor stays on it when the rules are here
}

// zones are the ids to hunt over.
func (s *Screen) zones() []string {
	if s.zone == "" {
		return nil
	}
	return []string{s.zone}
}

// rule is the one under the cursor.
func (s *Screen) rule() (Rule, bool) {
	if !s.loaded || s.at >= len(s.ground.Rules) {
		return Rule{}, false
	}
	return s.ground.Rules[s.at], true
}

// lacks is the parameter that a rule needs and has not, "" if it can be run.
func (s *Screen) lacks(r Rule) string {
	for _, p := range r.Params {
		if p.Required && s.params[r.Name][p.Name] == "" {
			return p.Name
		}
	}
	return ""
}

// opens reports whether a rule has hits to be shown, or one of them can be gone to.
func (s *Screen) opens(r Rule) bool {
	o, ok := s.found[r.Name]
	if s.inside {
		at := s.hits.Cursor()
		return at >= 0 && at < int64(len(o.Rows)) && len(o.Rows[at].View.Filters) > 0
	}
	return ok && o.err == nil && len(o.Rows) > 0
}

// rows is how many there are to move over.
func (s *Screen) rows() int {
	switch {
	case s.inside:
		return int(s.hits.Total())
	case !s.loaded:
		return 0
	}
	return len(s.ground.Rules)
}

// move moves the cursor, and what is shown with it.
func (s *Screen) move(by int) {
	if s.inside {
		s.hits.Move(int64(by))
		return
	}
	s.at = max(0, min(s.at+by, len(s.ground.Rules)-1))
	height := s.listHeight()
	s.top = max(0, min(s.top, s.at, len(s.ground.Rules)-height))
	if s.at >= s.top+height {
		s.top = s.at - height + 1
	}
}
