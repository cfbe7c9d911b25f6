package client

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/api/client/gen"
)

// Key is an API key or a registration token. It prints redacted.
type Key string

const redacted = "[redacted]"

func (Key) String() string               { return redacted }
func (Key) GoString() string             { return redacted }
func (Key) LogValue() slog.Value         { return slog.StringValue(redacted) }
func (Key) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Config is what a client is made of. Only URL and Key must be there.
type Config struct {
	// URL is the server's, without a path: https://logs.example, or http:// to
	// this machine.
	URL string
	Key Key
	// Insecure lets the key go over bare HTTP to other machines too.
	Insecure bool
	// Timeout is what an answer may take that is no stream, default 30 s; of a
	// stream, until it begins.
	Timeout time.Duration
	// Idle is how long a stream may say nothing, default 2 minutes.
	Idle time.Duration
	// Patience is how long a GET waits, in all, for a server that is busy or
	// starting. Default 30 s; less than 0 is not at all.
	Patience time.Duration
	// UserAgent names the program. Default rainlogs.
	UserAgent string
	// Transport carries the requests; nil is one of the client's own.
	Transport http.RoundTripper
	// After is time.After, for tests.
	After func(d time.Duration) <-chan time.Time
}

// The defaults of Config.
const (
	timeout  = 30 * time.Second
	idle     = 2 * time.Minute
	patience = 30 * time.Second
)

// Client asks one server, with one key. It may be used concurrently.
type Client struct {
	calls   *gen.ClientWithResponses // answers that are read whole
	streams *gen.Client
	own     *http.Transport // nil for one that was given
}

// ErrURL is a URL that the key is not sent to.
var ErrURL = errors.New("is no address of a server")

// New makes a client. It asks nothing yet.
func New(cfg Config) (*Client, error) {
	base, err := CheckURL(cfg.URL, cfg.Insecure)
	if err != nil {
		return nil, err
	}
	if cfg.Key == "" || strings.ContainsFunc(string(cfg.Key), func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, errors.New("the API key is empty, or has what no key has in it")
	}
	cfg.Timeout, cfg.Idle = cmp.Or(cfg.Timeout, timeout), cmp.Or(cfg.Idle, idle)
	cfg.Patience, cfg.UserAgent = cmp.Or(cfg.Patience, patience), cmp.Or(cfg.UserAgent, "rainlogs")
	if cfg.After == nil {
		cfg.After = time.After
	}
	c := &Client{}
	if cfg.Transport == nil {
		c.own = ownTransport()
		cfg.Transport = c.own
	}
	hc := &http.Client{Transport: cfg.Transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	if c.calls, err = gen.NewClientWithResponses(base, gen.WithHTTPClient(&carrier{cfg: cfg, http: hc})); err != nil {
		return nil, fmt.Errorf("make API client: %w", err)
	}
	if c.streams, err = gen.NewClient(base, gen.WithHTTPClient(&carrier{cfg: cfg, http: hc, streams: true})); err != nil {
		return nil, fmt.Errorf("make API client: %w", err)
	}
	return c, nil
}

func ownTransport() *http.Transport {
	return &http.Transport{
		Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 4, IdleConnTimeout: 90 * time.Second,
		DialContext:            (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:    10 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
	}
}

// Close gives back the connections that wait for another request.
func (c *Client) Close() {
	if c.own != nil {
		c.own.CloseIdleConnections()
	}
}

// CheckURL returns a server's URL as the client uses it: HTTPS, or HTTP to this
// machine, to others only if insecure.
func CheckURL(text string, insecure bool) (string, error) {
	u, err := url.Parse(text)
	if err != nil {
		return "", fmt.Errorf("server URL %w", ErrURL) // the parser repeats it, and there may be a secret in it
	}
	switch {
	case u.User != nil:
		return "", fmt.Errorf("server URL %w: it has a name or a password in it", ErrURL)
	case u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "":
		return "", fmt.Errorf("server URL %w: want https://HOST", ErrURL)
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.Trim(u.Path, "/") != "":
		return "", fmt.Errorf("server URL %w: want nothing behind the host", ErrURL)
	case u.Scheme == "http" && !insecure && !loopback(u.Hostname()):
		return "", fmt.Errorf("server URL %w that a key may be sent to: over http:// whoever is between reads it; use https://", ErrURL)
	}
	return u.Scheme + "://" + u.Host + "/", nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// got is the body of an answer of the status that the operation has.
func got[T any](body *T) (*T, error) {
	if body == nil {
		return nil, ErrAnswer
	}
	return body, nil
}

// ErrAnswer: the answer is none that the API's description has.
var ErrAnswer = errors.New("the server answers something else than the API's description says: is it RainLogs?")

// given is a pointer to what is not zero.
func given[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}
