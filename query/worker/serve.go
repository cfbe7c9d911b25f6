package worker

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fabriziosalmi/rainlogs/query"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
)

// Grace is how long a question may take to end once it was cancelled.
const Grace = time.Second

// ServeConfig is what a worker answers from.
type ServeConfig struct {
	// Open opens what a question is about; progress may be called at any time
	// until it returns. Serve closes the dataset; the engine is the caller's.
	Open func(ctx context.Context, q Question, progress func(done, total int64)) (query.Engine, *dataset.Dataset, error)
	// Classify, if not nil, gives an error its exit code and its hint.
	Classify func(error) (code int, hint string)
	Grace    time.Duration // 0 = Grace
}

// Serve answers questions, one at a time, until in ends or ctx does. If it
// cannot return within Grace of that, it leaves and ends the process. in must be of this process
// alone: it is read by a goroutine that ends with it.
func Serve(ctx context.Context, in io.Reader, out io.Writer, cfg ServeConfig) error {
	if cfg.Grace == 0 {
		cfg.Grace = Grace
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s := &server{cfg: cfg, out: &frameWriter{w: out}, asked: make(chan task)}
	returned := make(chan struct{})
	defer close(returned)
	go s.watch(ctx, returned)
	go func() {
		defer cancel()
		s.listen(ctx, &frameReader{r: in})
	}()
	for {
		select {
		case <-ctx.Done():
			return nil
		case t := <-s.asked:
			err := s.answer(t)
			t.cancel()
			if err != nil && ctx.Err() == nil {
				return err
			}
		}
	}
}

// server is a worker at work.
type server struct {
	cfg   ServeConfig
	out   *frameWriter
	asked chan task

	mu      sync.Mutex
	id      uint64 // of the question under way
	current context.CancelFunc
}

// task is a question and what stops it.
type task struct {
	ctx    context.Context //nolint:containedctx // hands it from the reader of frames to the answerer
	cancel context.CancelFunc
	asked  asked
}

// watch ends the process if the end takes too long. It ends with Serve.
func (s *server) watch(ctx context.Context, returned <-chan struct{}) {
	select {
	case <-returned:
		return
	case <-ctx.Done():
	}
	timer := time.NewTimer(s.cfg.Grace)
	defer timer.Stop()
	select {
	case <-returned:
	case <-timer.C:
		Leave()
		os.Exit(1)
	}
}

// listen takes questions and cancels until the input ends.
func (s *server) listen(ctx context.Context, in *frameReader) {
	for {
		t, payload, err := in.read()
		if err != nil {
			return // the parent is gone, or has lost its mind
		}
		switch t {
		case frameAsk:
			var a asked
			if decode(payload, &a) != nil {
				return
			}
			if !s.take(ctx, a) {
				return
			}
		case frameCancel:
			if len(payload) == 8 {
				s.cancel(binary.BigEndian.Uint64(payload))
			}
		default:
			return
		}
	}
}

// take hands a question on. It can be cancelled from here on.
func (s *server) take(ctx context.Context, a asked) bool {
	asking, cancel := context.WithCancel(ctx)
	s.mu.Lock()
	s.id, s.current = a.ID, cancel
	s.mu.Unlock()
	select {
	case s.asked <- task{asking, cancel, a}:
		return true
	case <-ctx.Done():
		cancel()
		return false
	}
}

func (s *server) cancel(id uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current != nil && s.id == id {
		s.current()
	}
}

// answer answers one question; an error is of the frames.
func (s *server) answer(t task) error {
	p, err := s.try(t)
	if err != nil && t.ctx.Err() != nil && !errors.Is(err, query.ErrInterrupted) && !errors.Is(err, query.ErrTimeout) {
		err = fmt.Errorf("%w: %w", query.ErrInterrupted, err)
	}
	return s.out.message(frameEnd, ending{newFault(err, s.cfg.Classify), p})
}

// try opens, asks and sends the rows.
func (s *server) try(t task) (p *query.Provenance, err error) {
	q, err := t.asked.question()
	if err != nil {
		return nil, err
	}
	m := s.newMeter()
	defer m.stop()
	engine, d, err := s.cfg.Open(t.ctx, q, func(done, total int64) { m.set(Progress{Objects, done, total}) })
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	if err := s.out.write(frameAsking, nil); err != nil {
		return nil, err
	}
	total := linesOf(d)
	res, err := engine.Query(t.ctx, query.Request{
		SQL: q.SQL, Params: q.Params, Counts: q.Counts, Dataset: d,
		Progress: func(lines int64) { m.set(Progress{Lines, min(lines, total), total}) },
	})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, res.Close()) }()
	if err := s.out.message(frameHead, head{res.Columns, bare(res.Provenance)}); err != nil {
		return nil, err
	}
	if err := s.send(res); err != nil {
		return nil, err
	}
	final := bare(res.Provenance)
	return &final, nil
}

// linesOf is how many lines a dataset's objects hold.
func linesOf(d *dataset.Dataset) (n int64) {
	for _, o := range d.Objects() {
		n += o.Entry.Content.Lines
	}
	return n
}

// flushAfter is how long rows wait for company.
const flushAfter = 100 * time.Millisecond

// send sends the rows. The pipe's being full is what holds it back.
func (s *server) send(res *query.Result) error {
	var b []byte
	sent := time.Now()
	for row, err := range res.Rows() {
		if err != nil {
			return errors.Join(err, s.flush(b))
		}
		for _, v := range row {
			if b, err = appendCell(b, v); err != nil {
				return err
			}
		}
		if len(b) < rowsFrame && time.Since(sent) < flushAfter {
			continue
		}
		if err := s.flush(b); err != nil {
			return err
		}
		b, sent = b[:0], time.Now()
		if cap(b) > maxFrame {
			b = nil // it had a huge cell
		}
	}
	return s.flush(b)
}

func (s *server) flush(b []byte) error {
	for len(b) > 0 {
		n := min(len(b), rowsFrame)
		if err := s.out.write(frameRows, b[:n]); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// meter sends progress from time to time: whoever sets it must not wait.
type meter struct {
	last atomic.Pointer[Progress]
	end  chan struct{}
	over sync.WaitGroup
}

// newMeter starts a meter; its goroutine ends with stop.
func (s *server) newMeter() *meter {
	m := &meter{end: make(chan struct{})}
	m.over.Go(func() {
		tick := time.NewTicker(flushAfter)
		defer tick.Stop()
		for {
			select {
			case <-m.end:
				return
			case <-tick.C:
			}
			if p := m.last.Swap(nil); p != nil && s.out.message(frameProgress, *p) != nil {
				return // the answer meets the same error
			}
		}
	})
	return m
}

func (m *meter) set(p Progress) { m.last.Store(&p) }

func (m *meter) stop() {
	close(m.end)
	m.over.Wait()
}
