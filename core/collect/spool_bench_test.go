package collect

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	kgzip "github.com/klauspost/compress/gzip"

	"github.com/fabriziosalmi/rainlogs/sdk/source"
)

// BenchmarkSpool is the one pass that every byte goes through: gunzip, hash,
// line tree, tally, zstd, hash, file. MB/s are of NDJSON.
func BenchmarkSpool(b *testing.B) {
	plain := sampleLines(64 << 20)
	var zipped bytes.Buffer
	w := kgzip.NewWriter(&zipped)
	if _, err := w.Write(plain); err != nil {
		b.Fatal(err)
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(plain)))
	path := filepath.Join(b.TempDir(), "spool")
	dataset := source.Dataset{TimeField: "EdgeStartTimestamp", ClassField: "EdgeResponseStatus"}
	press, err := newPress()
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		st := &source.Stream{
			Encoding: source.Gzip, Timestamps: source.UnixNano, Body: io.NopCloser(bytes.NewReader(zipped.Bytes())),
			Trailer: func() (source.Trailer, error) { return source.Trailer{Lines: -1}, nil },
		}
		s, err := press.spool(b.Context(), path, st, dataset, spoolLimits{1 << 40})
		if err != nil {
			b.Fatal(err)
		}
		if s.content.Bytes != int64(len(plain)) {
			b.Fatalf("%d bytes", s.content.Bytes)
		}
	}
}

// sampleLines makes records about as long and as compressible as Cloudflare's.
func sampleLines(size int) []byte {
	rng := rand.New(rand.NewPCG(1, 1))
	var b bytes.Buffer
	at := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC).UnixNano()
	for b.Len() < size {
		at += rng.Int64N(1e7)
		fmt.Fprintf(&b, `{"EdgeStartTimestamp":%d,"EdgeResponseStatus":%d`, at, 200+100*rng.IntN(4))
		for i := range 60 {
			fmt.Fprintf(&b, `,"FieldNumber%d":`, i)
			switch i % 4 {
			case 0:
				fmt.Fprintf(&b, `"10.%d.%d.%d"`, rng.IntN(4), rng.IntN(256), rng.IntN(256))
			case 1:
				fmt.Fprintf(&b, "%d", rng.IntN(100))
			case 2:
				b.WriteString(`"unknown"`)
			case 3:
				b.WriteString("false")
			}
		}
		fmt.Fprintf(&b, `,"RayID":"%016x"}`+"\n", rng.Uint64())
	}
	return b.Bytes()
}
