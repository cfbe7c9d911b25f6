package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/fabriziosalmi/rainlogs/sdk/probe"
	"github.com/fabriziosalmi/rainlogs/sdk/source"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
	"github.com/fabriziosalmi/rainlogs/sdk/wire"
)

// blame names the plugin in an error of a call to it, and looks after a
// plugin that hung or went away in it.
func (i *Instance) blame(r *running, err error) error {
	if err == nil || err == io.EOF { //nolint:errorlint // only the bare io.EOF is the end
		return err
	}
	if r != nil && (errors.Is(err, wire.ErrIdle) || errors.Is(err, ErrPluginGone)) {
		i.suspect(r)
	}
	return fmt.Errorf("%s plugin %q: %w", i.spec.Kind, i.spec.Name, err)
}

// supervisedStorage is the current process of a plugin as a storage.
type supervisedStorage struct{ i *Instance }

// supervisedLocalStorage is one whose objects are files.
type supervisedLocalStorage struct{ supervisedStorage }

var (
	_ storage.Storage     = (*supervisedStorage)(nil)
	_ storage.Locker      = (*supervisedStorage)(nil)
	_ storage.Prober      = (*supervisedStorage)(nil)
	_ storage.Versioner   = (*supervisedStorage)(nil)
	_ storage.LocalPather = (*supervisedLocalStorage)(nil)
)

func (s *supervisedStorage) use(ctx context.Context) (*running, error) {
	r, err := s.i.use(ctx)
	if err != nil {
		return nil, s.i.blame(nil, forStorage(err))
	}
	return r, nil
}

func (s *supervisedStorage) Put(ctx context.Context, req storage.PutRequest, body io.Reader) (storage.Info, error) {
	r, err := s.use(ctx)
	if err != nil {
		return storage.Info{}, err
	}
	info, err := r.storage.Put(ctx, req, body)
	return info, s.i.blame(r, err)
}

func (s *supervisedStorage) Get(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	r, err := s.use(ctx)
	if err != nil {
		return nil, err
	}
	body, err := r.storage.Get(ctx, key, offset, length)
	if err != nil {
		return nil, s.i.blame(r, err)
	}
	return &supervisedBody{s.i, r, body}, nil
}

func (s *supervisedStorage) Stat(ctx context.Context, key string) (storage.Info, error) {
	r, err := s.use(ctx)
	if err != nil {
		return storage.Info{}, err
	}
	info, err := r.storage.Stat(ctx, key)
	return info, s.i.blame(r, err)
}

func (s *supervisedStorage) List(ctx context.Context, prefix, after string) iter.Seq2[storage.Info, error] {
	return func(yield func(storage.Info, error) bool) {
		r, err := s.use(ctx)
		if err != nil {
			yield(storage.Info{}, err)
			return
		}
		for info, err := range r.storage.List(ctx, prefix, after) {
			if !yield(info, s.i.blame(r, err)) || err != nil {
				return
			}
		}
	}
}

func (s *supervisedStorage) Delete(ctx context.Context, key string) error {
	r, err := s.use(ctx)
	if err != nil {
		return err
	}
	return s.i.blame(r, r.storage.Delete(ctx, key))
}

// LockedUntil fails with errors.ErrUnsupported if the plugin knows no locks.
func (s *supervisedStorage) LockedUntil(ctx context.Context, key string) (time.Time, error) {
	r, err := s.use(ctx)
	if err != nil {
		return time.Time{}, err
	}
	l, ok := r.storage.(storage.Locker)
	if !ok {
		return time.Time{}, s.i.blame(r, errors.ErrUnsupported)
	}
	until, err := l.LockedUntil(ctx, key)
	return until, s.i.blame(r, err)
}

// Probe fails with errors.ErrUnsupported if the plugin cannot probe itself.
func (s *supervisedStorage) Probe(ctx context.Context) ([]probe.Check, error) {
	r, err := s.use(ctx)
	if err != nil {
		return nil, err
	}
	p, ok := r.storage.(storage.Prober)
	if !ok {
		return nil, s.i.blame(r, errors.ErrUnsupported)
	}
	checks, err := p.Probe(ctx)
	return checks, s.i.blame(r, err)
}

// GetFirst fails with errors.ErrUnsupported if the plugin keeps no versions.
func (s *supervisedStorage) GetFirst(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	r, err := s.use(ctx)
	if err != nil {
		return nil, err
	}
	v, ok := r.storage.(storage.Versioner)
	if !ok {
		return nil, s.i.blame(r, errors.ErrUnsupported)
	}
	body, err := v.GetFirst(ctx, key, offset, length)
	if err != nil {
		return nil, s.i.blame(r, err)
	}
	return &supervisedBody{s.i, r, body}, nil
}

// Uncover fails with errors.ErrUnsupported if the plugin keeps no versions.
func (s *supervisedStorage) Uncover(ctx context.Context, key, sha256 string) error {
	r, err := s.use(ctx)
	if err != nil {
		return err
	}
	v, ok := r.storage.(storage.Versioner)
	if !ok {
		return s.i.blame(r, errors.ErrUnsupported)
	}
	return s.i.blame(r, v.Uncover(ctx, key, sha256))
}

func (s *supervisedLocalStorage) LocalPath(ctx context.Context, key string) (string, error) {
	r, err := s.use(ctx)
	if err != nil {
		return "", err
	}
	local, ok := r.storage.(storage.LocalPather)
	if !ok {
		return "", s.i.blame(r, errors.New("local path: no longer announced since its restart"))
	}
	path, err := local.LocalPath(ctx, key)
	return path, s.i.blame(r, err)
}

// supervisedSource is the current process of a plugin as a source.
type supervisedSource struct{ i *Instance }

var _ source.Source = (*supervisedSource)(nil)

func (s *supervisedSource) use(ctx context.Context, op string) (*running, error) {
	r, err := s.i.use(ctx)
	if err != nil {
		return nil, s.i.blame(nil, forSource(op, err))
	}
	return r, nil
}

func (s *supervisedSource) Describe(ctx context.Context) (source.Description, error) {
	r, err := s.use(ctx, "describe")
	if err != nil {
		return source.Description{}, err
	}
	d, err := r.source.Describe(ctx)
	return d, s.i.blame(r, err)
}

func (s *supervisedSource) Probe(ctx context.Context, zone string) (source.Report, error) {
	r, err := s.use(ctx, "probe")
	if err != nil {
		return source.Report{}, err
	}
	report, err := r.source.Probe(ctx, zone)
	return report, s.i.blame(r, err)
}

func (s *supervisedSource) Pull(ctx context.Context, req source.Request) (*source.Stream, error) {
	r, err := s.use(ctx, "pull")
	if err != nil {
		return nil, err
	}
	stream, err := r.source.Pull(ctx, req)
	if err != nil {
		return nil, s.i.blame(r, err)
	}
	stream.Body = &supervisedBody{s.i, r, stream.Body}
	return stream, nil
}

// supervisedBody is an open stream of a plugin.
type supervisedBody struct {
	i    *Instance
	r    *running
	body io.ReadCloser
}

func (b *supervisedBody) Read(p []byte) (int, error) {
	n, err := b.body.Read(p)
	return n, b.i.blame(b.r, err)
}

func (b *supervisedBody) Close() error { return b.body.Close() }
