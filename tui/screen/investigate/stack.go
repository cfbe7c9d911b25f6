package investigate

import (
	"context"
	"fmt"
	"slices"

	tea "charm.land/bubbletea/v2"

	"github.com/fabriziosalmi/rainlogs/tui/component/facets"
	"github.com/fabriziosalmi/rainlogs/tui/component/histogram"
	"github.com/fabriziosalmi/rainlogs/tui/component/picker"
	"github.com/fabriziosalmi/rainlogs/tui/inquiry"
	"github.com/fabriziosalmi/rainlogs/tui/safetext"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
)

// Stacker is Data that parts the bars of a histogram by any field; without it they are by status class alone.
type Stacker interface {
	// Stack counts a field's most frequent values in the buckets that
	// Histogram has for the same view and n.
	Stack(ctx context.Context, v inquiry.View, n int, field string) (Stack, error)
}

// MostStacked is how many values a Stack has at most.
const MostStacked = 5

// Stack is a histogram by a field's values.
type Stack struct {
	Values []Value    // the most frequent first
	Rough  bool       // others may be more frequent
	Counts [][6]int64 // by bucket: of the values from 1 on, and at 0 of all others together
}

// stackOf is what a stack was asked of, and the answer.
type stackOf struct {
	view  inquiry.View
	cells int
	field string
	Stack
	err error
}

func (a *stackOf) asksAs(b *stackOf) bool {
	return a.field == b.field && a.cells == b.cells && a.view.Equal(b.view)
}

// stackField is the field that the bars are parted by, "" for the status class.
func (s *Screen) stackField() string {
	field := s.by[s.view.Dataset]
	if _, known := s.kind(field); !known {
		return ""
	}
	if _, can := s.cfg.Data.(Stacker); !can {
		return ""
	}
	return field
}

// stackShown is the stack of the histogram that is drawn, nil where it is not here.
func (s *Screen) stackShown() *stackOf {
	h := s.shownHistogram()
	want := stackOf{view: h.view, cells: h.cells, field: s.stackField()}
	if want.field == "" || s.stack.err != nil || !s.stack.asksAs(&want) || len(s.stack.Counts) != len(h.Buckets) {
		return nil
	}
	return &s.stack
}

// askStack asks for the stack of the histogram that is drawn, if it lacks.
func (s *Screen) askStack() tea.Cmd {
	h := s.shownHistogram()
	want := stackOf{view: h.view, cells: h.cells, field: s.stackField()}
	if want.field == "" || len(h.Buckets) == 0 || !s.layout().bars.shown() || s.stack.asksAs(&want) || s.waiting(ofStack) && s.stacking.asksAs(&want) {
		return nil
	}
	data, _ := s.cfg.Data.(Stacker)
	s.stacking = want
	return s.ask(ofStack, func(ctx context.Context) (any, error) {
		got, err := data.Stack(ctx, want.view, want.cells, want.field)
		want.Stack = got
		return want, err
	})
}

func (s *Screen) takeStack(a answer) {
	s.stack = s.stacking
	if got, ok := a.got.(stackOf); ok && a.err == nil {
		got.Values = got.Values[:min(len(got.Values), MostStacked)]
		s.stack = got
	}
	s.stack.err = a.err
	s.memo.histogram++
}

// stackFirst are the fields that bars are parted by most often.
var stackFirst = []string{
	"CacheCacheStatus", "ClientRequestMethod", "ClientCountry", "ClientCountryName", "SecurityAction", "Action", "EdgeResponseStatus", "OriginResponseStatus",
	"ClientRequestHost", "ClientDeviceType", "QueryType", "ResponseCode",
}

