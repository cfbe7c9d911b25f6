package server

import (
	"context"
	"fmt"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/fabriziosalmi/rainlogs/core/api"
	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/tenant"
)

var noTime time.Time

// Keys that open nothing are all the same to who holds them.
func TestKeysThatOpenNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	good := b.keys[acme][tenant.Admin]
	past, expired := b.mint(acme, tenant.Admin, b.now().Add(time.Minute))
	gone, revoked := b.mint(acme, tenant.Admin, noTime)
	b.ok(b.catalog.AddKey(t.Context(), past))
	b.ok(b.catalog.AddKey(t.Context(), gone))
	b.ok(b.catalog.RevokeKey(t.Context(), acme, gone.ID, b.now()))
	_, unknown := b.mint(acme, tenant.Admin, noTime)
	b.pass(2 * time.Minute)
	cut := strings.LastIndexByte(good, '_')
	bodies := map[string]bool{}
	for name, key := range map[string]string{
		"none": "", "truncated": good[:len(good)-1], "longer": good + "a", "secret of another": good[:cut] + unknown[strings.LastIndexByte(unknown, '_'):],
		"no secret": good[:cut+1], "prefix alone": good[:cut], "upper case": strings.ToUpper(good), "unknown": unknown, "expired": expired,
		"revoked": revoked, "twice": good + " " + good, "sql": "rl_' OR 1=1 --_x", "registration": registrationToken, "NUL": good + "\x00",
	} {
		w, body := b.call("GET", "/v1/me", key, "")
		b.problem(w, body, 401, api.CodeUnauthorized)
		if !strings.HasPrefix(w.Header().Get("WWW-Authenticate"), "Bearer") {
			t.Errorf("%s: no challenge", name)
		}
		bodies[requestIDs.ReplaceAllString(body, "")] = true
	}
	if len(bodies) != 1 {
		t.Errorf("answers differ: %v", bodies)
	}
	b.want(200, "", "GET", "/v1/me", good, "")
	for _, header := range []string{"Basic " + good, good, "bearer" + good} {
		b.want(401, api.CodeUnauthorized, "GET", "/v1/me", "", "", "Authorization", header)
	}
	b.want(200, "", "GET", "/v1/me", "", "", "Authorization", "bearer "+good)
	for _, secret := range []string{good, unknown, revoked} {
		if strings.Contains(b.log.String(), secret[strings.LastIndexByte(secret, '_'):]) {
			t.Error("a secret is in the log")
		}
	}
}

// What is revoked here ends at once, what is revoked on another node within a second.
func TestRevocation(t *testing.T) {
	t.Parallel()
	b := setup(t)
	admin, analyst := b.keys[acme][tenant.Admin], b.keys[acme][tenant.AnalystRole]
	elsewhere, err := New(b.server.cfg)
	b.ok(err)
	detach := elsewhere.Attach(b.backend())
	defer detach(0)
	there := &bundle{TB: t, server: elsewhere, log: b.log}
	me := decode[api.Me](b, b.want(200, "", "GET", "/v1/me", analyst, ""))
	there.want(200, "", "GET", "/v1/me", analyst, "")
	b.want(204, "", "DELETE", "/v1/api-keys/"+me.Key.ID, admin, "")
	b.want(401, api.CodeUnauthorized, "GET", "/v1/me", analyst, "")
	b.pass(time.Second)
	there.want(401, api.CodeUnauthorized, "GET", "/v1/me", analyst, "")
	b.want(204, "", "DELETE", "/v1/api-keys/"+me.Key.ID, admin, "") // again, in peace
}

// What was read before a revocation is not believed after it.
func TestRevokedWhileRead(t *testing.T) {
	t.Parallel()
	b := setup(t)
	key := b.keys[acme][tenant.AnalystRole]
	store := &slowStore{Store: b.catalog, reading: make(chan struct{}), goOn: make(chan struct{})}
	var wg sync.WaitGroup
	var row tenant.Key
	wg.Go(func() {
		var err error
		if row, err = b.server.auth.authenticate(t.Context(), store, key); err != nil {
			t.Error(err)
		}
	})
	<-store.reading
	prefix, _, _ := parseKey(key)
	k, err := b.catalog.KeyByPrefix(t.Context(), prefix)
	b.ok(err)
	b.ok(b.catalog.RevokeKey(t.Context(), acme, k.ID, b.now()))
	b.server.auth.forget()
	close(store.goOn)
	wg.Wait()
	if row.ID == "" {
		t.Fatal("the request that was on its way is not answered")
	}
	b.want(401, api.CodeUnauthorized, "GET", "/v1/me", key, "")
}

