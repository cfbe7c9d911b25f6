package storeset

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// Get opens an object in the first store that can be believed about it.
func (s *Set) Get(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	var body io.ReadCloser
	err := s.find(ctx, key, nil, func(m *member) (err error) {
		body, err = m.open(ctx, key, offset, length)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("get %.80s: %w", key, err)
	}
	return body, nil
}

// Stat describes an object as the first store does that can be believed about it.
func (s *Set) Stat(ctx context.Context, key string) (storage.Info, error) {
	var info storage.Info
	err := s.find(ctx, key, nil, func(m *member) error {
		return m.call(ctx, true, func(ctx context.Context) (err error) {
			info, err = m.store.Stat(ctx, key)
			return err
		})
	})
	if err != nil {
		return storage.Info{}, fmt.Errorf("stat %.80s: %w", key, err)
	}
	return info, nil
}

// find calls try with one store after the other, until one has the key. Those
// in step come first; the others are asked only if nobody in step can say, for
// what they have may be old. except is left out.
//
// ErrNotFound means that no store of the set but perhaps except has the key.
func (s *Set) find(ctx context.Context, key string, except *member, try func(*member) error) error {
	if !storage.ValidKey(key) {
		return storage.ErrInvalidKey
	}
	q := &question{s: s, ctx: ctx, key: key, try: try}
	var late []*member
	for _, m := range s.members {
		if m == except {
			continue
		}
		st, err := s.standing(ctx, m, key)
		switch {
		case err != nil:
			return err
		case st.deleted:
			continue // whatever it has is not to be there
		case !m.inStep(st):
			late = append(late, m)
			continue
		}
		if q.ask(m, true); q.over {
			return q.err
		}
	}
	switch {
	case q.vouched:
		return storage.ErrNotFound
	case isPointer(key):
		return q.pointer(late)
	}
	for _, m := range late {
		if q.ask(m, false); q.over {
			return q.err
		}
	}
	if len(q.silent) > 0 {
		return unavailable("not every store that could hold it has answered", q.silent)
	}
	return storage.ErrNotFound
}

// question is a search for a key under way.
type question struct {
	s       *Set
	ctx     context.Context // of the call that asks
	key     string
	try     func(*member) error
	asked   int     // stores in step
	vouched bool    // one that can know says that there is none
	silent  []error // of stores that gave no answer
	over    bool    // err is the outcome
	err     error
}

func (q *question) ask(m *member, inStep bool) {
	err := q.try(m)
	switch {
	case err == nil, q.ctx.Err() != nil:
		q.over, q.err = true, err
	case errors.Is(err, storage.ErrNotFound):
		// An object of a failover set went to the first that had no record of it.
		q.vouched = q.vouched || inStep && (q.s.everywhere(q.key) || q.asked == 0)
	default:
		q.silent = append(q.silent, err)
	}
	if inStep {
		q.asked++
	}
}

// pointer looks for the greatest checkpoint among stores of which none is
// known to be in step. With a ledger all of them must answer: the one that
// does not may have seen the last swap.
func (q *question) pointer(late []*member) error {
	best, size := (*member)(nil), int64(-1)
	for _, m := range late {
		b, err := m.read(q.ctx, q.key)
		switch {
		case q.ctx.Err() != nil:
			return err
		case errors.Is(err, storage.ErrNotFound):
			continue
		case err != nil:
			q.silent = append(q.silent, err)
			continue
		}
		if n := treeSize(q.key, b); best == nil || n > size {
			best, size = m, n
		}
	}
	if len(q.silent) > 0 && (q.s.ledger != nil || best == nil) {
		return unavailable("not every store that could have the latest has answered", q.silent)
	}
	if best == nil {
		return storage.ErrNotFound
	}
	return q.try(best)
}

// treeSize is a checkpoint's, or -1 if it cannot be read as one. Whose
// signature it carries the reader checks.
func treeSize(key string, b []byte) int64 {
	id, _ := evidence.ParseChainPrefix(key)
	origin, _, _ := strings.Cut(string(b), "\n")
	if !strings.HasSuffix(origin, "/"+id.String()) {
		return -1
	}
	cp, err := evidence.ParseCheckpoint(b, origin)
	if err != nil {
		return -1
	}
	return cp.Size
}

// open opens an object. The timeout is for the answer, not for the reading.
func (m *member) open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	return m.opening(ctx, func(ctx context.Context) (io.ReadCloser, error) {
		return m.store.Get(ctx, key, offset, length) //nolint:wrapcheck // opening names the store
	})
}

func (m *member) opening(ctx context.Context, get func(ctx context.Context) (io.ReadCloser, error)) (io.ReadCloser, error) {
	done, err := m.allow()
	if err != nil {
		return nil, err
	}
	reading, cancel := context.WithCancel(ctx)
	late := time.AfterFunc(m.timeout, cancel)
	body, err := get(reading)
	if err == nil && !late.Stop() && reading.Err() != nil {
		_ = body.Close() // cancelled; nothing was read
		err = reading.Err()
	}
	err = m.explain(ctx, reading, err)
	done(err)
	if err != nil {
		late.Stop()
		cancel()
		return nil, err
	}
	return &openBody{m: m, ctx: ctx, body: body, cancel: cancel}, nil
}

// openBody is an object being read. A store that breaks off while it is read
// cannot be stood in for any more, but its breaker hears of it.
type openBody struct {
	m      *member
	ctx    context.Context // of the Get that opened it
	body   io.ReadCloser
	cancel context.CancelFunc
	told   sync.Once
}

func (b *openBody) Read(p []byte) (int, error) {
	n, err := b.body.Read(p)
	if err == nil || err == io.EOF { //nolint:errorlint // only the bare io.EOF is the end
		return n, err //nolint:wrapcheck // the end
	}
	err = b.m.explain(b.ctx, b.ctx, err)
	b.told.Do(func() {
		if done, allowErr := b.m.allow(); allowErr == nil {
			done(err)
		}
	})
	return n, err
}

func (b *openBody) Close() error {
	defer b.cancel()
	return b.body.Close() //nolint:wrapcheck // the store's own words
}

// read returns a checkpoint, or what stands in its place.
func (m *member) read(ctx context.Context, key string) ([]byte, error) {
	const limit = evidence.MaxCheckpoint
	body, err := m.open(ctx, key, 0, limit+1)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(body, limit+1))
	if closeErr := body.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", key, err)
	}
	if len(b) > limit {
		return nil, fmt.Errorf("%s in store %q is longer than %d bytes", key, m.name, limit)
	}
	return b, nil
}

// digest returns the SHA-256 and the length of what a store holds.
func (s *Set) digest(ctx context.Context, m *member, key string) (string, int64, error) {
	body, err := m.open(ctx, key, 0, -1)
	if err != nil {
		return "", 0, err
	}
	h := sha256.New()
	n, err := io.Copy(h, body)
	if closeErr := body.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return "", 0, fmt.Errorf("read %s: %w", key, err)
	}
	return hex.EncodeToString(h.Sum(nil)), n, nil
}
