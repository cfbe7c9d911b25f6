package lookup

import (
	"context"
	"errors"
	"fmt"

	"github.com/fabriziosalmi/rainlogs/query"
	"github.com/fabriziosalmi/rainlogs/query/schema"
	"github.com/fabriziosalmi/rainlogs/tui/screen/investigate"
)

// tallied are a view's records, counted in one pass by window, for the table, and by bucket, for the histogram.
type tallied struct {
	key     string
	windows map[place]int64
	buckets []investigate.Bucket
	total   int64
}

// manyWindows is of how many windows the records are not counted both ways at once.
const manyWindows = 20_000

// tally returns a view's tally. The table and the histogram of a new view are asked for together: the first of
// them has the records counted, and the other waits for that.
func (l *Lookup) tally(ctx context.Context, s *scope, g grid) (*tallied, error) {
	v := s.view
	// Quoted: values come from logs, and two of them must not make one key.
	key := fmt.Sprintf("%s\n%q %q %q %d %d %d %d %d", l.state(s), v.Zones, v.Dataset, v.Filters, v.From.UnixNano(), v.To.UnixNano(), g.start, g.step, g.n)
	for {
		got, err, _ := l.tallying.Do(key, func() (any, error) { return l.keptTally(ctx, s, g, key) })
		if errors.Is(err, context.Canceled) && ctx.Err() == nil { // the other one's
			continue
		}
		if err != nil {
			return nil, err //nolint:wrapcheck // keptTally's
		}
		t, _ := got.(*tallied)
		return t, nil
	}
}

func (l *Lookup) keptTally(ctx context.Context, s *scope, g grid, key string) (*tallied, error) {
	l.mu.Lock()
	for _, t := range l.tallies {
		if t.key == key {
			l.mu.Unlock()
			return t, nil
		}
	}
	l.mu.Unlock()
	t, err := l.newTally(ctx, s, g)
	if err != nil {
		return nil, err
	}
	t.key = key
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tallies = append(l.tallies, t)
	l.tallies = l.tallies[max(0, len(l.tallies)-maxIndexes):]
	return t, nil
}

// newTally counts. Without a filter the table does not wait for it.
func (l *Lookup) newTally(ctx context.Context, s *scope, g grid) (*tallied, error) {
	where, params, err := s.where()
	if err != nil {
		return nil, err
	}
	zone := "_zone"
	if len(s.chains) == 1 {
		zone = quoteText(s.chains[0].ID.Zone) // which need not be read
	}
	q := s.question(fmt.Sprintf("SELECT %s, _seq, (epoch_ns(%s) - %d) // %d, %s // 100, count(*) FROM logs%s GROUP BY ALL",
		zone, timeOf(s.meter, s.view.Dataset), g.start, int64(g.step), statusOf(s.meter, s.kinds), where), params)
	q.Counts = s.gridCounts(g)
	rows, err := l.rows(ctx, l.counter(s), q)
	if err != nil {
		return nil, err
	}
	t := &tallied{windows: map[place]int64{}, buckets: make([]investigate.Bucket, g.n)}
	for _, row := range rows {
		n := integer(row[4])
		zone, _ := row[0].(string)
		t.windows[place{zone, integer(row[1])}] += n
		t.total += n
		at, timed := row[2].(int64)
		if !timed || at < 0 || at >= int64(g.n) {
			continue // without an event time
		}
		digit, ok := row[3].(int64)
		if !ok || digit < 1 || digit > 5 {
			digit = 0
		}
		t.buckets[at].Counts[digit] += n
	}
	return t, nil
}

// gridCounts is what a tally asks for, without SQL; nil where time or status are not columns by themselves.
func (s *scope) gridCounts(g grid) *query.Counts {
	numeric := s.meter.ClassField == "" || s.kinds[s.meter.ClassField] == investigate.Number
	if s.meter.TimeField != schema.TimeField(s.view.Dataset) || !numeric {
		return nil
	}
	return &query.Counts{Filters: s.view.Filters, Grid: &query.Grid{
		Time: s.meter.TimeField, Status: s.meter.ClassField, Start: g.start, Step: int64(g.step),
	}}
}

// filtered counts the rows of a view with a filter in each window: by the tally that its histogram is drawn from.
func (l *Lookup) filtered(ctx context.Context, s *scope) (map[place]int64, error) {
	from, to := s.bounds()
	if !from.Before(to) || len(s.entries()) > manyWindows {
		return l.countIn(ctx, s, s.whole())
	}
	l.mu.Lock()
	cells := l.cells
	l.mu.Unlock()
	t, err := l.tally(ctx, s, newGrid(from, to, max(1, cells)))
	if err != nil {
		return nil, err
	}
	return t.windows, nil
}

// counter is the worker that a filtered view's tally is asked of. Each of them compares all files of columns with their digests
// once, which takes longer than to count them: the one that has done so goes on.
func (l *Lookup) counter(s *scope) lane {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(s.view.Filters) == 0 || l.byColumns {
		return l.slow
	}
	return l.quick
}

// tallyFirst has table and histogram go before facets, where one worker counts for both.
func (l *Lookup) tallyFirst(ctx context.Context, s *scope) error {
	l.mu.Lock()
	both := l.byColumns && len(s.view.Filters) > 0
	l.mu.Unlock()
	if !both || len(s.entries()) > manyWindows {
		return nil
	}
	_, err := l.filtered(ctx, s)
	return err
}

// rememberCells keeps how many buckets a histogram has: that of the next view will have as many.
func (l *Lookup) rememberCells(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cells = n
}
