package collector

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/config"
)

// How long nothing is asked of the authority after a failure, doubled with each
// more. Let's Encrypt admits five failures an hour for a name.
const (
	issueRest    = time.Minute
	issueRestMax = time.Hour
)

// issued are certificates of an ACME authority, by tls-alpn-01: the authority
// comes to the API's own port. They are renewed when a third of their life is left.
type issued struct {
	ask     func(*tls.ClientHelloInfo) (*tls.Certificate, error)
	domains []string
	now     func() time.Time
	log     *slog.Logger

	mu     sync.Mutex // guards failed
	failed map[string]failure
}

// failure is why there is no certificate for a name.
type failure struct {
	err      error
	rest     time.Duration
	notUntil time.Time
}

func newIssued(cfg config.ACME, now func() time.Time, log *slog.Logger) *issued {
	m := &autocert.Manager{
		Prompt: autocert.AcceptTOS, Cache: autocert.DirCache(cfg.Cache), HostPolicy: autocert.HostWhitelist(cfg.Domains...), Email: cfg.Email,
		Client: &acme.Client{DirectoryURL: cfg.Directory, UserAgent: "rainlogs/" + site.Version, HTTPClient: &http.Client{Timeout: 30 * time.Second}},
	}
	return &issued{ask: m.GetCertificate, domains: cfg.Domains, now: now, log: log, failed: map[string]failure{}}
}

// tls is the server's.
func (i *issued) tls() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: i.get, NextProtos: []string{"h2", "http/1.1", acme.ALPNProto}}
}

// get is for tls.Config. A name that the config has not is nobody's to ask for.
func (i *issued) get(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	name := strings.ToLower(strings.TrimSuffix(hello.ServerName, "."))
	if !slices.Contains(i.domains, name) {
		return nil, fmt.Errorf("there is no certificate for the name %.80q", hello.ServerName)
	}
	plain := *hello
	plain.ServerName = name
	if slices.Contains(hello.SupportedProtos, acme.ALPNProto) { // the authority itself
		return i.ask(&plain) //nolint:wrapcheck // for the TLS server's log
	}
	if err := i.resting(name); err != nil {
		return nil, err
	}
	c, err := i.ask(&plain)
	i.note(name, err)
	return c, err //nolint:wrapcheck // for the TLS server's log
}

func (i *issued) resting(name string) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if f, ok := i.failed[name]; ok && i.now().Before(f.notUntil) {
		return f.err
	}
	return nil
}

// note keeps how the latest try ended.
func (i *issued) note(name string, err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	f, had := i.failed[name]
	if err == nil {
		delete(i.failed, name)
		if had {
			i.log.Info("certificate is there", "domain", name)
		}
		return
	}
	if had && i.now().Before(f.notUntil) {
		return // another handshake waited for the same answer
	}
	f = failure{err: err, rest: min(max(2*f.rest, issueRest), issueRestMax)}
	f.notUntil = i.now().Add(f.rest)
	i.failed[name] = f
	i.log.Error("no certificate from the ACME authority: is port 443 of the name this API's?", "domain", name, "again_in", f.rest, "error", err)
}

// obtain has the certificates before the first client asks, until ctx ends: that
// one would wait for the authority.
func (i *issued) obtain(ctx context.Context) {
	for {
		missing := false
		for _, name := range i.domains {
			// As a client of today says hello: such get an ECDSA certificate.
			hello := &tls.ClientHelloInfo{ServerName: name, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}}
			if _, err := i.get(hello); err != nil {
				missing = true
			}
			if ctx.Err() != nil {
				return
			}
		}
		if !missing {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(issueRest):
		}
	}
}
