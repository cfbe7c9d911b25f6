package investigate

import (
	"slices"
	"strings"

	"github.com/fabriziosalmi/rainlogs/tui/component/facets"
)

// propose finds what the field can be completed to.
func (s *Screen) propose() {
	e := s.prompt
	e.proposals = nil
	text := strings.TrimLeft(e.field.Text(), " ")
	switch e.aim {
	case forRange:
		for _, p := range presets {
			if detail := "the last " + p.name; strings.HasPrefix(p.name, text) {
				if p.long == 0 {
					detail = "all there is"
				}
				e.proposals = append(e.proposals, proposal{p.name, detail})
			}
		}
	case forFilter:
		end := strings.IndexFunc(text, func(r rune) bool { return !strings.ContainsRune("_0123456789", r) && (r|0x20 < 'a' || r|0x20 > 'z') })
		if end < 0 {
			e.proposals = s.proposeFields(text)
			return
		}
		e.proposals = s.proposeRest(text[:end], text[end:])
	case forRow, forNote, forSearch:
	}
}

// proposeFields are the names that begin with a text, and then those that contain it.
func (s *Screen) proposeFields(text string) []proposal {
	var begin, inside []proposal
	kinds := [...]string{Text: "text", Number: "number", Time: "time", Address: "address", Other: "other"}
	want := strings.ToLower(text)
	for _, f := range s.ground.Fields[s.view.Dataset] {
		switch name := strings.ToLower(f.Name); {
		case strings.HasPrefix(name, want):
			begin = append(begin, proposal{f.Name, kinds[min(f.Kind, Other)]})
		case strings.Contains(name, want):
			inside = append(inside, proposal{f.Name, kinds[min(f.Kind, Other)]})
		}
	}
	return append(begin, inside...)
}

// proposeRest are operators behind a name, and values of facets behind "=" and "!=".
func (s *Screen) proposeRest(field, rest string) []proposal {
	name, err := s.fieldNamed(field)
	if err != nil {
		return nil
	}
	rest = strings.TrimLeft(rest, " ")
	if rest == "" {
		return []proposal{
			{name + "=", "is"}, {name + "!=", "is not"}, {name + "*=", "contains"}, {name + "~", "matches a regular expression"}, {name + ">=", "is at least"},
			{name + " in ", "is in a network, CIDR"}, {name + " absent", "is not there"}, {name + " present", "is there"},
		}
	}
	op := "="
	value, ok := strings.CutPrefix(rest, "=")
	if !ok {
		op = "!="
		if value, ok = strings.CutPrefix(rest, "!="); !ok {
			return nil
		}
	}
	var out []proposal
	want := strings.ToLower(strings.TrimSpace(value))
	add := func(text string, null bool, count int64) {
		p := proposal{name + op + text, facets.Count(count)}
		known := slices.ContainsFunc(out, func(o proposal) bool { return o.text == p.text })
		if !null && text != "" && len(text) < MaxCell && !known && strings.Contains(strings.ToLower(text), want) {
			out = append(out, p)
		}
	}
	for _, f := range s.facets.Sections {
		for _, v := range f.Values {
			if f.Field == name && (f.State == facets.Loaded || f.State == facets.Estimated) {
				add(v.Text, v.Null, v.Count)
			}
		}
	}
	if s.prompt.values.Field == name {
		for _, v := range s.prompt.values.Values {
			add(v.Text, v.Null, v.Count)
		}
	}
	return out
}

// takeValues proposes what was asked for a text, if that is still what is typed.
func (s *Screen) takeValues(v valuesOf) {
	e := s.prompt
	if e == nil || e.aim != forFilter || e.field.Text() != v.text {
		return
	}
	chosen := ""
	if e.at >= 0 && e.at < len(e.proposals) {
		chosen = e.proposals[e.at].text
	}
	e.values = v.Facet
	s.propose()
	e.at = slices.IndexFunc(e.proposals, func(p proposal) bool { return p.text == chosen })
}
