package lookup

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
	"github.com/fabriziosalmi/rainlogs/tui/inquiry"
	"github.com/fabriziosalmi/rainlogs/tui/screen/investigate"
)

// index is how many of a view's rows each window has.
type index struct {
	view    inquiry.View
	state   string // of the chains and of what is damaged, when it was made
	windows []window
	total   int64
}

// window is a window with rows of the view.
type window struct {
	entry *evidence.Entry
	first int64 // row
	n     int64
}

const (
	maxIndexes = 4 // views that are gone back to
	maxPartial = 8 // windows that are counted one by one; of more, the whole range is
	maxCell    = 4096
)

// state changes whenever a view may have other rows than before.
func (l *Lookup) state(s *scope) string {
	var b strings.Builder
	for _, c := range s.chains {
		fmt.Fprintf(&b, "%s %d %s\n", c.ID, c.Head.Size, c.Head.Root)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprint(&b, len(l.damaged))
	return b.String()
}

// index returns a view's index, made now or before.
func (l *Lookup) index(ctx context.Context, s *scope) (*index, error) {
	state := l.state(s)
	l.mu.Lock()
	for _, x := range l.indexes {
		if x.state == state && x.view.Equal(s.view) {
			l.mu.Unlock()
			return x, nil
		}
	}
	l.mu.Unlock()
	counts, err := l.count(ctx, s)
	if err != nil {
		return nil, err
	}
	x := &index{view: s.view, state: l.state(s)}
	for _, e := range s.entries() {
		if n := counts[place{e.Zone, e.Seq}]; n > 0 {
			x.windows = append(x.windows, window{e, x.total, n})
			x.total += n
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.indexes = append(l.indexes, x)
	l.indexes = l.indexes[max(0, len(l.indexes)-maxIndexes):]
	return x, nil
}

// entries are those with objects of the range, in the order of reading.
func (s *scope) entries() (out []*evidence.Entry) {
	for _, c := range s.chains {
		out = append(out, dataset.Select(c.Entries, s.whole())...)
	}
	if len(s.chains) > 1 {
		slices.SortStableFunc(out, func(a, b *evidence.Entry) int { return a.Window.Start.Compare(b.Window.Start) })
	}
	return out
}

// count counts a view's rows in each window: without a filter the entries
// tell, but for the windows at the ends of the range.
func (l *Lookup) count(ctx context.Context, s *scope) (map[place]int64, error) {
	if len(s.view.Filters) > 0 {
		return l.filtered(ctx, s)
	}
	d, err := s.dataset(ctx, l)
	if err != nil {
		return nil, err
	}
	defer d.Close() //nolint:errcheck // nothing was fetched
	counts := map[place]int64{}
	var partial []*evidence.Entry
	damaged := l.damagedIn(s)
	for _, o := range d.Objects() {
		at := place{o.Entry.Zone, o.Entry.Seq}
		switch {
		case damaged[at] != nil:
		case o.All():
			counts[at] = o.Entry.Content.Lines
		default:
			partial = append(partial, o.Entry)
		}
	}
	if len(partial) > maxPartial {
		return l.countIn(ctx, s, s.whole())
	}
	for _, e := range partial {
		found, err := l.countIn(ctx, s, s.around([]window{{entry: e}}))
		if err != nil {
			return nil, err
		}
		counts[place{e.Zone, e.Seq}] = found[place{e.Zone, e.Seq}]
	}
	return counts, nil
}

func (l *Lookup) countIn(ctx context.Context, s *scope, r dataset.Range) (map[place]int64, error) {
	where, params, err := s.where()
	if err != nil {
		return nil, err
	}
	q := s.question("SELECT _zone, _seq, count(*) FROM logs"+where+" GROUP BY ALL", params)
	q.Range = r
	rows, err := l.rows(ctx, l.quick, q)
	if err != nil {
		return nil, err
	}
	counts := make(map[place]int64, len(rows))
	for _, row := range rows {
		zone, _ := row[0].(string)
		counts[place{zone, integer(row[1])}] = integer(row[2])
	}
	return counts, nil
}

// around is the narrowest part of the view's range that has all of its lines in these windows: those
// with an event time by that, the others by their window.
func (s *scope) around(windows []window) dataset.Range {
	var r dataset.Range
	for _, w := range windows {
		from, to := w.entry.Window.Start, w.entry.Window.End
		if c := w.entry.Content; c.FirstEvent != nil && c.LastEvent != nil {
			from, to = earlier(from, *c.FirstEvent), later(to, c.LastEvent.Add(time.Nanosecond))
		}
		if r.From.IsZero() || from.Before(r.From) {
			r.From = from
		}
		r.To = later(r.To, to)
	}
	if !s.view.From.IsZero() {
		r.From = later(r.From, s.view.From)
	}
	if !s.view.To.IsZero() {
		r.To = earlier(r.To, s.view.To)
	}
	return r
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// Rows returns some of a view's records.
func (l *Lookup) Rows(ctx context.Context, v inquiry.View, columns []string, first int64, n int) (investigate.Page, error) {
	done, err := l.enter()
	if err != nil {
		return investigate.Page{}, err
	}
	defer done()
	s, err := l.scope(ctx, v)
	if err != nil {
		return investigate.Page{}, err
	}
	x, err := l.index(ctx, s)
	if err != nil {
		return investigate.Page{}, err
	}
	page := investigate.Page{Total: x.total, First: first}
	last := min(first+int64(n), x.total)
	if first < 0 || first >= last {
		return page, nil
	}
	begin := sort.Search(len(x.windows), func(i int) bool { return x.windows[i].first+x.windows[i].n > first })
	end := sort.Search(len(x.windows), func(i int) bool { return x.windows[i].first >= last })
	windows := x.windows[begin:end]
	sql, params, err := s.page(windows, columns, first-windows[0].first, last-first)
	if err != nil {
		return page, err
	}
	q := s.question(sql, params)
	q.Range = s.around(windows)
	q.Limits.Threads = 1 // a page is little, and is asked for while keys are pressed: it leaves them a processor
	rows, err := l.rows(ctx, l.quick, q)
	if err != nil {
		return page, err
	}
	for _, row := range rows {
		page.Rows = append(page.Rows, l.row(v, row))
	}
	return page, nil
}

// page is the SQL of n rows of windows, after the first skip ones.
func (s *scope) page(windows []window, columns []string, skip, n int64) (sql string, params map[string]any, err error) {
	where, params, err := s.where()
	if err != nil {
		return "", nil, err
	}
	var order []string
	for i, w := range windows {
		order = append(order, fmt.Sprintf("(%d, %s, %d)", i, quoteText(w.entry.Zone), w.entry.Seq))
	}
	at := timeOf(s.meter, s.view.Dataset)
	fields := []string{"_zone", "_seq", "_line", "epoch_ns(" + at + ")", statusOf(s.meter, s.kinds)}
	for _, c := range columns {
		fields = append(fields, fmt.Sprintf("left(CAST(%s AS VARCHAR), %d)", quoteName(c), maxCell))
	}
	return fmt.Sprintf("SELECT %s FROM logs JOIN (VALUES %s) AS _window(_place, _of, _entry) ON _zone = _of AND _seq = _entry%s ORDER BY _place, %s, _line LIMIT %d OFFSET %d",
		strings.Join(fields, ", "), strings.Join(order, ", "), where, at, n, skip), params, nil
}

func (l *Lookup) row(v inquiry.View, cells []any) investigate.Row {
	r := investigate.Row{Ref: inquiry.Ref{Archive: l.cfg.Archive, Dataset: v.Dataset, Seq: integer(cells[1]), Line: integer(cells[2])}}
	r.Ref.Zone, _ = cells[0].(string)
	if at, ok := cells[3].(int64); ok {
		r.Time = time.Unix(0, at).UTC()
	}
	if status := integer(cells[4]); status >= 100 && status <= 599 {
		r.Status = int(status)
	}
	for _, c := range cells[5:] {
		text, some := c.(string)
		r.Cells, r.Nulls = append(r.Cells, text), append(r.Nulls, !some)
	}
	return r
}
