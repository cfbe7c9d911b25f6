package storeset

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// smallPut is up to how many bytes a Put is held to the timeout; a larger
// one is watched by the plugin host, which sees its progress.
const smallPut = 1 << 20

// Put writes an object: see the package comment for where.
func (s *Set) Put(ctx context.Context, req storage.PutRequest, body io.Reader) (storage.Info, error) {
	if !storage.ValidKey(req.Key) {
		return storage.Info{}, fmt.Errorf("put %.80q: %w", req.Key, storage.ErrInvalidKey)
	}
	unlock, err := s.keys.lock(ctx, req.Key)
	if err != nil {
		return storage.Info{}, fmt.Errorf("put %s: %w", req.Key, err)
	}
	defer unlock()
	p := &putting{s: s, req: req, src: newSource(body), all: s.everywhere(req.Key) || req.Replaces != ""}
	var info storage.Info
	if s.ledger == nil {
		info, err = p.strict(ctx)
	} else {
		info, err = p.recorded(ctx)
	}
	if err != nil {
		return storage.Info{}, fmt.Errorf("put %s: %w", req.Key, err)
	}
	return info, nil
}

// putting is a Put under way.
type putting struct {
	s     *Set
	req   storage.PutRequest
	src   *source
	all   bool // every store is to hold it
	slots []slot
}

// slot is what becomes of the Put in one store.
type slot struct {
	m      *member
	inStep bool // when the Put began
	noted  bool // there is a record
	fresh  bool // which this Put made
	tried  bool
	final  bool // err is the answer, and nobody else is asked
	info   storage.Info
	err    error
}

// recorded puts with the ledger's help: what a store may lack is on record
// before another gets it.
func (p *putting) recorded(ctx context.Context) (storage.Info, error) {
	if err := p.survey(ctx); err != nil {
		return storage.Info{}, err
	}
	var err error
	if p.all && p.src.at != nil && isObject(p.req.Key) && p.req.Replaces == "" {
		err = p.atOnce(ctx)
	} else {
		err = p.inTurn(ctx)
	}
	if err != nil {
		return storage.Info{}, err
	}
	return p.settle(ctx)
}

// survey finds out who is in step, and carries out deletions of this key that
// are still due.
func (p *putting) survey(ctx context.Context) error {
	for _, m := range p.s.members {
		st, err := p.s.standing(ctx, m, p.req.Key)
		if err != nil {
			return err
		}
		if st.deleted {
			err := p.s.deleteFrom(ctx, m, p.req.Key)
			st.deleted = err != nil && !errors.Is(err, storage.ErrNotFound)
		}
		p.slots = append(p.slots, slot{m: m, inStep: m.inStep(st), noted: st.missed})
	}
	if slices.ContainsFunc(p.slots, func(sl slot) bool { return sl.inStep }) {
		return nil
	}
	decides, err := p.s.elect(ctx, p.req.Key)
	if err != nil {
		return fmt.Errorf("settle who decides: %w", err)
	}
	for i := range p.slots {
		if sl := &p.slots[i]; sl.m == decides {
			sl.inStep, sl.noted = true, false
		}
	}
	return nil
}

// record makes durable that stores may lack the key when slot i gets it: the
// ones before it, and if all are to hold it, the ones after it too.
func (p *putting) record(ctx context.Context, i int) error {
	var missed []catalog.Missed
	now := p.s.now().UTC()
	for j := range p.slots {
		sl := &p.slots[j]
		if j == i || sl.noted || j > i && !p.all {
			continue
		}
		missed = append(missed, catalog.Missed{Store: sl.m.name, Key: p.req.Key, Since: now})
		if p.req.Replaces != "" && !isPointer(p.req.Key) {
			missed = append(missed, catalog.Missed{Store: sl.m.name, Key: replacedKey(p.req.Replaces, p.req.Key), Since: now})
		}
		sl.noted, sl.fresh = true, true
	}
	return p.s.record(ctx, missed)
}

func replacedKey(sha256, key string) string { return replaced + sha256 + ":" + key }

// inTurn asks the stores in step one after the other until one decides; then,
// if all are to hold the object, it goes to the rest.
func (p *putting) inTurn(ctx context.Context) error {
	for i := range p.slots {
		sl := &p.slots[i]
		if !sl.inStep {
			continue
		}
		body, ok := p.src.open()
		if !ok {
			break // the first store took the only reading with it
		}
		if err := p.record(ctx, i); err != nil {
			return err
		}
		if p.put(ctx, sl, body); sl.err != nil && !sl.final {
			continue
		}
		if sl.err == nil && p.all {
			p.rest(ctx)
		}
		return nil
	}
	return nil
}

func (p *putting) rest(ctx context.Context) {
	for i := range p.slots {
		if sl := &p.slots[i]; !sl.tried {
			if body, ok := p.src.open(); ok {
				p.put(ctx, sl, body)
			}
		}
	}
}

