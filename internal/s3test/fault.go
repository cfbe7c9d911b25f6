package s3test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// Fault answers a request in the server's stead. It may pass it on to the
// proxy's server first.
type Fault func(w http.ResponseWriter, r *http.Request, p *Proxy)

// ResetRequest cuts the connection when n bytes of the body have come. The
// server sees nothing of the request.
func ResetRequest(n int64) Fault {
	return func(w http.ResponseWriter, r *http.Request, _ *Proxy) {
		_, _ = io.CopyN(io.Discard, r.Body, n) // fewer, if there are fewer
		reset(w)
	}
}

// ResetAfterCommit lets the server do what is asked, and cuts the connection
// before a byte of its answer.
func ResetAfterCommit() Fault {
	return func(w http.ResponseWriter, r *http.Request, p *Proxy) {
		p.pass.ServeHTTP(&discard{}, r)
		reset(w)
	}
}

// ErrorAfterCommit lets the server do what is asked, and answers 500.
func ErrorAfterCommit() Fault {
	return func(w http.ResponseWriter, r *http.Request, p *Proxy) {
		p.pass.ServeHTTP(&discard{}, r)
		refuse(w, r, http.StatusInternalServerError, "InternalError", "We encountered an internal error. Please try again.")
	}
}

// SlowDown answers 503 without asking the server, and names when to come again
// unless retryAfter is empty.
func SlowDown(retryAfter string) Fault {
	return func(w http.ResponseWriter, r *http.Request, _ *Proxy) {
		if retryAfter != "" {
			w.Header().Set("Retry-After", retryAfter)
		}
		Refuse(http.StatusServiceUnavailable, "SlowDown", "Please reduce your request rate.")(w, r, nil)
	}
}

// Refuse answers with an error of S3's without asking the server.
func Refuse(status int, code, message string) Fault {
	return func(w http.ResponseWriter, r *http.Request, _ *Proxy) {
		_, _ = io.Copy(io.Discard, r.Body) // as servers do, so that the answer is read
		refuse(w, r, status, code, message)
	}
}

func refuse(w http.ResponseWriter, r *http.Request, status int, code, message string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = fmt.Fprintf(w, `<?xml version="1.0"?><Error><Code>%s</Code><Message>%s</Message></Error>`, code, message) // a client that left misses it
	}
}

// ResetResponse cuts the connection when n bytes of the answer's body are sent.
func ResetResponse(n int64) Fault { return respond(&cut{left: n, end: reset}) }

// Truncate ends the connection in an orderly way when n bytes of the answer's
// body are sent, of those that its length promises.
func Truncate(n int64) Fault {
	return respond(&cut{left: n, end: func(http.ResponseWriter) { panic(http.ErrAbortHandler) }})
}

// Shorten lets an answer be n bytes long, and say so.
func Shorten(n int64) Fault {
	return func(w http.ResponseWriter, r *http.Request, p *Proxy) {
		p.pass.ServeHTTP(&filter{ResponseWriter: w, head: func(h http.Header) { h.Set("Content-Length", strconv.FormatInt(n, 10)) }, body: &clip{n}}, r)
	}
}

// Corrupt changes byte n of the answer's body.
func Corrupt(n int64) Fault { return respond(&flip{n}) }

// Drip sends the answer's body byte by byte, one every so often, until the
// client leaves.
func Drip(every time.Duration) Fault {
	return func(w http.ResponseWriter, r *http.Request, p *Proxy) {
		p.pass.ServeHTTP(&filter{ResponseWriter: w, body: &drip{ctx: r.Context(), every: every}}, r)
	}
}

// Stall reads the request and answers nothing until the client leaves.
func Stall() Fault {
	return func(_ http.ResponseWriter, r *http.Request, _ *Proxy) {
		_, _ = io.Copy(io.Discard, r.Body) // an unread body hides that the client left
		<-r.Context().Done()
	}
}

