package collect

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sort"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// recover ends what an earlier run of this chain left between spool and
// chain. The caller holds the chain's lock, so nobody else is at work on it.
func (s *sealer) recover(ctx context.Context) error {
	pending, err := s.c.Catalog.ListPending(ctx, s.id)
	if err != nil {
		return fmt.Errorf("list pending windows: %w", err)
	}
	// An entry whose bytes were made may stand half-written in the store: it
	// must be the first to be appended.
	sort.SliceStable(pending, func(i, j int) bool { return pending[i].Seq > pending[j].Seq })
	for _, p := range pending {
		if err := s.resume(ctx, p); err != nil {
			return fmt.Errorf("resume window %s: %w", p.Window, err)
		}
	}
	return nil
}

// resume seals one pending record, or lets its window be pulled again if the
// spool file is not what it should be.
func (s *sealer) resume(ctx context.Context, p catalog.Pending) error {
	if p.Window == statement {
		return s.resumeStatement(ctx, p)
	}
	if p.Spool != "" {
		err := s.checkSpool(ctx, p)
		if errors.Is(err, storage.ErrUnavailable) || ctx.Err() != nil {
			return err
		}
		if err != nil {
			return s.abandon(ctx, p, err)
		}
	}
	err := s.seal(ctx, p)
	if errors.Is(err, errAlreadySealed) {
		return nil
	}
	if err != nil {
		return err
	}
	s.c.Log.InfoContext(ctx, "sealed a window left by an earlier run", "chain", s.id.String(), "window", p.Window.String())
	return nil
}

// abandon drops a pending record whose spool file is lost or damaged; the
// window itself stays open and is pulled anew.
func (s *sealer) abandon(ctx context.Context, p catalog.Pending, cause error) error {
	s.c.Log.WarnContext(ctx, "spool file is unusable; the window is pulled again",
		"chain", s.id.String(), "window", p.Window.String(), "file", p.Spool, "cause", cause)
	if checkSpoolName(p) == nil {
		path := s.c.spool.path(p.Spool)
		if err := os.Rename(path, path+setAsideSuffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("set spool file aside: %w", err)
		}
	}
	if err := s.c.Catalog.DropPending(ctx, s.id, p.Window); err != nil {
		return fmt.Errorf("drop pending record: %w", err)
	}
	return nil
}

// checkSpool compares a spool file with its draft. One that is on another
// machine, or gone, is not needed if the store has the object already.
func (s *sealer) checkSpool(ctx context.Context, p catalog.Pending) error {
	if err := checkSpoolName(p); err != nil {
		return err
	}
	d, err := decodeDraft(p)
	if err != nil {
		return err
	}
	if d.Entry.Object == nil {
		return fmt.Errorf("%w: draft without object", catalog.ErrCorrupt)
	}
	f, err := os.Open(s.c.spool.path(p.Spool))
	if errors.Is(err, fs.ErrNotExist) {
		return s.stored(ctx, p, *d.Entry.Object)
	}
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

// stored is nil if the store has a pending window's object under one of its keys.
func (s *sealer) stored(ctx context.Context, p catalog.Pending, want evidence.Object) error {
	for generation := 1; generation <= maxGenerations; generation++ {
		found, err := s.measure(ctx, evidence.ObjectKey(s.id, p.Window, generation))
		if err != nil {
			return fmt.Errorf("neither spool nor store has the window: %w", err)
		}
		if found.SHA256 == want.SHA256 {
			return nil
		}
	}
	return errors.New("neither spool nor store has the window")
}
