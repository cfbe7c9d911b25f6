package verify

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// chainCheck verifies one chain.
type chainCheck struct {
	run    *run
	id     evidence.ChainID
	origin string
	report ChainReport

	// The head.
	head    evidence.Checkpoint
	signed  []byte              // the head's note; nil if there is none
	pointer int64               // the size that the checkpoint key says
	sizes   []int64             // sizes of published checkpoints, ascending; not in a quick run
	seen    evidence.Checkpoint // remembered head, Size 0 if none
	key     evidence.PublicKey  // in force at the head
	trusted bool                // key signs the head, and the entries are those it signed
	broken  atomic.Bool         // the chain itself has findings

	// The walk over the entries.
	tree      tree
	walked    int64             // entries read
	levels    map[int][]byte    // hashes of each tile level ≥ 1: of 256 leaves one, so that all are kept
	digests   []evidence.Digest // of each bundle as it was read; zero if it was lost
	lost      int               // bundles that could not be read: behind one no root can be computed
	last      *leaf             // the entry before, nil if unknown
	kept      []*evidence.Entry // if the run keeps them
	handovers []handover
	published publishedCheck
	covered   []covered      // files whose first versions fit
	original  map[int64]bool // bundles that are read from their first versions
	firsts    bool           // which are taken where they differ, for the present ones do not fit

	// What the later checks need of the entries, some dozen bytes of each.
	fields  map[int64]bool // seqs of observations of topic fields
	spans   []span
	objects objectIndex
	expired bitset
	holds   holds
	due     struct{ objects, bytes int64 }

	mu        sync.Mutex // guards missing
	missing   []objectRef
	strays    []storage.Info // objects that no entry names
	grown     int64          // entries, when it was looked at last; 0 if no more than head
	lingering bitset         // expired entries whose objects the store still has
}

// objectRef names an entry's object.
type objectRef struct {
	seq int64
	key string

	present, first state // set if the first version is the sealed one
}

func (o objectRef) isCovered() bool { return o.present.err != nil }

// maxLost is how many unreadable bundles are named before the walk gives up.
const maxLost = 16

func newChainCheck(r *run, id evidence.ChainID) *chainCheck {
	return &chainCheck{
		run: r, id: id, origin: evidence.Origin(r.report.Archive, id),
		report: ChainReport{Chain: id.String(), Remembered: -1, Segments: []Segment{}},
		levels: map[int][]byte{}, fields: map[int64]bool{}, original: map[int64]bool{},
	}
}

// verify checks the chain level. The error is for what keeps from checking.
func (c *chainCheck) verify(ctx context.Context) error {
	if err := c.readHead(ctx); err != nil || c.signed == nil {
		return err
	}
	if err := c.readKnown(); err != nil {
		return err
	}
	stop := c.published.start(ctx, c)
	err := c.walk(ctx)
	if stopErr := stop(); err == nil {
		err = stopErr
	}
	if err != nil {
		return err
	}
	if err := c.judgeKeys(ctx); err != nil {
		return err
	}
	if err := c.finish(ctx); err != nil {
		return err
	}
	c.settleCovered()
	return nil
}

// walk reads every entry in order.
func (c *chainCheck) walk(ctx context.Context) error {
	r := c.reader(c.head.Size)
	r.kept, r.tiles, r.firsts = nil, !c.run.quick, c.firsts
	for b := range r.from(ctx, 0) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if b.err != nil {
			if !isFinding(b.err) {
				return fmt.Errorf("read bundle %d of chain %s: %w", b.n, c.id, b.err)
			}
			if !c.lose(b) {
				break
			}
			continue
		}
		c.digests = append(c.digests, b.digest)
		c.keep(b)
		if b.tile != "" {
			c.find(CodeTile, b.n*evidence.BundleSize, b.tile, "tile %s does not hold the hashes of the entries it covers", b.tile)
		}
		for i := range b.leaves {
			if err := c.step(ctx, &b.leaves[i]); err != nil {
				return err
			}
		}
		c.run.progress(Progress{Chain: c.id, Stage: "entries", Done: c.walked, Total: c.head.Size})
	}
	return ctx.Err()
}

