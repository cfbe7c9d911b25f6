package verify

import (
	"context"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// handover is a key entry: from its tree size on another key signs, and the
// checkpoint of that size carries both signatures.
type handover struct {
	seq  int64
	key  evidence.PublicKey
	root tlog.Hash // of the tree that ends with the entry; zero if it could not be computed
}

func (c *chainCheck) recordKey(e *evidence.Entry, seq int64) {
	key, err := evidence.ParseVKey(e.Key.VKey)
	if err != nil {
		c.find(CodeEntry, seq, c.bundleKey(seq), "entry %d announces a key that cannot be read: %v", seq, err)
		return
	}
	h := handover{seq: seq, key: key}
	if c.lost == 0 {
		h.root = c.tree.root()
	}
	c.handovers = append(c.handovers, h)
}

// judgeKeys follows the handovers from key to key and holds the head to the
// last one. The trusted key may be any in the row: those after it are vouched
// for by the handovers, those before it only signed what the head covers too.
func (c *chainCheck) judgeKeys(ctx context.Context) error {
	keys := []evidence.PublicKey{c.run.key}
	for _, h := range c.handovers {
		if h.key.Equal(c.run.key) && c.run.own != nil {
			keys[0] = *c.run.own // the archive's own word for its first key
			break
		}
	}
	tied := true
	for i, h := range c.handovers {
		ok, err := c.checkHandover(ctx, h, keys[i])
		if err != nil {
			return err
		}
		tied = tied && ok
		keys = append(keys, h.key)
	}
	if tied {
		c.run.family = append(c.run.family, keys...)
	}
	c.key = keys[len(keys)-1]
	c.report.VKey = c.key.VKeyFor(evidence.KeyName(c.run.report.Archive))
	_, err := c.open(c.signed, c.key)
	if err != nil {
		c.find(CodeCheckpointUnsigned, -1, c.id.CheckpointKey(), "the checkpoint of chain %s: %v", c.id, err)
	}
	sound := c.compareRoot()
	c.trusted = err == nil && tied && sound
	c.published.conclude(c, sound)
	return c.lookBeyond(ctx)
}

// checkHandover demands the checkpoint of a key entry, signed by both keys.
func (c *chainCheck) checkHandover(ctx context.Context, h handover, old evidence.PublicKey) (bool, error) {
	key := c.id.CheckpointAt(h.seq + 1)
	b, err := readAll(ctx, c.run.store, key, evidence.MaxCheckpoint)
	if err != nil && !isFinding(err) {
		return false, err
	}
	for _, k := range []evidence.PublicKey{old, h.key} {
		var cp evidence.Checkpoint
		if err == nil {
			cp, err = c.open(b, k)
		}
		if err == nil && (cp.Size != h.seq+1 || c.lost == 0 && cp.Root != h.root) {
			err = fmt.Errorf("it is of another tree (size %d)", cp.Size)
		}
		if err != nil {
			c.find(CodeKeyHandover, h.seq, key, "entry %d hands over to key %s, and %s does not carry the signatures of both keys: %v", h.seq, h.key.VKey(), key, err)
			return false, nil
		}
	}
	c.run.report.notice("chain %s: from entry %d on key %s signs; the one before it vouches for it", c.id, h.seq+1, h.key.VKey())
	return true, nil
}

// compareRoot holds the entries to the head.
func (c *chainCheck) compareRoot() bool {
	if c.lost > 0 {
		return false // reported where it was lost
	}
	root := c.tree.root()
	if root == c.head.Root && c.tree.size == c.head.Size {
		return true
	}
	good := ""
	if n := c.published.lastGood(); n > 0 {
		good = fmt.Sprintf("; up to entry %d they still are those of the checkpoint published then", n-1)
	}
	c.find(CodeRoot, -1, c.id.CheckpointKey(), "the %d entries of chain %s have root %s, the signed checkpoint says %s%s", c.tree.size, c.id, root, c.head.Root, good)
	return false
}

// open reads a checkpoint of this chain that is signed by a key.
func (c *chainCheck) open(b []byte, key evidence.PublicKey) (evidence.Checkpoint, error) {
	v, err := key.Verifier(c.origin)
	if err != nil {
		return evidence.Checkpoint{}, err
	}
	return evidence.OpenCheckpoint(b, c.origin, v)
}

// known returns every key that has a say in this chain so far.
func (c *chainCheck) known() []evidence.PublicKey {
	keys := append([]evidence.PublicKey{c.run.key}, c.run.others...)
	for _, h := range c.handovers {
		keys = append(keys, h.key)
	}
	return keys
}

func (c *chainCheck) signedByAny(b []byte) bool { return c.opensAny(b, c.known()) }

func (c *chainCheck) opensAny(b []byte, keys []evidence.PublicKey) bool {
	for _, k := range keys {
		if _, err := c.open(b, k); err == nil {
			return true
		}
	}
	return false
}
