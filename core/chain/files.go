package chain

import (
	"context"
	"errors"
	"fmt"
	"io"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// Getter is the part of storage.Storage that reading a chain needs.
type Getter interface {
	Get(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error)
}

// files reads a chain's files. What they hold is not checked against any tree.
type files struct {
	from Getter
	id   evidence.ChainID
}

// read returns an object of at most limit bytes.
func (f files) read(ctx context.Context, key string, limit int64) ([]byte, error) {
	body, err := f.from.Get(ctx, key, 0, limit+1)
	if err != nil {
		return nil, fmt.Errorf("get %s: %w", key, err)
	}
	b, err := io.ReadAll(io.LimitReader(body, limit+1))
	if closeErr := body.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return nil, fmt.Errorf("get %s: %w", key, err)
	}
	if int64(len(b)) > limit {
		return nil, fmt.Errorf("%w: %s is longer than %d bytes", ErrDamaged, key, limit)
	}
	return b, nil
}

// readEither reads key, or other where there is none.
func (f files) readEither(ctx context.Context, key, other string, limit int64) ([]byte, error) {
	b, err := f.read(ctx, key, limit)
	if errors.Is(err, storage.ErrNotFound) {
		b, err = f.read(ctx, other, limit)
	}
	return b, err
}

func (f files) readTile(ctx context.Context, level int, n int64, width int) ([]tlog.Hash, error) {
	if width == 0 {
		return nil, nil
	}
	t := tlog.Tile{H: evidence.TileHeight, L: level, N: n, W: width}
	full := t
	full.W = evidence.BundleSize
	b, err := f.readEither(ctx, f.id.TileKey(t), f.id.TileKey(full), evidence.BundleSize*tlog.HashSize)
	if err != nil {
		return nil, err
	}
	if len(b) < width*tlog.HashSize {
		return nil, fmt.Errorf("%w: tile %s has %d bytes", ErrDamaged, f.id.TileKey(t), len(b))
	}
	hashes := make([]tlog.Hash, width)
	for i := range hashes {
		hashes[i] = tlog.Hash(b[i*tlog.HashSize:])
	}
	return hashes, nil
}

func (f files) readBundle(ctx context.Context, n int64, width int) ([][]byte, error) {
	key, full := f.id.BundleKey(n, width), f.id.BundleKey(n, evidence.BundleSize)
	b, err := f.readEither(ctx, key, full, evidence.BundleSize*(2+evidence.MaxEntry))
	if err != nil {
		return nil, err
	}
	entries, err := evidence.DecodeBundle(b, width)
	if err != nil {
		// A full bundle may stand in for a partial one that was tidied away.
		if entries, err = evidence.DecodeBundle(b, evidence.BundleSize); err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrDamaged, key, err)
		}
	}
	return entries[:width], nil
}
