// Package storagetest is the conformance suite of the storage port: each
// subtest is one MUST of storage.Storage. A storage that passes can keep an
// archive.
package storagetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"math/rand/v2"
	"time"

	"github.com/fabriziosalmi/rainlogs/sdk/conformance"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// Run checks a storage. open is called once for each subtest and MUST return
// an empty storage every time; what it needs to be taken down again is for
// t.Cleanup. Subtests run in parallel. Under go test, R is *testing.T.
func Run[R conformance.Runner[R]](t R, open func(t R) storage.Storage) {
	t.Helper()
	tests := []struct {
		name string
		run  func(conformance.T, storage.Storage)
	}{
		{"PutThenRead", testPutThenRead},
		{"EmptyObject", testEmptyObject},
		{"LargeObject", testLargeObject},
		{"OnlyIfAbsent", testOnlyIfAbsent},
		{"OneOfManyWritersWins", testOneOfManyWritersWins},
		{"WrongBytesLeaveNoTrace", testWrongBytesLeaveNoTrace},
		{"BodyErrorLeavesNoTrace", testBodyErrorLeavesNoTrace},
		{"ReplacesIsCompareAndSwap", testReplaces},
		{"OneOfManyReplacersWins", testOneOfManyReplacersWins},
		{"ReaderNeverSeesPart", testReaderNeverSeesPart},
		{"KeyIsObjectOrPrefix", testKeyIsObjectOrPrefix},
		{"Ranges", testRanges},
		{"NotFound", testNotFound},
		{"Delete", testDelete},
		{"InvalidKeys", testInvalidKeys},
		{"LongestKey", testLongestKey},
		{"ListOrder", testListOrder},
		{"ListStopsWhenAsked", testListStops},
		{"ListMany", testListMany},
		{"CancelledContext", testCancelledContext},
		{"LocalPath", testLocalPath},
		{"Versions", testVersions},
	}
	for _, test := range tests {
		t.Run(test.name, func(t R) {
			t.Parallel()
			test.run(t, open(t))
		})
	}
}

// timeout ends a subtest that hangs.
const timeout = 2 * time.Minute

func contextFor(t conformance.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	t.Cleanup(cancel)
	return ctx
}

// digest returns the lower-case hex SHA-256 of b.
func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// request describes content truthfully.
func request(key string, content []byte) storage.PutRequest {
	return storage.PutRequest{Key: key, Size: int64(len(content)), SHA256: digest(content)}
}

// noise returns n bytes that do not compress, the same for the same seed.
func noise(seed uint64, n int) []byte {
	b := make([]byte, n)
	r := rand.New(rand.NewPCG(seed, 0))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

func mustPut(t conformance.T, s storage.Storage, key string, content []byte) {
	t.Helper()
	info, err := s.Put(contextFor(t), request(key, content), bytes.NewReader(content))
	if err != nil {
		t.Fatalf("put %s: %v", key, err)
	}
	if info.Key != key || info.Size != int64(len(content)) {
		t.Fatalf("put %s: receipt says %s with %d bytes", key, info.Key, info.Size)
	}
}

func read(ctx context.Context, s storage.Storage, key string, offset, length int64) ([]byte, error) {
	r, err := s.Get(ctx, key, offset, length)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(r)
	return b, errors.Join(err, r.Close())
}

// wantContent fails the test unless the object is exactly content.
func wantContent(t conformance.T, s storage.Storage, key string, content []byte) {
	t.Helper()
	have, err := read(contextFor(t), s, key, 0, -1)
	if err != nil {
		t.Fatalf("get %s: %v", key, err)
	}
	if !bytes.Equal(have, content) {
		t.Fatalf("get %s: %d bytes (SHA-256 %s), want %d (%s)", key, len(have), digest(have), len(content), digest(content))
	}
}

// wantAbsent fails the test if there is any trace of the object.
func wantAbsent(t conformance.T, s storage.Storage, key string) {
	t.Helper()
	if _, err := s.Stat(contextFor(t), key); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("stat %s: %v, want ErrNotFound", key, err)
	}
	if _, err := read(contextFor(t), s, key, 0, -1); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("get %s: %v, want ErrNotFound", key, err)
	}
	for _, k := range list(t, s, "", "") {
		if k == key {
			t.Errorf("list: has %s", key)
		}
	}
}

// list returns the keys that List yields.
func list(t conformance.T, s storage.Storage, prefix, after string) []string {
	t.Helper()
	var keys []string
	for info, err := range s.List(contextFor(t), prefix, after) {
		if err != nil {
			t.Fatalf("list %q after %q: %v", prefix, after, err)
		}
		keys = append(keys, info.Key)
	}
	return keys
}
