package investigate

import (
	"fmt"

	tea "charm.land/bubbletea/v2"

	"github.com/fabriziosalmi/rainlogs/tui/inquiry"
	"github.com/fabriziosalmi/rainlogs/tui/keymap"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
)

// Update takes a message.
func (s *Screen) Update(msg tea.Msg) (screen.Intent, tea.Cmd) {
	intent, cmd, mine := s.take(msg)
	if !mine {
		return nil, nil
	}
	if s.focus != onTime {
		s.toTime()
	}
	return intent, tea.Batch(cmd, s.follow())
}

func (s *Screen) take(msg tea.Msg) (intent screen.Intent, cmd tea.Cmd, mine bool) {
	switch msg := msg.(type) {
	case answer:
		intent, cmd = s.answered(msg)
	case progress:
		cmd = s.takeProgress(msg)
	case settled:
		cmd = s.tryDraft(msg)
	case copied:
		intent = s.copyOf(msg)
	case kept:
		intent, cmd = s.takeKept(msg)
	case unmark:
		cmd = s.unmark(msg.ref)
	case inquiry.MarksChanged:
		cmd = s.askMarks()
	case tea.KeyPressMsg:
		intent, cmd = s.key(msg)
	case tea.PasteMsg:
		if s.prompt != nil {
			s.prompt.field.Insert(msg.Content)
			cmd = s.typed()
		}
	case tea.MouseMsg:
		intent, cmd = s.mouse(msg)
	default:
		return nil, nil, false
	}
	return intent, cmd, true
}

func (s *Screen) takeProgress(p progress) tea.Cmd {
	if q := &s.questions[ofPrepare]; p.seq != q.seq || !q.waiting() {
		return nil
	}
	s.progress = p
	return s.watch(p.seq, p.far)
}

// key goes to the text field or the list, if there is one.
func (s *Screen) key(msg tea.KeyPressMsg) (screen.Intent, tea.Cmd) {
	switch {
	case s.prompt != nil:
		return s.promptKey(msg)
	case s.pick != nil:
		return s.pickKey(msg)
	}
	action, ok := keymap.Pressed(s.cfg.Keys, scope, msg)
	if !ok || !s.works(action) {
		return nil, nil
	}
	if s.move(action) {
		return nil, nil
	}
	for _, do := range []func(keymap.Action) (screen.Intent, tea.Cmd, bool){s.filterKey, s.timeKey, s.pivotKey, s.viewKey} {
		if intent, cmd, did := do(action); did {
			return intent, cmd
		}
	}
	return nil, nil
}

func (s *Screen) filterKey(a keymap.Action) (intent screen.Intent, cmd tea.Cmd, did bool) {
	switch a {
	case addFilter:
		s.promptFilter("", -1)
	case search:
		if s.focus == onRecord {
			s.promptSearch()
		} else {
			s.promptFilter("", -1)
		}
	case include:
		intent, cmd = s.filterHere(included)
	case exclude:
		intent, cmd = s.filterHere(excluded)
	case onlyThis:
		intent, cmd = s.filterHere(only)
	case negate:
		cmd = s.negate(s.chips.At)
	case remove:
		cmd = s.unfilter(s.chips.At)
	case clear:
		v := s.view
		v.Filters = nil
		cmd = s.visit(v, s.here())
	default:
		return nil, nil, false
	}
	return intent, cmd, true
}

func (s *Screen) timeKey(a keymap.Action) (intent screen.Intent, cmd tea.Cmd, did bool) {
	switch a {
	case zoomIn:
		intent, cmd = s.zoom(0.5)
	case zoomOut:
		intent, cmd = s.zoom(2)
	case earlier:
		intent, cmd = s.pan(-1)
	case later:
		intent, cmd = s.pan(1)
	case rangeKey:
		s.promptRange()
	case presetKey:
		cmd = s.nextPreset()
	case brushKey:
		if s.brush.on = !s.brush.on; s.brush.on {
			s.brush.anchor = s.brush.at
		}
	case extendL:
		s.moveBrush(-1, true)
	case extendR:
		s.moveBrush(1, true)
	default:
		return nil, nil, false
	}
	return intent, cmd, true
}

