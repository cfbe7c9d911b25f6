package columns

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/fabriziosalmi/rainlogs/query/dataset"
)

// ErrStopped: the cache takes no more files; what is there can still be read.
var ErrStopped = errors.New("columns are not built")

// BuildOptions are the ways to build.
type BuildOptions struct {
	Jobs int // objects at once, 0 = GOMAXPROCS
	// Progress is called, not concurrently, after each object.
	Progress func(Progress)
}

// Progress counts the objects of a Build.
type Progress struct {
	Total   int `json:"objects"`
	Present int `json:"present"` // had columns already
	Built   int `json:"built"`
	Failed  int `json:"failed"`

	Skipped int64 `json:"-"`       // lines of those not built
	Lines   int64 `json:"lines"`   // of those built
	Content int64 `json:"content"` // their bytes as received
	Bytes   int64 `json:"bytes"`   // of the files made of them
}

// Build makes the columns of those objects that have none. An object that has
// no columns in the end is in the error, the others are built all the same; when
// the cache cannot be written to, the rest are not tried and it is an ErrStopped.
func (c *Cache) Build(ctx context.Context, objects []*dataset.Object, opts BuildOptions) (err error) {
	if opts.Jobs <= 0 {
		opts.Jobs = runtime.GOMAXPROCS(0)
	}
	b := &build{cache: c, opts: opts, progress: Progress{Total: len(objects)}}
	missing := b.missing(objects)
	if len(missing) == 0 || ctx.Err() != nil {
		return ctx.Err() //nolint:wrapcheck // the caller's own
	}
	if b.site, err = c.begin(); err != nil {
		return b.stopped(err)
	}
	defer func() { err = errors.Join(err, b.site.end()) }()
	work := make(chan *dataset.Object)
	group, working := errgroup.WithContext(ctx)
	for range min(opts.Jobs, len(missing)) {
		group.Go(func() error { return b.work(working, work) })
	}
	group.Go(func() error {
		defer close(work)
		for _, o := range missing {
			select {
			case work <- o:
			case <-working.Done():
				return nil
			}
		}
		return nil
	})
	err = group.Wait()
	if ctx.Err() != nil {
		return fmt.Errorf("build columns: %w", ctx.Err())
	}
	return errors.Join(append(b.failures, err)...)
}

// build is the state of one Build.
type build struct {
	cache *Cache
	opts  BuildOptions
	site  *site

	mu       sync.Mutex
	progress Progress
	failures []error
}

// missing returns the objects without columns.
func (b *build) missing(objects []*dataset.Object) []*dataset.Object {
	var out []*dataset.Object
	for _, o := range objects {
		f, found := b.cache.Find(o.Entry)
		f.Release()
		if !found {
			out = append(out, o)
			continue
		}
		b.report(func(p *Progress) { p.Present, p.Skipped = p.Present+1, p.Skipped+o.Entry.Content.Lines })
	}
	return out
}

func (b *build) report(count func(*Progress)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	count(&b.progress)
	if b.opts.Progress != nil {
		b.opts.Progress(b.progress)
	}
}

// stopped says so once.
func (b *build) stopped(err error) error {
	b.cache.cfg.Log.Warn("columns are not built: the cache cannot be written to", "dir", b.cache.cfg.Dir, "error", err)
	return fmt.Errorf("%w: %w", ErrStopped, err)
}

// maxFailures bounds the errors that a Build returns.
const maxFailures = 20

// work builds until there is nothing more to do.
func (b *build) work(ctx context.Context, work <-chan *dataset.Object) error {
	t := newTable()
	defer t.close()
	for o := range work {
		bytes, err := b.one(ctx, t, o)
		var broken *writeError
		switch {
		case ctx.Err() != nil:
			return ctx.Err() //nolint:wrapcheck // by Build
		case errors.As(err, &broken):
			return b.stopped(err)
		case err != nil:
			b.report(func(p *Progress) {
				p.Failed, p.Skipped = p.Failed+1, p.Skipped+o.Entry.Content.Lines
				if len(b.failures) < maxFailures {
					b.failures = append(b.failures, fmt.Errorf("build columns of entry %d of %s: %w", o.Entry.Seq, o.Entry.Chain(), err))
				}
			})
		default:
			b.report(func(p *Progress) {
				p.Built++
				p.Lines += o.Entry.Content.Lines
				p.Content += o.Entry.Content.Bytes
				p.Bytes += bytes
			})
		}
	}
	return nil
}

// one builds an object's columns. The libraries below panic on what they did
// not expect, which records from outside may be: that is this object's failure.
func (b *build) one(ctx context.Context, t *table, o *dataset.Object) (bytes int64, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	if o.Entry.Object.Encryption != nil {
		return 0, dataset.ErrEncrypted
	}
	draft := b.site.draft()
	defer draft.discard()
	n, err := t.write(ctx, o, draft.create)
	if err != nil {
		return 0, errors.Join(draft.broken(), err)
	}
	if n.Lines != o.Entry.Content.Lines {
		return 0, fmt.Errorf("%d lines were read of %d", n.Lines, o.Entry.Content.Lines)
	}
	dir, name := prefix(o.Entry)
	return draft.place(dir, name)
}
