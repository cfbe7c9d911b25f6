package storeset

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// List yields the union of the stores' objects, described as the first store
// that has them does. Memory holds one object for each store.
func (s *Set) List(ctx context.Context, prefix, after string) iter.Seq2[storage.Info, error] {
	return func(yield func(storage.Info, error) bool) {
		streams := make([]*stream, 0, len(s.members))
		for _, m := range s.members {
			deletes, err := s.anyRecord(ctx, m, toDelete)
			if err != nil {
				yield(storage.Info{}, fmt.Errorf("list %.80q: %w", prefix, err))
				return
			}
			st := &stream{m: m, deletes: deletes}
			st.next, st.stop = iter.Pull2(m.list(ctx, prefix, after))
			defer st.stop()
			streams = append(streams, st)
		}
		for key, holders := range merge(streams) {
			holders, err := s.wanted(ctx, key, holders)
			if err != nil {
				yield(storage.Info{}, fmt.Errorf("list %.80q: %w", prefix, err))
				return
			}
			if len(holders) > 0 && !yield(holders[0].head, nil) {
				return
			}
		}
		if err := s.listed(ctx, prefix, streams); err != nil {
			yield(storage.Info{}, fmt.Errorf("list %.80q: %w", prefix, err))
		}
	}
}

// stream is one store's listing.
type stream struct {
	m       *member
	deletes bool // some of what it lists may be to delete
	next    func() (storage.Info, error, bool)
	stop    func()
	head    storage.Info
	have    bool
	ended   bool
	err     error
}

func (st *stream) advance() {
	if st.ended {
		return
	}
	var ok bool
	st.head, st.err, ok = st.next()
	st.have = ok && st.err == nil
	st.ended = !st.have
}

// merge yields each key with the streams whose head it is, in their order.
func merge(streams []*stream) iter.Seq2[string, []*stream] {
	return func(yield func(string, []*stream) bool) {
		for _, st := range streams {
			st.advance()
		}
		for {
			key, found := "", false
			for _, st := range streams {
				if st.have && (!found || st.head.Key < key) {
					key, found = st.head.Key, true
				}
			}
			if !found {
				return
			}
			var holders []*stream
			for _, st := range streams {
				if st.have && st.head.Key == key {
					holders = append(holders, st)
				}
			}
			if !yield(key, holders) {
				return
			}
			for _, st := range holders {
				st.have = false
				st.advance()
			}
		}
	}
}

// wanted leaves out the stores in which the key is to be deleted.
func (s *Set) wanted(ctx context.Context, key string, holders []*stream) ([]*stream, error) {
	var left []*stream
	for _, st := range holders {
		if st.deletes {
			due, err := s.has(ctx, st.m, toDelete+key)
			if err != nil {
				return nil, err
			}
			if due {
				continue
			}
		}
		left = append(left, st)
	}
	return left, nil
}

// listed reports whether the union holds every key: all stores were listed,
// or one of which it is known that it lacks nothing.
func (s *Set) listed(ctx context.Context, prefix string, streams []*stream) error {
	var errs []error
	for _, st := range streams {
		if st.err != nil {
			errs = append(errs, st.err)
		}
	}
	if len(errs) == 0 || ctx.Err() != nil {
		return ctx.Err()
	}
	objects := strings.HasPrefix(prefix, evidence.LogsPrefix) || strings.HasPrefix(evidence.LogsPrefix, prefix)
	for _, st := range streams {
		if st.err != nil || !st.m.enrolled.Load() || objects && !st.m.full {
			continue
		}
		behind, err := s.anyRecord(ctx, st.m, prefix)
		if err != nil {
			return err
		}
		if !behind {
			return nil
		}
	}
	return unavailable("keys may be missing", errs)
}

// list is a store's List behind its breaker.
func (m *member) list(ctx context.Context, prefix, after string) iter.Seq2[storage.Info, error] {
	return func(yield func(storage.Info, error) bool) {
		done, err := m.allow()
		if err != nil {
			yield(storage.Info{}, err)
			return
		}
		var last error
		defer func() { done(last) }()
		for info, err := range m.store.List(ctx, prefix, after) {
			last = m.explain(ctx, ctx, err)
			if !yield(info, last) || err != nil {
				return
			}
		}
	}
}
