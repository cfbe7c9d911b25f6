package server

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
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
			stored := &summed{in: readOnce(object, i%2 == 0), hash: sha256.New(), most: e.Object.Bytes}
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

// readOnce is an object as a plugin sends it, or as a file.
func readOnce(object []byte, once bool) io.Reader {
	if once {
		return io.MultiReader(bytes.NewReader(object))
	}
	return bytes.NewReader(object)
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
		stored := &summed{in: readOnce(object, n%2 == 0), hash: sha256.New(), most: e.Object.Bytes}
		out := newHeld(&brokenAfter{n: n * 10, err: gone}, section{size: e.Content.Bytes})
		if err := asReceived(t.Context(), out, newFrames(l, stored), stored, e); !errors.Is(err, gone) {
			t.Errorf("error is %v", err)
		}
	}
	if l.left != unpackedBytes || len(l.idle) != 0 || len(l.turns) != cap(l.turns) {
		t.Errorf("%d bytes are left, %d rest, %d of %d turns are free", l.left, len(l.idle), len(l.turns), cap(l.turns))
	}
}

// What was lent to many is nobody's in the end, and collected.
func TestLenderKeepsNothing(t *testing.T) { //nolint:paralleltest // it measures
	l, err := newLender(unpackedBytes)
	if err != nil {
		t.Fatal(err)
	}
	before := heap()
	var loans []*loan
	for range unpackedBytes / frameRoom {
		n := l.take(frameRoom)
		n.b = make([]byte, frameRoom)
		loans = append(loans, n)
	}
	for _, n := range loans {
		l.give(n)
	}
	clear(loans)
	heap() // a pool keeps until the second collection
	if after := heap(); after > before+unpackedBytes/4 {
		t.Errorf("%d MiB are left, before there were %d", after>>20, before>>20)
	}
	runtime.KeepAlive(l)
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
		once, errOnce := unpackAll(l, readOnce(object, true))
		there, errThere := unpackAll(l, readOnce(object, false))
		if !bytes.Equal(once, there) || (errOnce == nil) != (errThere == nil) {
			t.Fatalf("as a stream it is %d bytes and %v, as a file %d bytes and %v", len(once), errOnce, len(there), errThere)
		}
		if errOnce != nil && !errors.Is(errOnce, errNotSealed) {
			t.Fatal(errOnce)
		}
	})
}

// unpackAll returns what an object begins with, and has each frame unpacked twice.
func unpackAll(l *lender, object io.Reader) ([]byte, error) {
	in := newFrames(l, &summed{in: object, hash: sha256.New(), most: 1 << 30})
	defer in.close()
	var all []byte
	for total := 0; total < 64<<20; {
		if err := in.next(); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return all, err
		}
		b, err := in.content()
		if err != nil {
			return all, err
		}
		all = append(all, b[:min(len(b), 1<<10)]...)
		in.close() // as if it had been lent to another
		again, err := in.content()
		if err != nil || !bytes.Equal(again[:min(len(again), 1<<10)], all[len(all)-min(len(b), 1<<10):]) {
			return all, fmt.Errorf("the second time it is %d bytes and %w", len(again), err)
		}
		total += len(b) + 1
	}
	return all, nil
}

// An object that changes while it is sent is never sent to its end.
func TestFrameChanges(t *testing.T) {
	t.Parallel()
	l, err := newLender(unpackedBytes)
	if err != nil {
		t.Fatal(err)
	}
	object, other := packAs(t, bytes.Repeat([]byte("a"), 1000)), packAs(t, bytes.Repeat([]byte("a"), 900))
	if len(object) != len(other) {
		t.Fatalf("the objects have %d and %d bytes", len(object), len(other))
	}
	in := newFrames(l, &summed{in: bytes.NewReader(object), hash: sha256.New(), most: 1 << 20})
	defer in.close()
	if err := in.next(); err != nil {
		t.Fatal(err)
	}
	if b, err := in.content(); err != nil || len(b) != 1000 {
		t.Fatalf("%d bytes, %v", len(b), err)
	}
	in.close()
	copy(object, other)
	if b, err := in.content(); !errors.Is(err, errNotSealed) || !strings.Contains(err.Error(), "has changed") {
		t.Errorf("%d bytes, %v", len(b), err)
	}
}
