package collect

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// putObject brings the spool file into the store under the first key that is
// free or already holds exactly these bytes, and sets the entry's object.
func (s *sealer) putObject(ctx context.Context, p catalog.Pending, e *evidence.Entry) error {
	path := s.c.spool.path(p.Spool)
	e.Object.Displaced = nil
	for generation := 1; generation <= maxGenerations; generation++ {
		e.Object.Key = evidence.ObjectKey(s.id, p.Window, generation)
		err := s.putFile(ctx, path, e.Object)
		lost := errors.Is(err, fs.ErrNotExist) // the spool file: the store has the object, as resume has seen
		if !errors.Is(err, storage.ErrExists) && !lost {
			return err
		}
		found, err := s.measure(ctx, e.Object.Key)
		if err != nil {
			return err
		}
		if found.SHA256 == e.Object.SHA256 {
			return nil // ours, from before a crash
		}
		s.c.Log.WarnContext(ctx, "object key is taken by other bytes", "key", found.Key, "sha256", found.SHA256.String())
		e.Object.Displaced = append(e.Object.Displaced, found)
	}
	return fmt.Errorf("all %d keys of window %s are taken by other objects", maxGenerations, p.Window)
}

func (s *sealer) putFile(ctx context.Context, path string, o *evidence.Object) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("open spool file: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	req := storage.PutRequest{Key: o.Key, Size: o.Bytes, SHA256: o.SHA256.String(), RetainUntil: evidence.RetainUntil(o.Key, s.c.Now(), s.c.Retain)}
	_, err = s.c.Store.Put(ctx, req, f)
	if err != nil {
		return fmt.Errorf("put %s: %w", o.Key, err)
	}
	return nil
}

// Locator is the optional power of a store that is several: it names those
// that hold an object.
type Locator interface {
	Located(ctx context.Context, key string) ([]string, error)
}

// located says for the entry which stores hold the object. Asked again it may
// have another answer, and a retry must make the same bytes: an entry that was
// made already is repeated.
func (s *sealer) located(ctx context.Context, p catalog.Pending, o *evidence.Object) ([]string, error) {
	if p.Entry != nil {
		made, err := evidence.Decode(p.Entry)
		if err == nil && made.Object != nil && made.Object.Key == o.Key && made.Object.SHA256 == o.SHA256 {
			return made.Object.Stores, nil
		}
	}
	l, ok := s.c.Store.(Locator)
	if !ok {
		return nil, nil
	}
	return l.Located(ctx, o.Key) //nolint:wrapcheck // names the key already
}

// withdraw gives up a window that another collector has sealed with an object
// of its own. What was put for it is removed: no entry will ever name it, and to
// a verifier it would be an object that somebody added. What the store does not
// let go of, and what is not ours, is sealed as displaced.
func (s *sealer) withdraw(ctx context.Context, p catalog.Pending) error {
	d, err := decodeDraft(p)
	if err != nil || p.Spool == "" {
		return err
	}
	left, err := s.unnamed(ctx, p.Window)
	if err != nil {
		return err
	}
	var stays []evidence.Displaced
	for _, o := range left {
		err := storage.ErrLocked
		if o.SHA256 == d.Entry.Object.SHA256 {
			err = s.c.Store.Delete(ctx, o.Key)
		}
		switch {
		case errors.Is(err, storage.ErrLocked):
			stays = append(stays, o)
		case err != nil && !errors.Is(err, storage.ErrNotFound):
			return fmt.Errorf("withdraw %s: %w", o.Key, err)
		}
	}
	if err := s.displace(ctx, stays); err != nil {
		return err
	}
	if err := s.c.Catalog.DropPending(ctx, s.id, p.Window); err != nil {
		return fmt.Errorf("drop pending record: %w", err)
	}
	return nil
}

// explained returns the objects that the chain's entries over a window name.
func (s *sealer) explained(ctx context.Context, w evidence.Window) (map[string]bool, error) {
	rows, err := s.c.Catalog.Windows(ctx, s.id, w.Start, w.End, catalog.Sealed, catalog.Lost)
	if err != nil {
		return nil, fmt.Errorf("read ledger: %w", err)
	}
	names := map[string]bool{}
	for _, row := range rows {
		for e, err := range s.log.Entries(ctx, row.Seq) {
			if err != nil {
				return nil, err //nolint:wrapcheck // names the chain already
			}
			if e.Object != nil {
				names[e.Object.Key] = true
				for _, d := range e.Object.Displaced {
					names[d.Key] = true
				}
			}
			break
		}
	}
	return names, nil
}

// measure reads an object that is already there.
func (s *sealer) measure(ctx context.Context, key string) (evidence.Displaced, error) {
	found := evidence.Displaced{Key: key}
	body, err := s.c.Store.Get(ctx, key, 0, -1)
	if err != nil {
		return found, fmt.Errorf("read %s: %w", key, err)
	}
	h := sha256.New()
	found.Bytes, err = io.Copy(h, body)
	if closeErr := body.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return found, fmt.Errorf("read %s: %w", key, err)
	}
	h.Sum(found.SHA256[:0])
	return found, nil
}
