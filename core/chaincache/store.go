package chaincache

import (
	"bytes"
	"context"
	"fmt"
	"io"
	pathpkg "path"
	"strings"
	"sync/atomic"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/verify"
)

// cached is a store that gives full entry bundles from the folder where it has them.
type cached struct {
	verify.Store
	files   *folder
	archive string
	served  atomic.Int64 // bundles that came from the folder
}

var _ verify.Store = (*cached)(nil)

// Get opens an object of the store, or what is kept of it. Only what a bounded
// read asks for from its start is kept: the verifier asks for no other.
func (s *cached) Get(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	if offset != 0 || length <= 0 || !fullBundle(key) {
		return s.Store.Get(ctx, key, offset, length) //nolint:wrapcheck // the store's own answer
	}
	name := path(s.archive, key)
	if b, ok := s.files.read(name, length); ok {
		s.served.Add(1)
		return inMemory{bytes.NewReader(b)}, nil
	}
	body, err := s.Store.Get(ctx, key, offset, length)
	if err != nil {
		return nil, err //nolint:wrapcheck // the store's own answer
	}
	b, err := io.ReadAll(io.LimitReader(body, length))
	if closeErr := body.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", key, err)
	}
	if int64(len(b)) < length { // else there may be more of it
		s.files.keep(name, b)
	}
	return inMemory{bytes.NewReader(b)}, nil
}

// inMemory is a body that says how long it is.
type inMemory struct{ *bytes.Reader }

func (inMemory) Close() error { return nil }

// path is where a key of an archive is kept in the folder.
func path(archive, key string) string { return pathpkg.Join(archive, key) }

// fullBundle knows the keys of full entry bundles, which never change.
func fullBundle(key string) bool {
	id, ok := evidence.ParseChainPrefix(key)
	if !ok {
		return false
	}
	name, ok := strings.CutPrefix(key, id.Prefix()+"tile/entries/")
	return ok && name != "" && !strings.Contains(name, ".")
}
