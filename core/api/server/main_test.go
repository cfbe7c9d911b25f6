package server

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/crypto/bcrypt"

	"github.com/fabriziosalmi/rainlogs/core/api"
	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/catalog/sqlite"
	"github.com/fabriziosalmi/rainlogs/core/chain"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/tenant"
	"github.com/fabriziosalmi/rainlogs/core/verify/verifytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const registrationToken = "the-registration-token-of-the-tests"

// bundle is a server over a real catalog and an archive with a chain for each
// of two customers and the operator.
type bundle struct {
	testing.TB
	server  *Server
	catalog *sqlite.Catalog
	archive *verifytest.Archive
	key     verifytest.Key
	log     *lines
	clock   atomic.Int64                      // nanoseconds that it is ahead
	keys    map[string]map[tenant.Role]string // by customer and role
	zones   map[string]string                 // by customer
	jobs    map[string]string                 // a sealed one, by customer
	detach  func(time.Duration)
	pulls   atomic.Int64
}

// lines keeps what was logged.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (b *bundle) now() time.Time { return time.Now().Add(time.Duration(b.clock.Load())) }

func (b *bundle) pass(d time.Duration) { b.clock.Add(int64(d)) }

func (b *bundle) ok(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// The windows' lines: some chunks of a download in the first of acme's, whose
// small frames are dear to make.
const (
	manyLines = 2200
	fewLines  = 20
)

const (
	acme  = "acme"
	other = "other"
)

func setup(t testing.TB, change ...func(*Config)) *bundle {
	t.Helper()
	b := &bundle{
		TB: t, log: &lines{}, key: verifytest.NewKey(1), keys: map[string]map[tenant.Role]string{},
		zones: map[string]string{}, jobs: map[string]string{},
	}
	b.archive = verifytest.New(b.key)
	var err error
	b.catalog, err = sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "catalog.db"))
	b.ok(err)
	t.Cleanup(func() { b.ok(b.catalog.Close()) })
	cfg := Config{
		Version: "test", Cost: bcrypt.MinCost, PerSecond: 1e5, Random: rand.Reader, Now: b.now,
		Log:          slog.New(slog.NewJSONHandler(b.log, nil)),
		Registration: func() (string, error) { return registrationToken, nil },
	}
	for _, c := range change {
		c(&cfg)
	}
	b.server, err = New(cfg)
	b.ok(err)
	b.attach()
	for i, customer := range []string{acme, other, tenant.Operator} {
		b.addCustomer(customer)
		b.addZone(customer, byte(i+1))
	}
	return b
}

func (b *bundle) backend() Backend {
	return Backend{
		Catalog: b.catalog, Tenants: b.catalog, Store: b.archive,
		Lookup: chain.Lookup{Store: b.archive, Archive: b.archive.UUID, Key: b.key.Public(b.archive.UUID)},
		Datasets: func(_ context.Context, source string) ([]string, error) {
			if source != "logpull" && source != "second" {
				return nil, ErrNoSource
			}
			return []string{"http_requests"}, nil
		},
		Pull: func(context.Context, catalog.Zone) (int, error) { return int(b.pulls.Add(1)), nil },
	}
}

func (b *bundle) attach() {
	detach := b.server.Attach(b.backend())
	var once sync.Once
	b.detach = func(d time.Duration) { once.Do(func() { detach(d) }) }
	b.Cleanup(func() { b.detach(0) })
}

func (b *bundle) mint(customer string, role tenant.Role, expires time.Time) (tenant.Key, string) {
	b.Helper()
	k, secret, err := Mint(rand.Reader, bcrypt.MinCost, b.now(), customer, "a key", role, expires)
	b.ok(err)
	return k, secret
}

func (b *bundle) addCustomer(id string) {
	b.Helper()
	b.keys[id] = map[tenant.Role]string{}
	for _, role := range tenant.Roles() {
		k, secret := b.mint(id, role, time.Time{})
		if role == tenant.Admin && id != tenant.Operator {
			b.ok(b.catalog.AddCustomer(b.Context(), tenant.Customer{ID: id, Name: id, Sources: []string{"logpull"}}, k))
		} else {
			b.ok(b.catalog.AddKey(b.Context(), k))
		}
		b.keys[id][role] = secret
	}
}

// addZone gives a customer a zone with two sealed windows, and one to come.
func (b *bundle) addZone(customer string, n byte) {
	b.Helper()
	c := b.archive.Chain(n, b.key)
	b.zones[customer] = c.ID.Zone
	var windows []catalog.Window
	for i := range 2 {
		w := verifytest.Window(i)
		e, object := c.LogEntry(w, verifytest.Lines(w, map[bool]int{true: manyLines, false: fewLines}[n == 1 && i == 0]), 1)
		b.archive.Files[e.Object.Key] = object
		c.Add(e)
		windows = append(windows, catalog.Window{
			Chain: c.ID, Window: w, State: catalog.Sealed, Seq: e.Seq, Lines: e.Content.Lines, Bytes: e.Content.Bytes,
		})
	}
	c.Seal()
	b.ok(b.catalog.OwnZone(b.Context(), c.ID.Zone, customer))
	b.ok(b.catalog.PutZone(b.Context(), catalog.Zone{ID: c.ID.Zone, Dataset: c.ID.Dataset, Name: customer + ".eu", AddedAt: b.now()}))
	b.ok(b.catalog.Commit(b.Context(), catalog.Commit{Head: catalog.Head{Chain: c.ID, Size: 3, Checkpoint: []byte("note")}, Windows: windows}))
	b.ok(b.catalog.Plan(b.Context(), c.ID, []evidence.Window{verifytest.Window(2)}))
	b.jobs[customer] = jobID(windows[0])
}

// call asks the handler, and returns the answer with its body read.
func (b *bundle) call(method, path, key, body string, header ...string) (*httptest.ResponseRecorder, string) {
	b.Helper()
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	req := httptest.NewRequestWithContext(b.Context(), method, path, r)
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	b.server.ServeHTTP(w, req)
	return w, w.Body.String()
}

// want demands a status, and of an error that it is a problem of that code.
func (b *bundle) want(status int, code api.Code, method, path, key, body string, header ...string) string {
	b.Helper()
	w, got := b.call(method, path, key, body, header...)
	if w.Code != status {
		b.Fatalf("%s %s: status %d, want %d\n%s", method, path, w.Code, status, got)
	}
	if code != "" {
		b.problem(w, got, status, code)
	}
	return got
}

func (b *bundle) problem(w *httptest.ResponseRecorder, body string, status int, code api.Code) {
	b.Helper()
	var p api.Problem
	if err := json.Unmarshal([]byte(body), &p); err != nil {
		b.Fatalf("%v: %s", err, body)
	}
	if p.Code != code || p.Status != status || p.Type != "urn:rainlogs:problem:"+string(code) || p.RequestID == "" ||
		p.RequestID != w.Header().Get("X-Request-Id") || w.Header().Get("Content-Type") != api.ContentType {
		b.Fatalf("problem is %s with headers %v, want code %s", body, w.Header(), code)
	}
}

func decode[T any](b *bundle, body string) T {
	b.Helper()
	var v T
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		b.Fatalf("%v: %s", err, body)
	}
	return v
}

var _ http.Handler = (*Server)(nil)
