package verify

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// chainCheck verifies one chain.
type chainCheck struct {
	run    *run
	id     evidence.ChainID
	report ChainReport
	key    evidence.PublicKey // in force, moved on by key entries

	head    evidence.Checkpoint
	signed  []byte
	seen    evidence.Checkpoint // remembered head, Size 0 if none
	seenRaw []byte
	tree    tree
	levels  map[int][]byte // hashes of unfinished tiles of level ≥ 1
	broken  bool           // the chain itself has findings

	fields  map[int64]bool // seqs of observations of topic fields
	spans   []Span
	objects []objectRef
	expired map[int64]bool
	explain map[string]bool // displaced objects
	archive string
}

// objectRef is what the object checks need to know of an entry.
type objectRef struct {
	seq    int64
	object evidence.Object
	entry  *evidence.Entry // only at level content
}

func newChainCheck(r *run, id evidence.ChainID) *chainCheck {
	return &chainCheck{
		run: r, id: id, key: r.key, archive: r.report.Archive,
		report: ChainReport{Chain: id.String(), Remembered: -1},
		levels: map[int][]byte{}, fields: map[int64]bool{}, expired: map[int64]bool{}, explain: map[string]bool{},
	}
}

func (c *chainCheck) find(code string, seq int64, key, format string, args ...any) {
	c.broken = true
	c.run.report.find(code, c.id, seq, key, format, args...)
}

// verify checks the chain level. The error is for what keeps from checking.
func (c *chainCheck) verify(ctx context.Context) error {
	if err := c.readHead(ctx); err != nil || c.signed == nil {
		return err
	}
	if err := c.readKnown(); err != nil {
		return err
	}
	var prev evidence.Digest
	known := true // prev is known
	for b := range bundles(ctx, c.run.store, c.id, c.head.Size, c.run.opts.Workers) {
		if err := ctx.Err(); err != nil {
			return err //nolint:wrapcheck // the caller's own cancellation
		}
		if b.err != nil {
			if !isFinding(b.err) {
				return fmt.Errorf("read bundle %d of chain %s: %w", b.n, c.id, b.err)
			}
			c.find(CodeBundle, b.n*evidence.BundleSize, "", "entries from %d on cannot be read: %v", b.n*evidence.BundleSize, b.err)
			return nil // nothing behind it can be placed
		}
		if b.tile != "" {
			c.find(CodeTile, b.n*evidence.BundleSize, b.tile, "tile %s does not hold the hashes of the entries it covers", b.tile)
		}
		for i := range b.leaves {
			l := &b.leaves[i]
			c.step(ctx, l, prev, known)
			prev, known = l.hash, true
		}
		c.run.progress(Progress{Chain: c.id, Stage: "entries", Done: c.tree.size, Total: c.head.Size})
	}
	if err := ctx.Err(); err != nil {
		return err //nolint:wrapcheck // the caller's own cancellation
	}
	return c.finish(ctx)
}

// isFinding tells damage from a store that cannot be reached.
func isFinding(err error) bool {
	return !errors.Is(err, storage.ErrUnavailable) && !errors.Is(err, storage.ErrPermission) &&
		!errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded)
}

// readHead reads the checkpoint, and looks for ones beyond it.
func (c *chainCheck) readHead(ctx context.Context) error {
	signed, err := readAll(ctx, c.run.store, c.id.CheckpointKey(), evidence.MaxCheckpoint)
	if err != nil && !isFinding(err) {
		return fmt.Errorf("read checkpoint of %s: %w", c.id, err)
	}
	if err != nil {
		c.find(CodeCheckpointMissing, -1, c.id.CheckpointKey(), "chain %s has no checkpoint: %v", c.id, err)
		return nil
	}
	latest, err := c.latestKey(signed)
	if err != nil {
		c.find(CodeCheckpointUnsigned, -1, c.id.CheckpointKey(), "checkpoint of chain %s: %v", c.id, err)
		return nil
	}
	c.head, c.signed = latest, signed
	c.report.Size, c.report.Root = latest.Size, base64.StdEncoding.EncodeToString(latest.Root[:])
	if same, err := readAll(ctx, c.run.store, c.id.CheckpointAt(latest.Size), evidence.MaxCheckpoint); err != nil || string(same) != string(signed) {
		c.find(CodeCheckpointChanged, -1, c.id.CheckpointAt(latest.Size), "%s is not the checkpoint of that size", c.id.CheckpointAt(latest.Size))
	}
	return c.lookBeyond(ctx)
}

