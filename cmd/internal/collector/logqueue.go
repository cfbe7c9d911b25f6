package collector

import (
	"io"
	"sync"
)

// maxQueued bounds what waits to be written to the log, in bytes: who logs more waits.
const maxQueued = 1 << 20

// logQueue has one goroutine write what is logged, in its order, and all that has come
// since its last write at once. A logger that writes itself holds its lock while the
// kernel does so: on one core, at 2,000 requests a second, that lock was what requests
// waited for most. A kill or a crash loses what came since the last write began.
type logQueue struct {
	to   io.Writer
	done chan struct{}

	mu     sync.Mutex
	came   sync.Cond // lines to write, or the end
	taken  sync.Cond // there is room again
	lines  []byte
	closed bool
}

func newLogQueue(to io.Writer) *logQueue {
	q := &logQueue{to: to, done: make(chan struct{})}
	q.came.L, q.taken.L = &q.mu, &q.mu
	go q.work()
	return q
}

// Write implements io.Writer. It never fails: there is nowhere to tell of a log that
// cannot be written.
func (q *logQueue) Write(line []byte) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.lines) >= maxQueued && !q.closed {
		q.taken.Wait()
	}
	if q.closed {
		_, _ = q.to.Write(line)
		return len(line), nil
	}
	if q.lines = append(q.lines, line...); len(q.lines) == len(line) {
		q.came.Signal()
	}
	return len(line), nil
}

func (q *logQueue) work() {
	defer close(q.done)
	var lines []byte
	for {
		q.mu.Lock()
		for len(q.lines) == 0 && !q.closed {
			q.came.Wait()
		}
		if lines, q.lines = q.lines, lines[:0]; len(lines) == 0 {
			q.mu.Unlock()
			return
		}
		q.taken.Broadcast()
		q.mu.Unlock()
		_, _ = q.to.Write(lines)
	}
}

// Close returns once all is written. What is logged later is written at once.
func (q *logQueue) Close() {
	q.mu.Lock()
	q.closed = true
	q.came.Signal()
	q.taken.Broadcast()
	q.mu.Unlock()
	<-q.done
}
