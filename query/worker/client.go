package worker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/fabriziosalmi/rainlogs/query"
)

// Config says how workers are started.
type Config struct {
	Path    string        // of the program
	Args    []string      // that make it call Serve; no secrets: other users see them
	Env     []string      // "NAME=value"; TMPDIR is set by the client
	TempDir string        // parent of the workers' temporary folders, "" = os.TempDir()
	Grace   time.Duration // between cancel and SIGKILL, 0 = Grace
	Stderr  io.Writer     // takes what workers say on standard error, or nil
	Nice    int           // how much less than this process workers get of a busy processor, 0 to 19 (setpriority(2))
}

// Client asks questions of worker processes. It is safe for concurrent use.
type Client struct {
	cfg Config

	mu     sync.Mutex
	closed bool
	lastID uint64
	idle   *process
	busy   map[*process]bool
	open   sync.WaitGroup // questions whose process has not been given back
}

// ErrClosed: the client is closed.
var ErrClosed = errors.New("query client is closed")

// New is a client. No process is started before the first question; Close
// ends those that were.
func New(cfg Config) (*Client, error) {
	if cfg.Path == "" {
		return nil, errors.New("query client without a program")
	}
	if cfg.Grace == 0 {
		cfg.Grace = Grace
	}
	return &Client{cfg: cfg, busy: map[*process]bool{}}, nil
}

// Ask asks a question. Cancelling ctx stops it, and must not happen before the
// result is closed; the result MUST be closed. Errors are those of package query, a *Error, or ErrDied.
func (c *Client) Ask(ctx context.Context, q Question) (*query.Result, error) {
	if err := ctx.Err(); err != nil {
		return nil, stopped(err)
	}
	p, id, err := c.acquire()
	if err != nil {
		return nil, err
	}
	a := &answering{client: c, process: p, id: id, question: q, ctx: ctx}
	a.unwatch = context.AfterFunc(ctx, a.interrupt)
	res, err := a.begin()
	if err != nil {
		return nil, errors.Join(err, a.close())
	}
	return res, nil
}

// acquire returns a process for one question.
func (c *Client) acquire() (*process, uint64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, 0, ErrClosed
	}
	c.lastID++
	p := c.idle
	c.idle = nil
	if p != nil && p.gone() {
		_ = p.end(c.cfg.Grace) // it died of something else than a question
		p = nil
	}
	if p == nil {
		var err error
		if p, err = start(c.cfg); err != nil {
			return nil, 0, err
		}
	}
	c.busy[p] = true
	c.open.Add(1)
	return p, c.lastID, nil
}

// release takes a process back that has ended its question, or can no more.
func (c *Client) release(p *process, healthy bool) error {
	defer c.open.Done()
	c.mu.Lock()
	delete(c.busy, p)
	if healthy && !c.closed && c.idle == nil {
		c.idle = p
		c.mu.Unlock()
		return nil
	}
	c.mu.Unlock()
	if !healthy {
		p.kill()
	}
	return p.end(c.cfg.Grace)
}

// Close ends all workers, those with open results too, and gives whoever
// reads those a moment to close them: only then nothing of them is left, even
// where the program ends right after. It is idempotent.
func (c *Client) Close() error {
	c.mu.Lock()
	c.closed = true
	idle := c.idle
	c.idle = nil
	for p := range c.busy {
		p.kill() // whoever closes the result removes what is left
	}
	c.mu.Unlock()
	c.settle()
	if idle == nil {
		return nil
	}
	if err := idle.end(c.cfg.Grace); err != nil {
		return fmt.Errorf("close query client: %w", err)
	}
	return nil
}

// settle waits for open questions to end, whose processes are dead. A result
// that nobody closes is left to the next client on the machine.
func (c *Client) settle() {
	ended := make(chan struct{})
	go func() { // until they have ended, or the program does
		c.open.Wait()
		close(ended)
	}()
	late := time.NewTimer(c.cfg.Grace)
	defer late.Stop()
	select {
	case <-ended:
	case <-late.C:
	}
}