func (s *Screen) pivotKey(a keymap.Action) (intent screen.Intent, cmd tea.Cmd, did bool) {
	switch a {
	case around1:
		intent, cmd = s.pivotRow("time around the record", around)
	case rayKey:
		intent, cmd = s.pivotRow("Ray ID", ofRay, s.firstOf(favourites.ray))
	case clientKey:
		fields := []string{s.firstOf(favourites.client)}
		if agent := s.firstOf(favourites.agent); agent != "" {
			fields = append(fields, agent)
		}
		intent, cmd = s.pivotRow("client's session", session, fields...)
	case sqlKey:
		intent = screen.Go{To: screen.SQL, Arg: s.view}
	case entryKey:
		if ref, ok := s.refHere(); ok {
			intent = screen.Go{To: screen.Chain, Arg: ref}
		}
	case bookmark:
		intent, cmd = s.toggleBookmark()
	case noteKey:
		s.promptNote()
	case markRow:
		intent = s.measure()
	case copyKey:
		intent = s.copyValue()
	case copyRow:
		intent, cmd = s.copyRecord()
	default:
		return nil, nil, false
	}
	return intent, cmd, true
}

func (s *Screen) viewKey(a keymap.Action) (intent screen.Intent, cmd tea.Cmd, did bool) {
	switch a {
	case back, forward:
		s.leave()
		if a == back && s.history.back() || a == forward && s.history.forward() {
			cmd = s.enter()
		}
	case historyKey:
		s.pickView()
	case columnsKey:
		s.pickColumns()
	case facetsKey:
		s.pickFacets()
	case stackKey:
		s.pickStack()
	case zones:
		s.pickZones()
	case toRow:
		s.promptRow()
	case localKey:
		s.local = !s.local
		s.layColumns()
		s.redrawTimes()
		s.show(s.record)
	case reload:
		cmd = s.reload()
	case open:
		intent, cmd = s.enterKey()
	case cancel:
		intent = s.escape()
	default:
		return nil, nil, false
	}
	return intent, cmd, true
}

// enterKey opens what is under the cursor of the pane with the keys.
func (s *Screen) enterKey() (screen.Intent, tea.Cmd) {
	switch s.focus {
	case onTime:
		return nil, s.toBrush()
	case onChips:
		if i := s.chips.At; i >= 0 && i < len(s.view.Filters) {
			s.promptFilter(s.view.Filters[i].String(), i)
		}
	case onFacets:
		return s.unfold()
	case onTable:
		if s.open {
			s.setFocus(onRecord)
		} else if s.total != 0 { // what is not here yet comes
			s.open = true
		}
	case onRecord:
		return s.copyValue(), nil
	}
	return nil, nil
}

// escape takes back the last thing that stands open, or stops what is under way.
func (s *Screen) escape() screen.Intent {
	switch {
	case s.brush.on:
		s.brush.on = false
	case s.stop():
		return screen.Say{Text: "stopped; what is shown is not all: " + s.label(reload) + " asks anew"}
	case s.pane.Searched() != "":
		s.pane.Search("")
	case s.focus == onRecord || s.focus == onTable && s.open:
		s.open = false
		s.setFocus(onTable)
	default:
		s.setFocus(onTable)
	}
	return nil
}

// measure takes the time of the row under the cursor as the one that others are measured from.
func (s *Screen) measure() screen.Intent {
	row, ok := s.row()
	if !ok || row.Time.IsZero() {
		return nil
	}
	if s.mark != nil && s.mark.Ref == row.Ref {
		s.mark = nil
		return screen.Say{Text: "no time is measured any more"}
	}
	s.mark = &row
	return screen.Say{Text: fmt.Sprintf("time is measured from %s; again on this row ends it", row.Time.In(s.location()).Format("15:04:05.000"))}
}