// slowStore has read a key when it says so, and returns when it is told.
type slowStore struct {
	tenant.Store
	reading, goOn chan struct{}
}

func (s *slowStore) KeyByPrefix(ctx context.Context, prefix string) (tenant.Key, error) {
	k, err := s.Store.KeyByPrefix(ctx, prefix)
	close(s.reading)
	<-s.goOn
	return k, err //nolint:wrapcheck // the store's
}

// bcrypt is asked once for a key that is known, and for one that is not as well.
func TestPriceOfKeys(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var asked atomic.Int64
	b.server.auth.compare = func(hash, secret []byte) error {
		asked.Add(1)
		return bcrypt.CompareHashAndPassword(hash, secret)
	}
	for range 5 {
		b.want(200, "", "GET", "/v1/me", b.keys[acme][tenant.Admin], "")
		b.pass(time.Second) // the row is read again
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("bcrypt was asked %d times for one key", n)
	}
	_, unknown := b.mint(acme, tenant.Admin, noTime)
	b.want(401, api.CodeUnauthorized, "GET", "/v1/me", unknown, "")
	if n := asked.Load(); n != 2 {
		t.Errorf("bcrypt was not asked about a key that is unknown: it is told by its time")
	}
	if cost, err := bcrypt.Cost(b.server.auth.decoy); err != nil || cost != b.server.cfg.Cost {
		t.Errorf("the decoy costs %d (%v), keys %d", cost, err, b.server.cfg.Cost)
	}
}

// away is a store that cannot be reached.
type away struct{ tenant.Store }

func (away) KeyByPrefix(context.Context, string) (tenant.Key, error) {
	return tenant.Key{}, fmt.Errorf("read: %w", catalog.ErrUnavailable)
}

func (away) AddEvent(context.Context, tenant.Event) (int64, error) {
	return 0, fmt.Errorf("write: %w", catalog.ErrUnavailable)
}

// Who cannot be known is not let in; what cannot be entered is not done.
func TestCatalogAway(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.detach(0)
	back := b.backend()
	back.Tenants = away{b.catalog}
	detach := b.server.Attach(back)
	w, body := b.call("GET", "/v1/me", b.keys[acme][tenant.Admin], "")
	b.problem(w, body, 503, api.CodeUnavailable)
	if w.Header().Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	b.want(503, api.CodeUnavailable, "POST", "/v1/customers", registrationToken, `{"name":"x"}`)
	detach(0)
	all, err := b.catalog.ListCustomers(t.Context())
	b.ok(err)
	if len(all) != 3 {
		t.Errorf("%d customers, want 3", len(all))
	}
	b.want(503, api.CodeUnavailable, "GET", "/v1/me", b.keys[acme][tenant.Admin], "") // no backend
}

func TestRateLimits(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *Config) { c.PerSecond = 2 })
	now := b.now()
	b.server.cfg.Now = func() time.Time { return now.Add(time.Duration(b.clock.Load())) }
	b.server.auth.now = b.server.cfg.Now
	statuses := map[int]int{}
	for range 10 {
		w, _ := b.call("GET", "/v1/me", b.keys[acme][tenant.Admin], "")
		statuses[w.Code]++
		if w.Code == 429 && w.Header().Get("Retry-After") != "1" {
			t.Errorf("Retry-After is %q", w.Header().Get("Retry-After"))
		}
	}
	if statuses[200] != 6 || statuses[429] != 4 { // three seconds' worth at once
		t.Errorf("statuses are %v", statuses)
	}
	b.want(200, "", "GET", "/v1/me", b.keys[other][tenant.Admin], "") // another's limit is its own
	b.pass(time.Second)
	b.want(200, "", "GET", "/v1/me", b.keys[acme][tenant.Admin], "")
	// Guessing is limited by address, and does not shut out who is known.
	statuses = map[int]int{}
	for range tryAtOnce + 20 {
		w, _ := b.call("GET", "/v1/me", "rl_guess", "")
		statuses[w.Code]++
	}
	if statuses[429] < 15 || statuses[401]+statuses[429] != tryAtOnce+20 {
		t.Errorf("statuses of guesses are %v", statuses)
	}
	b.want(200, "", "GET", "/v1/me", b.keys[acme][tenant.Admin], "")
	if n := b.server.tries.of.Len(); n != 1 {
		t.Errorf("%d addresses are remembered", n)
	}
}

