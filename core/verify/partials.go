package verify

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// checkPartials compares the partial tiles and bundles that still lie about
// with the newer ones that stand in for them. They carry nothing of their own,
// but one that differs was changed by somebody.
func (c *chainCheck) checkPartials(ctx context.Context) error {
	prefix := c.id.Prefix() + "tile/"
	for info, err := range c.run.store.List(ctx, prefix, "") {
		if err != nil {
			return fmt.Errorf("list %s: %w", prefix, err)
		}
		base, widthText, partial := strings.Cut(info.Key, ".p/")
		width, err := strconv.Atoi(widthText)
		if !partial || err != nil || !chainFile(c.id, info.Key) {
			continue
		}
		level, name, _ := strings.Cut(strings.TrimPrefix(base, prefix), "/")
		n, ok := tileNumber(name)
		if !ok || width < 1 || width >= evidence.BundleSize {
			c.run.report.find(CodeUnexplained, c.id, -1, info.Key, "%s: no tile has such a name", info.Key)
			continue
		}
		c.checkPartial(ctx, info.Key, level, n, width)
	}
	return nil
}

func (c *chainCheck) checkPartial(ctx context.Context, key, level string, n int64, width int) {
	l, unit, current := 0, tlog.HashSize, ""
	size := c.head.Size
	if level != "entries" {
		l, _ = strconv.Atoi(level) // chainFile knows it for digits
		size >>= evidence.TileHeight * l
	}
	have := min(size-n*evidence.BundleSize, evidence.BundleSize)
	if int64(width) > have {
		c.run.report.notice("%s is not covered by the checkpoint: a collector is at work or died before its commit", key)
		return
	}
	if level == "entries" {
		unit, current = 0, c.id.BundleKey(n, int(have))
	} else {
		current = c.id.TileKey(tlog.Tile{H: evidence.TileHeight, L: l, N: n, W: int(have)})
	}
	if current == key {
		return // was checked in its place
	}
	got, err := readAll(ctx, c.run.store, key, maxBundle)
	want, wantErr := readAll(ctx, c.run.store, current, maxBundle)
	if wantErr != nil {
		return // reported where it was needed
	}
	same := err == nil && len(got) <= len(want) && bytes.Equal(got, want[:len(got)])
	if unit > 0 {
		same = same && len(got) == width*unit
	} else if same {
		_, err := evidence.DecodeBundle(got, width)
		same = err == nil
	}
	if !same {
		c.find(CodeTile, -1, key, "%s is not the beginning of %s, which stands in for it", key, current)
	}
}

// tileNumber reads tlog-tiles' "x001/x234/067".
func tileNumber(name string) (int64, bool) {
	n, err := strconv.ParseInt(strings.NewReplacer("x", "", "/", "").Replace(name), 10, 64)
	return n, err == nil
}
