package evidence_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/gowebpki/jcs"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// FuzzDecodeEntry: whatever is taken is in canonical form by the word of
// another implementation, and what it says survives Encode. Where it holds nothing
// but what Encode writes, the bytes are the same.
func FuzzDecodeEntry(f *testing.F) {
	good, err := evidence.Encode(logEntry())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(bytes.Replace(good, []byte(`"zone":`), []byte(`"zebra":{"a":[1,2]},"zone":`), 1))
	f.Add(bytes.Replace(good, []byte(`13:00:00Z`), []byte(`13:00:00.0Z`), 1))
	f.Add(bytes.Replace(good, []byte(`"zone":"`), []byte(`"zone":"\u00e9`), 1))
	f.Add([]byte(`{"v":2}`))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := evidence.Decode(b)
		if err != nil {
			return
		}
		want, err := jcs.Transform(b)
		if err != nil || !bytes.Equal(want, b) {
			t.Fatalf("taken, and not canonical (%v):\n%q\n%q", err, b, want)
		}
		again, err := evidence.Encode(e)
		if errors.Is(err, evidence.ErrTooLarge) {
			return
		}
		if err != nil {
			t.Fatalf("taken, and not to be encoded: %v\n%q", err, b)
		}
		if len(again) > len(b) { // members of zero value that were left out
			again = b
		}
		second, err := evidence.Decode(again)
		if err != nil {
			t.Fatalf("its own encoding is refused: %v\n%q", err, again)
		}
		if third, err := evidence.Encode(second); err != nil || len(third) < len(again) && !bytes.Equal(third, again) {
			t.Fatalf("no fixed point (%v):\n%q\n%q", err, again, third)
		}
	})
}

// FuzzBundle: decode∘encode is the identity on whatever is taken.
func FuzzBundle(f *testing.F) {
	b, err := evidence.EncodeBundle([][]byte{[]byte("one"), {}, []byte("three")})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b, 3)
	f.Add(b[:len(b)-1], 3)
	f.Add(append(bytes.Clone(b), 0), 3)
	f.Add(binary.BigEndian.AppendUint16(nil, 65535), 1)
	f.Add([]byte(nil), 0)
	f.Fuzz(func(t *testing.T, b []byte, width int) {
		entries, err := evidence.DecodeBundle(b, width)
		if err != nil {
			return
		}
		if len(entries) != width {
			t.Fatalf("%d entries, want %d", len(entries), width)
		}
		again, err := evidence.EncodeBundle(entries)
		if err != nil || !bytes.Equal(again, b) {
			t.Fatalf("%q becomes %q (%v)", b, again, err)
		}
	})
}

// FuzzCheckpoint: nothing panics, and what is taken with a signature is what
// was signed: no other text passes under that key.
func FuzzCheckpoint(f *testing.F) {
	const origin = "rainlogs/5b0c2c3e-0d6a-4c1c-8f0e-0d3f6b1a2c4d/" + zone + "/http_requests"
	skey, vkey, err := note.GenerateKey(bytes.NewReader(bytes.Repeat([]byte{7}, ed25519.SeedSize)), origin)
	if err != nil {
		f.Fatal(err)
	}
	signer, err := note.NewSigner(skey)
	if err != nil {
		f.Fatal(err)
	}
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		f.Fatal(err)
	}
	cp := evidence.Checkpoint{Origin: origin, Size: 42, Root: tlog.Hash{1, 2, 3}}
	signed, err := evidence.SignCheckpoint(cp, signer)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(signed)
	f.Add(bytes.Replace(signed, []byte("\n42\n"), []byte("\n042\n"), 1))
	f.Add([]byte(strings.Repeat("a\n", 100)))
	f.Fuzz(func(t *testing.T, b []byte) {
		if got, err := evidence.OpenCheckpoint(b, origin, verifier); err == nil && got != cp {
			t.Fatalf("%+v was never signed", got)
		}
		got, err := evidence.ParseCheckpoint(b, origin)
		if err != nil {
			return
		}
		if got.Origin != origin || got.Size < 0 || !bytes.HasPrefix(b, []byte(got.Text()[:len(got.Text())-1])) {
			t.Fatalf("%q is read as %+v", b, got)
		}
	})
}
