package replicate

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// maxFile bounds a bundle: 256 entries of 64 KiB each.
const maxFile = 256 * (evidence.MaxEntry + 2)

// files copies the bundles and tiles of a tree, and then its checkpoints.
func (r *run) files(ctx context.Context, id evidence.ChainID, size int64) error {
	have, err := sizes(ctx, r.To, id.Prefix()+"tile/")
	if err != nil {
		return err
	}
	for key := range treeFiles(id, size) {
		if err := r.file(ctx, key, have); err != nil {
			return err
		}
	}
	if have, err = sizes(ctx, r.To, id.Prefix()+"checkpoints/"); err != nil {
		return err
	}
	for info, err := range r.From.List(ctx, id.Prefix()+"checkpoints/", "") {
		if err != nil {
			return fmt.Errorf("list checkpoints: %w", err)
		}
		at, err := strconv.ParseInt(strings.TrimPrefix(info.Key, id.Prefix()+"checkpoints/"), 10, 64)
		if err != nil || at > size || id.CheckpointAt(at) != info.Key {
			continue // no checkpoint of the tree that was verified
		}
		if err := r.file(ctx, info.Key, have); err != nil {
			return err
		}
	}
	return nil
}

// treeFiles yields the keys of the bundles and tiles that hold a tree.
func treeFiles(id evidence.ChainID, size int64) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for n := int64(0); n*evidence.BundleSize < size; n++ {
			if !yield(id.BundleKey(n, int(min(size-n*evidence.BundleSize, evidence.BundleSize)))) {
				return
			}
		}
		for level, width := 0, size; width > 0; level, width = level+1, width>>evidence.TileHeight {
			for n := int64(0); n<<evidence.TileHeight < width; n++ {
				t := tlog.Tile{H: evidence.TileHeight, L: level, N: n, W: int(min(width-n<<evidence.TileHeight, 1<<evidence.TileHeight))}
				if !yield(id.TileKey(t)) {
					return
				}
			}
		}
	}
}

// file copies one small file, or compares it with the one that is there.
func (r *run) file(ctx context.Context, key string, have map[string]int64) error {
	size, there := have[key]
	if there && !r.Deep && size > 0 {
		return nil
	}
	if r.DryRun && !there {
		r.sum.Files++
		return nil
	}
	b, err := read(ctx, r.From, key, maxFile)
	if err != nil {
		return err
	}
	if there {
		if other, err := read(ctx, r.To, key, maxFile); err != nil {
			return err
		} else if !bytes.Equal(b, other) {
			r.problem(key, "the copy holds other bytes under this key")
		}
		return nil
	}
	err = r.put(ctx, key, b, "")
	if errors.Is(err, storage.ErrExists) {
		return nil // by another copy at work
	}
	if err == nil {
		r.sum.Files++
	}
	return err
}

func (r *run) put(ctx context.Context, key string, b []byte, replaces string) error {
	_, err := r.To.Put(ctx, storage.PutRequest{
		Key: key, Size: int64(len(b)), SHA256: digest(b), Replaces: replaces, RetainUntil: r.retainUntil(key),
	}, bytes.NewReader(b))
	if err != nil {
		return fmt.Errorf("put %s: %w", key, err)
	}
	return nil
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func read(ctx context.Context, s storage.Storage, key string, most int64) ([]byte, error) {
	body, err := s.Get(ctx, key, 0, -1)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", key, err)
	}
	b, err := io.ReadAll(io.LimitReader(body, most+1))
	if err = errors.Join(err, body.Close()); err != nil {
		return nil, fmt.Errorf("read %s: %w", key, err)
	}
	if int64(len(b)) > most {
		return nil, fmt.Errorf("read %s: it is longer than %d bytes", key, most)
	}
	return b, nil
}

// sizes lists what a store has under a prefix.
func sizes(ctx context.Context, s storage.Storage, prefix string) (map[string]int64, error) {
	out := map[string]int64{}
	for info, err := range s.List(ctx, prefix, "") {
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", prefix, err)
		}
		out[info.Key] = info.Size
	}
	return out, nil
}
