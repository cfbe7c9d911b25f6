package collector

import (
	"bytes"
	"crypto/tls"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/acme"

	"github.com/fabriziosalmi/rainlogs/core/config"
)

// An authority that fails is not asked again by each client that comes, and for
// no name that the config has not. What a real one does: deploy/check.
func TestAuthorityFails(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	asked, now := 0, time.Now()
	i := newIssued(config.ACME{Domains: []string{"logs.example.eu"}, Cache: t.TempDir()}, func() time.Time { return now }, slog.New(slog.NewTextHandler(&log, nil)))
	i.ask = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		if asked++; hello.ServerName != "logs.example.eu" {
			t.Errorf("asked for %q", hello.ServerName)
		}
		return nil, errors.New("the authority says no")
	}
	refused := func(name string, protos ...string) {
		t.Helper()
		if _, err := i.get(&tls.ClientHelloInfo{ServerName: name, SupportedProtos: protos}); err == nil {
			t.Errorf("%q has a certificate", name)
		}
	}
	for _, name := range []string{"", "example.eu", "logs.example.eu.evil.eu", "127.0.0.1", "../logs.example.eu"} {
		refused(name)
		refused(name, acme.ALPNProto)
	}
	if asked != 0 {
		t.Fatal("the authority is asked for names of strangers")
	}
	for range 20 {
		refused("LOGS.example.eu.")
	}
	if asked != 1 || strings.Count(log.String(), "no certificate") != 1 {
		t.Fatalf("asked %d times: %s", asked, log.String())
	}
	refused("logs.example.eu", acme.ALPNProto) // the authority itself is always let in
	for n, rest := 2, issueRest; n < 12; n++ {
		now = now.Add(rest - time.Second)
		refused("logs.example.eu")
		if asked != n {
			t.Fatalf("asked %d times before %s are over, want %d", asked, rest, n)
		}
		now = now.Add(2 * time.Second)
		refused("logs.example.eu")
		rest = min(2*rest, issueRestMax)
	}
	good := &tls.Certificate{}
	i.ask = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return good, nil }
	now = now.Add(issueRestMax)
	for range 2 {
		if c, err := i.get(&tls.ClientHelloInfo{ServerName: "logs.example.eu"}); err != nil || c != good {
			t.Errorf("%v", err)
		}
	}
	if strings.Count(log.String(), "certificate is there") != 1 {
		t.Errorf("log is %s", log.String())
	}
}
