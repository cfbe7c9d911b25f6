package duckdb

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// spare keeps one instance ready for the next request. The zero value has none.
type spare struct {
	mu     sync.Mutex
	ready  *session
	coming chan struct{} // closed when the one that is being opened is there, nil if none is
	closed bool
	stop   context.CancelFunc
}

// put keeps an instance for the next request.
func (p *spare) put(s *session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ready = s
}

// take gives away the instance, nil if there is none. One that is being opened
// is waited for: it is there sooner than another would be.
func (p *spare) take(ctx context.Context) (*session, error) {
	p.mu.Lock()
	coming := p.coming
	p.mu.Unlock()
	if coming != nil {
		select {
		case <-coming:
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for duckdb: %w", ctx.Err())
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.ready
	p.ready = nil
	return s, nil
}

// fill opens an instance in the background, unless there is one. The goroutine
// ends by itself within the time that DuckDB takes to open; close waits for it.
func (p *spare) fill(open func(context.Context) (*session, error)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.ready != nil || p.coming != nil {
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	coming := make(chan struct{})
	p.coming, p.stop = coming, stop
	go func() {
		defer close(coming)
		defer stop()
		s, err := open(ctx)
		p.mu.Lock()
		defer p.mu.Unlock()
		p.coming = nil
		if err == nil { // else the next request opens its own, and says why it cannot
			p.ready = s
		}
	}()
}

// close ends the instance. It is idempotent.
func (p *spare) close() error {
	p.mu.Lock()
	p.closed = true
	coming := p.coming
	if coming != nil {
		p.stop()
	}
	p.mu.Unlock()
	if coming != nil {
		<-coming
	}
	s, err := p.take(context.Background())
	if s != nil {
		err = errors.Join(err, s.close())
	}
	return err
}