// Lag answers the first n questions after an object with 404, each time that
// it was written: a store that has not caught up. It is to match every
// operation on objects.
func Lag(n int) Fault {
	var mu sync.Mutex
	left := map[string]int{}
	return func(w http.ResponseWriter, r *http.Request, p *Proxy) {
		switch op := Operation(r); op {
		case "GetObject", "HeadObject":
			mu.Lock()
			hide := left[r.URL.Path] > 0
			left[r.URL.Path]--
			mu.Unlock()
			if hide {
				refuse(w, r, http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
				return
			}
			p.pass.ServeHTTP(w, r)
		default:
			f := &filter{ResponseWriter: w}
			p.pass.ServeHTTP(f, r)
			if f.status == http.StatusOK && (op == "PutObject" || op == "CompleteMultipartUpload") {
				mu.Lock()
				left[r.URL.Path] = n
				mu.Unlock()
			}
		}
	}
}

// Without passes requests on without some of their headers, as a server that
// does not know them would take them.
func Without(headers ...string) Fault {
	return func(w http.ResponseWriter, r *http.Request, p *Proxy) {
		// Connection and its like are the proxy's own: they must not be signed.
		for _, h := range append([]string{"Connection", "Te", "Expect"}, headers...) {
			r.Header.Del(h)
		}
		key := p.server.Root
		r.URL.Scheme, r.URL.Host = "http", r.Host
		signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
		err := signer.SignHTTP(r.Context(), aws.Credentials{AccessKeyID: key.ID, SecretAccessKey: key.Secret}, r,
			r.Header.Get("X-Amz-Content-Sha256"), "s3", Region, time.Now())
		if err != nil {
			refuse(w, r, http.StatusInternalServerError, "InternalError", err.Error())
			return
		}
		p.pass.ServeHTTP(w, r)
	}
}

// reset cuts the connection so that the client sees it as such: RFC 9293, 3.10.7.
func reset(w http.ResponseWriter) {
	if h, ok := w.(http.Hijacker); ok {
		if conn, _, err := h.Hijack(); err == nil {
			if tcp, ok := conn.(*net.TCPConn); ok {
				_ = tcp.SetLinger(0) // then it ends less rudely
			}
			_ = conn.Close() // it is to break
			return
		}
	}
	panic(http.ErrAbortHandler)
}

// discard is where answers go that nobody gets.
type discard struct{ header http.Header }

func (d *discard) Header() http.Header {
	if d.header == nil {
		d.header = http.Header{}
	}
	return d.header
}
func (d *discard) WriteHeader(int)             {}
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }

// writer sends a piece of an answer's body, in its way.
type writer interface {
	write(w http.ResponseWriter, p []byte) error
	fresh() writer // for another answer
}

func respond(body writer) Fault {
	return func(w http.ResponseWriter, r *http.Request, p *Proxy) {
		p.pass.ServeHTTP(&filter{ResponseWriter: w, body: body.fresh()}, r)
	}
}

// filter is a response on its way through the proxy.
type filter struct {
	http.ResponseWriter
	head   func(http.Header)
	body   writer
	status int
}

// Unwrap lets http.ResponseController flush.
func (f *filter) Unwrap() http.ResponseWriter { return f.ResponseWriter }

// WriteHeader changes the header on its way.
func (f *filter) WriteHeader(status int) {
	if f.status = status; f.head != nil && status < http.StatusMultipleChoices {
		f.head(f.Header())
	}
	f.ResponseWriter.WriteHeader(status)
}

// Write changes the body on its way.
func (f *filter) Write(p []byte) (int, error) {
	if f.body == nil {
		return f.ResponseWriter.Write(p)
	}
	return len(p), f.body.write(f.ResponseWriter, p)
}

type cut struct {
	left int64
	end  func(http.ResponseWriter)
}

func (c *cut) fresh() writer { return &cut{c.left, c.end} }

func (c *cut) write(w http.ResponseWriter, p []byte) error {
	if int64(len(p)) <= c.left {
		c.left -= int64(len(p))
		_, err := w.Write(p)
		return err
	}
	_, _ = w.Write(p[:c.left])                // it breaks anyway
	_ = http.NewResponseController(w).Flush() // likewise
	c.end(w)
	return io.ErrShortWrite
}

type clip struct{ left int64 }

func (c *clip) fresh() writer { return &clip{c.left} }

func (c *clip) write(w http.ResponseWriter, p []byte) error {
	p = p[:min(int64(len(p)), c.left)]
	c.left -= int64(len(p))
	_, err := w.Write(p)
	return err
}

type flip struct{ at int64 }

func (f *flip) fresh() writer { return &flip{f.at} }

func (f *flip) write(w http.ResponseWriter, p []byte) error {
	if f.at >= 0 && f.at < int64(len(p)) {
		p = []byte(strings.Clone(string(p)))
		p[f.at] ^= 0x20
	}
	f.at -= int64(len(p))
	_, err := w.Write(p)
	return err
}

type drip struct {
	ctx   context.Context // of the request
	every time.Duration
}

func (d *drip) fresh() writer { return d }

func (d *drip) write(w http.ResponseWriter, p []byte) error {
	tick := time.NewTicker(d.every)
	defer tick.Stop()
	for i := range p {
		if _, err := w.Write(p[i : i+1]); err != nil {
			return err
		}
		_ = http.NewResponseController(w).Flush() // the next write says it too
		select {
		case <-tick.C:
		case <-d.ctx.Done():
			return d.ctx.Err()
		}
	}
	return nil
}