// atOnce sends the object to all stores together. None of them is sure to
// be the one that has it, so that all are recorded first.
func (p *putting) atOnce(ctx context.Context) error {
	if err := p.record(ctx, len(p.slots)); err != nil {
		return err
	}
	var wg sync.WaitGroup
	for i := range p.slots {
		body, ok := p.src.open()
		if !ok {
			continue
		}
		wg.Go(func() { p.put(ctx, &p.slots[i], body) })
	}
	wg.Wait()
	taken := false
	for _, sl := range p.slots {
		taken = taken || sl.tried && sl.err == nil
	}
	for i := range p.slots {
		if sl := &p.slots[i]; taken && errors.Is(sl.err, storage.ErrCorrupt) {
			sl.final = false // the bytes are right, by another's word: they were damaged on their way
		}
	}
	return nil
}

func (p *putting) put(ctx context.Context, sl *slot, body *tap) {
	sl.tried = true
	sl.err = sl.m.call(ctx, p.req.Size <= smallPut, func(ctx context.Context) (err error) {
		sl.info, err = sl.m.store.Put(ctx, p.req, body)
		if body.err != nil {
			err = &bodyError{err}
		}
		return err
	})
	var broken *bodyError
	sl.final = sl.err == nil || ctx.Err() != nil || isAnswer(sl.err) || errors.As(sl.err, &broken)
	if sl.final || errors.Is(sl.err, errSkipped) {
		return
	}
	p.s.log.WarnContext(ctx, "store did not take an object", "store", sl.m.name, "key", p.req.Key, "error", sl.err)
}

// bodyError: the body could not be read; no store is to blame.
type bodyError struct{ err error }

func (e *bodyError) Error() string { return e.err.Error() }

func (e *bodyError) Unwrap() error {
	if errors.Is(e.err, storage.ErrUnavailable) {
		return nil // the body's, and no word of the store
	}
	return e.err
}

// settle takes the verdict of the first store in step that gave one, and
// drops the records of those that hold the object.
func (p *putting) settle(ctx context.Context) (storage.Info, error) {
	var errs []error
	for i := range p.slots {
		sl := &p.slots[i]
		switch {
		case sl.err != nil:
			errs = append(errs, sl.err)
		case !sl.tried:
			continue
		}
		if !sl.inStep || !sl.final {
			continue
		}
		if sl.err != nil {
			return storage.Info{}, p.refused(ctx, sl)
		}
		for j := range p.slots {
			if other := &p.slots[j]; other.tried && (other.err == nil || p.holdsIt(ctx, other)) {
				p.drop(ctx, other)
			}
		}
		return sl.info, nil
	}
	return storage.Info{}, unavailable("no store took it", errs)
}

// refused undoes what a refused Put has done to the other stores and to the
// ledger. Where that cannot be known to be right, the record stays.
func (p *putting) refused(ctx context.Context, by *slot) error {
	if ctx.Err() != nil {
		return by.err // nobody knows what was done
	}
	same := errors.Is(by.err, storage.ErrExists) && p.holdsIt(ctx, by)
	for i := range p.slots {
		sl := &p.slots[i]
		switch {
		case sl.tried && sl.err == nil && !same:
			// Ours, of a moment ago, beside another's in the store that decides.
			// The record stays: what is to be there is what that one has.
			if err := p.s.deleteFrom(ctx, sl.m, p.req.Key); err != nil {
				p.s.log.WarnContext(ctx, "object of a refused put stays", "store", sl.m.name, "key", p.req.Key, "error", err)
			}
		case sl.tried && sl.err == nil, sl.fresh && sl.inStep && (!sl.tried || sl.final):
			p.drop(ctx, sl)
		}
	}
	return by.err
}

func (p *putting) drop(ctx context.Context, sl *slot) {
	if !sl.noted {
		return
	}
	p.s.forget(ctx, sl.m, p.req.Key)
	if p.req.Replaces != "" && !isPointer(p.req.Key) {
		p.s.forget(ctx, sl.m, replacedKey(p.req.Replaces, p.req.Key))
	}
}

// holdsIt reports whether a store that refused the object holds the same bytes.
func (p *putting) holdsIt(ctx context.Context, sl *slot) bool {
	if !errors.Is(sl.err, storage.ErrExists) && !errors.Is(sl.err, storage.ErrChanged) {
		return false
	}
	sum, size, err := p.s.digest(ctx, sl.m, p.req.Key)
	return err == nil && size == p.req.Size && sum == p.req.SHA256
}

// strict puts without a ledger: no store may miss the object, for nobody
// would remember. All are reached before the first is written.
func (p *putting) strict(ctx context.Context) (storage.Info, error) {
	for _, m := range p.s.members {
		err := m.call(ctx, true, func(ctx context.Context) error {
			_, err := m.store.Stat(ctx, p.req.Key)
			return err
		})
		if err != nil && !errors.Is(err, storage.ErrNotFound) {
			return storage.Info{}, err
		}
		if err == nil && p.req.Replaces == "" {
			return storage.Info{}, fmt.Errorf("store %q: %w", m.name, storage.ErrExists)
		}
	}
	for i, m := range p.s.members {
		p.slots = append(p.slots, slot{m: m})
		body, ok := p.src.open()
		if !ok {
			return storage.Info{}, fmt.Errorf("%w: the body cannot be read again for store %q", storage.ErrUnavailable, m.name)
		}
		if p.put(ctx, &p.slots[i], body); p.slots[i].err != nil && (i == 0 || !p.holdsIt(ctx, &p.slots[i])) {
			return storage.Info{}, p.slots[i].err
		}
	}
	return p.slots[0].info, nil
}
