package verify

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// A store that keeps versions refuses to change what is locked, and still
// takes something over it: a newer version, a mark of deletion. The sealed bytes
// are the first version then, and are looked for where the present ones are
// missing or others.

// firstVersions is a Store of first versions alone.
type firstVersions struct {
	Store  // for what else there is
	v      storage.Versioner
	report *Report
	denied sync.Once
}

func newFirstVersions(s Store, r *Report) *firstVersions {
	v, ok := s.(storage.Versioner)
	if !ok {
		return nil
	}
	return &firstVersions{Store: s, v: v, report: r}
}

// Get opens a key's first version. That it may not be asked for is no reason
// to end a verification.
func (f *firstVersions) Get(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	body, err := f.v.GetFirst(ctx, key, offset, length)
	if errors.Is(err, storage.ErrPermission) {
		f.denied.Do(func() {
			f.report.notice("whether the store still has the first version of what is missing or changed, it does not tell: %v", err)
		})
		return nil, fmt.Errorf("%w: %v", storage.ErrNotFound, err) //nolint:errorlint // a missing right would end the verification
	}
	return body, err //nolint:wrapcheck // names the key already
}

// readFirst reads the first version of a small file; nil if there is none.
// The error is for a store that cannot be reached.
func (r *run) readFirst(ctx context.Context, key string, limit int64) ([]byte, error) {
	if r.first == nil {
		return nil, nil
	}
	b, err := readAll(ctx, r.first, key, limit)
	if err != nil && !isFinding(err) {
		return nil, err
	}
	if err != nil {
		return nil, nil //nolint:nilerr // nobody has one
	}
	return b, nil
}

// state is what a file is found to be: its bytes, or why they cannot be read.
type state struct {
	size int64
	sum  evidence.Digest
	err  error
}

func stateOf(b []byte, err error) state {
	return state{int64(len(b)), sha256.Sum256(b), err}
}

func (s state) String() string {
	if s.err != nil {
		return s.err.Error()
	}
	return sizeAndHash(s.size, s.sum)
}

// cover says how a file's first version is hidden.
func (s state) cover() string {
	switch {
	case errors.Is(s.err, storage.ErrNotFound):
		return "hidden by a mark of deletion"
	case s.err != nil:
		return "covered by a newer version that cannot be read (" + s.err.Error() + ")"
	}
	return "covered by a newer version, of " + s.String()
}

// covered is a file of the chain whose first version fits. Whether that is
// what was sealed, the root over the entries tells.
type covered struct {
	key     string
	seq     int64
	present state
	first   state

	otherwise func() // reports what is there if it is not
}

// settleCovered reports the covered files once the entries were held to the
// signed head.
func (c *chainCheck) settleCovered() {
	seen := map[string]bool{}
	for _, f := range c.covered {
		if seen[f.key] {
			continue // the head's checkpoint is looked at twice
		}
		seen[f.key] = true
		if !c.trusted {
			f.otherwise()
			continue
		}
		c.findCovered(f.key, f.seq, f.key, f.present, f.first)
	}
}

// findCovered adds the finding of a file whose sealed bytes the store keeps.
// The chain is not broken by it. what names the file.
func (c *chainCheck) findCovered(what string, seq int64, key string, present, first state) {
	c.run.report.add(Finding{
		Code: CodeCovered, Chain: c.id.String(), Seq: seq, Key: key, Want: first.String(), Got: present.String(), SHA256: first.sum.String(),
		Text: what + " is " + present.cover() + "; the store keeps the sealed bytes under it, and rainlogs archive uncover brings them back",
	})
}

// keepsCheckpoint reports whether the first version of a published checkpoint
// is one that ok takes.
func (c *chainCheck) keepsCheckpoint(ctx context.Context, key string, ok func([]byte) bool) (state, bool, error) {
	b, err := c.run.readFirst(ctx, key, evidence.MaxCheckpoint)
	if err != nil || b == nil || !ok(b) {
		return state{}, false, err
	}
	return stateOf(b, nil), true, nil
}

// keepsPointed looks for the head's checkpoint under its number, byte by byte.
func (c *chainCheck) keepsPointed(ctx context.Context, key string, present state, otherwise func()) error {
	first, ok, err := c.keepsCheckpoint(ctx, key, func(b []byte) bool { return bytes.Equal(b, c.signed) })
	if err != nil {
		return err
	}
	if !ok {
		otherwise()
		return nil
	}
	c.covered = append(c.covered, covered{key, -1, present, first, otherwise})
	return nil
}