// latestKey opens the checkpoint by the trusted key, or by one that took over.
func (c *chainCheck) latestKey(signed []byte) (evidence.Checkpoint, error) {
	origin := evidence.Origin(c.archive, c.id)
	v, err := c.key.Verifier(origin)
	if err != nil {
		return evidence.Checkpoint{}, err //nolint:wrapcheck // says what it did
	}
	return evidence.OpenCheckpoint(signed, origin, v) //nolint:wrapcheck // says what it did
}

// lookBeyond finds published checkpoints past the head: the pointer was put
// back, or a collector died between commit and pointer.
func (c *chainCheck) lookBeyond(ctx context.Context) error {
	prefix := c.id.Prefix() + "checkpoints/"
	for info, err := range c.run.store.List(ctx, prefix, "") {
		if err != nil {
			return fmt.Errorf("list %s: %w", prefix, err)
		}
		size, err := strconv.ParseInt(strings.TrimPrefix(info.Key, prefix), 10, 64)
		if err != nil || c.id.CheckpointAt(size) != info.Key {
			continue // reported by the search for the unexplained
		}
		if size <= c.head.Size {
			continue
		}
		signed, err := readAll(ctx, c.run.store, info.Key, evidence.MaxCheckpoint)
		if err != nil {
			continue // the unexplained again
		}
		if _, err := c.latestKey(signed); err != nil {
			c.find(CodeCheckpointUnsigned, -1, info.Key, "%s: %v", info.Key, err)
			continue
		}
		if size == c.head.Size+1 {
			c.run.report.notice("chain %s: entry %d is committed and the checkpoint was not moved yet; the collector's next start moves it", c.id, c.head.Size)
			continue
		}
		c.find(CodeRollback, -1, c.id.CheckpointKey(), "checkpoint says %d entries, but one of %d entries, signed by the same key, stands at %s: the checkpoint was put back", c.head.Size, size, info.Key)
	}
	return nil
}

// readKnown reads the head remembered from earlier.
func (c *chainCheck) readKnown() error {
	raw, err := c.run.opts.Known.Head(c.archive, c.id)
	if err != nil || raw == nil {
		return err
	}
	if c.seen, err = c.latestKey(raw); err != nil {
		c.run.report.notice("the remembered checkpoint of chain %s is not signed by the key in use and was not compared: %v", c.id, err)
		c.seen = evidence.Checkpoint{}
		return nil
	}
	c.seenRaw, c.report.Remembered = raw, c.seen.Size
	if c.seen.Size > c.head.Size {
		c.find(CodeRollback, c.head.Size, c.id.CheckpointKey(), "this machine has seen %d entries of chain %s, the archive holds only %d: entries were dropped or an older state was put back", c.seen.Size, c.id, c.head.Size)
	}
	return nil
}

// step checks one entry in its place.
func (c *chainCheck) step(ctx context.Context, l *leaf, prev evidence.Digest, known bool) {
	c.tree.add(l.leaf, func(level int, hash tlog.Hash) { c.tileHash(ctx, level, hash) })
	c.run.entries++
	if c.tree.size == c.seen.Size && c.tree.root() != c.seen.Root {
		c.find(CodeFork, l.seq, "", "the first %d entries of chain %s are not those this machine has seen before: history was rewritten", c.seen.Size, c.id)
	}
	if l.err != nil {
		c.find(CodeEntry, l.seq, "", "entry %d: %v", l.seq, l.err)
		return
	}
	e := l.entry
	switch {
	case e.Seq != l.seq:
		c.find(CodeEntry, l.seq, "", "entry %d says it is number %d", l.seq, e.Seq)
	case e.Archive != c.archive || e.Chain() != c.id:
		c.find(CodeEntry, l.seq, "", "entry %d belongs to archive %s, chain %s", l.seq, e.Archive, e.Chain())
	case known && e.Prev != prev:
		c.find(CodePrev, l.seq, "", "entry %d follows %s, but entry %d is %s", l.seq, e.Prev, l.seq-1, prev)
	}
	if c.run.keep != nil {
		c.run.keep[c.id] = append(c.run.keep[c.id], e)
	}
	c.record(e, l.seq)
}

// record keeps what the later checks need of an entry.
func (c *chainCheck) record(e *evidence.Entry, seq int64) {
	switch e.Kind {
	case evidence.KindLog:
		c.recordLog(e, seq)
	case evidence.KindGap:
		c.report.Gaps++
		c.spans = append(c.spans, Span{Seq: seq, Start: e.Window.Start, End: e.Window.End, State: Gap, Reason: e.Gap.Reason})
	case evidence.KindObservation:
		if e.Observation.Topic == evidence.TopicFields {
			c.fields[seq] = true
		}
	case evidence.KindExpiry:
		for _, s := range e.Expiry.Seqs {
			c.expired[s] = true
		}
	case evidence.KindHold:
	case evidence.KindKey:
		c.run.report.notice("chain %s: entry %d announces a new key, %s; this version does not follow it", c.id, seq, e.Key.VKey)
	default:
		c.run.report.notice("chain %s: entry %d is of kind %q, which this version does not know", c.id, seq, e.Kind)
	}
}

