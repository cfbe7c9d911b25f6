package lookup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/query"
	"github.com/fabriziosalmi/rainlogs/query/columns"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
	"github.com/fabriziosalmi/rainlogs/query/schema"
	"github.com/fabriziosalmi/rainlogs/query/worker"
	"github.com/fabriziosalmi/rainlogs/tui/inquiry"
	"github.com/fabriziosalmi/rainlogs/tui/screen/investigate"
)

// Asker asks a question of a worker process; worker.Client.Ask is one.
type Asker func(ctx context.Context, q worker.Question) (*query.Result, error)

// Config says what is looked at and who answers.
type Config struct {
	Archive string // id
	// Chains returns all chains, verified. It is called for each question and should be quick for chains that have not grown.
	Chains func(ctx context.Context) ([]dataset.Chain, error)
	// Names returns what zones are called, by id; those that it leaves out have their id.
	Names func(ctx context.Context) map[string]string
	// Quick answers what somebody waits for, Slow what is drawn in the background: each one question at a time.
	Quick, Slow Asker
	Store       dataset.Objects
	Columns     *columns.Cache // nil: none are built
	TempDir     string         // parent of the folder for fetched objects, "" = os.TempDir()
	Limits      worker.Limits
	ManyLines   int64 // beyond which a field is probed before its values are counted, 0 = 1,000,000
}

// Lookup answers. It is safe for concurrent use.
type Lookup struct {
	cfg         Config
	quick, slow lane
	tallying    singleflight.Group // by tallied.key

	mu      sync.Mutex
	damaged map[place]*dataset.DamageError // objects that questions have left out
	indexes []*index                       // the latest last
	tallies []*tallied                     // the latest last
	cells   int                            // buckets of the last histogram
	kinds   map[string]map[string]investigate.Kind
	// distinct is how many values a field had, by dataset/field, when it was last counted.
	distinct  map[string]int64
	byColumns bool    // the slow worker's last counts took no SQL
	open      *opened // of the last record
	closed    bool
	asked     sync.WaitGroup // questions under way
}

var _ investigate.Data = (*Lookup)(nil)

// place names a window of a chain.
type place struct {
	zone string
	seq  int64
}

// New returns a Lookup. The caller must Close it.
func New(cfg Config) *Lookup {
	cfg.ManyLines = cmp.Or(cfg.ManyLines, manyLines)
	return &Lookup{
		cfg: cfg, quick: lane{cfg.Quick, make(chan struct{}, 1)}, slow: lane{cfg.Slow, make(chan struct{}, 1)},
		damaged: map[place]*dataset.DamageError{}, kinds: map[string]map[string]investigate.Kind{}, distinct: map[string]int64{},
	}
}

// Close waits for the questions under way, whose contexts the caller has
// ended, and removes what was fetched.
func (l *Lookup) Close() error {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.asked.Wait()
	o := l.open
	l.open = nil
	return o.close()
}

var errClosed = errors.New("the program ends")

// enter begins a question, which done ends.
func (l *Lookup) enter() (done func(), err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, errClosed
	}
	l.asked.Add(1)
	return l.asked.Done, nil
}

// lane is an Asker that has one question at a time.
type lane struct {
	ask  Asker
	busy chan struct{}
}

// rows asks, and returns the rows, which are few.
func (l *Lookup) rows(ctx context.Context, on lane, q worker.Question) (out [][]any, err error) {
	select {
	case on.busy <- struct{}{}:
		defer func() { <-on.busy }()
	case <-ctx.Done():
		return nil, ctx.Err() //nolint:wrapcheck // the caller's own
	}
	threads := q.Limits.Threads
	q.SkipDamaged, q.Limits = true, l.cfg.Limits
	q.Limits.Threads = cmp.Or(threads, q.Limits.Threads)
	res, err := on.ask(ctx, q)
	if err != nil {
		return nil, err
	}
	defer res.Close() //nolint:errcheck // read to its end, or its error is returned
	for row, err := range res.Rows() {
		if err != nil {
			return nil, err
		}
		out = append(out, slices.Clone(row))
	}
	l.remember(res.Provenance.Objects.Damaged)
	if q.Counts != nil && on.busy == l.slow.busy {
		l.mu.Lock()
		l.byColumns = res.Provenance.Engine == query.CountsEngine
		l.mu.Unlock()
	}
	return out, nil
}

