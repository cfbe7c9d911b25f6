package collect

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

const (
	spoolSuffix = ".ndjson.zst"
	partSuffix  = ".part"
	// setAsideSuffix marks a spool file whose bytes are not what its pending
	// record promises. It is kept for an operator to look at.
	setAsideSuffix = ".damaged"
)

func spoolName(id evidence.ChainID, w evidence.Window) string {
	key := evidence.ObjectKey(id, w, 1)
	return id.Zone + "-" + key[strings.LastIndexByte(key, '/')+1:]
}

func partName(id evidence.ChainID, w evidence.Window) string { return spoolName(id, w) + partSuffix }

// recover ends what an earlier run of this chain left between spool and
// chain. The caller holds the chain's lock, so nobody else is at work on it.
func (r *run) recover(ctx context.Context) error {
	pending, err := r.c.Catalog.ListPending(ctx, r.id)
	if err != nil {
		return fmt.Errorf("list pending windows: %w", err)
	}
	// An entry whose bytes were made may stand half-written in the store: it
	// must be the first to be appended.
	sort.SliceStable(pending, func(i, j int) bool { return pending[i].Seq > pending[j].Seq })
	for _, p := range pending {
		if err := r.resume(ctx, p); err != nil {
			return fmt.Errorf("resume window %s: %w", p.Window, err)
		}
	}
	return r.sweep(ctx)
}

// resume seals one pending window, or lets it be pulled again if its spool
// file is not what it should be.
func (r *run) resume(ctx context.Context, p catalog.Pending) error {
	if p.Spool != "" {
		if err := r.checkSpool(p); err != nil {
			return r.abandon(ctx, p, err)
		}
	}
	err := r.sealer.seal(ctx, p)
	if errors.Is(err, errAlreadySealed) {
		return nil
	}
	if err != nil {
		return err
	}
	r.c.Log.InfoContext(ctx, "sealed a window left by an earlier run", "window", p.Window.String())
	return nil
}

// abandon drops a pending record whose spool file is lost or damaged; the
// window itself goes back to planned and is pulled anew.
func (r *run) abandon(ctx context.Context, p catalog.Pending, cause error) error {
	r.c.Log.WarnContext(ctx, "spool file is unusable; the window is pulled again",
		"window", p.Window.String(), "file", p.Spool, "cause", cause)
	path := filepath.Join(r.c.SpoolDir, p.Spool)
	if err := os.Rename(path, path+setAsideSuffix); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("set spool file aside: %w", err)
	}
	if err := r.c.Catalog.DropPending(ctx, r.id, p.Window); err != nil {
		return fmt.Errorf("drop pending record: %w", err)
	}
	return nil
}

// checkSpool compares a spool file with its draft.
func (r *run) checkSpool(p catalog.Pending) error {
	if filepath.Base(p.Spool) != p.Spool {
		return fmt.Errorf("%w: spool name %q", catalog.ErrCorrupt, p.Spool)
	}
	d, err := decodeDraft(p)
	if err != nil {
		return err
	}
	if d.Entry.Object == nil {
		return fmt.Errorf("%w: draft without object", catalog.ErrCorrupt)
	}
	f, err := os.Open(filepath.Join(r.c.SpoolDir, p.Spool))
	if err != nil {
		return fmt.Errorf("open spool file: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	h := sha256.New()
	n, err := io.Copy(h, f)
	if err != nil {
		return fmt.Errorf("read spool file: %w", err)
	}
	if n != d.Entry.Object.Bytes || evidence.Digest(h.Sum(nil)) != d.Entry.Object.SHA256 {
		return fmt.Errorf("spool file has other bytes than were spooled (%d bytes, expected %d)", n, d.Entry.Object.Bytes)
	}
	return nil
}

// sweep removes this chain's spool files once nothing is pending: what a killed
// pull left behind, and files whose windows were sealed.
func (r *run) sweep(ctx context.Context) error {
	files, err := os.ReadDir(r.c.SpoolDir)
	if err != nil {
		return fmt.Errorf("read spool folder: %w", err)
	}
	prefix := r.id.Zone + "-" + r.id.Dataset + "-"
	for _, f := range files {
		name := f.Name()
		ours := strings.HasPrefix(name, prefix) && (strings.HasSuffix(name, partSuffix) || strings.HasSuffix(name, spoolSuffix))
		if !ours {
			continue
		}
		r.c.Log.DebugContext(ctx, "spool file swept", "file", name)
		if err := os.Remove(filepath.Join(r.c.SpoolDir, name)); err != nil {
			return fmt.Errorf("sweep spool: %w", err)
		}
	}
	return nil
}
