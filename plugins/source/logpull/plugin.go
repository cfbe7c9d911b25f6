package logpull

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/fabriziosalmi/rainlogs/sdk"
	"github.com/fabriziosalmi/rainlogs/sdk/config"
	"github.com/fabriziosalmi/rainlogs/sdk/source"
)

const (
	version        = "1.0.0"
	defaultBaseURL = "https://api.cloudflare.com/client/v4"
	allFields      = "all"
)

// Plugin returns the plugin's declaration.
func Plugin() sdk.Plugin {
	return sdk.Plugin{
		Name:    "logpull",
		Version: version,
		Schema: config.Schema{
			{Name: "token", Kind: config.String, Required: true, Secret: true, Help: "API token with the zone permission Logs Read and no other"},
			{Name: "base_url", Kind: config.String, Default: defaultBaseURL, Help: "root of the API; https, or http on this machine"},
			{Name: "fields", Kind: config.List, Default: allFields, Help: "record members to collect: all that the zone offers, or a list of names"},
			{Name: "requests_per_minute_zone", Kind: config.Int, Default: "15", Help: "Logpull requests in any minute for one zone"},
			{Name: "requests_per_minute_user", Kind: config.Int, Default: "180", Help: "requests in any minute for this token, all zones together"},
			{Name: "requests_per_5_minutes_user", Kind: config.Int, Default: "1200", Help: "requests in any five minutes for this token"},
			{Name: "timeouts_per_hour_zone", Kind: config.Int, Default: "11", Help: "timeouts in any hour after which a zone rests; Cloudflare closes a zone that has more than 12"},
			{Name: "idle_timeout", Kind: config.Duration, Default: "30s", Help: "longest wait for the next byte of an answer"},
			{Name: "timeout", Kind: config.Duration, Default: "11m", Help: "longest time for one answer; Cloudflare's own is 10m"},
		},
		Source: func(v config.Values) (source.Source, error) { return New(fromValues(v)) },
	}
}

func fromValues(v config.Values) Config {
	return Config{
		Token: Secret(v["token"]), BaseURL: v["base_url"], Fields: v.List("fields"),
		ZonePerMinute:       int(v.Int("requests_per_minute_zone")),
		UserPerMinute:       int(v.Int("requests_per_minute_user")),
		UserPerFiveMinutes:  int(v.Int("requests_per_5_minutes_user")),
		ZoneTimeoutsPerHour: int(v.Int("timeouts_per_hour_zone")),
		IdleTimeout:         v.Duration("idle_timeout"), Timeout: v.Duration("timeout"),
	}
}

// Secret is a text that is never printed.
type Secret string

const redacted = "[redacted]"

func (Secret) String() string               { return redacted }
func (Secret) GoString() string             { return redacted }
func (Secret) LogValue() slog.Value         { return slog.StringValue(redacted) }
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Config configures a Source. Zero values mean the defaults of the schema.
type Config struct {
	Token   Secret
	BaseURL string
	Fields  []string // nil or {"all"}: all that the zone offers

	ZonePerMinute       int
	UserPerMinute       int
	UserPerFiveMinutes  int
	ZoneTimeoutsPerHour int

	IdleTimeout time.Duration
	Timeout     time.Duration

	// Transport carries the requests; nil is a plain HTTP/1.1 one. It MUST NOT
	// repeat a request by itself: repeats would escape the budgets.
	Transport http.RoundTripper
}

func (c Config) withDefaults() Config {
	for _, d := range []struct {
		v   *int
		def int
	}{{&c.ZonePerMinute, 15}, {&c.UserPerMinute, 180}, {&c.UserPerFiveMinutes, 1200}, {&c.ZoneTimeoutsPerHour, 11}} {
		if *d.v == 0 {
			*d.v = d.def
		}
	}
	if c.BaseURL == "" {
		c.BaseURL = defaultBaseURL
	}
	if c.IdleTimeout == 0 {
		c.IdleTimeout = 30 * time.Second
	}
	if c.Timeout == 0 {
		c.Timeout = 11 * time.Minute
	}
	if len(c.Fields) == 1 && strings.EqualFold(c.Fields[0], allFields) {
		c.Fields = nil
	}
	c.Token = Secret(strings.TrimSpace(string(c.Token))) // a file's secret ends in a newline
	if c.Transport == nil {
		c.Transport = newTransport()
	}
	return c
}

func (c Config) validate() error {
	for name, n := range map[string]int{
		"requests per minute and zone": c.ZonePerMinute, "requests per minute and user": c.UserPerMinute,
		"requests per five minutes": c.UserPerFiveMinutes, "timeouts per hour": c.ZoneTimeoutsPerHour,
	} {
		if n < 1 || n > 1_000_000 {
			return fmt.Errorf("%s: %d is not between 1 and 1,000,000", name, n)
		}
	}
	if c.IdleTimeout < 0 || c.Timeout < c.IdleTimeout {
		return fmt.Errorf("timeouts: idle %s and whole %s do not fit together", c.IdleTimeout, c.Timeout)
	}
	if err := checkToken(string(c.Token)); err != nil {
		return err
	}
	if err := checkNames(c.Fields); err != nil {
		return fmt.Errorf("fields: %w", err)
	}
	return nil
}

// checkToken refuses what could not stand in a header. It never shows it.
func checkToken(token string) error {
	if token == "" {
		return errors.New("token is empty")
	}
	if len(token) > 4096 || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return errors.New("token has characters that no API token has")
	}
	return nil
}

// parseBaseURL takes https, and http where it cannot leave this machine.
func parseBaseURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil {
		return nil, errors.New("base_url is not a URL") // the parser's error would quote a password in it
	}
	switch {
	case u.User != nil:
		return nil, errors.New("base_url must not hold a user name or password")
	case u.RawQuery != "" || u.Fragment != "" || u.Opaque != "":
		return nil, errors.New("base_url must be a scheme, a host and a path")
	case u.Hostname() == "":
		return nil, errors.New("base_url has no host")
	case u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())):
		return nil, errors.New("base_url must be https: the token is sent there")
	}
	u.Path = strings.TrimRight(u.Path, "/")
	u.RawPath = ""
	return u, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// newTransport is a transport that sends each request once, on a connection of
// its own: net/http repeats a GET by itself if a kept connection turns out
// dead, and that repeat would not be in the budget. At 15 requests a minute the
// handshakes cost nothing.
func newTransport() http.RoundTripper {
	dialer := &net.Dialer{Timeout: connectTimeout}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dialer.DialContext,
		TLSHandshakeTimeout:    connectTimeout,
		DisableKeepAlives:      true,
		DisableCompression:     true, // the bytes are passed on as they come
		MaxResponseHeaderBytes: 64 << 10,
		ReadBufferSize:         64 << 10,
		Protocols:              protocols,
	}
}

// order puts the two members that the host looks at in every record first,
// where it finds them fastest, and the rest by name.
func order(names []string) []string {
	rank := func(n string) int {
		switch n {
		case timeField:
			return 0
		case classField:
			return 1
		}
		return 2
	}
	out := slices.Clone(names)
	slices.SortFunc(out, func(a, b string) int {
		if d := rank(a) - rank(b); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	return out
}
