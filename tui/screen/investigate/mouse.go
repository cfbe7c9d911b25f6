package investigate

import (
	tea "charm.land/bubbletea/v2"

	"github.com/fabriziosalmi/rainlogs/tui/screen"
)

// mouse takes what the mouse does, in the screen's coordinates.
func (s *Screen) mouse(msg tea.MouseMsg) (screen.Intent, tea.Cmd) {
	if s.history.here() == nil || s.pick != nil || s.prompt != nil {
		return nil, nil
	}
	m := msg.Mouse()
	switch msg.(type) {
	case tea.MouseClickMsg:
		if m.Button == tea.MouseLeft {
			return s.click(m.X, m.Y)
		}
	case tea.MouseMotionMsg:
		if s.dragging {
			s.brush.on = true
			s.brush.at = m.X / s.bucketCells()
			s.brush.clamp(len(s.hist.Buckets))
		}
	case tea.MouseReleaseMsg:
		s.dragging = false
	case tea.MouseWheelMsg:
		return s.wheel(m)
	}
	return nil, nil
}

func (s *Screen) wheel(m tea.Mouse) (screen.Intent, tea.Cmd) {
	by := 3
	if m.Button == tea.MouseWheelUp {
		by = -3
	} else if m.Button != tea.MouseWheelDown {
		return nil, nil
	}
	switch l := s.layout(); {
	case l.facets.has(m.X, m.Y):
		s.facets.Move(by)
	case l.record.has(m.X, m.Y):
		s.pane.Move(by)
	case l.table.has(m.X, m.Y):
		s.scroll(onTable, by)
	case l.bars.has(m.X, m.Y) && len(s.hist.Buckets) > 0:
		s.setFocus(onTime)
		s.brush.at = m.X / s.bucketCells()
		s.brush.clamp(len(s.hist.Buckets))
		if by < 0 {
			return s.zoom(0.5)
		}
		return s.zoom(2)
	}
	return nil, nil
}

func (s *Screen) click(x, y int) (screen.Intent, tea.Cmd) {
	switch l := s.layout(); {
	case l.bar.has(x, y):
		for i, p := range s.presetPlaces() {
			if x >= p.x && x < p.x+p.w {
				return nil, s.toPreset(presets[i])
			}
		}
	case l.line.has(x, y):
		if i, ok := s.chips.ChipAt(x, s.chipsWidth()); ok {
			s.chips.At = i
			s.setFocus(onChips)
		}
	case l.bars.has(x, y) && len(s.hist.Buckets) > 0:
		return nil, s.clickBars(x)
	case l.legend.has(x, y) && s.works(stackKey):
		s.pickStack()
	case l.facets.has(x, y):
		s.setFocus(onFacets)
		if again, ok := s.facets.Click(y - l.facets.y - 1); ok && again {
			return s.unfold()
		}
	case l.record.has(x, y):
		s.pane.Click(y-l.record.y-1, l.record.w, l.record.h-1)
		s.setFocus(onRecord)
	case l.table.has(x, y):
		return s.clickRow(x-l.table.x, y-l.table.y)
	}
	return nil, nil
}

// clickBars begins a selection, or zooms to the one that is clicked into.
func (s *Screen) clickBars(x int) tea.Cmd {
	at := x / s.bucketCells()
	if from, to := s.brush.span(); s.brush.on && at >= from && at < to {
		return s.toBrush()
	}
	s.setFocus(onTime)
	s.brush = brush{at: at, anchor: at}
	s.brush.clamp(len(s.hist.Buckets))
	s.dragging = true
	return nil
}

// clickRow goes to a row and a column; where the cursor is already, it opens the record.
func (s *Screen) clickRow(x, line int) (screen.Intent, tea.Cmd) {
	had := s.focus == onTable
	s.setFocus(onTable)
	column, onColumn := s.table.ColumnAt(x)
	row, ok := s.table.At(line)
	if onColumn {
		had = had && column == s.table.Column()
		s.table.ToColumn(column)
	}
	if !ok {
		return nil, nil
	}
	if had && row == s.table.Cursor() && !s.open {
		return s.enterKey()
	}
	s.unseek()
	s.table.To(row)
	return nil, nil
}
