package investigate

import "slices"

// area is a part of the screen, in cells; one without cells is not shown.
type area struct{ x, y, w, h int }

func (a area) shown() bool { return a.w > 0 && a.h > 0 }

func (a area) has(x, y int) bool { return x >= a.x && x < a.x+a.w && y >= a.y && y < a.y+a.h }

// layout is where the parts are.
type layout struct {
	bar, line, bars, axis area // the range; the chips or the text field; the histogram with its foot; the times below it
	legend                area // of the bars
	facets, table         area
	record                area // the pane, its title included
	foot                  area
}

// From how many cells on the facets stand beside the table, and the record too.
const wide, veryWide = 100, 170

// layout parts the screen. What matters most is there at any size: the table, then the range, the chips and the foot, then the histogram.
func (s *Screen) layout() layout {
	w, h := max(1, s.width), max(1, s.height)
	var l layout
	y := 0
	take := func(lines int, min int) area {
		if h < min {
			return area{}
		}
		a := area{0, y, w, lines}
		y += lines
		return a
	}
	l.bar = take(1, 4)
	l.line = take(1, 5)
	l.bars = take(max(2, min(h/6, 8))+1, 13)
	l.axis = take(1, 13)
	if s.stackField() != "" || h >= 30 {
		l.legend = take(1, 13)
	}
	end := h
	if h >= 6 {
		end--
		l.foot = area{0, end, w, 1}
	}
	body := area{0, y, w, end - y}
	switch {
	case w >= wide:
		s.beside(&l, body)
	case s.open && s.focus == onRecord || s.open && body.h < 9:
		l.record = body
	case s.open && s.focus == onTable || s.open && s.focus != onFacets:
		l.table = area{0, body.y, w, max(4, body.h/3)}
		l.record = area{0, body.y + l.table.h, w, body.h - l.table.h}
	default:
		l.table = body
	}
	if w < wide && s.focus == onFacets {
		l.facets, l.record = body, area{}
		l.facets.w = min(w, max(26, w*2/5))
		l.table = area{l.facets.w + 1, body.y, w - l.facets.w - 1, body.h}
		if l.table.w < 10 {
			l.facets.w, l.table = w, area{}
		}
	}
	return l
}

// beside puts the panes of a wide screen beside one another.
func (s *Screen) beside(l *layout, body area) {
	l.facets, l.table = body, body
	l.facets.w = max(26, min(s.width/4, 40))
	rest := s.width - l.facets.w - 1
	l.table.x, l.table.w = l.facets.w+1, rest
	switch {
	case s.open && s.width >= veryWide:
		l.record = body
		l.record.w = min(rest/2, 90)
		l.record.x = s.width - l.record.w
		l.table.w = rest - l.record.w - 1
	case s.open:
		l.table.h = max(4, body.h*2/5)
		if s.focus == onRecord {
			l.table.h = max(4, body.h/5)
		}
		l.record = area{l.table.x, body.y + l.table.h, rest, body.h - l.table.h}
	}
}

// fitTable gives the table the size that it has now.
func (s *Screen) fitTable() {
	l := s.layout()
	s.table.SetSize(max(1, l.table.w), max(2, l.table.h))
}

// resize brings the parts that know their size to it.
func (s *Screen) resize() {
	s.fitTable()
	if s.grounded && s.history.here() != nil {
		s.layColumns()
		s.redrawTimes()
	}
}

// setFocus gives the keys to a pane.
func (s *Screen) setFocus(p pane) {
	s.focus = p
	if p == onTime {
		s.toTime()
	}
	if p == onChips {
		s.chips.At = max(0, s.chips.At)
	}
	s.fitTable()
}

// panes are those that can have the keys now, from the top to the bottom.
func (s *Screen) panes() []pane {
	out := []pane{onTable}
	if s.open {
		out = append(out, onRecord)
	}
	if s.layout().bars.shown() {
		out = append(out, onTime)
	}
	if len(s.chips.Chips) > 0 {
		out = append(out, onChips)
	}
	if len(s.facets.Sections) > 0 {
		out = append(out, onFacets)
	}
	return out
}

// nextFocus gives the keys to the next pane.
func (s *Screen) nextFocus(by int) {
	panes := s.panes()
	i := max(0, slices.Index(panes, s.focus))
	s.setFocus(panes[(i+by+len(panes))%len(panes)])
}
