package casebook

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"github.com/fabriziosalmi/rainlogs/tui/inquiry"
)

// State is what a case is now.
type State struct {
	Name    string // of its folder
	Title   string
	Archive string
	Created time.Time
	By      string
	Updated time.Time
	// Bookmarks are in the order of their records' times.
	Bookmarks []inquiry.Bookmark
	Notes     []Note // on the case, the first one first
	// Events are all of them, as they stand in the journal.
	Events []Event
	// Head is the SHA-256 of the journal's last line.
	Head string
	// Torn is how many bytes of a line stand at the end that was never written to its end.
	Torn int
	// Damage says why the journal cannot be read beyond Events; nothing is added then.
	Damage error

	at map[inquiry.Ref]int // where a bookmark is
}

// Note is a note on the case.
type Note struct {
	Time time.Time
	Who  string
	Text string
}

// replay gives what the events make of a case.
func replay(name string, j *journal) State {
	s := State{Name: name, Title: name, Events: slices.Clip(j.events), Head: j.head, Torn: len(j.torn), Damage: j.damage, at: map[inquiry.Ref]int{}}
	for i := range j.events {
		s.apply(&j.events[i])
	}
	slices.SortStableFunc(s.Bookmarks, func(a, b inquiry.Bookmark) int {
		switch c := a.Time.Compare(b.Time); {
		case c != 0:
			return c
		case a.Ref.Before(b.Ref):
			return -1
		case b.Ref.Before(a.Ref):
			return 1
		}
		return 0
	})
	s.number()
	return s
}

// number notes where each bookmark is.
func (s *State) number() {
	clear(s.at)
	for i, b := range s.Bookmarks {
		s.at[b.Ref] = i
	}
}

// Replay gives what a journal's bytes make of a case, as a reader of its file would find it.
func Replay(name string, raw []byte) (State, error) {
	j := newJournal("")
	err := j.read(bytes.NewReader(raw))
	return replay(name, j), err
}

func (s *State) apply(e *Event) {
	s.Updated = e.Time.UTC()
	switch e.Kind {
	case Created:
		s.Title, s.Archive, s.Created, s.By = e.Title, e.Archive, e.Time.UTC(), e.Who
	case Renamed:
		s.Title = e.Title
	case Marked, Unmarked:
		s.mark(e)
	case Noted:
		if e.Record == nil {
			s.Notes = append(s.Notes, Note{e.Time.UTC(), e.Who, e.Text})
		} else if i := s.find(e.Record); i >= 0 {
			s.Bookmarks[i].Note = e.Text
		}
	}
}

func (s *State) mark(e *Event) {
	ref, err := e.Record.Ref()
	if err != nil { // of another program: what it means is not known
		return
	}
	i := s.find(e.Record)
	switch {
	case e.Kind == Unmarked && i >= 0:
		s.Bookmarks = slices.Delete(s.Bookmarks, i, i+1)
		s.number()
	case e.Kind == Marked && i < 0:
		s.at[ref] = len(s.Bookmarks)
		s.Bookmarks = append(s.Bookmarks, inquiry.Bookmark{
			Ref: ref, Time: e.Record.Time.at(), Line: e.Record.Line, Note: e.Text, Added: e.Time.UTC(),
		})
	}
}

func (s *State) find(r *Record) int {
	ref, err := r.Ref()
	if err != nil {
		return -1
	}
	return s.index(ref)
}

// index is where a record's bookmark is, -1 if it has none.
func (s *State) index(ref inquiry.Ref) int {
	if i, ok := s.at[ref]; ok {
		return i
	}
	return -1
}

// bounded is a text of at most so many bytes, cut between two characters.
func bounded(text string, limit int) string {
	text = strings.ToValidUTF8(text, "\ufffd")
	if len(text) <= limit {
		return text
	}
	end := limit - len("…")
	for end > 0 && text[end]&0xc0 == 0x80 {
		end--
	}
	return text[:end] + "…"
}
