package publish

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/query/columns"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// made is a file that is in the store and in no table yet.
type made struct {
	entry *evidence.Entry
	key   string
	rows  int64
	size  int64
	stats stats

	failed error // why there is none
}

// batchFiles is how many objects may be fetched at once.
const batchFiles = 32

// make puts the files of entries into the store.
func (r *run) make(ctx context.Context, t *table, entries []*evidence.Entry) ([]*made, error) {
	var out []*made
	for batch := range slices.Chunk(entries, batchFiles) {
		done, err := r.batch(ctx, t, batch)
		if err != nil {
			return nil, err
		}
		out = append(out, done...)
	}
	return out, nil
}

// job is a file to be made.
type job struct {
	entry *evidence.Entry
	file  columns.File
	outs  []output
}

func (r *run) batch(ctx context.Context, t *table, entries []*evidence.Entry) ([]*made, error) {
	jobs, err := r.columnsOf(ctx, entries)
	defer func() {
		for _, j := range jobs {
			j.file.Release()
		}
	}()
	if err != nil {
		return nil, err
	}
	for i := range jobs { // in order: who begins anew gives the same ids again
		jobs[i].outs = t.columns.outputs(jobs[i].file.Fields)
	}
	done := make([]*made, len(jobs))
	var mu sync.Mutex
	group, working := errgroup.WithContext(ctx)
	group.SetLimit(r.Jobs)
	for i, j := range jobs {
		group.Go(func() (err error) {
			if done[i], err = r.one(working, t, j); err != nil {
				return fmt.Errorf("file of entry %d of %s: %w", j.entry.Seq, j.entry.Chain(), err)
			}
			mu.Lock()
			defer mu.Unlock()
			if done[i].failed != nil { // this one's fault: the others go on
				r.failed[originOf(j.entry).hour()] = true
				r.problem(j.entry.Object.Key, done[i].failed)
			}
			r.done++
			r.Progress(r.done, r.total)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(done, func(m *made) bool { return m.failed != nil }), ctx.Err()
}

// columnsOf finds the entries' columns, and builds those that are not there
// of their objects, checked.
func (r *run) columnsOf(ctx context.Context, entries []*evidence.Entry) ([]job, error) {
	var jobs []job
	var missing []*evidence.Entry
	for _, e := range entries {
		if f, ok := r.Cache.Find(e); ok {
			jobs = append(jobs, job{entry: e, file: f})
		} else {
			missing = append(missing, e)
		}
	}
	if len(missing) == 0 {
		return jobs, nil
	}
	why, err := r.build(ctx, missing)
	if err != nil {
		return jobs, err
	}
	for _, e := range missing {
		if f, ok := r.Cache.Find(e); ok {
			jobs = append(jobs, job{entry: e, file: f})
			continue
		}
		r.failed[originOf(e).hour()] = true
		if why[e] == nil {
			why[e] = errors.New("its columns could not be built")
		}
		r.problem(e.Object.Key, why[e])
	}
	slices.SortFunc(jobs, func(a, b job) int { return slices.Index(entries, a.entry) - slices.Index(entries, b.entry) })
	return jobs, nil
}

// build makes columns of entries' objects, and returns why some have none.
func (r *run) build(ctx context.Context, entries []*evidence.Entry) (map[*evidence.Entry]error, error) {
	why := map[*evidence.Entry]error{}
	for left := entries; len(left) > 0; {
		failed, err := r.buildOf(ctx, left)
		if err != nil {
			return nil, err
		}
		damaged := damages(failed)
		var whole []*evidence.Entry
		for _, e := range left {
			if d := damaged[e.Object.Key]; d != nil {
				why[e] = d
				continue
			}
			why[e] = failed
			whole = append(whole, e)
		}
		if len(whole) == len(left) {
			break
		}
		left = whole // what stopped at a damaged object goes on without it
	}
	return why, nil
}

// buildOf returns what became of the objects apart from the error that ends a run.
func (r *run) buildOf(ctx context.Context, entries []*evidence.Entry) (failed, err error) {
	d, err := dataset.Open(ctx, r.Store, only(r.Chains, entries), dataset.Options{TempDir: r.TempDir, Concurrency: r.Jobs})
	var damage *dataset.DamageError
	if errors.As(err, &damage) {
		return damage, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	failed = r.Cache.Build(ctx, d.Objects(), columns.BuildOptions{Jobs: r.Jobs})
	if ctx.Err() != nil || errors.Is(failed, columns.ErrStopped) {
		return nil, failed
	}
	return failed, nil
}

// damages finds the damaged objects in what a Build has met, by their keys.
func damages(err error) map[string]*dataset.DamageError {
	found := map[string]*dataset.DamageError{}
	var damage *dataset.DamageError
	if many, ok := err.(interface{ Unwrap() []error }); ok { //nolint:errorlint // each is looked at
		for _, one := range many.Unwrap() {
			maps.Copy(found, damages(one))
		}
	} else if errors.As(err, &damage) {
		found[damage.Key] = damage
	}
	return found
}

// only returns the chains with no other object than those of entries.
func only(chains []dataset.Chain, entries []*evidence.Entry) []dataset.Chain {
	wanted := map[*evidence.Entry]bool{}
	for _, e := range entries {
		wanted[e] = true
	}
	var out []dataset.Chain
	for _, c := range chains {
		few := c
		few.Entries = slices.Clone(c.Entries)
		for i, e := range c.Entries {
			if e.Object != nil && !wanted[e] {
				bare := *e
				bare.Object = nil
				few.Entries[i] = &bare
			}
		}
		out = append(out, few)
	}
	return out
}

// one makes one file and puts it.
func (r *run) one(ctx context.Context, t *table, j job) (*made, error) {
	f, err := os.CreateTemp(r.TempDir, "rainlogs-publish-*.parquet")
	if err != nil {
		return nil, fmt.Errorf("make temporary file: %w", err)
	}
	defer os.Remove(f.Name()) //nolint:errcheck // the system's temporary folder is cleaned by others too
	defer f.Close()           //nolint:errcheck // read to its end by then
	whole := sha256.New()
	counted := &counter{w: io.MultiWriter(f, whole)}
	st, err := convert(j.file.Path, j.entry.Window.Start, j.outs, counted)
	if err != nil {
		return &made{failed: err}, nil
	}
	m := &made{entry: j.entry, key: originOf(j.entry).key(r.Dataset, digestOf(j.outs)), rows: j.file.Lines, size: counted.n, stats: st}
	_, stored := t.stored[m.key]
	return m, r.place(ctx, m, f, hex.EncodeToString(whole.Sum(nil)), stored)
}

type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err //nolint:wrapcheck // as a writer
}

// place puts a file, or adopts the same one that a run which died left, or
// that another one at work has put. Other bytes under the name are of no table.
func (r *run) place(ctx context.Context, m *made, f *os.File, sum string, stored bool) error {
	req := storage.PutRequest{Key: m.key, Size: m.size, SHA256: sum}
	for again := false; ; again = true {
		if !stored || again {
			if _, err := f.Seek(0, io.SeekStart); err != nil {
				return fmt.Errorf("read file made: %w", err)
			}
			if _, err := r.Put(ctx, req, f); !errors.Is(err, storage.ErrExists) {
				return err
			}
		}
		same, err := r.same(ctx, m.key, sum)
		if err != nil || same {
			return err
		}
		if again {
			return fmt.Errorf("other bytes were put under %s twice: %w", m.key, storage.ErrExists)
		}
		if err := r.Delete(ctx, m.key); err != nil && !errors.Is(err, storage.ErrNotFound) {
			return err
		}
	}
}

// same reports whether the store has these bytes under a key.
func (r *run) same(ctx context.Context, key, sum string) (bool, error) {
	body, err := r.Get(ctx, key, 0, -1)
	if errors.Is(err, storage.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	h := sha256.New()
	_, err = io.Copy(h, body)
	return hex.EncodeToString(h.Sum(nil)) == sum, errors.Join(err, body.Close())
}
