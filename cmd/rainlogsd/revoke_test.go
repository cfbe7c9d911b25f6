package main

import (
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/api"
	"github.com/fabriziosalmi/rainlogs/core/catalog/postgres/pgtest"
	"github.com/fabriziosalmi/rainlogs/plugins/source/logpull/logpulltest"
)

// TestRevokedOnEveryNode: two daemons on one PostgreSQL; a key that is in use on
// both and is revoked on one opens nothing on the other within a second.
func TestRevokedOnEveryNode(t *testing.T) {
	t.Parallel()
	server := pgtest.New(t)
	s := newSite(t, 1, time.Hour, rates{zone: 100_000, user: 100_000, five: 400_000}, logpulltest.Faults{})
	s.catalog = "file:./dsn"
	s.must(os.WriteFile(filepath.Join(s.dir, "dsn"), []byte(server.DSN(t)), 0o600))
	s.must(os.WriteFile(filepath.Join(s.dir, "registration"), []byte(registration), 0o600))
	s.extra = "api: {listen: '127.0.0.1:0', registration: file:./registration, requests_per_second: 100000}\n"
	a, b := s.start("a"), s.start("b")
	here, there := s.api(a), s.api(b)
	var made api.Registered
	here.want(http.StatusCreated, "POST", "/v1/customers", registration, api.NewCustomer{Name: "Acme"}, &made)
	for range 5 {
		var key api.KeySecret
		here.want(http.StatusCreated, "POST", "/v1/api-keys", made.Key.Secret, api.NewKey{Name: "ci", Role: "analyst"}, &key)
		for _, c := range []*caller{here, there} {
			c.want(http.StatusOK, "GET", "/v1/me", key.Secret, nil, nil)
		}
		revoked := make(chan time.Time)
		go func() {
			defer close(revoked)
			if status, body := here.call("DELETE", "/v1/api-keys/"+key.ID, made.Key.Secret, nil, nil); status != http.StatusNoContent {
				t.Errorf("status %d: %s", status, body)
			}
			revoked <- time.Now()
		}()
		var at, last time.Time // when it was revoked; when it was last let in
		for deadline := time.Now().Add(30 * time.Second); ; {
			asked := time.Now()
			if asked.After(deadline) {
				t.Fatal("the other node lets it in for ever")
			}
			status, _ := there.call("GET", "/v1/me", key.Secret, nil, nil)
			if status == http.StatusUnauthorized {
				break
			}
			if last = asked; at.IsZero() {
				select {
				case at = <-revoked:
				default:
				}
			}
		}
		if at.IsZero() {
			at = <-revoked
		}
		if good := last.Sub(at); good > time.Second {
			t.Errorf("the other node let it in for %s", good)
		} else {
			t.Logf("the other node let it in for %s", max(good, 0))
		}
		here.want(http.StatusUnauthorized, "GET", "/v1/me", key.Secret, nil, nil)
		<-revoked
	}
	for _, p := range []*process{a, b} {
		if code := p.end(syscall.SIGTERM); code != 0 {
			t.Errorf("daemon %s exits with %d:\n%s", p.name, code, p.output)
		}
	}
}
