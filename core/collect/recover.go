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
	if err := s.resumeObservation(ctx, &p); err != nil {
		return err
	}
	if p.Spool != "" {
		unusable, err := s.checkSpool(ctx, p)
		if err != nil {
			return err
		}
		if unusable != nil {
			return s.abandon(ctx, p, unusable)
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

// resumeObservation ends an observation that was begun in front of the window's own
// entry. It stands whatever becomes of the window, whose spool file may be another
// host's: if its bytes went with the pending record, nobody could put others in
// their place in the store before they are stale.
func (s *sealer) resumeObservation(ctx context.Context, p *catalog.Pending) error {
	if p.Entry == nil || p.Seq != s.log.Size() {
		return nil
	}
	e, err := evidence.Decode(p.Entry)
	if err != nil {
		return fmt.Errorf("%w: entry begun for window %s: %w", catalog.ErrCorrupt, p.Window, err)
	}
	if e.Kind != evidence.KindObservation {
		return nil
	}
	if err := s.append(ctx, p, e); err != nil {
		return err
	}
	return s.commit(ctx, []*evidence.Entry{e})
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

// checkSpool compares a spool file with its draft, and says what makes it unusable.
// One that is on another machine, or gone, is not needed if the store has the object
// already. err: what is in the store could not be seen.
func (s *sealer) checkSpool(ctx context.Context, p catalog.Pending) (unusable, err error) {
	if err := checkSpoolName(p); err != nil {
		return err, nil
	}
	d, err := decodeDraft(p)
	if err != nil {
		return err, nil
	}
	if d.Entry.Object == nil {
		return fmt.Errorf("%w: draft without object", catalog.ErrCorrupt), nil
	}
	f, err := os.Open(s.c.spool.path(p.Spool))
	if errors.Is(err, fs.ErrNotExist) {
		return s.stored(ctx, p, *d.Entry.Object)
	}
	if err != nil {
		return fmt.Errorf("open spool file: %w", err), nil
	}
	defer f.Close() //nolint:errcheck // only read
	h := sha256.New()
	n, err := io.Copy(h, f)
	if err != nil {
		return fmt.Errorf("read spool file: %w", err), nil
	}
	if n != d.Entry.Object.Bytes || evidence.Digest(h.Sum(nil)) != d.Entry.Object.SHA256 {
		return fmt.Errorf("spool file has other bytes than were spooled (%d bytes, expected %d)", n, d.Entry.Object.Bytes), nil
	}
	return nil, nil
}

// stored looks for a pending window's object under its keys in the store; missing is
// nil if it is there.
func (s *sealer) stored(ctx context.Context, p catalog.Pending, want evidence.Object) (missing, err error) {
	for generation := 1; generation <= maxGenerations; generation++ {
		found, err := s.measure(ctx, evidence.ObjectKey(s.id, p.Window, generation))
		if errors.Is(err, storage.ErrNotFound) {
			break
		}
		if err != nil {
			return nil, err
		}
		if found.SHA256 == want.SHA256 {
			return nil, nil
		}
	}
	return errors.New("neither spool nor store has the window"), nil
}
