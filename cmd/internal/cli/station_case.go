package cli

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/casebook"
	"github.com/fabriziosalmi/rainlogs/tui/inquiry"
	"github.com/fabriziosalmi/rainlogs/tui/keymap"
	"github.com/fabriziosalmi/rainlogs/tui/screen/cases"
	"github.com/fabriziosalmi/rainlogs/tui/screen/investigate"
)

// caseStation is what the workstation's screens see of the cases.
type caseStation struct {
	*station
	book     *casebook.Book
	readOnly bool
}

var (
	_ cases.Data        = (*caseStation)(nil)
	_ investigate.Marks = (*casebook.Book)(nil)
)

// caseScreen is the screen of the archive's cases.
func (s *station) caseScreen(book *casebook.Book, keys *keymap.Map, readOnly bool) *cases.Screen {
	folder, err := os.Getwd()
	if err != nil {
		folder = "~/"
	}
	return cases.New(cases.Config{Data: &caseStation{s, book, readOnly}, Keys: keys, Local: time.Local, Folder: folder, ReadOnly: readOnly})
}

// Case reads the current case.
func (s *caseStation) Case(ctx context.Context) (cases.Case, error) {
	c, err := s.book.Current()
	if err != nil || c == nil {
		return cases.Case{}, err
	}
	now, err := c.State()
	if err != nil {
		return cases.Case{}, err
	}
	out := cases.Case{
		Name: now.Name, Title: now.Title, Folder: c.Dir(), Created: now.Created, By: now.By, Head: now.Head,
		Bookmarks: now.Bookmarks, Zones: s.names(ctx),
	}
	if now.Damage != nil {
		out.Damage = now.Damage.Error()
	}
	for _, n := range now.Notes {
		out.Notes = append(out.Notes, cases.Note{Time: n.Time, Who: n.Who, Text: n.Text})
	}
	for _, e := range slices.Backward(now.Events) {
		out.Log = append(out.Log, cases.Event{N: e.N, Time: e.Time.UTC(), Who: e.Who, Kind: string(e.Kind), Text: eventText(e, out.Zones)})
		if e.Query != nil {
			out.Queries = append(out.Queries, askedIn(e))
		}
	}
	return out, nil
}

// eventText is what an event is about, with a record by its zone's name, which is shorter than its address.
func eventText(e casebook.Event, zones map[string]string) string {
	ref, err := e.Record.Ref()
	if err != nil {
		return e.Summary()
	}
	zone := ref.Zone
	if name := zones[zone]; name != "" {
		zone = name
	}
	text := fmt.Sprintf("%s entry %d line %d", zone, ref.Seq, ref.Line)
	for _, more := range []string{e.Text, e.Record.Line} {
		if more != "" {
			text += ": " + more
		}
	}
	return text
}

// askedIn is a question of a journal.
func askedIn(e casebook.Event) cases.Query {
	q := e.Query
	out := cases.Query{Time: e.Time.UTC(), Who: e.Who, Title: q.Title, SQL: q.SQL, Rows: q.Rows, Evidence: q.Evidence, Complete: q.Complete}
	if q.Dataset == "" {
		return out
	}
	view := inquiry.View{Zones: q.Zones, Dataset: q.Dataset}
	if q.From != nil {
		view.From = q.From.UTC()
	}
	if q.To != nil {
		view.To = q.To.UTC()
	}
	for _, text := range q.Filters {
		f, err := inquiry.ParseFilter(text)
		if err != nil { // of another version: the view would be another one without it
			return out
		}
		view.Filters = append(view.Filters, f)
	}
	out.View = &view
	return out
}

// Cases lists the cases.
func (s *caseStation) Cases(context.Context) ([]cases.Summary, error) {
	all, err := s.book.List()
	if err != nil {
		return nil, err
	}
	current, err := s.book.Current()
	if err != nil {
		return nil, err
	}
	var out []cases.Summary
	for _, c := range all {
		sum := summaryOf(c, current)
		out = append(out, cases.Summary{
			Name: sum.Name, Title: sum.Title, Bookmarks: sum.Bookmarks, Notes: sum.Notes, Updated: sum.Updated, By: sum.By, Current: sum.Current, Damage: sum.Damage,
		})
	}
	return out, nil
}

// Do makes a change.
func (s *caseStation) Do(ctx context.Context, change cases.Change) error {
	switch change.Verb {
	case cases.Begin:
		c, err := s.book.Create(ctx, change.Text)
		if err != nil {
			return err
		}
		return s.book.Choose(ctx, c)
	case cases.Choose:
		c, err := s.book.Case(change.Text)
		if err != nil {
			return err
		}
		return s.book.Choose(ctx, c)
	case cases.Annotate, cases.Remove, cases.Write, cases.Rename:
	}
	c, err := s.book.Current()
	if err != nil {
		return err
	}
	if c == nil {
		return casebook.ErrNotFound
	}
	switch change.Verb {
	case cases.Annotate:
		return c.Mark(ctx, inquiry.Bookmark{Ref: change.Ref, Note: change.Text})
	case cases.Remove:
		return c.Unmark(ctx, change.Ref)
	case cases.Write:
		return c.Note(ctx, change.Text)
	case cases.Rename:
		return c.Rename(ctx, change.Text)
	case cases.Begin, cases.Choose:
	}
	return nil
}

// Export hands the records of the current case out.
func (s *caseStation) Export(ctx context.Context, dir string, progress func(done, total int64)) (cases.Export, error) {
	c, err := s.book.Current()
	if err != nil {
		return cases.Export{}, err
	}
	if c == nil {
		return cases.Export{}, casebook.ErrNotFound
	}
	w := &workspace{Workspace: s.w.Workspace, ctx: ctx}
	res, err := w.exportCase(c, homeOf(dir), progress)
	out := cases.Export{Folder: res.Folder, Records: res.Records, SHA256: res.SHA256}
	for _, l := range res.Left {
		out.Left = append(out.Left, fmt.Sprintf("%s: %s", l.Link, l.Problem))
	}
	return out, err
}

// homeOf is a path as a shell takes it, where it begins with "~/".
func homeOf(path string) string {
	if len(path) > 1 && path[:2] == "~/" {
		if home, err := os.UserHomeDir(); err == nil {
			return home + path[1:]
		}
	}
	return path
}
