// Package verifytest makes small archives for tests of the verifier: with a
// writer of its own, so that what the real writer does wrong is not made up for.
// An Archive is a map of files, to be tampered with at will.
package verifytest

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
	"io"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// UUID is the archive's, unless a test takes another.
const UUID = "5b0c2c3e-0d6a-4c1c-8f0e-0d3f6b1a2c4d"

// Archive is a store in memory.
type Archive struct {
	UUID   string
	Files  map[string][]byte
	Chains map[evidence.ChainID]*Chain
	// Opened is called before each Get, if set.
	Opened func(key string) error
	// Modified is when every file was, as the store says.
	Modified time.Time
}

// New returns an archive that holds its descriptor alone.
func New(key Key) *Archive {
	a := &Archive{UUID: UUID, Files: map[string][]byte{}, Chains: map[evidence.ChainID]*Chain{}}
	a.Descriptor(key)
	return a
}

// Descriptor writes rainlogs.json with the key's public half.
func (a *Archive) Descriptor(key Key) {
	b, err := evidence.EncodeDescriptor(evidence.Descriptor{
		Format: evidence.FormatName, V: evidence.Version, Archive: a.UUID, VKey: key.Public(a.UUID).VKey(),
	})
	must(err)
	a.Files[evidence.DescriptorKey] = b
}

// Clone copies the files; the chains are not grown further.
func (a *Archive) Clone() *Archive {
	c := &Archive{UUID: a.UUID, Files: map[string][]byte{}}
	for k, b := range a.Files {
		c.Files[k] = bytes.Clone(b)
	}
	return c
}

// Write puts the archive into a folder.
func (a *Archive) Write(dir string) error {
	for key, b := range a.Files {
		path := filepath.Join(dir, filepath.FromSlash(key))
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			return fmt.Errorf("write archive: %w", err)
		}
		if err := os.WriteFile(path, b, 0o600); err != nil {
			return fmt.Errorf("write archive: %w", err)
		}
	}
	return nil
}

// Keys are the files' keys with a prefix, sorted.
func (a *Archive) Keys(prefix string) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(a.Files)), func(k string) bool { return !strings.HasPrefix(k, prefix) })
}

// Get implements the verifier's store.
func (a *Archive) Get(_ context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	if a.Opened != nil {
		if err := a.Opened(key); err != nil {
			return nil, err
		}
	}
	b, ok := a.Files[key]
	if !ok {
		return nil, fmt.Errorf("%s: %w", key, storage.ErrNotFound)
	}
	b = b[min(offset, int64(len(b))):]
	if length >= 0 {
		b = b[:min(length, int64(len(b)))]
	}
	return io.NopCloser(bytes.NewReader(b)), nil
}

// Stat implements the verifier's store.
func (a *Archive) Stat(_ context.Context, key string) (storage.Info, error) {
	b, ok := a.Files[key]
	if !ok {
		return storage.Info{}, fmt.Errorf("%s: %w", key, storage.ErrNotFound)
	}
	return storage.Info{Key: key, Size: int64(len(b)), Modified: a.Modified}, nil
}

// List implements the verifier's store.
func (a *Archive) List(_ context.Context, prefix, after string) iter.Seq2[storage.Info, error] {
	return func(yield func(storage.Info, error) bool) {
		for _, k := range a.Keys(prefix) {
			if k > after && !yield(storage.Info{Key: k, Size: int64(len(a.Files[k])), Modified: a.Modified}, nil) {
				return
			}
		}
	}
}

// Key is a signing key.
type Key struct{ private ed25519.PrivateKey }

// NewKey derives a key from a number.
func NewKey(n byte) Key {
	return Key{ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize))}
}

// Public returns the key to pin.
func (k Key) Public(archive string) evidence.PublicKey {
	p, err := evidence.ParseVKey(k.vkey(evidence.KeyName(archive)))
	must(err)
	return p
}

// Signer signs under a chain's origin.
func (k Key) Signer(origin string) Signer { return Signer{k, origin} }

// Signer is a note.Signer.
type Signer struct {
	key    Key
	origin string
}

// Name implements note.Signer.
func (s Signer) Name() string { return s.origin }

// KeyHash implements note.Signer.
func (s Signer) KeyHash() uint32 {
	text := strings.SplitN(s.key.vkey(s.origin), "+", 3)[1]
	b, err := hex.DecodeString(text)
	must(err)
	return uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
}

// Sign implements note.Signer.
func (s Signer) Sign(msg []byte) ([]byte, error) { return ed25519.Sign(s.key.private, msg), nil }

func must(err error) {
	if err != nil {
		panic(err)
	}
}
