package logpulltest_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/fabriziosalmi/rainlogs/plugins/source/logpull/logpulltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	zoneA   = "023e105f4ecef8ad9ca31a8372d0c353"
	zoneB   = "9a7806061c88ada191ed06f989cc3dac"
	account = "01a7362d577a6c3019a474fd6f485823"
	reader  = "reader-token-0001"
)

// now is the emulator's clock at the start: a Friday.
var now = time.Date(2026, 11, 20, 15, 0, 0, 0, time.UTC)

// clock is a clock to be set.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// bundle is a served emulator.
type bundle struct {
	t     *testing.T
	e     *logpulltest.Emulator
	clock *clock
	srv   *httptest.Server
	http  *http.Client
}

func generator(t testing.TB, cfg logpulltest.GeneratorConfig) *logpulltest.Generator {
	t.Helper()
	if cfg.Clients == 0 {
		cfg.Clients = 500
	}
	g, err := logpulltest.NewGenerator(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// setup serves two zones: A with traffic, B with retention off. Limits are off
// unless change puts them back.
func setup(t *testing.T, change func(*logpulltest.Config)) *bundle {
	t.Helper()
	b := &bundle{t: t, clock: &clock{at: now}}
	cfg := logpulltest.Config{
		Now: b.clock.Now, Seed: 3, Limits: logpulltest.Unlimited(),
		Accounts: []logpulltest.Account{{ID: account}},
		Zones: []logpulltest.Zone{
			{ID: zoneA, Name: "example.eu", AccountID: account, Retention: true, Records: generator(t, logpulltest.GeneratorConfig{Seed: 1, RecordsPerDay: 300_000})},
			{ID: zoneB, Name: "example.org", AccountID: account},
		},
		Tokens: []logpulltest.Token{
			{ID: "reader", Value: reader, Permissions: []logpulltest.Permission{logpulltest.LogsRead}},
			{ID: "writer", Value: "writer-token-0001", Permissions: []logpulltest.Permission{logpulltest.LogsWrite, logpulltest.ZoneRead, logpulltest.AccountLogsRead}},
			{ID: "only-b", Value: "only-b-token-0001", Zones: []string{zoneB}, Permissions: []logpulltest.Permission{logpulltest.LogsRead}},
			{ID: "nothing", Value: "nothing-token-001"},
			{ID: "disabled", Value: "disabled-token-01", Disabled: true, Permissions: []logpulltest.Permission{logpulltest.LogsRead}},
			{ID: "key", Value: "c2547eb745079dac9320b638f5e225cf483cc5cfdda41", Email: "ops@example.eu", Permissions: []logpulltest.Permission{logpulltest.LogsRead}},
		},
	}
	if change != nil {
		change(&cfg)
	}
	b.e = logpulltest.New(cfg)
	b.srv = httptest.NewServer(b.e)
	b.http = b.srv.Client()
	b.http.Transport.(*http.Transport).DisableCompression = true
	t.Cleanup(b.srv.Close)
	return b
}

// answer is a response read to its end.
type answer struct {
	status int
	header http.Header
	body   string
	err    error // of reading
}

func (a answer) lines() []string {
	if a.body == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(a.body, "\n"), "\n")
}

// get asks for a path below /client/v4. Headers are name, value pairs;
// without an Authorization the reader's token is sent.
func (b *bundle) get(path string, header ...string) answer {
	b.t.Helper()
	return b.do(http.MethodGet, path, "", header...)
}

func (b *bundle) do(method, path, body string, header ...string) answer {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.srv.URL+"/client/v4"+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+reader)
	for i := 0; i < len(header); i += 2 {
		req.Header.Del("Authorization")
		if header[i+1] != "" {
			req.Header.Set(header[i], header[i+1])
		}
	}
	for i := 0; i < len(header); i += 2 {
		if header[i+1] != "" {
			req.Header.Set(header[i], header[i+1])
		}
	}
	res, err := b.http.Do(req)
	if err != nil {
		return answer{err: err}
	}
	defer res.Body.Close()
	a := answer{status: res.StatusCode, header: res.Header}
	raw, err := io.ReadAll(res.Body)
	a.body, a.err = string(raw), err
	return a
}

// window is the path of a request for records.
func window(zone string, start, end time.Time, params ...string) string {
	v := url.Values{"start": {fmt.Sprint(start.Unix())}, "end": {fmt.Sprint(end.Unix())}}
	for i := 0; i < len(params); i += 2 {
		v.Set(params[i], params[i+1])
	}
	return "/zones/" + zone + "/logs/received?" + v.Encode()
}

// truth is what the emulator holds for a window, sorted.
func (b *bundle) truth(zone string, start, end time.Time, fields ...string) []string {
	b.t.Helper()
	if len(fields) == 0 {
		fields = logpulltest.DefaultFields()
	}
	var buf bytes.Buffer
	n, err := b.e.WriteWindow(&buf, zone, start, end, logpulltest.Projection{Fields: fields})
	if err != nil {
		b.t.Fatal(err)
	}
	lines := answer{body: buf.String()}.lines()
	if int64(len(lines)) != n {
		b.t.Fatalf("WriteWindow says %d lines, wrote %d", n, len(lines))
	}
	return sorted(lines)
}

func sorted(lines []string) []string {
	lines = slices.Clone(lines)
	slices.Sort(lines)
	return lines
}

func gunzip(s string) (string, error) {
	r, err := gzip.NewReader(strings.NewReader(s))
	if err != nil {
		return "", err
	}
	out, err := io.ReadAll(r)
	return string(out), err
}
