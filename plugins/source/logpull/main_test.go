package logpull_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/fabriziosalmi/rainlogs/plugins/source/logpull"
	"github.com/fabriziosalmi/rainlogs/plugins/source/logpull/logpulltest"
	"github.com/fabriziosalmi/rainlogs/sdk/source"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	zoneA   = "023e105f4ecef8ad9ca31a8372d0c353"
	zoneB   = "9a7806061c88ada191ed06f989cc3dac"
	account = "01a7362d577a6c3019a474fd6f485823"
	token   = "s3cr3t-Token_of-the-reader-0001"
)

// start is a window's beginning wherever any will do.
var start = time.Date(2026, 11, 20, 14, 0, 0, 0, time.UTC)

func window(from time.Time, d time.Duration) source.Request {
	return source.Request{Zone: zoneA, Dataset: "http_requests", Start: from, End: from.Add(d)}
}

// transport is a network.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// answer is a whole answer. Headers are name, value pairs.
func answer(status int, body string, header ...string) *http.Response {
	res := &http.Response{
		StatusCode: status, ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{},
		ContentLength: int64(len(body)), Body: io.NopCloser(strings.NewReader(body)),
	}
	for i := 0; i < len(header); i += 2 {
		res.Header.Add(header[i], header[i+1])
	}
	return res
}

// constant is a network where every request is answered alike.
func constant(status int, body string, header ...string) transport {
	return func(*http.Request) (*http.Response, error) { return answer(status, body, header...), nil }
}

// recording keeps what was asked.
type recording struct {
	next transport

	mu   sync.Mutex
	seen []*http.Request
}

func (r *recording) RoundTrip(req *http.Request) (*http.Response, error) {
	r.mu.Lock()
	r.seen = append(r.seen, req)
	r.mu.Unlock()
	return r.next(req)
}

func (r *recording) paths() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []string
	for _, req := range r.seen {
		out = append(out, strings.TrimPrefix(req.URL.Path, "/client/v4"))
	}
	return out
}

// open makes a source of two fields on a network.
func open(t testing.TB, rt http.RoundTripper, change ...func(*logpull.Config)) *logpull.Source {
	t.Helper()
	cfg := logpull.Config{Token: token, Transport: rt, Fields: []string{"RayID"}}
	for _, c := range change {
		c(&cfg)
	}
	s, err := logpull.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// generous are budgets for tests that are not about them.
func generous(c *logpull.Config) {
	c.ZonePerMinute, c.UserPerMinute, c.UserPerFiveMinutes, c.ZoneTimeoutsPerHour = 1e6, 1e6, 1e6, 1e6
}

// read pulls a window and returns its bytes as they came.
func read(ctx context.Context, s source.Source, req source.Request) ([]byte, *source.Stream, error) {
	st, err := s.Pull(ctx, req)
	if err != nil {
		return nil, nil, err
	}
	b, err := io.ReadAll(st.Body)
	return b, st, errors.Join(err, st.Body.Close())
}

// classed returns the source's own error.
func classed(t testing.TB, err error) *source.Error {
	t.Helper()
	var e *source.Error
	if !errors.As(err, &e) {
		t.Fatalf("%v is not a *source.Error", err)
	}
	return e
}

func zip(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, s) // a buffer takes everything
	_ = w.Close()
	return b.String()
}

func unzip(t testing.TB, b []byte) string {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// emulated is a served emulator with its clock at 15:00 of a Friday.
type emulated struct {
	e   *logpulltest.Emulator
	url string
}

// emulate serves zone A with traffic and zone B without any.
func emulate(t testing.TB, change ...func(*logpulltest.Config)) *emulated {
	t.Helper()
	cfg := logpulltest.Config{
		Now: func() time.Time { return start.Add(time.Hour) }, Seed: 3, Limits: logpulltest.Unlimited(), Shuffle: true,
		Accounts: []logpulltest.Account{{ID: account}},
		Zones: []logpulltest.Zone{
			{ID: zoneA, Name: "example.eu", AccountID: account, Retention: true, Records: generate(t)},
			{ID: zoneB, Name: "example.org", AccountID: account},
		},
		Tokens: []logpulltest.Token{
			{ID: "reader", Value: token, Permissions: []logpulltest.Permission{logpulltest.LogsRead}},
			{ID: "nothing", Value: "nothing-token-001"},
			{ID: "wide", Value: "wide-token-000001", Permissions: []logpulltest.Permission{logpulltest.LogsRead, logpulltest.ZoneRead, logpulltest.AccountLogsRead}},
		},
	}
	for _, c := range change {
		c(&cfg)
	}
	m := &emulated{e: logpulltest.New(cfg)}
	srv := httptest.NewServer(m.e)
	t.Cleanup(srv.Close)
	m.url = srv.URL + "/client/v4"
	return m
}

func generate(t testing.TB) *logpulltest.Generator {
	t.Helper()
	g, err := logpulltest.NewGenerator(logpulltest.GeneratorConfig{Seed: 1, RecordsPerDay: 300_000, Clients: 500})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// source opens a source on the emulator that asks for all fields.
func (m *emulated) source(t testing.TB, change ...func(*logpull.Config)) *logpull.Source {
	t.Helper()
	cfg := logpull.Config{Token: token, BaseURL: m.url}
	generous(&cfg)
	for _, c := range change {
		c(&cfg)
	}
	s, err := logpull.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func gunzip(t testing.TB, b []byte) io.Reader {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return r
}