func (c *chainCheck) recordLog(e *evidence.Entry, seq int64) {
	c.report.Windows++
	c.report.Lines += e.Content.Lines
	if !c.fields[e.Source.FieldsSeq] {
		c.find(CodeEntry, seq, "", "entry %d refers to entry %d for its fields, which is no observation of fields", seq, e.Source.FieldsSeq)
	}
	span := Span{Seq: seq, Start: e.Window.Start, End: e.Window.End, State: Collected, Lines: e.Content.Lines}
	if e.Object == nil {
		span.State = Empty
	} else {
		ref := objectRef{seq: seq, object: *e.Object}
		if c.run.opts.Level == LevelContent {
			ref.entry = e
		}
		if c.run.opts.Level != LevelChain && c.run.inRange(e) {
			c.objects = append(c.objects, ref)
		}
		c.explain[e.Object.Key] = true
		for _, d := range e.Object.Displaced {
			c.explain[d.Key] = true
			c.run.report.notice("chain %s: entry %d found another's object at %s and did not use it", c.id, seq, d.Key)
		}
	}
	c.spans = append(c.spans, span)
}

// tileHash collects the hashes of a level ≥ 1 and compares whole tiles.
func (c *chainCheck) tileHash(ctx context.Context, level int, hash tlog.Hash) {
	c.levels[level] = append(c.levels[level], hash[:]...)
	if len(c.levels[level]) == evidence.BundleSize*tlog.HashSize {
		c.checkLevel(ctx, level)
		c.levels[level] = c.levels[level][:0]
	}
}

// checkLevel compares the tile that the collected hashes make up.
func (c *chainCheck) checkLevel(ctx context.Context, level int) {
	want := c.levels[level]
	done := (c.tree.size + 1) >> (evidence.TileHeight * level) // subtrees of that level, the current one included
	t := tlog.Tile{H: evidence.TileHeight, L: level, N: (done - 1) / evidence.BundleSize, W: len(want) / tlog.HashSize}
	if key, ok := checkTile(ctx, c.run.store, c.id, t, want); !ok {
		c.find(CodeTile, -1, key, "tile %s does not hold the hashes of the subtrees it covers", key)
	}
}

// finish compares the root, the unfinished tiles and coverage.
func (c *chainCheck) finish(ctx context.Context) error {
	for level, hashes := range c.levels {
		if len(hashes) > 0 {
			done := c.tree.size >> (evidence.TileHeight * level)
			t := tlog.Tile{H: evidence.TileHeight, L: level, N: done / evidence.BundleSize, W: len(hashes) / tlog.HashSize}
			if key, ok := checkTile(ctx, c.run.store, c.id, t, hashes); !ok {
				c.find(CodeTile, -1, key, "tile %s does not hold the hashes of the subtrees it covers", key)
			}
		}
	}
	if root := c.tree.root(); root != c.head.Root {
		c.find(CodeRoot, -1, c.id.CheckpointKey(), "the %d entries of chain %s have root %s, the signed checkpoint says %s", c.tree.size, c.id, root, c.head.Root)
	}
	if err := c.checkPartials(ctx); err != nil {
		return err
	}
	for i := range c.spans {
		if c.expired[c.spans[i].Seq] {
			c.spans[i].State = Expired
		}
	}
	c.report.Segments = Coverage(c.spans, c.run.opts.From, c.run.opts.To)
	c.report.Complete = Complete(c.report.Segments)
	if n := len(c.report.Segments); n > 0 {
		c.report.First, c.report.Last = c.report.Segments[0].From, c.report.Segments[n-1].To
	}
	return nil
}

// remember keeps a head that was verified, unless a newer one is known.
func (c *chainCheck) remember() error {
	if c.broken || c.signed == nil || c.head.Size < c.seen.Size || c.run.report.KeyTrust == "" {
		return nil
	}
	return c.run.opts.Known.RememberHead(c.archive, c.id, c.signed)
}

// inRange reports whether an entry's window or events touch the range asked for.
func (r *run) inRange(e *evidence.Entry) bool {
	from, to := r.opts.From, r.opts.To
	meets := func(start, end time.Time) bool {
		return (to.IsZero() || start.Before(to)) && (from.IsZero() || end.After(from))
	}
	if e.Content.FirstEvent != nil && meets(*e.Content.FirstEvent, e.Content.LastEvent.Add(1)) {
		return true
	}
	return meets(e.Window.Start, e.Window.End)
}
