package investigate

import (
	"context"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/fabriziosalmi/rainlogs/tui/inquiry"
	"github.com/fabriziosalmi/rainlogs/tui/safetext"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
)

// toggleBookmark keeps the record that the keys are about, or lets it go. One with a note is asked about.
func (s *Screen) toggleBookmark() (screen.Intent, tea.Cmd) {
	ref, ok := s.refHere()
	if !ok {
		return nil, nil
	}
	b, is := s.marks[ref]
	switch {
	case !is:
		return nil, s.keep(ref, "", "bookmarked")
	case b.Note != "":
		return screen.Ask{Title: "let the record go?", Text: "its note goes with it: " + b.Note, Then: unmark{ref}}, nil
	}
	return nil, s.unmark(ref)
}

func (s *Screen) note(ref inquiry.Ref, text string) (screen.Intent, tea.Cmd) {
	if text == s.marks[ref].Note {
		return nil, nil
	}
	return nil, s.keep(ref, text, "noted")
}

// keep has a record kept.
func (s *Screen) keep(ref inquiry.Ref, note, what string) tea.Cmd {
	b := inquiry.Bookmark{Ref: ref, Note: note}
	if old, ok := s.marks[ref]; ok {
		b = old
		b.Note = note
	} else {
		b.Time, b.Line = s.lineOf(ref)
	}
	marks, now := s.cfg.Marks, s.cfg.Now
	return s.change(what, func(ctx context.Context) error {
		if b.Added.IsZero() && now != nil {
			b.Added = now().UTC()
		}
		return marks.Mark(ctx, b)
	})
}

func (s *Screen) unmark(ref inquiry.Ref) tea.Cmd {
	if s.cfg.Marks == nil || s.cfg.ReadOnly {
		return nil
	}
	marks := s.cfg.Marks
	return s.change("the bookmark is taken away", func(ctx context.Context) error { return marks.Unmark(ctx, ref) })
}

// change does something to what is kept.
func (s *Screen) change(what string, do func(ctx context.Context) error) tea.Cmd {
	ctx := s.ctx
	return func() tea.Msg { return kept{what, do(ctx)} }
}

// takeKept tells all screens what has changed.
func (s *Screen) takeKept(k kept) (screen.Intent, tea.Cmd) {
	if k.err != nil {
		return screen.Say{Level: screen.Bad, Text: k.err.Error()}, nil
	}
	return screen.Say{Level: screen.Good, Text: k.what}, func() tea.Msg { return inquiry.MarksChanged{} }
}

// longestLine bounds a bookmark's line, in cells.
const longestLine = 240

// lineOf is a record as the table shows it.
func (s *Screen) lineOf(ref inquiry.Ref) (time.Time, string) {
	row, ok := s.row()
	if !ok || row.Ref != ref {
		if s.record.Ref == ref {
			return s.record.Time, safetext.Cut(s.record.Raw, longestLine)
		}
		return time.Time{}, ""
	}
	var parts []string
	for _, f := range s.shownColumns() {
		if text, null, ok := s.value(row, f); ok && !null && text != "" {
			parts = append(parts, safetext.Cut(text, longestLine))
		}
	}
	return row.Time, safetext.Cut(strings.Join(parts, " "), longestLine)
}