// pickStack chooses what the bars are parted by: at the cursor is what they are by
// now or, in the facets, the field that is looked at.
func (s *Screen) pickStack() {
	fields := []string{""}
	add := func(names ...string) {
		for _, n := range names {
			if k, known := s.kind(n); known && k != Time && !slices.Contains(fields, n) {
				fields = append(fields, n)
			}
		}
	}
	add(stackFirst...)
	for _, f := range s.facets.Sections {
		add(f.Field)
	}
	for _, f := range s.ground.Fields[s.view.Dataset] {
		add(f.Name)
	}
	here := s.stackField()
	items := []picker.Item{{Name: "status class", Detail: "2xx to 5xx", On: here == ""}}
	for _, f := range fields[1:] {
		kind, _ := s.kind(f)
		items = append(items, picker.Item{Name: f, Detail: kindNames[min(kind, Other)], On: f == here})
	}
	s.pick = &choice{Picker: picker.Picker{Title: "bars by", Items: items}}
	if i, _ := s.facets.Here(); s.focus == onFacets && i >= 0 && slices.Contains(fields, s.facets.Sections[i].Field) {
		here = s.facets.Sections[i].Field
	}
	s.pick.To(slices.Index(fields, here))
	s.pick.done = func(p *picker.Picker) (screen.Intent, tea.Cmd) {
		if at := p.Here(); at >= 0 {
			s.by[s.view.Dataset] = fields[at]
			s.stack = stackOf{}
			s.memo.histogram++
		}
		return nil, nil
	}
}

// part is one of the parts of all bars.
type part struct {
	name  string
	at    int // in a bucket's counts
	count int64
}

// parts are those of some buckets that are there, in the order of the legend.
func (s *Screen) parts(h *histogramOf, from, to int) (out []part, values bool) {
	var sum [6]int64
	stack := s.stackShown()
	for i := from; i < to; i++ {
		counts := h.Buckets[i].Counts
		if stack != nil {
			counts = stack.Counts[i]
		}
		for k, n := range counts {
			sum[k] += n
		}
	}
	add := func(name string, at int) {
		if sum[at] > 0 {
			out = append(out, part{name, at, sum[at]})
		}
	}
	if stack == nil {
		for class := 1; class <= 5; class++ {
			add(fmt.Sprintf("%dxx", class), class)
		}
		add("no status", 0)
		return out, false
	}
	for i, v := range stack.Values {
		add(valueName(v), i+1)
	}
	add("others", 0)
	return out, true
}

func valueName(v Value) string {
	switch {
	case v.Null:
		return "absent"
	case v.Text == "":
		return "empty"
	}
	return v.Text
}

// legend says what the parts of the bars are, and how many records each has.
func (s *Screen) legend() string {
	t, h, field := s.theme, s.shownHistogram(), s.stackField()
	head := " by " + field + "  "
	want := stackOf{view: h.view, cells: h.cells, field: field}
	switch {
	case len(h.Buckets) == 0:
		return ""
	case field != "" && s.stack.err != nil && s.stack.asksAs(&want):
		return t.Bad.Render(safetext.Cut(" "+t.Glyphs.Bad+head+s.stack.err.Error()+"; "+s.label(reload)+" asks again", s.width))
	case field == "":
		head = " by status  "
	case s.stackShown() == nil:
		head = " by " + field + " in a moment " + t.Glyphs.Ellipsis + "  "
	case s.stack.Rough:
		head = " by " + field + ", rough  "
	}
	head = safetext.Fit(head, min(safetext.Width(head), s.width/2))
	return t.Dim.Render(head) + s.legendParts(s.width-safetext.Width(head))
}

// legendParts are the parts as far as there is room: their names matter more than their counts.
func (s *Screen) legendParts(room int) string {
	t, h := s.theme, s.shownHistogram()
	parts, values := s.parts(h, 0, len(h.Buckets))
	drawn := histogram.Histogram{Values: values}
	names, counts := 0, 0
	for _, p := range parts {
		names += min(safetext.Width(p.name), 12)
		counts += len(facets.Count(p.count)) + 1
	}
	room -= 4 * len(parts)
	counted := names+counts <= room
	if counted {
		room -= counts
	}
	line := ""
	for i, p := range parts {
		name := safetext.Cut(p.name, max(3, room/(len(parts)-i)))
		room -= safetext.Width(name)
		style := t.Status[p.at]
		if values {
			style = t.Parts[p.at]
		}
		line += style.Render(drawn.Sign(t, p.at)) + " " + t.Text.Render(name)
		if counted {
			line += t.Dim.Render(" " + facets.Count(p.count))
		}
		line += "  "
	}
	return line
}
