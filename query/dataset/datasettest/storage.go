package datasettest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

var _ storage.Storage = (*Store)(nil)

// Put implements storage.Storage.
func (s *Store) Put(_ context.Context, req storage.PutRequest, body io.Reader) (storage.Info, error) {
	if !storage.ValidKey(req.Key) {
		return storage.Info{}, storage.ErrInvalidKey
	}
	b, err := io.ReadAll(body)
	if err != nil {
		return storage.Info{}, err
	}
	if int64(len(b)) != req.Size || hexDigest(b) != req.SHA256 {
		return storage.Info{}, storage.ErrCorrupt
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	old, there := s.Objects[req.Key]
	switch {
	case req.Replaces == "" && there:
		return storage.Info{}, storage.ErrExists
	case req.Replaces != "" && (!there || hexDigest(old) != req.Replaces):
		return storage.Info{}, storage.ErrChanged
	}
	s.Objects[req.Key] = b
	s.touch(req.Key)
	return s.info(req.Key), nil
}

func hexDigest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func (s *Store) touch(key string) {
	if s.modified == nil {
		s.modified = map[string]time.Time{}
	}
	s.modified[key] = time.Now()
}

func (s *Store) info(key string) storage.Info {
	return storage.Info{Key: key, Size: int64(len(s.Objects[key])), Modified: s.modified[key].UTC()}
}

// Stat implements storage.Storage.
func (s *Store) Stat(_ context.Context, key string) (storage.Info, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.Objects[key]; !ok {
		return storage.Info{}, storage.ErrNotFound
	}
	return s.info(key), nil
}

// List implements storage.Storage.
func (s *Store) List(_ context.Context, prefix, after string) iter.Seq2[storage.Info, error] {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []storage.Info
	for key := range s.Objects {
		if strings.HasPrefix(key, prefix) && key > after {
			found = append(found, s.info(key))
		}
	}
	slices.SortFunc(found, func(a, b storage.Info) int { return strings.Compare(a.Key, b.Key) })
	return func(yield func(storage.Info, error) bool) {
		for _, info := range found {
			if !yield(info, nil) {
				return
			}
		}
	}
}

// Delete implements storage.Storage.
func (s *Store) Delete(_ context.Context, key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.Objects[key]; !ok {
		return storage.ErrNotFound
	}
	delete(s.Objects, key)
	return nil
}

// Keys returns the keys below a prefix, ascending.
func (s *Store) Keys(prefix string) (keys []string) {
	for info := range s.List(context.Background(), prefix, "") {
		keys = append(keys, info.Key)
	}
	return keys
}
