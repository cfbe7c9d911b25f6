package standard_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/fabriziosalmi/rainlogs/plugins/storage/fs"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

const benchSize = 64 << 20

func benchContent() ([]byte, storage.PutRequest) {
	content := bytes.Repeat([]byte("0123456789abcdef"), benchSize/16)
	sum := sha256.Sum256(content)
	return content, storage.PutRequest{Size: benchSize, SHA256: hex.EncodeToString(sum[:])}
}

// stores are the same plugin behind its process and without it.
func stores(b *testing.B, run func(*testing.B, storage.Storage)) {
	b.Run("direct", func(b *testing.B) {
		f, err := fs.Open(b.TempDir())
		if err != nil {
			b.Fatal(err)
		}
		defer func() { _ = f.Close() }()
		run(b, f)
	})
	b.Run("process", func(b *testing.B) { run(b, launchFS(b, newHost(b))) })
}

func BenchmarkPut(b *testing.B) {
	content, req := benchContent()
	stores(b, func(b *testing.B, s storage.Storage) {
		b.SetBytes(benchSize)
		for i := 0; b.Loop(); i++ {
			req.Key = fmt.Sprintf("bench/%06d", i)
			if _, err := s.Put(context.Background(), req, bytes.NewReader(content)); err != nil {
				b.Fatal(err)
			}
			b.StopTimer()
			if err := s.Delete(context.Background(), req.Key); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
		}
	})
}

func BenchmarkGet(b *testing.B) {
	content, req := benchContent()
	stores(b, func(b *testing.B, s storage.Storage) {
		req.Key = "bench"
		if _, err := s.Put(context.Background(), req, bytes.NewReader(content)); err != nil {
			b.Fatal(err)
		}
		b.SetBytes(benchSize)
		for b.Loop() {
			r, err := s.Get(context.Background(), "bench", 0, -1)
			if err != nil {
				b.Fatal(err)
			}
			n, err := io.Copy(io.Discard, r)
			if err := errors.Join(err, r.Close()); err != nil || n != benchSize {
				b.Fatal(n, err)
			}
		}
	})
}

func BenchmarkStat(b *testing.B) {
	content, req := benchContent()
	stores(b, func(b *testing.B, s storage.Storage) {
		req.Key = "bench"
		if _, err := s.Put(context.Background(), req, bytes.NewReader(content)); err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			if _, err := s.Stat(context.Background(), "bench"); err != nil {
				b.Fatal(err)
			}
		}
	})
}