// lose names a bundle that cannot be read, and reports whether to go on.
func (c *chainCheck) lose(b bundleResult) bool {
	first := b.n * evidence.BundleSize
	c.lost, c.last = c.lost+1, nil
	c.digests = append(c.digests, evidence.Digest{})
	c.find(CodeBundle, first, c.bundleKey(first), "entries %d to %d of chain %s cannot be read: %v",
		first, min(first+evidence.BundleSize, c.head.Size)-1, c.id, b.err)
	if c.lost == maxLost {
		c.find(CodeBundle, first, c.bundleKey(first), "%d bundles of chain %s cannot be read; no entry behind %d was tried", c.lost, c.id, first)
	}
	return c.lost < maxLost
}

// step checks one entry in its place.
func (c *chainCheck) step(ctx context.Context, l *leaf) error {
	if c.lost == 0 {
		if err := c.grow(ctx, l); err != nil {
			return err
		}
	}
	before := c.last
	c.last = l
	c.walked++
	if told := c.run.opts.Walked; told != nil {
		told(Walked{Chain: c.id, Seq: l.seq, Entry: l.entry, Err: l.err, Leaf: l.leaf})
	}
	if l.err != nil {
		c.find(CodeEntry, l.seq, c.bundleKey(l.seq), "entry %d: %v", l.seq, l.err)
		return nil //nolint:nilerr // it is a finding
	}
	e := l.entry
	if c.run.keep {
		c.kept = append(c.kept, e)
	}
	if e.Seq != l.seq {
		c.find(CodeEntry, l.seq, c.bundleKey(l.seq), "entry %d says it is number %d", l.seq, e.Seq)
	}
	if e.Archive != c.run.report.Archive || e.Chain() != c.id {
		c.find(CodeEntry, l.seq, c.bundleKey(l.seq), "entry %d belongs to archive %.64q, chain %s", l.seq, e.Archive, e.Chain())
		return nil // what it says is of another place
	}
	switch {
	case l.seq == 0 && e.Prev != evidence.Digest{}:
		c.find(CodePrev, l.seq, c.bundleKey(l.seq), "the first entry follows %s, where nothing can come before it", e.Prev)
	case l.seq > 0 && before != nil && e.Prev != before.hash:
		c.find(CodePrev, l.seq, c.bundleKey(l.seq), "entry %d follows %s, but entry %d is %s", l.seq, e.Prev, l.seq-1, before.hash)
	}
	c.record(e, l.seq)
	return nil
}

// grow adds a leaf to the tree and compares the tree with the head that this
// machine remembers and with the published one of its size.
func (c *chainCheck) grow(ctx context.Context, l *leaf) error {
	var tileErr error
	c.tree.add(l.leaf, func(level int, hash tlog.Hash) {
		if err := c.tileHash(ctx, level, hash); err != nil {
			tileErr = err
		}
	})
	if tileErr != nil {
		return tileErr
	}
	if c.tree.size == c.seen.Size && c.tree.root() != c.seen.Root {
		c.find(CodeFork, l.seq, c.id.CheckpointKey(), "the first %d entries of chain %s are not those this machine has seen before: history was rewritten", c.seen.Size, c.id)
	}
	return c.published.at(ctx, c)
}

// record keeps what the later checks need of an entry.
func (c *chainCheck) record(e *evidence.Entry, seq int64) {
	switch e.Kind {
	case evidence.KindLog:
		c.recordLog(e, seq)
	case evidence.KindGap:
		c.report.Gaps++
		c.spans = append(c.spans, newSpan(e, seq))
	case evidence.KindObservation:
		if e.Observation.Topic == evidence.TopicFields {
			c.fields[seq] = true
		}
		if left := displacedBy(e); len(left) > 0 {
			c.objects.displace(left)
			c.run.report.notice("chain %s: entry %d explains %d objects that were left behind and not used, the first: %s", c.id, seq, len(left), left[0].Key)
		}
	case evidence.KindExpiry:
		for _, s := range e.Expiry.Seqs {
			if s < 0 || s >= seq {
				c.find(CodeEntry, seq, c.bundleKey(seq), "entry %d declares entry %d expired, which is not an earlier one", seq, s)
				continue
			}
			c.expired.set(s)
		}
		c.checkHolds(e, seq)
	case evidence.KindHold:
		c.holds.record(e)
	case evidence.KindKey:
		c.recordKey(e, seq)
	default:
		c.run.report.notice("chain %s: entry %d is of kind %q, which this version does not know", c.id, seq, e.Kind)
	}
}

