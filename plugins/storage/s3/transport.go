package s3

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// errStalled: the store took too long for what it was asked or sends.
var errStalled = errors.New("the store makes no progress")

const (
	// progressBytes must come within limits.stall, or the rest of the body.
	progressBytes = 64 << 10
	maxIdle       = 64
)

// transport carries requests, and ends those that make no progress. It never
// follows a redirect: evidence goes where the operator said, or nowhere.
type transport struct {
	client *http.Client
	limits limits
	now    func() time.Time
	ahead  atomic.Pointer[time.Duration] // this machine's clock of the store's, by its last answer
}

func newTransport(c Config) (*transport, error) {
	pool, err := authorities(c.CAFile)
	if err != nil {
		return nil, err
	}
	return &transport{limits: c.limits, now: c.Now, client: &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DialContext:           (&net.Dialer{Timeout: 15 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
			TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool},
			TLSHandshakeTimeout:   15 * time.Second,
			ExpectContinueTimeout: time.Second,
			IdleConnTimeout:       30 * time.Second,
			MaxIdleConns:          maxIdle, MaxIdleConnsPerHost: maxIdle,
			DisableCompression: true, // lengths and digests are of the bytes as stored
			ForceAttemptHTTP2:  false,
		},
	}}, nil
}

// authorities returns the certificates to trust; nil means the system's.
func authorities(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read ca_file: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("ca_file %s: no certificate in it", file)
	}
	return pool, nil
}

// Do sends a request. Its answer's header must come in time, and then its body.
func (t *transport) Do(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(r.Context())
	allowed := t.limits.answer + time.Duration(max(r.ContentLength, 0)/t.limits.slowest)*time.Second
	timer := time.AfterFunc(allowed, cancel)
	resp, err := t.client.Do(r.WithContext(ctx)) //nolint:gosec // to the endpoint that the operator names
	inTime := timer.Stop()
	if err != nil {
		cancel()
		if !inTime && r.Context().Err() == nil {
			return nil, fmt.Errorf("%w: no answer within %s", errStalled, allowed)
		}
		return nil, err
	}
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		ahead := t.now().Sub(date)
		t.ahead.Store(&ahead)
	}
	resp.Body = &watched{ReadCloser: resp.Body, cancel: cancel, stall: t.limits.stall}
	return resp, nil
}

// skew is how far this machine's clock is ahead of the store's, to the second;
// false before an answer that tells.
func (t *transport) skew() (time.Duration, bool) {
	ahead := t.ahead.Load()
	if ahead == nil {
		return 0, false
	}
	return *ahead, true
}

func (t *transport) close() { t.client.CloseIdleConnections() }

// watched is the body of an answer that must come at a certain speed. Only the
// time counts in which it is waited for.
type watched struct {
	io.ReadCloser
	cancel context.CancelFunc
	stall  time.Duration
	waited time.Duration // for the bytes so far
	bytes  int
	once   sync.Once
}

func (w *watched) Read(p []byte) (int, error) {
	start := time.Now()
	timer := time.AfterFunc(w.stall-w.waited, w.cancel)
	n, err := w.ReadCloser.Read(p)
	inTime := timer.Stop()
	w.waited += time.Since(start)
	if w.bytes += n; w.bytes >= progressBytes {
		w.bytes, w.waited = 0, 0
	}
	if err != io.EOF && (!inTime || w.waited >= w.stall) {
		w.cancel()
		return n, fmt.Errorf("%w: %d bytes in %s", errStalled, w.bytes, w.stall)
	}
	return n, err
}

func (w *watched) Close() error {
	err := w.ReadCloser.Close()
	w.once.Do(w.cancel)
	return err
}

// newRetryer is the SDK's own but that it comes back when the store asked it to.
func newRetryer(l limits) aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts, o.MaxBackoff = l.attempts, l.backoff
		o.Backoff = &politeBackoff{retry.NewExponentialJitterBackoff(l.backoff), l.backoff}
	})
}

// politeBackoff heeds Retry-After: RFC 9110, 10.2.3.
type politeBackoff struct {
	own  retry.BackoffDelayer
	most time.Duration
}

// BackoffDelay returns how long to wait before the next attempt.
func (b *politeBackoff) BackoffDelay(attempt int, cause error) (time.Duration, error) {
	d, err := b.own.BackoffDelay(attempt, cause)
	var answer *smithyhttp.ResponseError
	if errors.As(cause, &answer) && answer.Response != nil {
		if seconds, convErr := strconv.Atoi(answer.Response.Header.Get("Retry-After")); convErr == nil {
			d = max(d, min(time.Duration(max(seconds, 0))*time.Second, 3*b.most))
		}
	}
	return d, err
}
