package investigate

import (
	"context"
	"errors"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/fabriziosalmi/rainlogs/tui/component/facets"
	"github.com/fabriziosalmi/rainlogs/tui/inquiry"
)

// errStopped: the person stopped the question.
var errStopped = errors.New("stopped")

func (s *Screen) ask(of subject, run func(context.Context) (any, error)) tea.Cmd {
	return s.questions[of].ask(s.ctx, run)
}

func (s *Screen) waiting(of subject) bool { return s.questions[of].waiting() }

func (s *Screen) askGround() tea.Cmd {
	data := s.cfg.Data
	return s.ask(ofGround, func(ctx context.Context) (any, error) {
		g, err := data.Ground(ctx)
		return g, err
	})
}

func (s *Screen) askMarks() tea.Cmd {
	if s.cfg.Marks == nil {
		return nil
	}
	marks := s.cfg.Marks
	return s.ask(ofMarks, func(ctx context.Context) (any, error) {
		list, err := marks.Marks(ctx)
		return list, err
	})
}

// visit goes on to a view. The record sought is where the table's cursor goes, if it is there.
func (s *Screen) visit(v inquiry.View, sought *Row) tea.Cmd {
	v = s.settle(v)
	s.leave()
	s.history.push(v)
	s.sought = sought
	return s.enter()
}

// leave remembers where in the view one was.
func (s *Screen) leave() {
	if n := s.history.here(); n != nil {
		n.row = max(0, s.table.Cursor())
	}
}

// enter asks the questions of the view that the history is at.
func (s *Screen) enter() tea.Cmd {
	n := s.history.here()
	same := n.view.Dataset == s.view.Dataset
	s.view, s.draft, s.drafted, s.brush = n.view, nil, histogramOf{}, brush{}
	s.hist, s.histErr, s.rowsErr = n.hist, nil, nil
	s.total = -1
	s.memo.histogram++
	if !same {
		s.mark = nil
	}
	s.table.Reset(0)
	s.layColumns()
	if !same { // a field, to filter by
		s.table.ToColumn(s.lead())
	}
	s.questions[ofFacet].stop()
	s.layFacets()
	s.layChips()
	return tea.Batch(s.askHistogram(s.view), s.askRows(0, n.row), s.askPrepare())
}

// settle fills in what a view leaves open.
func (s *Screen) settle(v inquiry.View) inquiry.View {
	if v.Dataset == "" && len(s.ground.Zones) > 0 {
		v.Dataset = s.ground.Zones[0].Dataset
	}
	first, last := s.bounds(v)
	if v.From.IsZero() {
		v.From = first
	}
	if v.To.IsZero() {
		v.To = last
	}
	v.From, v.To = v.From.UTC(), v.To.UTC()
	return v
}

// bounds are the range in which a view's zones have records, the end just behind the last.
func (s *Screen) bounds(v inquiry.View) (first, last time.Time) {
	for _, z := range s.zonesOf(v) {
		if z.Last.IsZero() {
			continue
		}
		if first.IsZero() || z.First.Before(first) {
			first = z.First
		}
		if end := z.Last.Truncate(time.Second).Add(time.Second); end.After(last) {
			last = end
		}
	}
	return first.Truncate(time.Second), last
}

// zonesOf are the zones that a view is of.
func (s *Screen) zonesOf(v inquiry.View) []Zone {
	var out []Zone
	for _, z := range s.ground.Zones {
		if z.Dataset != v.Dataset {
			continue
		}
		all := len(v.Zones) == 0
		for _, id := range v.Zones {
			all = all || id == z.ID
		}
		if all {
			out = append(out, z)
		}
	}
	return out
}

func (s *Screen) askHistogram(v inquiry.View) tea.Cmd {
	data, cells := s.cfg.Data, max(1, s.width)
	return s.ask(ofHistogram, func(ctx context.Context) (any, error) {
		h, err := data.Histogram(ctx, v, cells)
		return histogramOf{v, cells, h}, err
	})
}

// rowsAtOnce is a page of the table.
const rowsAtOnce = 128

// askRows asks a page of the table; the first one of a view puts the cursor on a row.
func (s *Screen) askRows(first, cursor int64) tea.Cmd {
	data, v, columns := s.cfg.Data, s.view, s.askColumns()
	s.asked = columns
	first = max(first, cursor/rowsAtOnce*rowsAtOnce)
	return s.ask(ofRows, func(ctx context.Context) (any, error) {
		p, err := data.Rows(ctx, v, columns, first, rowsAtOnce)
		if err == nil && first >= p.Total && first > 0 {
			p, err = data.Rows(ctx, v, columns, 0, rowsAtOnce)
		}
		return pageOf{p}, err
	})
}

// seek looks for the record sought in a table of many rows.
func (s *Screen) seek() tea.Cmd {
	data, can := s.cfg.Data.(Finder)
	v, want := s.view, s.sought
	s.sought = nil
	if !can {
		return nil
	}
	s.seeking = true
	return s.ask(ofRows, func(ctx context.Context) (any, error) {
		row, exact, err := data.Find(ctx, v, want.Ref, want.Time)
		return foundRow{row, exact}, err
	})
}

