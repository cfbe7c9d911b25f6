package health

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"sync"
	"time"
	"unicode"
)

// Check is one question about the process.
type Check struct {
	Name string // lower case, "catalog"
	// Critical: the process is not ready while it fails, not just degraded.
	Critical bool
	// Timeout bounds one run; default 5 s.
	Timeout time.Duration
	// Tolerate is how many failures in a row leave a critical check degraded:
	// one lost packet is no reason to take a process out of service.
	Tolerate int
	// Run returns nil when all is well. It SHOULD end when ctx does; it is never
	// started again before it has.
	Run func(ctx context.Context) error
}

// maxDetail bounds a detail, in bytes.
const maxDetail = 300

// detailError is an error whose text may be shown to anybody.
type detailError struct{ text string }

func (e detailError) Error() string { return e.text }

// Detailf is an error whose text /health shows. It MUST NOT be given secrets,
// addresses, paths or other errors' texts. Wrapped by others, it is still
// found, and shown alone.
func Detailf(format string, args ...any) error {
	return detailError{fmt.Sprintf(format, args...)}
}

// detail is what of an error may be shown: one printable line.
func detail(err error) string {
	var d detailError
	if !errors.As(err, &d) {
		return "fails (the log says why)"
	}
	text := strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(d.text, "?"))
	if len(text) > maxDetail {
		text = strings.ToValidUTF8(text[:maxDetail], "") + "…"
	}
	return text
}

// probe is a check with what is known of it.
type probe struct {
	Check
	now func() time.Time
	ttl time.Duration
	log *slog.Logger

	mu      sync.Mutex
	running chan struct{} // closed when the run ends; nil while none is under way
	began   time.Time     // of the run under way
	overdue bool          // the run under way is past its time limit
	endedAt time.Time     // of the last run; zero before
	fails   int           // in a row
	last    Result
}

// result returns the check's answer, fresh enough. It waits for a run at most
// as long as the check may take, and no longer than ctx.
func (p *probe) result(ctx context.Context, h *Health) Result {
	p.mu.Lock()
	defer p.mu.Unlock()
	fresh := !p.endedAt.IsZero() && p.now().Sub(p.endedAt) < p.ttl
	if p.overdue || p.running == nil && fresh {
		return p.last
	}
	if p.running == nil && !p.start(h) {
		return p.last
	}
	done, left := p.running, p.Timeout-p.now().Sub(p.began)
	p.mu.Unlock()
	timer := time.NewTimer(left)
	select {
	case <-done:
	case <-timer.C:
	case <-ctx.Done():
	}
	timer.Stop()
	p.mu.Lock()
	if p.running == done && !p.overdue && p.now().Sub(p.began) >= p.Timeout {
		p.overdue = true
		p.settle(Detailf("no answer within %s", p.Timeout))
	}
	if p.last.Since.IsZero() { // who asked went away before the first answer
		r := Result{Status: Degraded, Detail: "not known yet", Since: stamp(p.now())}
		if p.Critical {
			r.Status = Failing
		}
		return r
	}
	return p.last
}

// start begins a run, unless all of it is being closed.
func (p *probe) start(h *Health) bool {
	done := make(chan struct{})
	started := h.spawn(func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, p.Timeout)
		defer cancel()
		err := p.guarded(ctx)
		p.mu.Lock()
		defer p.mu.Unlock()
		if !p.overdue {
			p.settle(err)
		}
		p.running, p.overdue, p.endedAt = nil, false, p.now()
		close(done)
	})
	if started {
		p.running, p.began = done, p.now()
	}
	return started
}

// guarded runs the check; a panic is its failure.
func (p *probe) guarded(ctx context.Context) (err error) {
	defer func() {
		if r := recover(); r != nil {
			p.log.ErrorContext(ctx, "health check panicked", "check", p.Name, "panic", r, "stack", string(debug.Stack()))
			err = Detailf("panicked (the log says where)")
		}
	}()
	return p.Run(ctx)
}

// settle makes an outcome the check's answer.
func (p *probe) settle(err error) {
	status, text := OK, ""
	if err == nil {
		p.fails = 0
	} else {
		p.fails++
		status, text = p.failed(), detail(err)
	}
	if status == p.last.Status {
		p.last.Detail = text
		return
	}
	if err != nil || p.last.Status.Valid() {
		level := slog.LevelWarn
		if status == OK {
			level = slog.LevelInfo
		}
		p.log.Log(context.Background(), level, "health check changed", "check", p.Name, "status", status, "error", err)
	}
	p.last = Result{Status: status, Detail: text, Since: stamp(p.now())}
}

// failed is the status of a failure at this time.
func (p *probe) failed() Status {
	if p.Critical && p.fails > p.Tolerate {
		return Failing
	}
	return Degraded
}

func stamp(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }
