package verify

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// readHead settles which checkpoint is verified: the one that the pointer
// holds or, after a collector's crash, the one committed right behind it. Its signature
// is judged when the chain has told which keys signed in turn.
func (c *chainCheck) readHead(ctx context.Context) error {
	if err := c.listPublished(ctx); err != nil {
		return err
	}
	key := c.id.CheckpointKey()
	signed, head, err := c.readCheckpoint(ctx, key)
	switch {
	case err != nil && !isFinding(err):
		return fmt.Errorf("read checkpoint of %s: %w", c.id, err)
	case err == nil:
		c.signed, c.head, c.pointer = signed, head, head.Size
		if err := c.comparePointer(ctx); err != nil {
			return err
		}
	case errors.Is(err, storage.ErrNotFound):
		if err := c.withoutPointer(ctx); err != nil {
			return err
		}
	default:
		c.find(CodeCheckpointInvalid, -1, key, "the checkpoint of chain %s cannot be read: %v", c.id, err)
		if err := c.useLargest(ctx); err != nil {
			return err
		}
	}
	if err := c.rollForward(ctx); err != nil {
		return err
	}
	c.report.Size, c.report.Root = c.head.Size, base64.StdEncoding.EncodeToString(c.head.Root[:])
	return nil
}

// withoutPointer tells a crash before the very first pointer, which leaves
// checkpoints/1 alone, from a pointer that was deleted.
func (c *chainCheck) withoutPointer(ctx context.Context) error {
	first, err := c.isPublished(ctx, 1)
	if err != nil {
		return err
	}
	second, err := c.isPublished(ctx, 2)
	if err != nil || first && !second {
		return err
	}
	c.find(CodeCheckpointMissing, -1, c.id.CheckpointKey(), "chain %s has no checkpoint: %s is not there", c.id, c.id.CheckpointKey())
	return c.useLargest(ctx)
}

// listPublished lists the sizes of the published checkpoints.
func (c *chainCheck) listPublished(ctx context.Context) error {
	if c.run.quick {
		return nil
	}
	prefix := c.id.Prefix() + "checkpoints/"
	for info, err := range c.run.store.List(ctx, prefix, "") {
		if err != nil {
			return fmt.Errorf("list %s: %w", prefix, err)
		}
		// Others are found by the search for the unexplained.
		if size, ok := decimal(strings.TrimPrefix(info.Key, prefix)); ok && c.id.CheckpointAt(size) == info.Key {
			c.sizes = append(c.sizes, size)
		}
	}
	slices.Sort(c.sizes)
	return nil
}

func (c *chainCheck) isPublished(ctx context.Context, size int64) (bool, error) {
	if !c.run.quick {
		_, found := slices.BinarySearch(c.sizes, size)
		return found, nil
	}
	_, err := c.run.store.Stat(ctx, c.id.CheckpointAt(size))
	if errors.Is(err, storage.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for %s: %w", c.id.CheckpointAt(size), err)
	}
	return true, nil
}

// readCheckpoint reads a checkpoint whose signature is judged later.
func (c *chainCheck) readCheckpoint(ctx context.Context, key string) ([]byte, evidence.Checkpoint, error) {
	b, err := readAll(ctx, c.run.store, key, evidence.MaxCheckpoint)
	if err != nil {
		return nil, evidence.Checkpoint{}, err
	}
	cp, err := evidence.ParseCheckpoint(b, c.origin)
	return b, cp, err
}

// comparePointer holds the pointer to the published checkpoint of its size.
func (c *chainCheck) comparePointer(ctx context.Context) error {
	if c.head.Size == 0 {
		return nil
	}
	size := c.head.Size // it may roll forward before anything is reported
	key := c.id.CheckpointAt(size)
	b, err := readAll(ctx, c.run.store, key, evidence.MaxCheckpoint)
	switch {
	case err != nil && !isFinding(err):
		return err
	case errors.Is(err, storage.ErrNotFound):
		return c.keepsPointed(ctx, key, stateOf(nil, err), func() {
			c.find(CodeCheckpointMissing, -1, key, "chain %s stands at %d entries, but the checkpoint of that size is not published at %s", c.id, size, key)
		})
	case err != nil || !bytes.Equal(b, c.signed):
		return c.keepsPointed(ctx, key, stateOf(b, err), func() {
			c.find(CodeCheckpointChanged, -1, key, "%s is not the checkpoint of that size that stands at %s", key, c.id.CheckpointKey())
		})
	}
	return nil
}

