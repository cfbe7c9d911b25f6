package wire_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fabriziosalmi/rainlogs/sdk/source"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// memory is a storage in memory: the suite's second opinion beside fs.
type memory struct {
	mu      sync.Mutex
	objects map[string][]byte
}

var _ storage.Storage = (*memory)(nil)

func newMemory() *memory { return &memory{objects: map[string][]byte{}} }

var modified = time.Date(2026, 11, 23, 1, 2, 3, 4, time.UTC)

func (m *memory) Put(ctx context.Context, req storage.PutRequest, body io.Reader) (storage.Info, error) {
	if err := checkCall(ctx, req.Key); err != nil {
		return storage.Info{}, err
	}
	b, err := io.ReadAll(&whileReader{ctx, body})
	switch {
	case ctx.Err() != nil:
		return storage.Info{}, ctx.Err()
	case err != nil:
		return storage.Info{}, err
	case int64(len(b)) != req.Size || hexSum(b) != req.SHA256:
		return storage.Info{}, storage.ErrCorrupt
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	old, exists := m.objects[req.Key]
	switch {
	case req.Replaces == "" && exists:
		return storage.Info{}, fmt.Errorf("put %s: %w", req.Key, storage.ErrExists)
	case req.Replaces != "" && (!exists || hexSum(old) != req.Replaces):
		return storage.Info{}, storage.ErrChanged
	}
	m.objects[req.Key] = b
	return storage.Info{Key: req.Key, Size: req.Size, Modified: modified}, nil
}

func (m *memory) object(ctx context.Context, key string) ([]byte, error) {
	if err := checkCall(ctx, key); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	b, ok := m.objects[key]
	if !ok {
		return nil, storage.ErrNotFound
	}
	return b, nil
}

func (m *memory) Get(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	b, err := m.object(ctx, key)
	if err != nil {
		return nil, err
	}
	b = b[min(offset, int64(len(b))):]
	if length >= 0 {
		b = b[:min(length, int64(len(b)))]
	}
	return io.NopCloser(bytes.NewReader(b)), nil
}

func (m *memory) Stat(ctx context.Context, key string) (storage.Info, error) {
	b, err := m.object(ctx, key)
	return storage.Info{Key: key, Size: int64(len(b)), Modified: modified}, err
}

func (m *memory) List(ctx context.Context, prefix, after string) iter.Seq2[storage.Info, error] {
	return func(yield func(storage.Info, error) bool) {
		if err := ctx.Err(); err != nil {
			yield(storage.Info{}, err)
			return
		}
		m.mu.Lock()
		var infos []storage.Info
		for key, b := range m.objects {
			if strings.HasPrefix(key, prefix) && key > after {
				infos = append(infos, storage.Info{Key: key, Size: int64(len(b)), Modified: modified})
			}
		}
		m.mu.Unlock()
		slices.SortFunc(infos, func(a, b storage.Info) int { return strings.Compare(a.Key, b.Key) })
		for _, i := range infos {
			if !yield(i, nil) {
				return
			}
		}
	}
}

func (m *memory) Delete(ctx context.Context, key string) error {
	if _, err := m.object(ctx, key); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.objects, key)
	return nil
}

func checkCall(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !storage.ValidKey(key) {
		return storage.ErrInvalidKey
	}
	return nil
}

func hexSum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// records is a source that answers each window with the same bytes.
type records struct {
	content []byte
	err     error
}

var _ source.Source = (*records)(nil)

func (r *records) Describe(context.Context) (source.Description, error) {
	return source.Description{
		Datasets: []source.Dataset{{Name: "http_requests", TimeField: "EdgeStartTimestamp", ClassField: "EdgeResponseStatus"}},
		Limits:   source.Limits{MaxWindow: time.Hour, MinLag: time.Minute, MaxAge: 168 * time.Hour},
	}, r.err
}

func report() source.Report {
	return source.Report{
		Checks: []source.Check{
			{Name: "token", Status: source.OK, Value: "true", Detail: "valid"},
			{Name: "retention", Status: source.Fail, Value: "false", Detail: "off", Remedy: "switch it on"},
		},
		Fields: []string{"ClientIP", "RayID"}, ZoneName: "example.com",
	}
}

func (r *records) Probe(context.Context, string) (source.Report, error) { return report(), r.err }

func (r *records) Pull(ctx context.Context, req source.Request) (*source.Stream, error) {
	if r.err != nil {
		return nil, r.err
	}
	return &source.Stream{
		Encoding: source.Gzip, Fields: append([]string{req.Zone, req.Dataset}, req.Fields...), Timestamps: source.UnixNano,
		FailureLines: []string{"Error streaming data."},
		Body:         io.NopCloser(io.MultiReader(bytes.NewReader(r.content), ctxReader{ctx})),
		Trailer: func() (source.Trailer, error) {
			return source.Trailer{Lines: req.End.Unix() - req.Start.Unix(), Complete: true, RetrievedAt: modified}, nil
		},
	}, nil
}

// whileReader reads as long as its context is not done.
type whileReader struct {
	ctx context.Context
	r   io.Reader
}

func (w *whileReader) Read(p []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	return w.r.Read(p)
}

// ctxReader is at its end, unless its context is done.
type ctxReader struct{ ctx context.Context }

func (c ctxReader) Read([]byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return 0, io.EOF
}