func (c *chainCheck) recordLog(e *evidence.Entry, seq int64) {
	c.report.Windows++
	c.report.Lines += e.Content.Lines
	if !c.fields[e.Source.FieldsSeq] && c.lost == 0 {
		c.find(CodeEntry, seq, c.bundleKey(seq), "entry %d refers to entry %d for its fields, which is no observation of fields", seq, e.Source.FieldsSeq)
	}
	s := newSpan(e, seq)
	if e.Object != nil {
		s.due = c.run.asked(e)
		c.objects.add(e, seq)
		for _, d := range e.Object.Displaced {
			c.run.report.notice("chain %s: entry %d found another's object at %s and did not use it", c.id, seq, d.Key)
		}
	}
	c.spans = append(c.spans, s)
}

// tileHash keeps the hashes of a level ≥ 1 and compares tiles that are whole.
func (c *chainCheck) tileHash(ctx context.Context, level int, hash tlog.Hash) error {
	if c.run.quick {
		return nil
	}
	c.levels[level] = append(c.levels[level], hash[:]...)
	n := int64(len(c.levels[level]) / tlog.HashSize)
	if n%evidence.BundleSize != 0 {
		return nil
	}
	t := tlog.Tile{H: evidence.TileHeight, L: level, N: n/evidence.BundleSize - 1}
	return c.compareTile(ctx, t, c.levels[level][t.N*evidence.BundleSize*tlog.HashSize:])
}

func (c *chainCheck) compareTile(ctx context.Context, t tlog.Tile, want []byte) error {
	present, err := checkTile(ctx, c.run.store, c.id, t, want)
	if err != nil || present.good {
		return err
	}
	otherwise := func() {
		c.find(CodeTile, -1, present.key, "tile %s does not hold the hashes of the subtrees it covers", present.key)
	}
	if c.run.first != nil {
		first, err := checkTile(ctx, c.run.first, c.id, t, want)
		if err != nil {
			return err
		}
		if first.good {
			c.covered = append(c.covered, covered{first.key, -1, present.state, first.state, otherwise})
			return nil
		}
	}
	otherwise()
	return nil
}

// finish compares the unfinished tiles, and computes coverage.
func (c *chainCheck) finish(ctx context.Context) error {
	if c.lost == 0 {
		for level, hashes := range c.levels {
			n := int64(len(hashes) / tlog.HashSize / evidence.BundleSize)
			if hashes = hashes[n*evidence.BundleSize*tlog.HashSize:]; len(hashes) == 0 {
				continue
			}
			if err := c.compareTile(ctx, tlog.Tile{H: evidence.TileHeight, L: level, N: n}, hashes); err != nil {
				return err
			}
		}
	}
	if !c.run.quick {
		if err := c.checkPartials(ctx); err != nil {
			return err
		}
	}
	for i := range c.spans {
		s := &c.spans[i]
		if c.expired.has(s.seq) {
			s.state = Expired
			c.report.Expired++
		} else if s.due {
			c.due.objects++
			c.due.bytes += s.bytes
		}
	}
	c.objects.sort()
	c.report.Segments = segments(c.spans, c.run.opts.From, c.run.opts.To)
	c.report.Complete = Complete(c.report.Segments)
	if n := len(c.report.Segments); n > 0 {
		c.report.First, c.report.Last = c.report.Segments[0].From, c.report.Segments[n-1].To
	}
	return nil
}

// asked reports whether an entry's object is among those that are to be read.
func (r *run) asked(e *evidence.Entry) bool {
	return r.inRange(e) && (r.opts.Sample == nil || r.opts.Sample(e.Object.Key))
}

// inRange reports whether an entry's window or events touch the range asked for.
func (r *run) inRange(e *evidence.Entry) bool {
	from, to := r.opts.From, r.opts.To
	meets := func(start, end time.Time) bool {
		return (to.IsZero() || start.Before(to)) && (from.IsZero() || end.After(from))
	}
	if first, last := e.Content.FirstEvent, e.Content.LastEvent; first != nil && last != nil && meets(*first, last.Add(1)) {
		return true
	}
	return meets(e.Window.Start, e.Window.End)
}

// chainFile knows the keys of a chain's files: each has exactly one form.
func chainFile(id evidence.ChainID, key string) bool {
	rest := strings.TrimPrefix(key, id.Prefix())
	if rest == "checkpoint" {
		return true
	}
	folder, name, _ := strings.Cut(rest, "/")
	switch folder {
	case "checkpoints":
		n, ok := decimal(name)
		return ok && id.CheckpointAt(n) == key
	case "timestamps":
		n, ok := decimal(strings.TrimSuffix(name, ".tsr"))
		return ok && id.TimestampAt(n) == key
	case "tile":
		_, ok := parsePart(id, key)
		return ok
	}
	return false
}
