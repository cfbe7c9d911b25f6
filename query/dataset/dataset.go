package dataset

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// Objects is where an archive's objects are read from; sdk/storage.Storage is one.
type Objects interface {
	// Get opens length bytes of an object from offset; length < 0 means to the end.
	Get(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error)
}

// LocalPather is the optional power of an Objects whose objects are files here.
type LocalPather interface {
	LocalPath(ctx context.Context, key string) (string, error)
}

// Head is what is known of a chain's checkpoint.
type Head struct {
	Size   int64  `json:"size"`
	Root   string `json:"root"`   // base64, as in the checkpoint
	Key    string `json:"key"`    // the name of the key that signed it
	Pinned bool   `json:"pinned"` // whether that key was pinned here beforehand
}

// Chain is a chain whose signature and consistency the caller has checked.
type Chain struct {
	ID      evidence.ChainID
	Entries []*evidence.Entry // all of them, in order
	Head    Head
}

// Options are the ways to open a dataset.
type Options struct {
	Range       Range
	Tail        time.Duration // 0 = DefaultTail
	TempDir     string        // parent of the private folder for fetched objects, "" = os.TempDir()
	SkipDamaged bool          // go on without damaged objects, and say so
	Concurrency int           // objects checked at once, 0 = 4
	// Progress is called, not concurrently, after each object of a Check.
	Progress func(done, total int, bytes int64)
}

// Dataset is the objects of a range, each checked when it is first used. It is
// safe for concurrent use until Close.
type Dataset struct {
	name    string
	store   Objects
	chains  []Chain
	opts    Options
	objects []*Object
	ledger  func() []Span // without what checks have found

	mu  sync.Mutex
	dir string // of fetched objects, "" if there are none
}

// Open selects the objects of a range; it fetches none. The chains MUST be of
// one dataset (such as http_requests). The caller must Close.
func Open(ctx context.Context, store Objects, chains []Chain, opts Options) (*Dataset, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("open dataset: %w", err)
	}
	if opts.Tail == 0 {
		opts.Tail = DefaultTail
	}
	if opts.Concurrency <= 0 {
		opts.Concurrency = 4
	}
	d := &Dataset{store: store, chains: chains, opts: opts}
	if !opts.Range.To.IsZero() && !opts.Range.From.Before(opts.Range.To) {
		return nil, fmt.Errorf("open dataset: range %s/%s is empty", stamp(opts.Range.From), stamp(opts.Range.To))
	}
	var entries []*evidence.Entry
	for _, c := range chains {
		if d.name != "" && c.ID.Dataset != d.name {
			return nil, fmt.Errorf("open dataset: chains of %s and of %s do not have the same columns", d.name, c.ID.Dataset)
		}
		d.name = c.ID.Dataset
		entries = append(entries, Select(c.Entries, opts.Range)...)
	}
	if len(chains) > 1 {
		slices.SortStableFunc(entries, byWindow)
	}
	d.objects = make([]*Object, len(entries))
	for i, e := range entries {
		d.objects[i] = newObject(d, i, e)
	}
	d.ledger = sync.OnceValue(func() (spans []Span) {
		for _, c := range chains {
			spans = append(spans, Ledger(c.ID, c.Entries, opts.Range, opts.Tail)...)
		}
		return spans
	})
	return d, nil
}

// Name is the dataset's name, such as http_requests; "" without any chain.
func (d *Dataset) Name() string { return d.name }

// Range is what the dataset was opened for.
func (d *Dataset) Range() Range { return d.opts.Range }

// Chains returns the chains.
func (d *Dataset) Chains() []Chain { return d.chains }

// Entries returns the entries of all chains.
func (d *Dataset) Entries() []*evidence.Entry {
	var out []*evidence.Entry
	for _, c := range d.chains {
		out = append(out, c.Entries...)
	}
	return out
}

// Objects returns the objects of the range in the order of reading. Each is
// checked when it is first used, or by Check.
func (d *Dataset) Objects() []*Object { return d.objects }

// Spans returns the coverage ledger of all chains. The window of an object is
// damaged once a check has found it so.
func (d *Dataset) Spans() []Span {
	type window struct {
		zone string
		seq  int64
	}
	damaged := map[window]bool{}
	for _, o := range d.objects {
		if o.Damaged() {
			damaged[window{o.Entry.Zone, o.Entry.Seq}] = true
		}
	}
	spans := d.ledger()
	if len(damaged) == 0 {
		return spans
	}
	spans = slices.Clone(spans)
	for i, s := range spans {
		if s.State != Gap && damaged[window{s.Zone, s.Seq}] {
			spans[i].State = Damaged
		}
	}
	return spans
}

// Close removes what was fetched. Objects must not be read afterwards.
func (d *Dataset) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dir == "" {
		return nil
	}
	dir := d.dir
	d.dir = ""
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("remove fetched objects: %w", err)
	}
	return nil
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ".."
	}
	return t.UTC().Format(time.RFC3339Nano)
}
