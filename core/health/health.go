package health

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"sync"
	"sync/atomic"
	"time"
)

// The names of what Health itself answers for.
const (
	phaseCheck = "daemon"
	loopCheck  = "loop"
)

var checkName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`)

// Config is what a Health answers with.
type Config struct {
	Checks []Check
	// Heartbeat is the process's loop; nil is a process without one.
	Heartbeat *Heartbeat
	TTL       time.Duration // how long an answer holds; default 5 s
	Now       func() time.Time
	Log       *slog.Logger
}

// phase is how far the process has come.
type phase struct {
	name  string // "" while it serves
	since time.Time
}

// Health knows how the process stands. It is for concurrent use.
type Health struct {
	probes []*probe
	heart  *Heartbeat
	now    func() time.Time
	phase  atomic.Pointer[phase]

	ctx    context.Context //nolint:containedctx // that of the running checks, which outlive a request
	cancel context.CancelFunc
	mu     sync.Mutex
	closed bool
	wg     sync.WaitGroup
}

// New is a Health of a process that is starting, and so not ready before Serving.
func New(cfg Config) (*Health, error) {
	if cfg.TTL <= 0 {
		cfg.TTL = 5 * time.Second
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	h := &Health{heart: cfg.Heartbeat, now: cfg.Now}
	seen := map[string]bool{phaseCheck: true, loopCheck: true}
	for _, c := range cfg.Checks {
		if c.Run == nil || !checkName.MatchString(c.Name) {
			return nil, fmt.Errorf("health check %q lacks a proper name or a function", c.Name)
		}
		if seen[c.Name] {
			return nil, fmt.Errorf("health check %q: the name is taken", c.Name)
		}
		seen[c.Name] = true
		if c.Timeout <= 0 {
			c.Timeout = 5 * time.Second
		}
		h.probes = append(h.probes, &probe{Check: c, now: cfg.Now, ttl: cfg.TTL, log: cfg.Log})
	}
	h.ctx, h.cancel = context.WithCancel(context.Background())
	h.enter("starting")
	return h, nil
}

// Serving says that the process has started.
func (h *Health) Serving() { h.enter("") }

// Stopping says that the process ends: it is not ready from now on.
func (h *Health) Stopping() { h.enter("stopping") }

func (h *Health) enter(name string) { h.phase.Store(&phase{name: name, since: stamp(h.now())}) }

// Close cancels what runs and waits for it, no longer than ctx. No check runs
// afterwards; the last answers stay. It can be called twice.
func (h *Health) Close(ctx context.Context) error {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	h.cancel()
	done := make(chan struct{})
	go func() { // ends with the last check, which may ignore its ctx
		h.wg.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return errors.New("a health check does not end")
	}
}

// spawn runs f in a goroutine that Close waits for.
func (h *Health) spawn(f func(ctx context.Context)) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.closed {
		h.wg.Go(func() { f(h.ctx) })
	}
	return !h.closed
}

// Report asks every check whose answer is old, all at once, and says how the
// process stands.
func (h *Health) Report(ctx context.Context) Report {
	results := make([]Result, len(h.probes))
	var wg sync.WaitGroup
	for i, p := range h.probes {
		wg.Go(func() { results[i] = p.result(ctx, h) })
	}
	wg.Wait()
	r := Report{Status: OK, Checks: map[string]Result{phaseCheck: h.phaseResult()}}
	if h.heart != nil {
		r.Checks[loopCheck] = h.loopResult()
	}
	for i, p := range h.probes {
		r.Checks[p.Name] = results[i]
	}
	for _, c := range r.Checks {
		r.Status = worse(r.Status, c.Status)
	}
	return r
}

func worse(a, b Status) Status {
	for _, s := range []Status{Failing, Degraded} {
		if a == s || b == s {
			return s
		}
	}
	return OK
}

func (h *Health) phaseResult() Result {
	p := h.phase.Load()
	if p.name != "" {
		return Result{Status: Failing, Detail: p.name, Since: p.since}
	}
	return Result{Status: OK, Since: p.since}
}

// loopResult is since the last beat, alive or not.
func (h *Health) loopResult() Result {
	r := Result{Status: OK, Since: stamp(*h.heart.last.Load())}
	if !h.heart.Alive() {
		r.Status, r.Detail = Failing, "the loop does not turn"
	}
	return r
}
