package server

import (
	"bufio"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"
)

const (
	// unpackedBytes bounds the memory of what is unpacked at one time, however
	// many are sent it.
	unpackedBytes = 24 << 20
	// frameRoom is what a frame of the collector's takes: 1 MiB, and what its last read had more.
	frameRoom = 3 << 19
	// kept is the longest memory that is used again.
	kept = 2 << 20
	// grace is how long who waits for its client keeps its memory in any case: most
	// waits are shorter, and a frame is not unpacked for each chunk of it.
	grace = 5 * time.Millisecond
)

// lender lends memory for unpacked frames. While who has some waits for its
// client, the memory may be lent to another: a slow client costs no memory, but
// that its frame is unpacked again when it goes on.
type lender struct {
	dec   *zstd.Decoder // of whole frames; safe for concurrent use
	turns chan *turn    // taken by who has a loan, for as long as an object is read and unpacked
	spare sync.Pool     // of *[]byte, until nobody needs them

	mu      sync.Mutex // guards what follows
	freed   *sync.Cond
	left    int
	idle    []*loan // of who waits, the longest first
	waiting int     // who wants memory
	armed   bool    // one of them will be woken
}

// loan is memory for one frame.
type loan struct {
	b     []byte
	size  int
	since time.Time // it rests
	lost  bool      // lent to another
}

// turn is what unpacking takes beside the memory for the content.
type turn struct {
	in     *bufio.Reader
	packed []byte
}

func newLender(bytes int) (*lender, error) {
	// The decoders are as many as there are cores; a frame waits for one of them.
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(maxFrame))
	if err != nil {
		return nil, fmt.Errorf("open zstd decoder: %w", err)
	}
	l := &lender{dec: dec, left: bytes, turns: make(chan *turn, runtime.GOMAXPROCS(0)+1)} // one reads while all others unpack
	for range cap(l.turns) {
		l.turns <- &turn{in: bufio.NewReaderSize(nil, readAhead)}
	}
	l.freed = sync.NewCond(&l.mu)
	return l, nil
}

// take lends memory for a frame, which is at most maxFrame. It waits for who is
// at work, and for no client longer than grace.
func (l *lender) take(size int) *loan {
	size = max(size, frameRoom)
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.left < size {
		if len(l.idle) > 0 {
			first := l.idle[0]
			rested := time.Since(first.since)
			if rested >= grace {
				l.idle = slices.Delete(l.idle, 0, 1)
				first.lost = true
				l.back(first)
				continue
			}
			l.arm(grace - rested)
		}
		l.waiting++
		l.freed.Wait()
		l.waiting--
	}
	l.left -= size
	out := &loan{size: size}
	if size <= kept {
		if b, ok := l.spare.Get().(*[]byte); ok {
			out.b = *b
		}
	}
	l.freed.Signal() // there may be enough for the next, too
	return out
}

// arm has one who waits look again after a time. The lock is held.
func (l *lender) arm(d time.Duration) {
	if l.armed {
		return
	}
	l.armed = true
	time.AfterFunc(d, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.armed = false
		l.freed.Signal()
	})
}

// back takes memory back. The lock is held.
func (l *lender) back(n *loan) {
	l.left += n.size
	if b := n.b[:0]; cap(b) > 0 && cap(b) <= kept {
		l.spare.Put(&b)
	}
	n.b = nil
	l.freed.Signal()
}

// rest says that who has the loan waits.
func (l *lender) rest(n *loan) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n.since = time.Now()
	l.idle = append(l.idle, n)
	if l.waiting > 0 {
		l.arm(grace)
	}
}

// resume reports whether a loan that rested is still there, and ends its rest.
func (l *lender) resume(n *loan) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if i := slices.Index(l.idle, n); i >= 0 {
		l.idle = slices.Delete(l.idle, i, i+1)
	}
	return !n.lost
}

// give gives a loan back, resting or not; nil and what is lost are nothing.
func (l *lender) give(n *loan) {
	if n == nil || !l.resume(n) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.back(n)
}
