package hunt

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/fabriziosalmi/rainlogs/tui/component/input"
	"github.com/fabriziosalmi/rainlogs/tui/component/table"
	"github.com/fabriziosalmi/rainlogs/tui/keymap"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
)

// key takes a key while there is no field.
func (s *Screen) key(msg tea.KeyPressMsg) (screen.Intent, tea.Cmd) {
	action, _ := keymap.Pressed(s.cfg.Keys, scope, msg)
	if action == "" || !s.works(action) {
		return nil, nil
	}
	if s.moved(action) {
		s.fill()
		return nil, nil
	}
	rule, _ := s.rule()
	switch action {
	case openIt:
		return s.open()
	case runAll:
		return s.runAll()
	case runOne:
		s.queue, s.total = []string{rule.Name}, 1
		return nil, s.next()
	case toggle:
		if s.skipped[rule.Name] {
			delete(s.skipped, rule.Name)
		} else {
			s.skipped[rule.Name] = true
		}
		s.move(1)
	case span:
		s.field = &field{Field: input.New(s.rangeText(), 0), label: "range"}
	case params:
		s.field = &field{Field: input.New(paramText(rule, s.params[rule.Name]), 0), label: "parameters", rule: rule.Name}
	case zone:
		s.nextZone()
	case asSQL:
		return screen.Go{To: screen.SQL, Arg: rule.SQL}, nil
	case copyIt:
		return s.copied(rule), nil
	case local:
		s.isLocal = !s.isLocal
	case reload:
		return nil, s.load()
	case stop:
		return s.halt(), nil
	}
	return nil, nil
}

// moved does what moves the cursor, and reports whether the action was that.
func (s *Screen) moved(action keymap.Action) bool {
	page := s.listHeight()
	if s.inside {
		page = s.hits.Height()
	}
	switch action {
	case up:
		s.move(-1)
	case down:
		s.move(1)
	case pageUp:
		s.move(-page)
	case pageDown:
		s.move(page)
	case first:
		s.move(-s.rows())
	case last:
		s.move(s.rows())
	case left:
		s.hits.Scroll(-8)
	case right:
		s.hits.Scroll(8)
	default:
		return false
	}
	return true
}

// runAll runs the rules that are not left out and lack nothing, one after another.
func (s *Screen) runAll() (screen.Intent, tea.Cmd) {
	s.queue = nil
	for _, r := range s.ground.Rules {
		if !s.skipped[r.Name] && s.lacks(r) == "" {
			s.queue = append(s.queue, r.Name)
		}
	}
	s.total = len(s.queue)
	if s.total == 0 {
		return screen.Say{Level: screen.Warn, Text: "no rule is in: space takes one in, p gives it what it needs"}, nil
	}
	return nil, s.next()
}

// nextZone goes from all zones to the first, and so on.
func (s *Screen) nextZone() {
	i := slices.IndexFunc(s.ground.Zones, func(z Zone) bool { return z.ID == s.zone })
	s.zone = ""
	if i+1 < len(s.ground.Zones) {
		s.zone = s.ground.Zones[i+1].ID
	}
	s.age()
}

// open shows a rule's hits, or goes to the records of one.
func (s *Screen) open() (screen.Intent, tea.Cmd) {
	rule, ok := s.rule()
	if !ok || !s.opens(rule) {
		return nil, nil
	}
	o := s.found[rule.Name]
	if s.inside {
		return screen.Go{To: screen.Investigate, Arg: o.Rows[s.hits.Cursor()].View}, nil
	}
	s.inside = true
	s.hits = table.Table{Columns: widths(o.Result)}
	s.hits.SetSize(s.width, max(2, s.height-headLines-1))
	s.hits.Reset(int64(len(o.Rows)))
	s.fill()
	return nil, nil
}

// fill hands the table the rows that it lacks.
func (s *Screen) fill() {
	if !s.inside {
		return
	}
	rule, _ := s.rule()
	rows := s.found[rule.Name].Rows
	for first, n, ok := s.hits.Need(); ok; first, n, ok = s.hits.Need() {
		part := make([]table.Row, 0, n)
		for _, r := range rows[first : first+n] {
			part = append(part, table.Row{Cells: r.Cells})
		}
		s.hits.Fill(first, part)
	}
}

// copied is the hit, or the rule's SQL with what its answer stood on.
func (s *Screen) copied(rule Rule) screen.Intent {
	o, ok := s.found[rule.Name]
	if at := s.hits.Cursor(); s.inside && at >= 0 && at < int64(len(o.Rows)) {
		lines := make([]string, 0, len(o.Columns))
		for i, c := range o.Columns {
			lines = append(lines, c.Name+"\t"+o.Rows[at].Cells[i])
		}
		return screen.Copy{Text: strings.Join(lines, "\n"), What: "the hit"}
	}
	text := rule.SQL
	if ok && o.err == nil {
		text = strings.TrimRight(text, "\n") + "\n-- " + strings.ReplaceAll(o.Evidence, "\n", "\n-- ") + "\n"
	}
	return screen.Copy{Text: text, What: "the rule's SQL"}
}

// paramText is a rule's parameters as they are typed.
func paramText(r Rule, given map[string]string) string {
	var out []string
	for _, p := range r.Params {
		value, ok := given[p.Name]
		if !ok {
			value = p.Default
		}
		out = append(out, p.Name+"="+value)
	}
	return strings.Join(out, "; ")
}

// parseParams reads NAME=VALUE; NAME=VALUE.
func parseParams(text string) (map[string]string, error) {
	out := map[string]string{}
	for part := range strings.SplitSeq(text, ";") {
		name, value, ok := strings.Cut(part, "=")
		name = strings.TrimSpace(name)
		switch {
		case strings.TrimSpace(part) == "":
		case !ok || name == "":
			return nil, fmt.Errorf("%.60q: want NAME=VALUE; NAME=VALUE", strings.TrimSpace(part))
		default:
			out[name] = strings.TrimSpace(value)
		}
	}
	return out, nil
}

// given are a rule's parameters that are not the defaults, sorted, for its line.
func (s *Screen) given(r Rule) string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(s.params[r.Name])) {
		value := s.params[r.Name][name]
		if !slices.ContainsFunc(r.Params, func(p Param) bool { return p.Name == name && !p.Required && p.Default == value }) {
			out = append(out, name+"="+value)
		}
	}
	return strings.Join(out, " ")
}
