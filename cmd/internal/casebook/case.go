package casebook

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"

	"github.com/fabriziosalmi/rainlogs/tui/inquiry"
)

// Case is one case. It is safe for concurrent use.
type Case struct {
	book *Book
	name string

	mu     sync.Mutex
	j      *journal
	opened bool // this process has said that it works on it
}

// Name is the name of the case's folder.
func (c *Case) Name() string { return c.name }

// Dir is the case's folder.
func (c *Case) Dir() string { return c.j.dir }

// State reads what was added since, by whomever, and returns what the case is now.
func (c *Case) State() (State, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.j.refresh(); err != nil {
		return State{}, err
	}
	return replay(c.name, c.j), nil
}

// Journal reads the case anew from its first line, and returns the journal's
// whole lines with what they make of the case.
func (c *Case) Journal() (State, []byte, error) {
	j := newJournal(c.j.dir)
	if err := j.refresh(); err != nil {
		return State{}, nil, err
	}
	raw, err := os.ReadFile(j.path())
	if err != nil {
		return State{}, nil, fmt.Errorf("read case: %w", err)
	}
	if int64(len(raw)) < j.offset {
		return State{}, nil, &DamageError{j.path(), errors.New("it has become shorter")}
	}
	return replay(c.name, j), raw[:j.offset], nil
}

// ErrReadOnly: the book was opened to be read.
var ErrReadOnly = errors.New("the workstation is read-only: nothing is added to a case")

// do appends what decide makes of the case as it is, and before the first
// event of this process that it works on the case.
func (c *Case) do(ctx context.Context, decide func(s *State) (*Event, error)) error {
	if c.book.cfg.ReadOnly {
		return ErrReadOnly
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.opened && c.book.cfg.Session {
		err := c.append(ctx, func(s *State) (*Event, error) {
			if len(s.Events) == 0 {
				return nil, nil //nolint:nilnil // it begins with its creation
			}
			return &Event{Kind: Opened}, nil
		})
		if err != nil {
			return err
		}
	}
	c.opened = true
	return c.append(ctx, decide)
}

func (c *Case) append(ctx context.Context, decide func(s *State) (*Event, error)) error {
	return c.j.do(ctx, func() (*Event, error) {
		s := replay(c.name, c.j)
		e, err := decide(&s)
		if e != nil {
			e.Time, e.Who, e.Program = Stamp{c.book.cfg.Now().UTC()}, c.book.cfg.Who, c.book.cfg.Program
		}
		return e, err
	})
}

// Close says that this process no longer works on the case, if it has said that it does.
func (c *Case) Close(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.opened || !c.book.cfg.Session {
		return nil
	}
	c.opened = false
	return c.append(ctx, func(*State) (*Event, error) { return &Event{Kind: Closed}, nil })
}

// Mark keeps a record, with a note or without; one that is kept already gets the new note.
func (c *Case) Mark(ctx context.Context, b inquiry.Bookmark) error {
	return c.do(ctx, func(s *State) (*Event, error) {
		if err := checkNote(b.Note); err != nil {
			return nil, err
		}
		if s.Archive != "" && b.Ref.Archive != s.Archive {
			return nil, fmt.Errorf("record %s is of another archive than the case", b.Ref.Permalink())
		}
		e := &Event{Kind: Marked, Record: &Record{Link: b.Ref.Permalink(), Time: stamp(b.Time), Line: bounded(b.Line, maxShown)}, Text: b.Note}
		if i := s.index(b.Ref); i >= 0 {
			if s.Bookmarks[i].Note == b.Note {
				return nil, nil //nolint:nilnil // nothing has changed
			}
			e.Kind, e.Record = Noted, &Record{Link: b.Ref.Permalink()}
		}
		return e, nil
	})
}

// Unmark lets a record go. One that is not kept is no error.
func (c *Case) Unmark(ctx context.Context, ref inquiry.Ref) error {
	return c.do(ctx, func(s *State) (*Event, error) {
		if s.index(ref) < 0 {
			return nil, nil //nolint:nilnil // nothing has changed
		}
		return &Event{Kind: Unmarked, Record: &Record{Link: ref.Permalink()}}, nil
	})
}

// Note adds a note to the case.
func (c *Case) Note(ctx context.Context, text string) error {
	text = strings.TrimSpace(text)
	if text == "" {
		return errors.New("the note is empty")
	}
	return c.do(ctx, func(*State) (*Event, error) { return &Event{Kind: Noted, Text: text}, checkNote(text) })
}

func checkNote(text string) error {
	if len(text) > maxNote {
		return fmt.Errorf("the note has %d bytes, more than %d", len(text), maxNote)
	}
	return nil
}

// Rename gives the case another title. Its folder keeps its name.
func (c *Case) Rename(ctx context.Context, title string) error {
	title, err := checkTitle(title)
	if err != nil {
		return err
	}
	return c.do(ctx, func(s *State) (*Event, error) {
		if s.Title == title {
			return nil, nil //nolint:nilnil // nothing has changed
		}
		return &Event{Kind: Renamed, Title: title}, nil
	})
}

func checkTitle(title string) (string, error) {
	title = strings.Join(strings.Fields(title), " ")
	switch {
	case title == "":
		return "", errors.New("a case needs a title")
	case len(title) > maxTitle:
		return "", fmt.Errorf("the title has %d bytes, more than %d", len(title), maxTitle)
	}
	return title, nil
}

// Asked keeps a question and what its answer stood on.
func (c *Case) Asked(ctx context.Context, q Query) error {
	return c.do(ctx, func(*State) (*Event, error) { return &Event{Kind: Queried, Query: &q}, nil })
}

// HandedOut keeps that a bundle was written.
func (c *Case) HandedOut(ctx context.Context, x Export) error {
	return c.do(ctx, func(*State) (*Event, error) { return &Event{Kind: Exported, Export: &x}, nil })
}

// Verified keeps that the archive was verified.
func (c *Case) Verified(ctx context.Context, v Verification) error {
	return c.do(ctx, func(*State) (*Event, error) { return &Event{Kind: Verified, Verify: &v}, nil })
}
