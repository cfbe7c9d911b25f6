package logpull

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/fabriziosalmi/rainlogs/sdk/source"
)

const (
	dataset    = "http_requests"
	timeField  = "EdgeStartTimestamp"
	classField = "EdgeResponseStatus"

	// Bounds of a window (developers.cloudflare.com/logs/logpull/requesting-logs/).
	// The least lag is what the service's own refusal says; its API reference
	// says five minutes.
	maxWindow = time.Hour
	minLag    = time.Minute
	maxAge    = 168 * time.Hour
)

// failureLine is how a stream that began well says that it failed
// (developers.cloudflare.com/logs/logpull/additional-details/).
const failureLine = "Error streaming data."

// Source pulls HTTP request logs. It keeps no connection and no goroutine
// between calls, so there is nothing to close.
type Source struct {
	cfg    Config // without the token
	base   *url.URL
	budget *budget
	fields *fieldCache

	// The token is only in here: a function is never printed.
	authorize func(*http.Request)
	redact    func(string) string
}

var _ source.Source = (*Source)(nil)

// New checks the configuration. It does not use the network.
func New(cfg Config) (*Source, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("open logpull source: %w", err)
	}
	base, err := parseBaseURL(cfg.BaseURL)
	if err != nil {
		return nil, fmt.Errorf("open logpull source: %w", err)
	}
	token := string(cfg.Token)
	cfg.Token = ""
	return &Source{
		cfg: cfg, base: base, budget: newBudget(cfg), fields: newFieldCache(),
		authorize: func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) },
		redact:    func(s string) string { return strings.ReplaceAll(s, token, redacted) },
	}, nil
}

// Describe says what there is and within which bounds.
func (s *Source) Describe(context.Context) (source.Description, error) {
	return source.Description{
		Datasets: []source.Dataset{{Name: dataset, TimeField: timeField, ClassField: classField}},
		Limits: source.Limits{MaxWindow: maxWindow, MinLag: minLag, MaxAge: maxAge, Rates: []source.Rate{
			{Scope: source.PerZone, Limit: s.cfg.ZonePerMinute, Per: time.Minute},
			{Scope: source.PerCredential, Limit: s.cfg.UserPerMinute, Per: time.Minute},
			{Scope: source.PerCredential, Limit: s.cfg.UserPerFiveMinutes, Per: 5 * time.Minute},
			{Scope: source.TimeoutsPerZone, Limit: s.cfg.ZoneTimeoutsPerHour, Per: time.Hour},
		}},
		Fields: s.cfg.Fields,
	}, nil
}

// Pull opens a window. Whether it is too young or too old is for the service
// to say: only its clock counts.
func (s *Source) Pull(ctx context.Context, req source.Request) (*source.Stream, error) {
	if err := check(req); err != nil {
		return nil, &source.Error{Op: "pull", Class: source.ClassBug, Err: err}
	}
	fields, err := s.fieldsFor(ctx, req)
	if err != nil {
		return nil, err
	}
	zone := s.budget.zone(req.Zone)
	x, err := s.send(ctx, request{
		op: "pull", path: "/zones/" + req.Zone + "/logs/received", gzip: true,
		// Commas and names need no escaping: checkNames has seen to it.
		query: fmt.Sprintf("start=%d&end=%d&timestamps=%s&fields=%s",
			req.Start.Unix(), req.End.Unix(), source.UnixNano, strings.Join(fields, ",")),
		windows: []*window{zone.requests}, stream: zone.timeouts, shut: zone.requests,
	})
	if err != nil {
		return nil, err
	}
	stream, err := s.open(x, fields)
	if err != nil {
		_ = x.Close() // the answer is refused already
		return nil, s.afterRefusal(ctx, req, fields, err)
	}
	return stream, nil
}

// open turns an answer into a stream, or says why not.
func (s *Source) open(x *exchange, fields []string) (*source.Stream, error) {
	if x.resp.StatusCode != http.StatusOK {
		return nil, s.refusal(x)
	}
	var encoding source.Encoding
	switch coding := strings.ToLower(strings.Join(x.resp.Header.Values("Content-Encoding"), ",")); coding {
	case "", "identity":
		encoding = source.Identity
		if x.resp.ContentLength < 0 && len(x.resp.TransferEncoding) == 0 && x.resp.ProtoMajor < 2 {
			return nil, &source.Error{
				Op: "pull", Class: source.ClassRetry, Msg: "an answer that ends with its connection cannot be told from a cut one",
				Hint: "a proxy on the way to Cloudflare takes off compression and length: let it pass both on",
			}
		}
	case "gzip", "x-gzip":
		encoding = source.Gzip
	default:
		return nil, &source.Error{
			Op: "pull", Class: source.ClassBlocked, Msg: fmt.Sprintf("the answer has the content encoding %.40q, which was not asked for", s.clip(coding)),
			Hint: "look for a proxy on the way to Cloudflare that compresses anew",
		}
	}
	b := newBody(x, encoding)
	return &source.Stream{
		Encoding: encoding, Fields: fields, Timestamps: source.UnixNano,
		FailureLines: []string{failureLine}, Body: b, Trailer: b.Trailer,
	}, nil
}

var zoneForm = regexp.MustCompile(`^[0-9a-f]{32}$`)

// check refuses what is wrong in itself.
func check(req source.Request) error {
	switch d := req.End.Sub(req.Start); {
	case !zoneForm.MatchString(req.Zone):
		return fmt.Errorf("zone %.40q is not an id of 32 hexadecimal digits", req.Zone)
	case req.Dataset != dataset:
		return fmt.Errorf("dataset %.40q: there is only %s", req.Dataset, dataset)
	case req.Start.Nanosecond() != 0 || req.End.Nanosecond() != 0:
		return errors.New("window is not in whole seconds")
	case req.Start.Location() != time.UTC || req.End.Location() != time.UTC:
		return errors.New("window is not in UTC")
	case req.Start.Unix() < 0:
		return errors.New("window begins before 1970")
	case d <= 0:
		return errors.New("window ends before it has begun")
	case d > maxWindow:
		return fmt.Errorf("window of %s: at most %s", d, maxWindow)
	}
	return checkNames(req.Fields)
}
