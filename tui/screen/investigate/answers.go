package investigate

import (
	"slices"

	tea "charm.land/bubbletea/v2"

	"github.com/fabriziosalmi/rainlogs/tui/component/facets"
	"github.com/fabriziosalmi/rainlogs/tui/inquiry"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
)

// answered takes an answer, if it is to the latest question of its subject.
func (s *Screen) answered(a answer) (screen.Intent, tea.Cmd) {
	fresh, next := s.questions[a.of].ended(s.ctx, a)
	if !fresh {
		return nil, next
	}
	var intent screen.Intent
	var cmd tea.Cmd
	switch a.of {
	case ofGround:
		intent, cmd = s.takeGround(a)
	case ofPrepare:
		intent, cmd = s.takePrepared(a)
	case ofHistogram:
		s.takeHistogram(a)
	case ofStack:
		s.takeStack(a)
	case ofRows:
		cmd = s.takeRows(a)
	case ofFacet:
		s.takeFacet(a)
	case ofRecord:
		intent, cmd = s.takeRecord(a)
	case ofMarks:
		intent = s.takeMarks(a)
	}
	return intent, tea.Batch(next, cmd)
}

// takeGround opens what was wanted, what was open when the last session ended, or the latest day.
func (s *Screen) takeGround(a answer) (screen.Intent, tea.Cmd) {
	if s.groundErr = a.err; a.err != nil {
		return nil, nil
	}
	first := !s.grounded
	s.ground, s.grounded, s.kinds = a.got.(Ground), true, map[string]map[string]Kind{}
	for dataset, fields := range s.ground.Fields {
		s.kinds[dataset] = map[string]Kind{}
		for _, f := range fields {
			s.kinds[dataset][f.Name] = f.Kind
		}
	}
	if len(s.ground.Zones) == 0 {
		return nil, nil
	}
	if s.wanted != nil {
		wanted := s.wanted
		s.wanted = nil
		return nil, s.openWanted(wanted)
	}
	if !first && s.history.here() != nil {
		s.leave()
		return screen.Say{Level: screen.Good, Text: "asked anew"}, s.enter()
	}
	if first && s.recall() {
		return nil, s.enter()
	}
	return nil, s.visit(s.latest(), nil)
}

// latest is the last day of the zone with the most recent records, as far as no line of it is to come any more.
func (s *Screen) latest() inquiry.View {
	best := s.ground.Zones[0]
	for _, z := range s.ground.Zones[1:] {
		if z.Last.After(best.Last) || z.Last.Equal(best.Last) && z.Lines > best.Lines {
			best = z
		}
	}
	v := inquiry.View{Zones: []string{best.ID}, Dataset: best.Dataset}
	first, last := s.bounds(v)
	if best.From.Before(best.Until) && first.Before(best.Until) && best.From.Before(last) {
		if best.From.After(first) {
			first = best.From
		}
		if best.Until.Before(last) {
			last = best.Until
		}
		v.From, v.To = first, last
	}
	if day := presets[3].long; last.Sub(first) > day {
		v.From, v.To = last.Add(-day), last
	}
	return v
}

// takePrepared asks again what was slow or went wrong for want of it.
func (s *Screen) takePrepared(a answer) (screen.Intent, tea.Cmd) {
	s.progress = progress{}
	if a.err != nil {
		return screen.Say{Level: screen.Warn, Text: "records are asked the slow way: " + a.err.Error()}, nil
	}
	s.prepared = append(s.prepared, a.got.(inquiry.View))
	var cmds []tea.Cmd
	if s.waiting(ofHistogram) || s.histErr != nil {
		s.histErr = nil
		v := s.view
		if s.draft != nil {
			v = *s.draft
		}
		cmds = append(cmds, s.askHistogram(v))
	}
	if s.total < 0 && s.waiting(ofRows) || s.rowsErr != nil {
		s.rowsErr = nil
		cmds = append(cmds, s.askRows(0, s.history.here().row))
	}
	if s.stack.err != nil {
		s.stack = stackOf{}
	}
	s.questions[ofStack].stop()
	if s.waiting(ofFacet) {
		s.questions[ofFacet].stop()
	}
	for i := range s.facets.Sections {
		if f := &s.facets.Sections[i]; f.State == facets.Failed {
			f.State = facets.Waiting
		}
	}
	return nil, tea.Batch(cmds...)
}