// useLargest takes the largest published checkpoint for the head, so that a
// destroyed pointer does not keep the rest from being verified.
func (c *chainCheck) useLargest(ctx context.Context) error {
	for i := len(c.sizes) - 1; i >= max(0, len(c.sizes)-maxLost); i-- {
		b, cp, err := c.readCheckpoint(ctx, c.id.CheckpointAt(c.sizes[i]))
		if err != nil && !isFinding(err) {
			return err
		}
		if err == nil && cp.Size == c.sizes[i] {
			c.signed, c.head, c.pointer = b, cp, cp.Size
			c.run.report.notice("chain %s: %d entries were verified, by the largest published checkpoint", c.id, cp.Size)
			return nil
		}
	}
	return nil
}

// rollForward takes the one checkpoint that a collector published before it
// could move the pointer; that one is committed. More than one means that the
// pointer was put back.
func (c *chainCheck) rollForward(ctx context.Context) error {
	next := c.head.Size + 1
	if found, err := c.isPublished(ctx, next); err != nil || !found {
		return err
	}
	if further, err := c.isPublished(ctx, next+1); err != nil || further {
		if further && c.run.quick {
			c.find(CodeRollback, -1, c.id.CheckpointKey(), "the checkpoint says %d entries, but ones of more are published: the checkpoint was put back", c.head.Size)
		}
		return err
	}
	b, cp, err := c.readCheckpoint(ctx, c.id.CheckpointAt(next))
	if err != nil && !isFinding(err) {
		return err
	}
	if err != nil || cp.Size != next {
		return nil //nolint:nilerr // a published one beyond the head is judged with the others
	}
	c.signed, c.head = b, cp
	c.run.report.notice("chain %s: entry %d is committed and the checkpoint was not moved yet; the collector's next start moves it", c.id, next-1)
	return nil
}

// lookBeyond judges published checkpoints past the head.
func (c *chainCheck) lookBeyond(ctx context.Context) error {
	first, found := slices.BinarySearch(c.sizes, c.head.Size)
	if found {
		first++
	}
	beyond := c.sizes[first:]
	for i := len(beyond) - 1; i >= max(0, len(beyond)-maxLost); i-- {
		key := c.id.CheckpointAt(beyond[i])
		b, err := readAll(ctx, c.run.store, key, evidence.MaxCheckpoint)
		if err != nil && !isFinding(err) {
			return err
		}
		if err == nil && c.signedByAny(b) {
			c.find(CodeRollback, -1, c.id.CheckpointKey(), "the checkpoint says %d entries, but one of %d entries, signed by the same key, stands at %s: the checkpoint was put back", c.pointer, beyond[i], key)
			return nil
		}
		c.find(CodeCheckpointUnsigned, -1, key, "%s is beyond the head of %d entries, and not signed by the trusted key", key, c.head.Size)
	}
	return nil
}

// readKnown reads the head remembered from earlier.
func (c *chainCheck) readKnown() error {
	known := c.run.opts.Known
	raw, err := known.Head(c.run.report.Archive, c.id)
	if err != nil || raw == nil {
		return err
	}
	// This machine verified the signature before it kept the note.
	if c.seen, err = evidence.ParseCheckpoint(raw, c.origin); err != nil {
		return fmt.Errorf("remembered checkpoint in %s is damaged, so that a rollback could not be seen: %w", known.headPath(c.run.report.Archive, c.id), err)
	}
	c.report.Remembered = c.seen.Size
	if c.seen.Size > c.head.Size {
		c.find(CodeRollback, c.head.Size, c.id.CheckpointKey(), "this machine has seen %d entries of chain %s, the archive holds only %d: entries were dropped or an older state was put back", c.seen.Size, c.id, c.head.Size)
	}
	return nil
}

// decimal reads a number in its one form.
func decimal(s string) (int64, bool) {
	if s == "" || len(s) > 18 || len(s) > 1 && s[0] == '0' {
		return 0, false
	}
	var n int64
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}