func TestRotation(t *testing.T) {
	t.Parallel()
	b := setup(t)
	admin := b.keys[acme][tenant.Admin]
	me := decode[api.Me](b, b.want(200, "", "GET", "/v1/me", admin, ""))
	made := decode[api.KeySecret](b, b.want(201, "", "POST", "/v1/api-keys/"+me.Key.ID+"/rotate", admin, `{"overlap_seconds":60}`))
	b.want(200, "", "GET", "/v1/me", admin, "")
	b.want(200, "", "GET", "/v1/me", made.Secret, "")
	b.pass(time.Minute)
	b.want(401, api.CodeUnauthorized, "GET", "/v1/me", admin, "")
	b.want(409, api.CodeConflict, "POST", "/v1/api-keys/"+me.Key.ID+"/rotate", made.Secret, `{}`)
	b.want(409, api.CodeLastAdmin, "DELETE", "/v1/api-keys/"+made.ID, made.Secret, "")
	list := b.want(200, "", "GET", "/v1/api-keys", made.Secret, "")
	if strings.Contains(list, made.Secret) || strings.Contains(list, "hash") {
		t.Errorf("keys tell too much: %s", list)
	}
}

// Many ask at once, while keys end and backends come and go.
func TestAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			key := b.keys[[]string{acme, other}[i%2]][tenant.Roles()[i/2]]
			for range 40 {
				if w, body := b.call("GET", "/v1/zones", key, ""); w.Code != 200 && w.Code != 503 {
					t.Errorf("status %d: %s", w.Code, body)
				}
			}
		})
	}
	for range 5 {
		b.detach(time.Minute)
		b.server.auth.forget()
		b.attach()
	}
	wg.Wait()
}

func TestKeyForm(t *testing.T) {
	t.Parallel()
	b := &bundle{TB: t}
	k, secret := b.mint("c", tenant.Admin, noTime)
	prefix, s, ok := parseKey(secret)
	if !ok || prefix != k.Prefix || bcrypt.CompareHashAndPassword(k.Hash, []byte(s)) != nil || !strings.HasPrefix(secret, "rl_") {
		t.Errorf("key %q does not open its own row", secret)
	}
	if len(s) > 72 {
		t.Errorf("bcrypt leaves out %d bytes of the secret", len(s)-72)
	}
	if !k.ExpiresAt.IsZero() || k.Check() != nil {
		t.Errorf("key is %+v", k)
	}
}

// Who asks through a proxy of ours is told by it; nobody else is believed.
func TestAddress(t *testing.T) {
	t.Parallel()
	s := &Server{cfg: Config{Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}}}
	for _, c := range []struct{ remote, forwarded, want string }{
		{"192.0.2.7:1", "", "192.0.2.7"},
		{"192.0.2.7:1", "198.51.100.1", "192.0.2.7"},
		{"10.1.1.1:1", "198.51.100.1", "198.51.100.1"},
		{"10.1.1.1:1", "203.0.113.9, 198.51.100.1, 10.2.2.2", "198.51.100.1"},
		{"10.1.1.1:1", "203.0.113.9, rubbish", "10.1.1.1"},
		{"10.1.1.1:1", "", "10.1.1.1"},
		{"10.1.1.1:1", "10.2.2.2", "10.2.2.2"},
		{"[2001:db8:1:2:3:4:5:6]:1", "", "2001:db8:1:2::/64"},
		{"[::ffff:192.0.2.7]:1", "", "192.0.2.7"},
		{"[fd00::1]:1", "2001:db8::1", "2001:db8::/64"},
		{"@", "", "unknown"},
	} {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
		r.RemoteAddr = c.remote
		r.Header.Set("X-Forwarded-For", c.forwarded)
		if got := s.address(r); got != c.want {
			t.Errorf("%s, forwarded for %q: %q, want %q", c.remote, c.forwarded, got, c.want)
		}
	}
}
