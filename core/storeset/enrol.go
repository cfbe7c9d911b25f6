package storeset

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// enrol brings the roll of the members in line with the config: who left is
// struck off before anything is written, who is new is compared.
func (s *Set) enrol(ctx context.Context) error {
	r, err := readRoll(ctx, s.ledger)
	if err != nil {
		return err
	}
	full := map[string]bool{}
	for _, e := range r.Stores {
		full[e.Name] = e.Full
	}
	same, strangers := len(r.Stores) == len(s.members), 0
	for _, m := range s.members {
		wasFull, ok := full[m.name]
		m.enrolled.Store(ok && (wasFull || !m.full))
		if !m.enrolled.Load() {
			strangers++
		}
		same = same && ok && wasFull == m.full
	}
	if !same && len(r.Stores) > 0 {
		if err := s.writeMembers(ctx); err != nil {
			return err
		}
	}
	if strangers == 0 {
		return nil
	}
	err = s.compare(ctx)
	if err != nil && strangers < len(s.members) && ctx.Err() == nil {
		s.log.WarnContext(ctx, "store could not be compared with the others; its word does not count until it is", "error", err)
		return nil
	}
	return err
}

func (s *Set) writeMembers(ctx context.Context) error {
	var r roll
	for _, m := range s.members {
		if m.enrolled.Load() {
			r.Stores = append(r.Stores, rollEntry{Name: m.name, Full: m.full})
		}
	}
	return writeRoll(ctx, s.ledger, r)
}

// compare records what strangers lack of what the stores list, and makes them
// members. Bytes are not compared but for the pointers: verifying is for the
// verifier.
func (s *Set) compare(ctx context.Context) error {
	c := &comparison{s: s, ctx: ctx, founding: true}
	var streams []*stream
	for _, m := range s.members {
		c.founding = c.founding && !m.enrolled.Load()
		deletes, err := s.anyRecord(ctx, m, toDelete)
		if err != nil {
			return err
		}
		st := &stream{m: m, deletes: deletes}
		st.next, st.stop = iter.Pull2(m.list(ctx, "", ""))
		defer st.stop()
		streams = append(streams, st)
	}
	for key, holders := range merge(streams) {
		holders, err := s.wanted(ctx, key, holders)
		if err == nil {
			err = c.key(key, holders)
		}
		if err != nil {
			return fmt.Errorf("compare stores: %w", err)
		}
	}
	for _, st := range streams {
		if st.err != nil {
			return fmt.Errorf("compare stores: %w", st.err)
		}
	}
	if err := s.record(ctx, c.missed); err != nil {
		return err
	}
	for _, m := range s.members {
		m.enrolled.Store(true)
	}
	return s.writeMembers(ctx)
}

// comparison is a compare under way.
type comparison struct {
	s        *Set
	ctx      context.Context // of the compare
	founding bool            // nobody is a member yet
	missed   []catalog.Missed
}

func (c *comparison) key(key string, holders []*stream) error {
	if len(holders) == 0 {
		return nil
	}
	best := holders[0]
	if isPointer(key) && c.founding {
		var err error
		if best, err = c.greatest(key, holders); err != nil {
			return err
		}
	}
	for _, m := range c.s.members {
		if m.enrolled.Load() || m == best.m && (c.founding || !isPointer(key)) || !m.full && !c.s.everywhere(key) {
			continue
		}
		lacks := true
		for _, st := range holders {
			if st.m == m {
				lacks = isPointer(key) || st.head.Size != best.head.Size
			}
		}
		if lacks {
			c.missed = append(c.missed, catalog.Missed{Store: m.name, Key: key, Since: c.s.now().UTC()})
		}
	}
	if len(c.missed) < page {
		return nil
	}
	missed := c.missed
	c.missed = nil
	return c.s.record(c.ctx, missed)
}

// greatest returns the holder of the pointer with the greatest tree.
func (c *comparison) greatest(key string, holders []*stream) (*stream, error) {
	var best *stream
	size := int64(-1)
	for _, st := range holders {
		b, err := st.m.read(c.ctx, key)
		if err != nil && !errors.Is(err, storage.ErrNotFound) {
			return nil, err
		}
		if n := treeSize(key, b); best == nil || n > size {
			best, size = st, n
		}
	}
	return best, nil
}
