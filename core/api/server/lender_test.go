package server

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// Many that wait for their clients share memory for a few frames, and each gets
// its own bytes.
func TestLenderIsShared(t *testing.T) {
	t.Parallel()
	l, err := newLender(2*frameRoom + 1)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 8 {
		content := bytes.Repeat(fmt.Appendf(nil, "{\"client\":%d}\n", i), (3<<20)/14)
		object := packAs(t, content)
		wg.Go(func() {
			e := &evidence.Entry{
				Content: &evidence.Content{Bytes: int64(len(content)), SHA256: sha256.Sum256(content)},
				Object:  &evidence.Object{Bytes: int64(len(object)), SHA256: sha256.Sum256(object)},
			}
			got := dawdler{every: 7}
			stored := &summed{in: bytes.NewReader(object), hash: sha256.New(), most: e.Object.Bytes}
			if err := asReceived(t.Context(), newHeld(&got, section{size: e.Content.Bytes}), newFrames(l, stored), stored, e); err != nil {
				t.Error(err)
			}
			if !bytes.Equal(got.Bytes(), content) {
				t.Errorf("client %d got %d bytes of others", i, got.Len())
			}
		})
	}
	wg.Wait()
	if l.left != 2*frameRoom+1 || len(l.idle) != 0 {
		t.Errorf("%d bytes are left and %d rest when all have ended", l.left, len(l.idle))
	}
}

// dawdler takes longer than grace for some of its chunks.
type dawdler struct {
	bytes.Buffer
	n, every int
}

func (d *dawdler) Write(b []byte) (int, error) {
	if d.n++; d.n%d.every == 0 {
		<-time.NewTimer(3 * grace).C
	}
	return d.Buffer.Write(b)
}

// Who ends in the middle gives back what it had.
func TestLenderGetsAllBack(t *testing.T) {
	t.Parallel()
	l, err := newLender(unpackedBytes)
	if err != nil {
		t.Fatal(err)
	}
	content := bytes.Repeat([]byte("{\"a\":1}\n"), 400_000)
	object := packAs(t, content)
	e := &evidence.Entry{
		Content: &evidence.Content{Bytes: int64(len(content)), SHA256: sha256.Sum256(content)},
		Object:  &evidence.Object{Bytes: int64(len(object)), SHA256: sha256.Sum256(object)},
	}
	gone := errors.New("the client is gone")
	for n := range 5 {
		stored := &summed{in: bytes.NewReader(object), hash: sha256.New(), most: e.Object.Bytes}
		out := newHeld(&brokenAfter{n: n * 10, err: gone}, section{size: e.Content.Bytes})
		if err := asReceived(t.Context(), out, newFrames(l, stored), stored, e); !errors.Is(err, gone) {
			t.Errorf("error is %v", err)
		}
	}
	if l.left != unpackedBytes || len(l.idle) != 0 {
		t.Errorf("%d bytes are left and %d rest", l.left, len(l.idle))
	}
}

type brokenAfter struct {
	n   int
	err error
}

func (w *brokenAfter) Write(b []byte) (int, error) {
	if w.n--; w.n < 0 {
		return 0, w.err
	}
	return len(b), nil
}

// FuzzPacked: nothing panics, and what is taken has the digest that it must have.
func FuzzPacked(f *testing.F) {
	l, err := newLender(unpackedBytes)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(packAs(f, []byte("{\"a\":1}\n")))
	f.Add([]byte{0x28, 0xb5, 0x2f, 0xfd, 0x20, 1, 7, 0, 0})
	f.Add([]byte{0x5e, 0x2a, 0x4d, 0x18, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, object []byte) {
		in := newFrames(l, bytes.NewReader(object))
		defer in.close()
		for total := 0; total < 64<<20; {
			err := in.next()
			var b []byte
			if err == nil {
				b, err = in.content()
			}
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				if !errors.Is(err, errNotSealed) {
					t.Fatal(err)
				}
				return
			}
			total += len(b) + 1
		}
	})
}