// remember keeps what was left out of an answer.
func (l *Lookup) remember(damaged []*dataset.DamageError) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, d := range damaged {
		l.damaged[place{d.Chain.Zone, d.Seq}] = d
	}
}

// scope is a view with what it stands on.
type scope struct {
	view    inquiry.View
	chains  []dataset.Chain
	meter   evidence.MeterConfig // which members are the time and the status
	kinds   map[string]investigate.Kind
	lookups []string // the chains, as a worker is told of them
}

// scope finds a view's chains. A view of zones without a chain is an error.
func (l *Lookup) scope(ctx context.Context, v inquiry.View) (*scope, error) {
	all, err := l.cfg.Chains(ctx)
	if err != nil {
		return nil, err
	}
	s := &scope{view: v}
	for _, c := range all {
		if c.ID.Dataset == v.Dataset && (len(v.Zones) == 0 || slices.Contains(v.Zones, c.ID.Zone)) {
			s.chains = append(s.chains, c)
			s.lookups = append(s.lookups, c.ID.Zone+"/"+c.ID.Dataset)
		}
	}
	if len(s.chains) == 0 {
		return nil, fmt.Errorf("the archive has no chain of %s for %s", v.Dataset, cmp.Or(strings.Join(v.Zones, ", "), "any zone"))
	}
	s.meter = meterOf(s.chains)
	s.kinds = l.kindsOf(v.Dataset)
	return s, nil
}

// meterOf is what the latest entry with records was measured by.
func meterOf(chains []dataset.Chain) evidence.MeterConfig {
	for _, c := range chains {
		for _, e := range slices.Backward(c.Entries) {
			if e.Source != nil {
				return e.Source.Meter()
			}
		}
	}
	return (&evidence.Source{}).Meter()
}

// whole is the view's range.
func (s *scope) whole() dataset.Range { return dataset.Range{From: s.view.From, To: s.view.To} }

// question is a view's question for a worker.
func (s *scope) question(sql string, params map[string]any) worker.Question {
	return worker.Question{SQL: sql, Params: params, Zones: s.lookups, Range: s.whole()}
}

// Ground returns the zones and their fields.
func (l *Lookup) Ground(ctx context.Context) (investigate.Ground, error) {
	done, err := l.enter()
	if err != nil {
		return investigate.Ground{}, err
	}
	defer done()
	chains, err := l.cfg.Chains(ctx)
	if err != nil {
		return investigate.Ground{}, err
	}
	names := map[string]string{}
	if l.cfg.Names != nil {
		names = l.cfg.Names(ctx)
	}
	g := investigate.Ground{Archive: l.cfg.Archive, Fields: map[string][]investigate.Field{}}
	byDataset := map[string][]dataset.Chain{}
	for _, c := range chains {
		g.Zones = append(g.Zones, zone(c, cmp.Or(names[c.ID.Zone], c.ID.Zone)))
		byDataset[c.ID.Dataset] = append(byDataset[c.ID.Dataset], c)
	}
	for name, of := range byDataset {
		if g.Fields[name], err = l.fields(ctx, name, of); err != nil {
			return investigate.Ground{}, err
		}
	}
	slices.SortFunc(g.Zones, func(a, b investigate.Zone) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Dataset, b.Dataset))
	})
	return g, nil
}

func zone(c dataset.Chain, name string) investigate.Zone {
	z := investigate.Zone{ID: c.ID.Zone, Name: name, Dataset: c.ID.Dataset}
	for _, e := range dataset.Select(c.Entries, dataset.Range{}) {
		if z.From.IsZero() || e.Window.Start.Before(z.From) {
			z.From = e.Window.Start.UTC()
		}
		if last := e.Window.End.Add(-dataset.DefaultTail).UTC(); last.After(z.Until) {
			z.Until = last
		}
		z.Lines += e.Content.Lines
		if e.Content.FirstEvent == nil || e.Content.LastEvent == nil {
			continue
		}
		if z.First.IsZero() || e.Content.FirstEvent.Before(z.First) {
			z.First = *e.Content.FirstEvent
		}
		if e.Content.LastEvent.After(z.Last) {
			z.Last = *e.Content.LastEvent
		}
	}
	return z
}

