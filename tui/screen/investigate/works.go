package investigate

import (
	"github.com/fabriziosalmi/rainlogs/tui/inquiry"
	"github.com/fabriziosalmi/rainlogs/tui/keymap"
)

// works reports whether an action does something now.
func (s *Screen) works(a keymap.Action) bool {
	if s.history.here() == nil {
		return a == reload && !s.busy() || a == cancel && s.busy()
	}
	onLine := s.focus == onChips || s.focus == onTime // there is no up and down
	switch a {
	case include, exclude, onlyThis, up, down, pageUp, pageDown:
		return !onLine
	case negate, remove:
		return s.focus == onChips
	case clear:
		return len(s.view.Filters) > 0
	case brushKey, extendL, extendR:
		return s.focus == onTime && len(s.hist.Buckets) > 0
	case cancel:
		return s.busy() || s.brush.on || s.open || s.focus != onTable || s.pane.Searched() != ""
	case localKey:
		return s.cfg.Local != nil
	case stackKey:
		_, can := s.cfg.Data.(Stacker)
		return can
	case zones:
		return len(s.ground.Zones) > 1
	}
	return s.worksOnRecord(a)
}

func (s *Screen) worksOnRecord(a keymap.Action) bool {
	row, ok := s.row()
	switch a {
	case around1:
		return ok && !row.Time.IsZero()
	case rayKey:
		return ok && s.firstOf(favourites.ray) != ""
	case clientKey:
		return ok && s.firstOf(favourites.client) != ""
	case markRow:
		return ok && !row.Time.IsZero()
	case copyRow, entryKey:
		return ok
	case bookmark, noteKey:
		return ok && s.cfg.Marks != nil && !s.cfg.ReadOnly
	case toRow:
		return s.total > 0
	case back:
		return s.history.here().parent >= 0
	case forward:
		return s.history.here().last >= 0
	case historyKey:
		return len(s.history.nodes) > 1
	}
	return true
}

// busy reports whether a question is under way that esc stops.
func (s *Screen) busy() bool {
	for _, of := range []subject{ofGround, ofPrepare, ofHistogram, ofStack, ofRows, ofFacet, ofRecord} {
		if s.waiting(of) {
			return true
		}
	}
	return false
}

// refHere is the record that the pane with the keys is about.
func (s *Screen) refHere() (inquiry.Ref, bool) {
	if s.focus == onRecord && s.record.Ref != (inquiry.Ref{}) {
		return s.record.Ref, true
	}
	row, ok := s.row()
	return row.Ref, ok
}
