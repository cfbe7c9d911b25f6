package investigate

import (
	"fmt"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/fabriziosalmi/rainlogs/tui/component/picker"
	"github.com/fabriziosalmi/rainlogs/tui/inquiry"
	"github.com/fabriziosalmi/rainlogs/tui/keymap"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
)

// choice is a list that is open.
type choice struct {
	picker.Picker
	done func(p *picker.Picker) (screen.Intent, tea.Cmd)
}

// pickKey gives a key to the list.
func (s *Screen) pickKey(msg tea.KeyPressMsg) (screen.Intent, tea.Cmd) {
	p := s.pick
	action, _ := keymap.Pressed(s.cfg.Keys, pickScope, msg)
	switch action {
	case accept:
		s.pick = nil
		return p.done(&p.Picker)
	case cancel:
		s.pick = nil
	case toggle:
		p.Toggle()
	case up:
		p.Move(-1)
	case down:
		p.Move(1)
	case pageUp:
		p.Move(-10)
	case pageDown:
		p.Move(10)
	case raise:
		p.Shift(-1)
	case lower:
		p.Shift(1)
	default:
		p.Key(msg)
	}
	return nil, nil
}

var kindNames = [...]string{Text: "text", Number: "number", Time: "time", Address: "address", Other: "other"}

// fieldItems are the dataset's fields, those that are on first.
func (s *Screen) fieldItems(on []string) []picker.Item {
	var out []picker.Item
	for _, f := range on {
		kind, _ := s.kind(f)
		out = append(out, picker.Item{Name: f, Detail: kindNames[min(kind, Other)], On: true})
	}
	for _, f := range s.ground.Fields[s.view.Dataset] {
		if !slices.Contains(on, f.Name) {
			out = append(out, picker.Item{Name: f.Name, Detail: kindNames[min(f.Kind, Other)]})
		}
	}
	return out
}

func (s *Screen) pickColumns() {
	s.pick = &choice{Picker: picker.Picker{Title: "columns", Many: true, Items: s.fieldItems(s.shownColumns())}}
	s.pick.done = func(p *picker.Picker) (screen.Intent, tea.Cmd) {
		s.columns[s.view.Dataset] = p.On()
		s.layColumns()
		return nil, nil
	}
}

func (s *Screen) pickFacets() {
	var on []string
	for _, f := range s.facets.Sections {
		on = append(on, f.Field)
	}
	s.pick = &choice{Picker: picker.Picker{Title: "facets", Many: true, Items: s.fieldItems(on)}}
	s.pick.done = func(p *picker.Picker) (screen.Intent, tea.Cmd) {
		s.fields[s.view.Dataset] = p.On()
		s.questions[ofFacet].stop()
		s.layFacets()
		for i := range s.facets.Sections {
			if f := &s.facets.Sections[i]; !slices.Contains(on, f.Field) {
				f.Open = true
				delete(s.folds, f.Field)
			}
		}
		return nil, nil
	}
}

// pickZones chooses zones of one dataset: that of the one under the cursor.
func (s *Screen) pickZones() {
	here := s.zonesOf(s.view)
	all := slices.Clone(s.ground.Zones)
	var items []picker.Item
	for _, z := range all {
		on := slices.ContainsFunc(here, func(h Zone) bool { return h.ID == z.ID && h.Dataset == z.Dataset })
		items = append(items, picker.Item{Name: s.zoneOf(z.ID), Detail: fmt.Sprintf("%s, %s", z.Dataset, s.extent(z)), On: on})
	}
	s.pick = &choice{Picker: picker.Picker{Title: "zones", Many: true, Items: items}}
	before := slices.Clone(items)
	s.pick.done = func(p *picker.Picker) (screen.Intent, tea.Cmd) {
		return s.chooseZones(all, before, p)
	}
}

// chooseZones looks at the zones that are on; if nothing was changed, at the one under the cursor.
func (s *Screen) chooseZones(all []Zone, before []picker.Item, p *picker.Picker) (screen.Intent, tea.Cmd) {
	at := p.Here()
	if at < 0 {
		return nil, nil
	}
	v := inquiry.View{Dataset: all[at].Dataset, From: s.view.From, To: s.view.To, Filters: s.view.Filters}
	for i, it := range p.Items {
		if it.On && all[i].Dataset == v.Dataset {
			v.Zones = append(v.Zones, all[i].ID)
		}
	}
	if slices.Equal(before, p.Items) || len(v.Zones) == 0 {
		v.Zones = []string{all[at].ID}
	}
	var dropped []string
	if v.Dataset != s.view.Dataset {
		v.Filters = nil
		for _, f := range s.view.Filters {
			if _, ok := s.kinds[v.Dataset][f.Field]; ok {
				v.Filters = append(v.Filters, f)
			} else {
				dropped = append(dropped, f.String())
			}
		}
	}
	if first, last := s.bounds(v); !last.After(v.From) || !first.Before(v.To) {
		v.From, v.To = first, last // nothing of them is in the range
	}
	if v.Equal(s.view) {
		return nil, nil
	}
	cmd := s.visit(v, nil)
	if len(dropped) > 0 {
		return screen.Say{Level: screen.Warn, Text: v.Dataset + " has no field for " + strings.Join(dropped, ", ") + ": taken away"}, cmd
	}
	return nil, cmd
}

// extent is how far a zone's records go.
func (s *Screen) extent(z Zone) string {
	if z.Last.IsZero() {
		return "no records"
	}
	return z.First.In(s.location()).Format("2006-01-02") + " to " + z.Last.In(s.location()).Format("2006-01-02")
}

// pickView shows all views there were; those beside the way are indented.
func (s *Screen) pickView() {
	var items []picker.Item
	var nodes []int
	s.history.walk(func(i, depth int) {
		v := s.history.nodes[i].view
		nodes = append(nodes, i)
		items = append(items, picker.Item{Name: s.describe(v), Detail: v.From.In(s.location()).Format("01-02 15:04") + " " + span(v.To.Sub(v.From)), Indent: depth, On: i == s.history.at})
	})
	s.pick = &choice{Picker: picker.Picker{Title: "views", Items: items}}
	s.pick.To(slices.Index(nodes, s.history.at))
	s.pick.done = func(p *picker.Picker) (screen.Intent, tea.Cmd) {
		at := p.Here()
		if at < 0 || nodes[at] == s.history.at {
			return nil, nil
		}
		s.leave()
		s.history.to(nodes[at])
		return nil, s.enter()
	}
}

// describe is a view's filters, or what it is of without any.
func (s *Screen) describe(v inquiry.View) string {
	if len(v.Filters) == 0 {
		var names []string
		for _, z := range s.zonesOf(v) {
			names = append(names, s.zoneOf(z.ID))
		}
		return strings.Join(names, ", ") + " " + v.Dataset
	}
	var parts []string
	for _, f := range v.Filters {
		parts = append(parts, f.String())
	}
	return strings.Join(parts, "  ")
}
