package dataset

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/query/schema"
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
	// Progress is called, not concurrently, after each checked object.
	Progress func(done, total int, bytes int64)
}

// Dataset is the checked objects of a range. It is safe for concurrent use
// until Close.
type Dataset struct {
	name    string
	chains  []Chain
	opts    Options
	objects []*Object
	damaged []*DamageError
	spans   []Span
	fields  []string

	mu  sync.Mutex
	dir string // of fetched objects, "" if there are none
}

// Open selects, fetches and checks the objects of a range. The chains MUST be
// of one dataset (such as http_requests). An object that is not what its
// entry says is a *DamageError, unless SkipDamaged. The caller must Close.
func Open(ctx context.Context, store Objects, chains []Chain, opts Options) (*Dataset, error) {
	if opts.Tail == 0 {
		opts.Tail = DefaultTail
	}
	if opts.Concurrency <= 0 {
		opts.Concurrency = 4
	}
	d := &Dataset{chains: chains, opts: opts}
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
	slices.SortStableFunc(entries, byWindow)
	if err := d.check(ctx, store, entries); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	if err := d.learn(ctx); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// learn computes what follows from the checked objects.
func (d *Dataset) learn(ctx context.Context) error {
	damaged := map[evidence.ChainID]map[int64]bool{}
	for _, e := range d.damaged {
		if damaged[e.Chain] == nil {
			damaged[e.Chain] = map[int64]bool{}
		}
		damaged[e.Chain][e.Seq] = true
	}
	for _, c := range d.chains {
		d.spans = append(d.spans, Ledger(c.ID, c.Entries, d.opts.Range, d.opts.Tail, damaged[c.ID])...)
	}
	return d.learnFields(ctx)
}

// learnFields collects the names of the selected objects' fields: those that
// the source was asked for, and those of the first line of one object for each such list.
func (d *Dataset) learnFields(ctx context.Context) error {
	type list struct {
		chain evidence.ChainID
		seq   int64
	}
	seen := map[list]bool{}
	names := map[string]bool{}
	r := NewReader()
	defer r.Close()
	for _, o := range d.objects {
		l := list{o.Entry.Chain(), o.Entry.Source.FieldsSeq}
		if seen[l] {
			continue
		}
		seen[l] = true
		for _, name := range d.askedFields(l.chain, l.seq) {
			names[name] = true
		}
		found, err := firstNames(ctx, r, o)
		if err != nil {
			return err
		}
		for _, name := range found {
			names[name] = true
		}
	}
	for name := range names {
		d.fields = append(d.fields, name)
	}
	slices.Sort(d.fields)
	return nil
}

// firstNames returns the names of an object's first line. Content that is not
// as sealed has none: the query that needs it says so.
func firstNames(ctx context.Context, r *Reader, o *Object) ([]string, error) {
	if err := r.Reset(ctx, o); err != nil {
		return nil, err
	}
	line, err := r.Next()
	var damage *DamageError
	if errors.As(err, &damage) || errors.Is(err, io.EOF) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return memberNames(line.Text), nil
}

func (d *Dataset) askedFields(id evidence.ChainID, seq int64) []string {
	for _, c := range d.chains {
		if c.ID != id || seq < 0 || seq >= int64(len(c.Entries)) {
			continue
		}
		o := c.Entries[seq].Observation
		var v evidence.FieldsValue
		if o == nil || o.Topic != evidence.TopicFields || json.Unmarshal(o.Value, &v) != nil {
			return nil // informative only: the records themselves are looked at too
		}
		return v.Names
	}
	return nil
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

// Objects returns the checked objects in the order of reading.
func (d *Dataset) Objects() []*Object { return d.objects }

// Spans returns the coverage ledger of all chains.
func (d *Dataset) Spans() []Span { return d.spans }

// Columns returns the columns of the dataset's records.
func (d *Dataset) Columns(reserved []string) []schema.Field {
	return schema.Columns(d.name, d.fields, reserved)
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