// fields are a dataset's columns: those that the source was last asked for, where that is sealed; otherwise all
// that are known, which may take a look at one object's first line.
func (l *Lookup) fields(ctx context.Context, name string, chains []dataset.Chain) ([]investigate.Field, error) {
	d, err := dataset.Open(ctx, l.cfg.Store, chains, dataset.Options{SkipDamaged: true, TempDir: l.cfg.TempDir})
	if err != nil {
		return nil, err //nolint:wrapcheck // says what it did
	}
	defer d.Close() //nolint:errcheck // what was fetched for one line
	known := func(*dataset.Object) ([]string, bool) { return nil, true }
	if schema.TimeField(name) == "" {
		known = l.namesOf
	}
	all, err := d.Columns(ctx, columns.Reserved(), known)
	if err != nil {
		return nil, fmt.Errorf("learn fields of %s: %w", name, err)
	}
	asked := d.Asked()
	kinds, out := map[string]investigate.Kind{}, []investigate.Field{}
	for _, f := range all {
		kinds[f.Name] = kindOf(f)
		if len(asked) == 0 || slices.Contains(asked, f.Name) {
			out = append(out, investigate.Field{Name: f.Name, Kind: kinds[f.Name]})
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.kinds[name] = kinds
	return out, nil
}

// namesOf are the fields of an object's columns, if it has some.
func (l *Lookup) namesOf(o *dataset.Object) (names []string, ok bool) {
	if l.cfg.Columns == nil {
		return nil, false
	}
	f, ok := l.cfg.Columns.Find(o.Entry)
	defer f.Release()
	for _, field := range f.Fields {
		names = append(names, field.Name)
	}
	return names, ok
}

// kindsOf are the kinds of a dataset's fields: those that Ground has learnt, or the registry's.
func (l *Lookup) kindsOf(name string) map[string]investigate.Kind {
	l.mu.Lock()
	defer l.mu.Unlock()
	if k := l.kinds[name]; k != nil {
		return maps.Clone(k)
	}
	out := map[string]investigate.Kind{}
	for _, f := range schema.Columns(name, nil, columns.Reserved()) {
		out[f.Name] = kindOf(f)
	}
	return out
}

func kindOf(f schema.Field) investigate.Kind {
	switch f.Type {
	case schema.Int, schema.Float:
		return investigate.Number
	case schema.Time:
		return investigate.Time
	case schema.String:
		if strings.HasSuffix(f.Name, "IP") {
			return investigate.Address
		}
		return investigate.Text
	}
	return investigate.Other
}

// Prepare builds the columns of a view's range.
func (l *Lookup) Prepare(ctx context.Context, v inquiry.View, progress func(done, total int64)) error {
	done, err := l.enter()
	if err != nil {
		return err
	}
	defer done()
	if l.cfg.Columns == nil {
		return nil
	}
	s, err := l.scope(ctx, v)
	if err != nil {
		return err
	}
	d, err := s.dataset(ctx, l)
	if err != nil {
		return err
	}
	defer d.Close() //nolint:errcheck // what was fetched
	var total int64
	for _, o := range d.Objects() {
		total += o.Entry.Content.Lines
	}
	err = l.cfg.Columns.Build(ctx, d.Objects(), columns.BuildOptions{Jobs: 1, Progress: func(p columns.Progress) {
		progress(min(p.Lines+p.Skipped, total), total)
	}})
	var damaged []*dataset.DamageError
	for _, o := range d.Objects() {
		if o.Damaged() {
			damaged = append(damaged, o.Damage())
		}
	}
	l.remember(damaged)
	if len(damaged) > 0 && ctx.Err() == nil {
		return nil // told as evidence
	}
	return err //nolint:wrapcheck // says what it did
}

// dataset opens the objects of a scope.
func (s *scope) dataset(ctx context.Context, l *Lookup) (*dataset.Dataset, error) {
	return dataset.Open(ctx, l.cfg.Store, s.chains, dataset.Options{ //nolint:wrapcheck // says what it did
		Range: dataset.Range{From: s.view.From, To: s.view.To}, SkipDamaged: true, TempDir: l.cfg.TempDir,
	})
}

// bounds are a view's range as far as there is something.
func (s *scope) bounds() (from, to time.Time) {
	from, to = s.view.From, s.view.To
	if !from.IsZero() && !to.IsZero() {
		return from, to
	}
	for _, c := range s.chains {
		z := zone(c, "")
		if s.view.From.IsZero() && !z.First.IsZero() && (from.IsZero() || z.First.Before(from)) {
			from = z.First
		}
		if s.view.To.IsZero() && z.Last.After(to) {
			to = z.Last.Add(1)
		}
	}
	return from, to
}
