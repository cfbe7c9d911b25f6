package dataset

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/query/schema"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// Object is an object of a dataset. It is checked once, when it is first
// used; what the check has found stands until the dataset is closed.
type Object struct {
	Index int // in Dataset.Objects
	Entry *evidence.Entry

	data    *Dataset
	clock   evidence.EventClock
	scanned bool // the dataset's time field is the one by which this object was sealed
	bounds

	busy    chan struct{} // held by who checks it
	outcome atomic.Pointer[outcome]
}

// outcome is what a check has found.
type outcome struct {
	path   string
	sums   []evidence.Digest // of each chunk
	damage *DamageError
}

func newObject(d *Dataset, index int, e *evidence.Entry) *Object {
	m := e.Source.Meter()
	return &Object{Index: index, Entry: e, data: d, busy: make(chan struct{}, 1), bounds: boundsOf(d.opts.Range, e),
		clock: evidence.NewEventClock(m.TimeField, m.Timestamps), scanned: m.TimeField == schema.TimeField(d.name)}
}

// Damage is what a check has found wrong, nil before there was one.
func (o *Object) Damage() *DamageError {
	if found := o.outcome.Load(); found != nil {
		return found.damage
	}
	return nil
}

// Damaged reports whether a check has found something wrong.
func (o *Object) Damaged() bool { return o.Damage() != nil }

// Check fetches the object and compares it with its entry, unless that has
// been done. Its error is a *DamageError if the object is not what was sealed.
func (o *Object) Check(ctx context.Context) error {
	_, err := o.check(ctx)
	return err
}

func (o *Object) check(ctx context.Context) (*outcome, error) {
	found := o.outcome.Load()
	if found == nil {
		select {
		case o.busy <- struct{}{}:
			defer func() { <-o.busy }()
		case <-ctx.Done():
			return nil, fmt.Errorf("check object %s: %w", o.Entry.Object.Key, ctx.Err())
		}
		if found = o.outcome.Load(); found == nil {
			var err error
			if found, err = o.data.fetchAndCheck(ctx, o.Entry); err != nil {
				return nil, err // of the store or of ctx: it may go well another time
			}
			o.outcome.Store(found)
		}
	}
	if found.damage != nil {
		return nil, found.damage
	}
	return found, nil
}

func (d *Dataset) fetchAndCheck(ctx context.Context, e *evidence.Entry) (*outcome, error) {
	if e.Object.Encryption != nil {
		return nil, fmt.Errorf("read object %s of entry %d: %w", e.Object.Key, e.Seq, ErrEncrypted)
	}
	path, src, err := d.open(ctx, e)
	if errors.Is(err, storage.ErrNotFound) || errors.Is(err, os.ErrNotExist) {
		return &outcome{damage: damage(e, "object is missing"+remedy(ctx, d.store, e))}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("fetch object %s of entry %d: %w", e.Object.Key, e.Seq, err)
	}
	defer src.Close() // only read from, or its bytes are compared again when they are used
	sums, err := checksum(ctx, src, e)
	var found *DamageError
	if errors.As(err, &found) {
		found.Problem += remedy(ctx, d.store, e)
		return &outcome{damage: found}, nil
	}
	if err != nil {
		return nil, err
	}
	return &outcome{path: path, sums: sums}, nil
}

// Check checks those objects that have not been checked yet. With SkipDamaged
// a damaged one is no error: Object.Damage says so afterwards.
func (d *Dataset) Check(ctx context.Context, objects []*Object) error {
	var due []*Object
	for _, o := range objects {
		if found := o.outcome.Load(); found == nil || found.damage != nil && !d.opts.SkipDamaged {
			due = append(due, o)
		}
	}
	var mu sync.Mutex
	var done int
	var bytes int64
	group, working := errgroup.WithContext(ctx)
	group.SetLimit(d.opts.Concurrency)
	for _, o := range due {
		if working.Err() != nil {
			break
		}
		group.Go(func() error {
			var damage *DamageError
			if err := o.Check(working); err != nil && (!errors.As(err, &damage) || !d.opts.SkipDamaged) {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			done, bytes = done+1, bytes+o.Entry.Object.Bytes
			if d.opts.Progress != nil {
				d.opts.Progress(done, len(due), bytes)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err //nolint:wrapcheck // names the object
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("check objects: %w", err)
	}
	return nil
}
