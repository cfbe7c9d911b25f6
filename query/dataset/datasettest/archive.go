// Package datasettest makes small sealed archives in memory for tests of the
// query packages: real objects, real entries, no chain of tiles.
package datasettest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	seekable "github.com/SaveTheRbtz/zstd-seekable-format-go/pkg"
	"github.com/klauspost/compress/zstd"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// Zone is the zone of an archive made by New.
const Zone = "0123456789abcdef0123456789abcdef"

// Archive is one chain and its objects.
type Archive struct {
	t       testing.TB
	ID      evidence.ChainID
	Entries []*evidence.Entry
	Store   *Store
	prev    evidence.Digest
	// Timestamps is the form that the next windows declare.
	Timestamps string
}

// New returns an archive whose first entry observes the given fields.
func New(t testing.TB, zone string, fields ...string) *Archive {
	t.Helper()
	id, err := evidence.NewChainID(zone, "http_requests")
	if err != nil {
		t.Fatal(err)
	}
	a := &Archive{t: t, ID: id, Store: &Store{Objects: map[string][]byte{}}, Timestamps: "unixnano"}
	value, err := json.Marshal(evidence.FieldsValue{Names: fields})
	if err != nil {
		t.Fatal(err)
	}
	a.Append(&evidence.Entry{Kind: evidence.KindObservation,
		Observation: &evidence.Observation{Topic: evidence.TopicFields, Value: value}})
	return a
}

// Append seals an entry, after it was encoded and decoded as in an archive.
func (a *Archive) Append(e *evidence.Entry) *evidence.Entry {
	a.t.Helper()
	e.V, e.Archive, e.Zone, e.Dataset = evidence.Version, "00000000-0000-0000-0000-000000000000", a.ID.Zone, a.ID.Dataset
	e.Seq, e.Prev = int64(len(a.Entries)), a.prev
	e.SealedAt = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	b, err := evidence.Encode(e)
	if err != nil {
		a.t.Fatal(err)
	}
	decoded, err := evidence.Decode(b)
	if err != nil {
		a.t.Fatal(err)
	}
	a.prev = evidence.HashEntry(b)
	a.Entries = append(a.Entries, decoded)
	return decoded
}

// Window seals content, NDJSON, as the window [start, start+length).
func (a *Archive) Window(start time.Time, length time.Duration, content string) *evidence.Entry {
	a.t.Helper()
	w, err := evidence.NewWindow(start, start.Add(length))
	if err != nil {
		a.t.Fatal(err)
	}
	m := evidence.NewMeter(evidence.MeterConfig{
		TimeField: "EdgeStartTimestamp", ClassField: "EdgeResponseStatus", Timestamps: a.Timestamps})
	_, _ = io.WriteString(m, content) // a meter never fails
	c := m.Content()
	e := &evidence.Entry{Kind: evidence.KindLog, Window: &w, Content: &c,
		Source: &evidence.Source{Plugin: "test", Timestamps: a.Timestamps, Complete: true}}
	if content != "" {
		stored := Compress(a.t, content)
		e.Object = &evidence.Object{Key: evidence.ObjectKey(a.ID, w, 1), Bytes: int64(len(stored)), SHA256: sha256.Sum256(stored)}
		a.Store.Objects[e.Object.Key] = stored
	}
	return a.Append(e)
}

// Chain is what a caller hands to dataset.Open.
func (a *Archive) Chain() dataset.Chain {
	return dataset.Chain{ID: a.ID, Entries: a.Entries,
		Head: dataset.Head{Size: int64(len(a.Entries)), Root: "cm9vdA==", Key: "rainlogs/test", Pinned: true}}
}

// Open opens the archive's dataset of a range and closes it with the test.
func (a *Archive) Open(opts dataset.Options) *dataset.Dataset {
	a.t.Helper()
	if opts.TempDir == "" {
		opts.TempDir = a.t.TempDir()
	}
	d, err := dataset.Open(context.Background(), a.Store, []dataset.Chain{a.Chain()}, opts)
	if err != nil {
		a.t.Fatal(err)
	}
	a.t.Cleanup(func() {
		if err := d.Close(); err != nil {
			a.t.Error(err)
		}
	})
	return d
}

// Compress returns content in the seekable zstd format, a frame for each 64 KiB.
func Compress(t testing.TB, content string) []byte {
	t.Helper()
	enc, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w, err := seekable.NewWriter(&out, enc)
	if err != nil {
		t.Fatal(err)
	}
	for b := []byte(content); len(b) > 0; {
		n := min(len(b), 64<<10)
		if _, err := w.Write(b[:n]); err != nil {
			t.Fatal(err)
		}
		b = b[n:]
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := enc.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// Store is a store in memory that counts.
type Store struct {
	mu      sync.Mutex
	Objects map[string][]byte
	Fetched []string // keys, in the order of Get

	modified map[string]time.Time // of what was Put
}

// Get implements dataset.Objects.
func (s *Store) Get(_ context.Context, key string, _, _ int64) (io.ReadCloser, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Fetched = append(s.Fetched, key)
	b, ok := s.Objects[key]
	if !ok {
		return nil, storage.ErrNotFound
	}
	return io.NopCloser(bytes.NewReader(b)), nil
}

// Local is the same store with its objects as files of a folder.
type Local struct {
	*Store
	Dir string
}

// NewLocal writes the store's objects into a folder of the test's.
func (a *Archive) NewLocal() *Local {
	a.t.Helper()
	l := &Local{a.Store, a.t.TempDir()}
	for key, b := range a.Store.Objects {
		path, _ := l.LocalPath(context.Background(), key)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			a.t.Fatal(err)
		}
		if err := os.WriteFile(path, b, 0o600); err != nil {
			a.t.Fatal(err)
		}
	}
	return l
}

// LocalPath implements dataset.LocalPather.
func (l *Local) LocalPath(_ context.Context, key string) (string, error) {
	return filepath.Join(l.Dir, filepath.FromSlash(key)), nil
}
