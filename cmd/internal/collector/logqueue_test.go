package collector

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"
)

// slowWriter writes when it is let.
type slowWriter struct {
	began, let chan struct{}

	mu     sync.Mutex
	buf    bytes.Buffer
	writes int
}

func (w *slowWriter) Write(b []byte) (int, error) {
	w.began <- struct{}{}
	<-w.let
	w.mu.Lock()
	defer w.mu.Unlock()
	w.writes++
	return w.buf.Write(b)
}

// TestLogQueue: what is logged while the log is written waits for nobody, and comes
// whole, in its order, in one piece.
func TestLogQueue(t *testing.T) {
	t.Parallel()
	w := &slowWriter{began: make(chan struct{}, 10), let: make(chan struct{})}
	q := newLogQueue(w)
	var want strings.Builder
	log := func(i int) {
		line := fmt.Sprintf("line %d\n", i)
		want.WriteString(line)
		if n, err := q.Write([]byte(line)); n != len(line) || err != nil {
			t.Fatalf("%d, %v", n, err)
		}
	}
	log(0)
	<-w.began
	for i := range 1000 {
		log(1 + i)
	}
	close(w.let)
	q.Close()
	if w.writes != 2 {
		t.Errorf("%d writes, not the first line and then all others", w.writes)
	}
	log(2000) // after the end
	if got := w.buf.String(); got != want.String() {
		t.Errorf("wrote %d bytes, not the %d that were logged in their order", len(got), want.Len())
	}
}

// TestLogQueueFull: more than there is room for waits, and nothing is lost.
func TestLogQueueFull(t *testing.T) {
	t.Parallel()
	w := &slowWriter{began: make(chan struct{}, 1000), let: make(chan struct{})}
	q := newLogQueue(w)
	line := append(bytes.Repeat([]byte("x"), 64<<10), '\n')
	const writers, each = 8, 10
	var all sync.WaitGroup
	for range writers {
		all.Go(func() {
			for range each {
				_, _ = q.Write(line)
			}
		})
	}
	<-w.began
	close(w.let)
	all.Wait()
	q.mu.Lock()
	if most := maxQueued + len(line); cap(q.lines) > 2*most {
		t.Errorf("%d bytes are kept, where %d may wait", cap(q.lines), most)
	}
	q.mu.Unlock()
	q.Close()
	if got := w.buf.Len(); got != writers*each*len(line) {
		t.Errorf("%d bytes, want %d", got, writers*each*len(line))
	}
}