// facetsAtFirst is how many values of a field are asked for at first, facetsShown how many of them are drawn, and facetsMost the most.
const facetsAtFirst, facetsShown, facetsMost = 10, 5, 100

// askFacet asks the fields whose values are not known, and once all have some, those that are estimated. What counts
// all records waits until nothing that matters more is under way.
func (s *Screen) askFacet() tea.Cmd {
	if !s.grounded || !s.layout().facets.shown() || s.waiting(ofFacet) {
		return nil
	}
	together, can := s.cfg.Data.(Together)
	busy := s.waiting(ofHistogram) || s.waiting(ofRows)
	fields, estimate := s.lacking(facets.Waiting), can
	if len(fields) == 0 {
		fields, estimate = s.lacking(facets.Estimated), false
	}
	if len(fields) == 0 || busy && !estimate {
		return nil
	}
	data, v, top := s.cfg.Data, s.view, s.top(fields[0])
	return s.ask(ofFacet, func(ctx context.Context) (any, error) {
		if can {
			got, err := together.Facets(ctx, v, fields, top, estimate)
			return facetsOf{fields[0], got}, err
		}
		f, err := data.Facet(ctx, v, fields[0], top)
		return facetsOf{fields[0], []Facet{f}}, err
	})
}

// lacking are the open fields in a state: the first, and those of which as many values are wanted.
func (s *Screen) lacking(state facets.State) (fields []string) {
	for _, section := range s.facets.Sections {
		if section.Open && section.State == state && (len(fields) == 0 || s.top(section.Field) == s.top(fields[0])) {
			fields = append(fields, section.Field)
		}
	}
	return fields
}

func (s *Screen) top(field string) int { return max(facetsAtFirst, s.tops[field]) }

// askRecord asks the record under the cursor whole, if it is to be shown.
func (s *Screen) askRecord() tea.Cmd {
	row, ok := s.row()
	if !s.open || !ok || s.seeking || s.locating || s.sought != nil || row.Ref == s.wantedRef {
		return nil
	}
	return s.askRef(row.Ref)
}

func (s *Screen) askRef(ref inquiry.Ref) tea.Cmd {
	s.wantedRef, s.recordErr = ref, nil
	data := s.cfg.Data
	return s.ask(ofRecord, func(ctx context.Context) (any, error) {
		r, err := data.Record(ctx, ref)
		return r, err
	})
}

// locate opens a record by its address.
func (s *Screen) locate(ref inquiry.Ref) tea.Cmd {
	s.wantedRef, s.recordErr, s.open, s.focus, s.locating = ref, nil, true, onTable, true
	data := s.cfg.Data
	return s.ask(ofRecord, func(ctx context.Context) (any, error) {
		r, err := data.Record(ctx, ref)
		return located{r}, err
	})
}

// follow asks what is shown and not here: rows, the record, facets.
func (s *Screen) follow() tea.Cmd {
	s.fitTable()
	var cmds []tea.Cmd
	if s.total >= 0 && s.rowsErr == nil && !s.waiting(ofRows) {
		if first, _, lacks := s.table.Need(); lacks {
			cmds = append(cmds, s.askRows(first, 0))
		}
	}
	if s.grounded && s.history.here() != nil && s.hist.cells > 0 && s.hist.cells != s.width && s.draft == nil && !s.waiting(ofHistogram) && s.histErr == nil {
		cmds = append(cmds, s.askHistogram(s.view))
	}
	return tea.Batch(append(cmds, s.askStack(), s.askRecord(), s.askFacet())...)
}

// stop ends what is under way and reports whether anything was.
func (s *Screen) stop() bool {
	any := false
	for _, of := range []subject{ofGround, ofPrepare, ofHistogram, ofStack, ofRows, ofFacet, ofRecord} {
		if !s.waiting(of) {
			continue
		}
		any = true
		s.questions[of].stop()
		switch of {
		case ofGround:
			s.groundErr = errStopped
		case ofHistogram:
			s.histErr = errStopped
		case ofStack:
			s.stack, s.stack.err = s.stacking, errStopped
		case ofRows:
			s.rowsErr = errStopped
		case ofRecord:
			s.recordErr, s.locating = errStopped, false
		}
	}
	for i := range s.facets.Sections {
		f := &s.facets.Sections[i]
		switch {
		case !any || !f.Open:
		case f.State == facets.Waiting:
			f.State, f.Err = facets.Failed, errStopped.Error()
		case f.State == facets.Estimated: // which is something
			f.State, f.Rough = facets.Loaded, true
		}
	}
	return any
}

// reload asks everything anew.
func (s *Screen) reload() tea.Cmd {
	s.prepared, s.groundErr, s.wantedRef, s.stack = nil, nil, inquiry.Ref{}, stackOf{}
	return tea.Batch(s.askGround(), s.askMarks())
}
