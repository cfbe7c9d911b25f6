package investigate

import (
	"github.com/fabriziosalmi/rainlogs/tui/keymap"
)

// move moves the cursor of the pane with the keys, or the keys to another pane.
func (s *Screen) move(a keymap.Action) bool {
	switch a {
	case nextPane:
		s.nextFocus(1)
	case prevPane:
		s.nextFocus(-1)
	case up, down, pageUp, pageDown, first, last:
		s.moveLines(a)
	case left, right:
		s.moveAcross(map[keymap.Action]int{left: -1, right: 1}[a])
	default:
		return false
	}
	return true
}

func (s *Screen) moveLines(a keymap.Action) {
	const far = 1 << 40
	l := s.layout()
	page := map[pane]int{onTable: s.table.Height(), onRecord: l.record.h - 1, onFacets: l.facets.h - 1}[s.focus]
	by := map[keymap.Action]int{up: -1, down: 1, pageUp: -max(1, page-1), pageDown: max(1, page-1), first: -far, last: far}[a]
	s.scroll(s.focus, by)
}

// scroll moves a pane's cursor by lines.
func (s *Screen) scroll(p pane, by int) {
	switch p {
	case onTable:
		s.unseek()
		s.table.Move(int64(by))
	case onRecord:
		s.pane.Move(by)
	case onFacets:
		s.facets.Move(by)
	case onTime:
		s.moveBrush(by, s.brush.on)
	case onChips:
		s.moveAcross(by)
	}
}

// unseek ends the search for a record: the person goes somewhere else.
func (s *Screen) unseek() {
	s.sought = nil
	if s.seeking {
		s.seeking = false
		s.questions[ofRows].stop()
	}
}

func (s *Screen) moveAcross(by int) {
	switch s.focus {
	case onTable:
		at := s.table.Column()
		switch end := at == len(s.table.Columns)-1; {
		case end && by > 0, end && s.table.Left() > 0: // along a long value
			s.table.Scroll(16 * by)
		default:
			s.table.ToColumn(at + by)
		}
	case onTime:
		s.moveBrush(by, s.brush.on)
	case onChips:
		s.chips.At = max(0, min(s.chips.At+by, len(s.chips.Chips)-1))
	case onFacets:
		s.facets.Jump(by)
	case onRecord:
		s.scroll(onTable, by)
	}
}
