package investigate

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/fabriziosalmi/rainlogs/tui/component/prompt"
	"github.com/fabriziosalmi/rainlogs/tui/inquiry"
	"github.com/fabriziosalmi/rainlogs/tui/keymap"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
)

// aim is what a text field is for.
type aim uint8

const (
	forFilter aim = iota
	forRange
	forRow
	forNote
	forSearch
)

// entry is a text field that is open.
type entry struct {
	aim       aim
	field     prompt.Prompt
	edits     int // the filter that is edited, -1 for a new one
	ref       inquiry.Ref
	proposals []proposal
	at        int // the proposal under the cursor, -1 for none
	err       string
	values    Facet // that contain what was typed for a field, when it was asked
}

// proposal is a text that the field can be completed to.
type proposal struct{ text, detail string }

func (s *Screen) promptFilter(text string, edits int) {
	s.prompt = &entry{aim: forFilter, edits: edits, at: -1}
	s.prompt.field.Label, s.prompt.field.Hint = "filter: ", "FIELD=VALUE  !=  *=TEXT  ~REGEX  >=  in CIDR  absent"
	s.prompt.field.Set(text)
	s.propose()
}

func (s *Screen) promptRange() {
	s.prompt = &entry{aim: forRange, at: -1}
	s.prompt.field.Label, s.prompt.field.Hint = "range: ", "15m   FROM to TO   FROM +1h   -2h to -1h"
	s.propose()
}

func (s *Screen) promptRow() {
	s.prompt = &entry{aim: forRow, at: -1}
	s.prompt.field.Label = fmt.Sprintf("row, 1 to %d: ", s.total)
}

func (s *Screen) promptSearch() {
	s.prompt = &entry{aim: forSearch, at: -1}
	s.prompt.field.Label = "search the record: "
	s.prompt.field.Set(s.pane.Searched())
}

func (s *Screen) promptNote() {
	ref, ok := s.refHere()
	if !ok {
		return
	}
	s.prompt = &entry{aim: forNote, at: -1, ref: ref}
	s.prompt.field.Label, s.prompt.field.Hint = "note: ", "is kept with the bookmark"
	s.prompt.field.Set(s.marks[ref].Note)
}

// promptKey gives a key to the text field.
func (s *Screen) promptKey(msg tea.KeyPressMsg) (screen.Intent, tea.Cmd) {
	e := s.prompt
	action, _ := keymap.Pressed(s.cfg.Keys, promptScope, msg)
	switch action {
	case cancel:
		return nil, s.leavePrompt()
	case accept:
		return s.accept()
	case up, down:
		if n := len(e.proposals); n > 0 {
			e.at = max(-1, min(e.at+map[keymap.Action]int{up: -1, down: 1}[action], n-1))
		}
		return nil, nil
	case complete:
		if len(e.proposals) > 0 {
			e.field.Set(e.proposals[max(0, e.at)].text)
			return nil, s.typed()
		}
		return nil, nil
	}
	if e.field.Key(msg) {
		return nil, s.typed()
	}
	return nil, nil
}

// leavePrompt closes the field; what a filter showed is gone.
func (s *Screen) leavePrompt() tea.Cmd {
	wasSearch := s.prompt.aim == forSearch
	s.prompt = nil
	if wasSearch {
		s.pane.Search("")
	}
	return s.endDraft()
}

// endDraft shows the view again in place of the filter that was typed.
func (s *Screen) endDraft() tea.Cmd {
	s.typedSeq++
	if s.draft == nil {
		return nil
	}
	s.draft, s.drafted = nil, histogramOf{}
	s.memo.histogram++
	s.histErr = nil
	if s.hist.view.Equal(s.view) && s.hist.cells > 0 {
		s.questions[ofHistogram].stop()
		return nil
	}
	return s.askHistogram(s.view)
}

// typed follows a change to the text.
func (s *Screen) typed() tea.Cmd {
	e := s.prompt
	e.at, e.err = -1, ""
	s.propose()
	switch e.aim {
	case forSearch:
		s.pane.Search(e.field.Text())
	case forFilter:
		s.typedSeq++
		seq := s.typedSeq
		return tea.Tick(s.cfg.Pause, func(time.Time) tea.Msg { return settled{seq} })
	case forRange:
		if text := e.field.Text(); text != "" {
			if _, _, err := parseRange(text, s.clock()); err != nil {
				e.err = err.Error()
			}
		}
	case forRow, forNote:
	}
	return nil
}

// tryDraft asks the histogram with the filter as far as it is typed.
func (s *Screen) tryDraft(msg settled) tea.Cmd {
	if msg.seq != s.typedSeq || s.prompt == nil || s.prompt.aim != forFilter {
		return nil
	}
	values := s.askValues()
	v, err := s.draftView()
	if err != nil || v.Equal(s.view) {
		return tea.Batch(s.endDraft(), values)
	}
	if s.draft != nil && s.draft.Equal(v) {
		return values
	}
	s.draft, s.drafted = &v, histogramOf{}
	s.memo.histogram++
	return tea.Batch(s.askHistogram(v), values)
}