func (s *Screen) takeHistogram(a answer) {
	h, _ := a.got.(histogramOf)
	s.memo.histogram++
	switch {
	case s.draft != nil && h.view.Equal(*s.draft):
		s.drafted, s.histErr = h, a.err
	case h.view.Equal(s.view):
		if s.histErr = a.err; a.err == nil {
			s.hist = h
			s.history.here().hist = h
			s.brush.clamp(len(h.Buckets))
		}
	}
}

func (s *Screen) takeRows(a answer) tea.Cmd {
	s.seeking = false
	if s.rowsErr = a.err; a.err != nil {
		s.sought = nil
		return nil
	}
	switch got := a.got.(type) {
	case pageOf:
		return s.takePage(got.Page)
	case foundRow:
		s.table.Center(got.row)
	}
	return nil
}

func (s *Screen) takePage(p Page) tea.Cmd {
	first := s.total < 0
	if first || p.Total != s.total {
		at := max(0, s.table.Cursor())
		if first {
			at = s.history.here().row
		}
		s.total = p.Total
		s.table.Reset(p.Total)
		s.table.To(at)
	}
	s.table.Fill(p.First, s.tableRows(p.Rows))
	if s.sought == nil || s.total == 0 {
		s.sought = nil
		return nil
	}
	for i, r := range p.Rows {
		if r.Ref == s.sought.Ref {
			s.sought = nil
			s.table.Center(p.First + int64(i))
			return nil
		}
	}
	return s.seek()
}

func (s *Screen) takeFacet(a answer) {
	if v, ok := a.got.(valuesOf); ok {
		if a.err == nil { // it is a help, not an answer
			s.takeValues(v)
		}
		return
	}
	got, _ := a.got.(facetsOf)
	for i := range s.facets.Sections {
		f := &s.facets.Sections[i]
		if a.err != nil {
			if f.Field == got.first {
				f.State, f.Err = facets.Failed, a.err.Error()
			}
			continue
		}
		if at := slices.IndexFunc(got.all, func(g Facet) bool { return g.Field == f.Field }); at >= 0 {
			s.fillFacet(i, got.all[at])
		}
	}
	s.signFacets()
	s.facets.Settle()
}

func (s *Screen) fillFacet(i int, got Facet) {
	f := &s.facets.Sections[i]
	f.Distinct, f.Total, f.Rough = got.Distinct, got.Total, got.Rough
	var values []facets.Value
	for _, v := range got.Values {
		values = append(values, facets.Value{Text: v.Text, Null: v.Null, Count: v.Count})
	}
	s.facets.SetValues(i, values)
	if got.Estimated {
		f.State = facets.Estimated
	}
}

func (s *Screen) takeRecord(a answer) (screen.Intent, tea.Cmd) {
	s.locating = false
	if s.recordErr = a.err; a.err != nil {
		if _, ok := a.got.(located); !ok {
			return nil, nil
		}
		intent := screen.Say{Level: screen.Bad, Text: a.err.Error()}
		s.wantedRef, s.recordErr, s.open = inquiry.Ref{}, nil, false
		if s.history.here() == nil {
			return intent, s.visit(s.latest(), nil)
		}
		return intent, nil
	}
	switch got := a.got.(type) {
	case Record:
		s.show(got)
	case located:
		s.show(got.Record)
		v := inquiry.View{Zones: []string{got.Ref.Zone}, Dataset: got.Ref.Dataset}
		if !got.Time.IsZero() {
			v = v.Between(got.Time.Add(-around), got.Time.Add(around))
		}
		return nil, s.visit(v, &Row{Ref: got.Ref, Time: got.Time})
	}
	return nil, nil
}

func (s *Screen) takeMarks(a answer) screen.Intent {
	if a.err != nil {
		return screen.Say{Level: screen.Warn, Text: "bookmarks: " + a.err.Error()}
	}
	s.marks = map[inquiry.Ref]inquiry.Bookmark{}
	for _, b := range a.got.([]inquiry.Bookmark) {
		s.marks[b.Ref] = b
	}
	s.drawMarks()
	return nil
}
