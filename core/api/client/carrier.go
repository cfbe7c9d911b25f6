package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/api"
)

const (
	maxAnswer  = 16 << 20 // of JSON: a page of a thousand windows is less than one
	maxProblem = 64 << 10
	leastWait  = 100 * time.Millisecond // where the server names none, or 0
)

// ErrTooLarge is an answer that is longer than any that the API has.
var ErrTooLarge = errors.New("the answer is longer than any that there is")

// ErrIdle is a stream that said nothing for too long.
var ErrIdle = errors.New("nothing was heard from the server for too long")

// carrier takes requests to the server: what gen.Client sends them by.
type carrier struct {
	cfg     Config
	http    *http.Client
	streams bool // answers are not limited in size, nor in time once they have begun
}

// Do implements gen.HttpRequestDoer. An answer that is no success is an error.
func (c *carrier) Do(req *http.Request) (*http.Response, error) {
	req.Header.Set("Authorization", "Bearer "+string(c.cfg.Key))
	req.Header.Set("User-Agent", c.cfg.UserAgent)
	left := max(0, c.cfg.Patience)
	for {
		res, err := c.once(req)
		wait, again := c.again(req, err)
		if !again || wait > left {
			return res, err
		}
		left -= wait
		select {
		case <-c.cfg.After(wait):
		case <-req.Context().Done():
			return nil, errors.Join(req.Context().Err(), err)
		}
	}
}

// refusal is a problem with what stood beside it.
type refusal struct {
	*api.Problem
	after string // Retry-After
}

func (r *refusal) Unwrap() error { return r.Problem }

// Error is the detail, and what is wrong with which part of the request.
func (r *refusal) Error() string {
	text := r.Detail
	for _, f := range r.Errors {
		text += "; " + strings.TrimPrefix(f.Location+": ", ": ") + f.Message
	}
	return text
}

// again reports whether a request may be sent once more, and when.
func (c *carrier) again(req *http.Request, err error) (time.Duration, bool) {
	var r *refusal
	if req.Method != http.MethodGet || !errors.As(err, &r) || r.Status != http.StatusTooManyRequests && r.Status != http.StatusServiceUnavailable {
		return 0, false
	}
	seconds, err := strconv.ParseUint(r.after, 10, 31)
	if err != nil { // as a date, which this server does not write, or not at all
		return time.Second, true
	}
	return max(time.Duration(seconds)*time.Second, leastWait), true
}

// once sends a request and reads, of its answer, what is no success.
func (c *carrier) once(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	b := &body{cancel: cancel, most: -1}
	late := time.AfterFunc(c.cfg.Timeout, func() { cancel(context.DeadlineExceeded) })
	res, err := c.http.Do(req.WithContext(ctx)) //nolint:gosec // CheckURL has judged the address
	if err != nil {
		late.Stop()
		err = c.failed(ctx, err)
		cancel(nil)
		return nil, err
	}
	b.in, b.ctx = res.Body, ctx
	if c.streams {
		if !late.Stop() { // it was over as the answer came
			return nil, errors.Join(context.DeadlineExceeded, b.Close())
		}
		b.idle = c.cfg.Idle
		b.timer = time.AfterFunc(c.cfg.Idle, func() { cancel(ErrIdle) })
	} else {
		b.timer, b.most = late, maxAnswer
	}
	res.Body = b
	if res.StatusCode >= http.StatusOK && res.StatusCode < http.StatusMultipleChoices {
		return res, nil
	}
	err = problemOf(res)
	_ = b.Close() // what was answered is known
	return nil, err
}

// failed is the error of a request that got no answer, without the request's
// own words: a URL is long, and says nothing that is not known.
func (c *carrier) failed(ctx context.Context, err error) error {
	var at *url.Error
	if errors.As(err, &at) {
		err = at.Err
	}
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	return fmt.Errorf("ask the server: %w", err)
}

// problemOf is what an answer says is wrong.
func problemOf(res *http.Response) error {
	r := &refusal{Problem: &api.Problem{}, after: res.Header.Get("Retry-After")}
	text, err := io.ReadAll(io.LimitReader(res.Body, maxProblem))
	kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if err != nil || kind != api.ContentType || json.Unmarshal(text, r.Problem) != nil || r.Status != res.StatusCode || r.Code == "" {
		code := api.CodeOf(res.StatusCode)
		detail := fmt.Sprintf("the server answers %d %s, and not as RainLogs does", res.StatusCode, http.StatusText(res.StatusCode))
		if res.StatusCode < http.StatusBadRequest {
			code = api.CodeInvalid
			detail += "; redirects are not followed"
		}
		r.Problem = api.NewProblem(res.StatusCode, code, detail)
		r.RequestID = res.Header.Get("X-Request-Id")
	}
	if r.Detail == "" {
		r.Detail = strings.ToLower(http.StatusText(r.Status))
	}
	return r
}

// body is an answer's, which ends when it is closed: with it end its timer and
// its request.
type body struct {
	ctx    context.Context //nolint:containedctx // io.Reader has no parameter for it
	in     io.ReadCloser
	cancel context.CancelCauseFunc
	timer  *time.Timer
	idle   time.Duration // what each read may take; 0: the timer is that of all
	most   int64         // bytes left, -1 for as many as come

	once sync.Once
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	if b.most == 0 {
		return 0, b.full()
	}
	if b.most > 0 {
		p = p[:min(int64(len(p)), b.most)]
	}
	if b.idle > 0 {
		b.timer.Reset(b.idle)
		defer b.timer.Stop() // who reads slowly is not the server's fault
	}
	n, err := b.in.Read(p)
	if b.most > 0 {
		b.most -= int64(n)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		if cause := context.Cause(b.ctx); cause != nil {
			err = cause
		}
	}
	return n, err //nolint:wrapcheck // io.Reader's own
}

// full tells an answer that is as long as it may be from one that is longer.
func (b *body) full() error {
	var one [1]byte
	if n, err := b.in.Read(one[:]); n == 0 && err != nil {
		return err //nolint:wrapcheck // io.Reader's own
	}
	return ErrTooLarge
}

// Close implements io.Closer.
func (b *body) Close() error {
	var err error
	b.once.Do(func() {
		if b.timer != nil {
			b.timer.Stop()
		}
		b.cancel(context.Canceled)
		err = b.in.Close()
	})
	return err //nolint:wrapcheck // the connection's own
}
