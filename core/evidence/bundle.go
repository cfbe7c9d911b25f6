package evidence

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// TileHeight is fixed by C2SP tlog-tiles: tiles of 2^8 hashes.
const TileHeight = 8

// BundleSize is the number of entries in a full bundle.
const BundleSize = 1 << TileHeight

// TileKey returns the key of a hash tile, in the layout of C2SP tlog-tiles.
func (c ChainID) TileKey(t tlog.Tile) string {
	// tlog writes "tile/8/<L>/<N>"; tlog-tiles fixes the height and leaves it out.
	return c.Prefix() + "tile/" + strings.TrimPrefix(t.Path(), "tile/8/")
}

// BundleKey returns the key of entry bundle n holding width entries (1 to
// BundleSize).
func (c ChainID) BundleKey(n int64, width int) string {
	t := tlog.Tile{H: TileHeight, L: 0, N: n, W: width}
	return c.Prefix() + "tile/entries/" + strings.TrimPrefix(t.Path(), "tile/8/0/")
}

// EncodeBundle concatenates entries, each behind its length as a big-endian uint16.
func EncodeBundle(entries [][]byte) ([]byte, error) {
	if len(entries) == 0 || len(entries) > BundleSize {
		return nil, fmt.Errorf("encode bundle of %d entries", len(entries))
	}
	size := 0
	for _, e := range entries {
		size += 2 + len(e)
	}
	out := make([]byte, 0, size)
	for _, e := range entries {
		if len(e) > MaxEntry {
			return nil, fmt.Errorf("encode bundle: %w", ErrTooLarge)
		}
		out = binary.BigEndian.AppendUint16(out, uint16(len(e)))
		out = append(out, e...)
	}
	return out, nil
}

var errBundle = errors.New("entry bundle is cut short or has bytes behind its last entry")

// DecodeBundle parts a bundle of exactly width entries. The entries alias b.
func DecodeBundle(b []byte, width int) ([][]byte, error) {
	if width < 1 || width > BundleSize {
		return nil, fmt.Errorf("decode bundle of width %d", width)
	}
	entries := make([][]byte, 0, width)
	for range width {
		if len(b) < 2 {
			return nil, errBundle
		}
		n := int(binary.BigEndian.Uint16(b))
		if len(b) < 2+n {
			return nil, errBundle
		}
		entries = append(entries, b[2:2+n:2+n])
		b = b[2+n:]
	}
	if len(b) != 0 {
		return nil, errBundle
	}
	return entries, nil
}