// askValues asks which values of the field that is typed contain what is typed for it.
func (s *Screen) askValues() tea.Cmd {
	text := s.prompt.field.Text()
	f, err := inquiry.ParseFilter(text)
	if err != nil || f.Op != inquiry.Is && f.Op != inquiry.Differs {
		return nil
	}
	if f.Field, err = s.fieldNamed(f.Field); err != nil {
		return nil
	}
	if kind, _ := s.kind(f.Field); kind == Time {
		return nil
	}
	v := s.view
	if i := s.prompt.edits; i >= 0 && i < len(v.Filters) { // not those that the filter leaves
		v = v.Without(i)
	}
	if f.Value != "" {
		v.Filters = append(slices.Clone(v.Filters), inquiry.Filter{Field: f.Field, Op: inquiry.Contains, Value: f.Value})
	}
	data := s.cfg.Data
	return s.ask(ofFacet, func(ctx context.Context) (any, error) {
		got, err := data.Facet(ctx, v, f.Field, valuesProposed)
		got.Field = f.Field
		return valuesOf{text, got}, err
	})
}

// valuesProposed is how many values are proposed for a field.
const valuesProposed = 8

// draftView is the view with the filter that is typed.
func (s *Screen) draftView() (inquiry.View, error) {
	f, err := inquiry.ParseFilter(s.prompt.field.Text())
	if err != nil {
		return s.view, err
	}
	if f.Field, err = s.fieldNamed(f.Field); err != nil {
		return s.view, err
	}
	v := s.view
	if i := s.prompt.edits; i >= 0 && i < len(v.Filters) {
		v.Filters = slices.Clone(v.Filters)
		v.Filters[i] = f
		return v, nil
	}
	return v.With(f), nil
}

// fieldNamed is the dataset's field of a name, letter case aside.
func (s *Screen) fieldNamed(name string) (string, error) {
	for _, f := range s.ground.Fields[s.view.Dataset] {
		if strings.EqualFold(f.Name, name) {
			return f.Name, nil
		}
	}
	return "", fmt.Errorf("%s has no field %.40q: tab completes", s.view.Dataset, name)
}

func (s *Screen) clock() clock {
	_, last := s.bounds(s.view)
	return clock{last: last, day: s.view.To.Add(-time.Nanosecond), zone: s.location()}
}

// accept takes what was typed.
func (s *Screen) accept() (screen.Intent, tea.Cmd) {
	e := s.prompt
	if e.at >= 0 && e.at < len(e.proposals) && e.aim != forRow {
		e.field.Set(e.proposals[e.at].text)
		cmd := s.typed()
		if e.aim == forFilter { // a name alone is no filter yet
			if _, err := s.draftView(); err != nil {
				return nil, cmd
			}
		}
	}
	switch e.aim {
	case forFilter:
		return nil, s.acceptFilter()
	case forRange:
		return nil, s.acceptRange()
	case forRow:
		n, err := strconv.ParseInt(strings.ReplaceAll(strings.TrimSpace(e.field.Text()), ",", ""), 10, 64)
		if err != nil || n < 1 || n > s.total {
			e.err = fmt.Sprintf("want a number from 1 to %d", s.total)
			return nil, nil
		}
		s.prompt, s.focus = nil, onTable
		s.unseek()
		s.table.To(n - 1)
	case forNote:
		s.prompt = nil
		return s.note(e.ref, strings.TrimSpace(e.field.Text()))
	case forSearch:
		s.prompt = nil
	}
	return nil, nil
}

func (s *Screen) acceptFilter() tea.Cmd {
	if strings.TrimSpace(s.prompt.field.Text()) == "" {
		if i := s.prompt.edits; i >= 0 { // an emptied filter is taken away
			s.prompt = nil
			return tea.Batch(s.endDraft(), s.unfilter(i))
		}
		return s.leavePrompt()
	}
	v, err := s.draftView()
	if err != nil {
		s.prompt.err = err.Error()
		return nil
	}
	s.prompt = nil
	s.typedSeq++
	known := s.drafted
	if v.Equal(s.view) {
		return s.endDraft()
	}
	cmd := s.visit(v, s.here())
	if known.view.Equal(v) && known.cells == s.width { // it is here already
		s.questions[ofHistogram].stop()
		s.hist, s.history.here().hist = known, known
		s.memo.histogram++
	}
	return cmd
}

func (s *Screen) acceptRange() tea.Cmd {
	text := strings.TrimSpace(s.prompt.field.Text())
	if text == "" {
		return s.leavePrompt()
	}
	for _, p := range presets {
		if p.name == text {
			s.prompt = nil
			return s.toPreset(p)
		}
	}
	from, to, err := parseRange(text, s.clock())
	if err != nil {
		s.prompt.err = err.Error()
		return nil
	}
	s.prompt = nil
	v := s.view.Between(from, to)
	if v.Equal(s.view) {
		return nil
	}
	return s.visit(v, s.here())
}
