package verify

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// explainAll finds what is in the store and in no entry, names what is in an
// entry and not in the store, and checks what is still there though expired.
func (r *run) explainAll(ctx context.Context, checks []*chainCheck) error {
	byChain := map[evidence.ChainID]*chainCheck{}
	for _, c := range checks {
		byChain[c.id] = c
	}
	for info, err := range r.store.List(ctx, "", "") {
		if err != nil {
			return fmt.Errorf("list archive: %w", err)
		}
		r.explain(info, byChain)
	}
	for _, c := range checks {
		if err := c.checkLingering(ctx); err != nil {
			return err
		}
		if err := c.settle(ctx); err != nil {
			return err
		}
	}
	return nil
}

// explain reports a key that has no place in an archive, and hands a log
// object that no entry names to its chain.
func (r *run) explain(info storage.Info, checks map[evidence.ChainID]*chainCheck) {
	key := info.Key
	switch {
	case key == evidence.DescriptorKey, strings.HasPrefix(key, "columns/"):
	case strings.HasPrefix(key, evidence.LogsPrefix):
		id, window, generation, err := evidence.ParseObjectKey(key)
		c := checks[id]
		switch {
		case err != nil:
			r.report.find(CodeUnexplained, key, "%s: no object of an archive has such a key", key)
		case c == nil && r.wanted(id):
			r.report.find(CodeUnexplained, key, "%s: the archive has no chain of that zone and dataset", key)
		case c == nil, c.signed == nil: // without a head all is lost, and that is said
		default:
			c.explain(info, window, generation)
		}
	case strings.HasPrefix(key, evidence.ChainsPrefix):
		id, ok := evidence.ParseChainPrefix(key)
		if !ok || r.wanted(id) && !chainFile(id, key) {
			r.report.find(CodeUnexplained, key, "%s: no file of a chain has such a key", key)
		}
	default:
		r.report.find(CodeUnexplained, key, "%s: an archive has no such file", key)
	}
}

// explain keeps a key that no entry names, and which expired entries' objects
// are still there.
func (c *chainCheck) explain(info storage.Info, w evidence.Window, generation int) {
	seq, named := c.objects.find(w, generation)
	switch {
	case named && c.expired.has(seq):
		c.lingering.set(seq)
	case named, c.objects.displaced[info.Key]:
	case len(c.strays) < maxFindings:
		c.strays = append(c.strays, info)
	}
}

// checkLingering checks objects that are still there though their entries are
// expired: about to be removed, locked in the store, or held since. As long as
// they are there, they have to be what was sealed.
func (c *chainCheck) checkLingering(ctx context.Context) error {
	n := c.lingering.count()
	if n == 0 {
		return nil
	}
	c.run.report.notice("chain %s: %d expired objects are still in the store (not removed yet, locked there, or held since)", c.id, n)
	var objects, stored int64
	for i := range c.spans {
		if s := &c.spans[i]; s.due && c.lingering.has(s.seq) {
			objects, stored = objects+1, stored+s.bytes
		}
	}
	if objects == 0 {
		return nil
	}
	c.run.report.ObjectsDue += objects
	c.run.report.BytesDue += stored
	c.run.total += stored
	return c.checkThose(ctx, func(e *evidence.Entry) bool { return c.lingering.has(e.Seq) })
}

// settle reports the chain's strays and missing objects, after a look at what
// a collector has committed while the verification ran.
func (c *chainCheck) settle(ctx context.Context) error {
	if len(c.strays) == 0 && len(c.missing) == 0 {
		return nil
	}
	if c.trusted {
		if err := c.await(ctx); err != nil {
			return err
		}
	}
	if c.grown > 0 {
		c.run.report.notice("chain %s grew to %d entries while it was verified; the first %d were", c.id, c.grown, c.head.Size)
	}
	for _, o := range c.missing {
		switch {
		case c.expired.has(o.seq):
		case o.isCovered():
			c.findCovered(fmt.Sprintf("the object of entry %d, %s,", o.seq, o.key), o.seq, o.key, o.present, o.first)
		default:
			c.findObject(CodeObjectMissing, o.seq, o.key, "", "", "the object of entry %d, %s, is not in the store", o.seq, o.key)
		}
	}
	if c.lost > 0 {
		c.run.report.notice("chain %s: entries could not be read, so that %d objects without an entry are not held against the archive", c.id, len(c.strays))
		return nil
	}
	for _, o := range c.strays {
		if c.stray(o) {
			c.findObject(CodeUnexplained, -1, o.Key, "", "", "%s: no entry of the chain names this object (a collector that is at work, or died here, seals it next)", o.Key)
		}
	}
	return nil
}

// stray reports whether no entry names an object yet.
func (c *chainCheck) stray(o storage.Info) bool {
	_, window, generation, err := evidence.ParseObjectKey(o.Key)
	return err == nil && !c.objects.has(o.Key, window, generation)
}

const (
	justPut   = time.Minute            // a collector at work seals an object sooner
	lookAgain = 500 * time.Millisecond // while one is waited for
)

// await looks at what a collector has committed, and again while an object
// that was put a moment ago has no entry, for as long as the caller is patient.
func (c *chainCheck) await(ctx context.Context) error {
	until := time.Now().Add(c.run.opts.Patience)
	for {
		if err := c.catchUp(ctx); err != nil {
			return err
		}
		fresh := func(o storage.Info) bool { return time.Since(o.Modified) < justPut && c.stray(o) }
		if !time.Now().Before(until) || !slices.ContainsFunc(c.strays, fresh) {
			return nil
		}
		t := time.NewTimer(lookAgain)
		select {
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		case <-t.C:
		}
	}
}

// catchUp reads the entries that were committed since the head was read, and
// takes from them what explains objects. Only signed entries explain anything.
func (c *chainCheck) catchUp(ctx context.Context) error {
	signed, head, err := c.readCheckpoint(ctx, c.id.CheckpointKey())
	if err != nil && !isFinding(err) {
		return err
	}
	if err != nil || head.Size <= c.head.Size {
		return nil
	}
	if _, err := c.open(signed, c.key); err != nil {
		return nil //nolint:nilerr // what is not signed explains nothing
	}
	later := tree{size: c.tree.size, stack: append([]subtree(nil), c.tree.stack...)}
	objects, expired := c.objects.clone(), slices.Clone(c.expired)
	r := c.reader(head.Size)
	for b := range r.from(ctx, c.head.Size/evidence.BundleSize) {
		if b.err != nil {
			return ctx.Err()
		}
		for i := range b.leaves {
			l := &b.leaves[i]
			if l.seq < c.head.Size {
				continue
			}
			later.add(l.leaf, nil)
			if l.err != nil {
				continue
			}
			if l.entry.Kind == evidence.KindLog && l.entry.Object != nil {
				objects.add(l.entry, l.seq)
			}
			objects.displace(displacedBy(l.entry))
			if l.entry.Kind == evidence.KindExpiry {
				for _, s := range l.entry.Expiry.Seqs {
					if s >= 0 && s < l.seq {
						expired.set(s)
					}
				}
			}
		}
	}
	if ctx.Err() == nil && later.size == head.Size && later.root() == head.Root {
		c.objects, c.expired, c.grown = objects, expired, head.Size
	}
	return ctx.Err()
}
