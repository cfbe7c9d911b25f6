package s3

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/fabriziosalmi/rainlogs/internal/s3test"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

func TestMain(m *testing.M) { s3test.Main(m) }

// hasty are limits that let faults end within a test's time.
func hasty() limits {
	return limits{
		attempts: 3, backoff: 20 * time.Millisecond, answer: 5 * time.Second, slowest: 10 << 20, stall: 500 * time.Millisecond,
		settle: 10 * time.Millisecond, recent: time.Minute, parts: 1000, page: 1000,
	}
}

// settings of a store at an endpoint, with the smallest parts that S3 allows.
func settings(endpoint, bucket string, key s3test.Key) Config {
	return Config{
		Endpoint: endpoint, Region: s3test.Region, Bucket: bucket, PathStyle: true,
		Credentials: Credentials{AccessKeyID: key.ID, SecretAccessKey: key.Secret},
		PartSize:    minPart, Concurrency: 2,
		Log: slog.New(slog.DiscardHandler), limits: hasty(),
	}
}

func open(t testing.TB, c Config) *Store {
	t.Helper()
	s, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// noise returns n bytes that do not compress, the same for the same seed.
func noise(seed uint64, n int) []byte {
	var key [32]byte
	key[0] = byte(seed)
	b := make([]byte, n)
	_, _ = rand.NewChaCha8(key).Read(b) // never fails
	return b
}

func request(key string, content []byte) storage.PutRequest {
	sum := sha256.Sum256(content)
	return storage.PutRequest{Key: key, Size: int64(len(content)), SHA256: hex.EncodeToString(sum[:])}
}

func put(ctx context.Context, s storage.Storage, key string, content []byte) error {
	_, err := s.Put(ctx, request(key, content), bytes.NewReader(content))
	return err
}

func mustPut(t testing.TB, s storage.Storage, key string, content []byte) {
	t.Helper()
	if err := put(t.Context(), s, key, content); err != nil {
		t.Fatal(err)
	}
}

func get(ctx context.Context, s storage.Storage, key string) ([]byte, error) {
	r, err := s.Get(ctx, key, 0, -1)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(r)
	return b, errors.Join(err, r.Close())
}

// wantContent fails the test unless the object is exactly content.
func wantContent(t testing.TB, s storage.Storage, key string, content []byte) {
	t.Helper()
	have, err := get(t.Context(), s, key)
	if err != nil || !bytes.Equal(have, content) {
		t.Errorf("get %s: %d bytes, %v, want %d", key, len(have), err, len(content))
	}
}
