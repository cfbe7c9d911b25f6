package logpull

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/fabriziosalmi/rainlogs/sdk/source"
)

const (
	connectTimeout = 10 * time.Second
	// headerGrace lets the service's own 408, which comes after 30 s, arrive
	// before we give up.
	headerGrace = 5 * time.Second
	// connectionLife is after how long the service cuts a connection
	// (developers.cloudflare.com/logs/logpull/additional-details/).
	connectionLife = 10*time.Minute - 5*time.Second
)

var (
	errIdle  = errors.New("no byte came for too long")
	errWhole = errors.New("the answer took too long")
	errDone  = errors.New("the answer was closed")
)

// request is one GET.
type request struct {
	op      string // for errors: "pull", "probe"
	path    string // below the base URL
	query   string
	gzip    bool      // ask for it
	windows []*window // of the budget; counted when the answer begins
	stream  *window   // counted if the answer times out, or nil
	shut    *window   // paused by a 429 of Logpull's own
	// heard is told of an answer's header, when was asked, and when it came; or nil.
	heard func(h http.Header, asked, now time.Time)
}

// exchange is a request under way. Reading it obeys the timeouts, and a
// failure stays what it was.
type exchange struct {
	s      *Source
	req    request
	caller context.Context // to tell the caller's cancel from ours
	ctx    context.Context
	cancel context.CancelCauseFunc
	idle   *time.Timer
	whole  *time.Timer
	begun  time.Time
	resp   *http.Response
	err    error // of Read, for ever

	finish sync.Once
}

// send asks, once, when the budget allows it. The answer may have any status.
func (s *Source) send(ctx context.Context, r request) (*exchange, error) {
	windows := append([]*window{s.budget.minute, s.budget.five}, r.windows...)
	all := windows
	if r.stream != nil {
		all = append(all[:len(all):len(all)], r.stream)
	}
	if err := s.budget.take(ctx, all...); err != nil {
		return nil, turnError(r.op, err)
	}
	x := &exchange{s: s, req: r, caller: ctx, begun: time.Now()}
	x.ctx, x.cancel = context.WithCancelCause(ctx)
	x.whole = time.AfterFunc(s.cfg.Timeout, func() { x.cancel(errWhole) })
	x.idle = time.AfterFunc(s.cfg.IdleTimeout+headerGrace, func() { x.cancel(errIdle) })
	req, err := s.newRequest(x.ctx, r)
	if err == nil {
		x.resp, err = s.cfg.Transport.RoundTrip(req) //nolint:bodyclose // the exchange closes it
	}
	x.idle.Stop()
	s.budget.settle(true, windows...)
	if err != nil {
		err = x.noAnswer(err)
		x.end(err)
		return nil, err
	}
	if r.heard != nil {
		r.heard(x.resp.Header, x.begun, time.Now())
	}
	return x, nil
}

func (s *Source) newRequest(ctx context.Context, r request) (*http.Request, error) {
	u := *s.base
	u.Path += r.path
	u.RawQuery = r.query
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	s.authorize(req)
	req.Header.Set("User-Agent", "RainLogs-logpull/"+version)
	if r.gzip {
		req.Header.Set("Accept-Encoding", "gzip")
	}
	return req, nil
}

// turnError is a wait for the budget that did not end well.
func turnError(op string, err error) error {
	var busy *busyError
	if !errors.As(err, &busy) {
		return fmt.Errorf("%s: wait for a turn: %w", op, err)
	}
	return &source.Error{Op: op, Class: source.ClassRetry, After: busy.after, Msg: busy.Error()}
}

// noAnswer classes a request whose answer did not begin.
func (x *exchange) noAnswer(err error) error {
	if ended := x.caller.Err(); ended != nil {
		return fmt.Errorf("%s: %w", x.req.op, ended)
	}
	if cause := context.Cause(x.ctx); cause != nil {
		return &source.Error{
			Op: x.req.op, Class: source.ClassSplit, Reason: source.ReasonTimeout, Err: cause,
			Msg: fmt.Sprintf("no answer within %s", time.Since(x.begun).Round(time.Second)),
		}
	}
	return &source.Error{
		Op: x.req.op, Class: source.ClassRetry, Err: x.s.clean(err), Msg: "no answer from " + x.s.base.Host,
		Hint: "check the network, the proxy and the clock of this machine, and base_url",
	}
}

// Read reads the answer's body. io.EOF means that HTTP says it is whole.
func (x *exchange) Read(p []byte) (int, error) {
	if x.err != nil {
		return 0, x.err
	}
	if err := x.caller.Err(); err != nil {
		return 0, x.fail(fmt.Errorf("%s: %w", x.req.op, err))
	}
	x.idle.Reset(x.s.cfg.IdleTimeout)
	n, err := x.resp.Body.Read(p)
	x.idle.Stop()
	switch {
	case err == nil:
		return n, nil
	case errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		return n, x.fail(io.EOF)
	}
	return n, x.fail(x.broken(err))
}

func (x *exchange) fail(err error) error {
	x.err = err
	x.end(err)
	return err
}

// broken classes an answer that began well and did not end so.
func (x *exchange) broken(err error) error {
	if ended := x.caller.Err(); ended != nil {
		return fmt.Errorf("%s: %w", x.req.op, ended)
	}
	e := &source.Error{Op: x.req.op, Class: source.ClassSplit}
	switch cause := context.Cause(x.ctx); {
	case errors.Is(cause, errIdle):
		e.Msg, e.Err = fmt.Sprintf("no byte came for %s", x.s.cfg.IdleTimeout), cause
	case errors.Is(cause, errWhole):
		e.Msg, e.Err = fmt.Sprintf("the answer was not at its end after %s", x.s.cfg.Timeout), cause
	case errors.Is(cause, errDone):
		e.Class, e.Err = source.ClassBug, cause
	default:
		e.Msg, e.Err = "the connection was cut", x.s.clean(err)
	}
	if x.timedOut(cmp.Or(context.Cause(x.ctx), err)) {
		e.Reason = source.ReasonTimeout
	}
	return e
}

// Close ends the exchange wherever it is. It may be called at any time.
func (x *exchange) Close() error {
	x.end(errDone)
	return nil
}

// end frees what the exchange holds and settles its account: did the service
// see a timeout?
func (x *exchange) end(err error) {
	x.finish.Do(func() {
		x.whole.Stop()
		x.idle.Stop()
		x.cancel(errDone)
		if x.resp != nil {
			_ = x.resp.Body.Close() // what was read is judged already
		}
		if x.req.stream != nil {
			x.s.budget.settle(x.timedOut(err), x.req.stream)
		}
	})
}

func (x *exchange) timedOut(err error) bool {
	if errors.Is(err, errIdle) || errors.Is(err, errWhole) {
		return true
	}
	if x.resp != nil && x.resp.StatusCode == http.StatusRequestTimeout {
		return true
	}
	return !errors.Is(err, io.EOF) && time.Since(x.begun) >= connectionLife
}
