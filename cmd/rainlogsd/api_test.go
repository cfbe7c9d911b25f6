package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/api"
	"github.com/fabriziosalmi/rainlogs/plugins/source/logpull/logpulltest"
)

const registration = "registration-token-that-must-never-be-seen"

// caller asks a daemon's API.
type caller struct {
	*testing.T
	base   string
	client *http.Client
}

// call asks, and reads the answer into out, which may be nil.
func (c *caller) call(method, path, key string, in, out any) (status int, body string) {
	c.Helper()
	var r io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			c.Fatal(err)
		}
		r = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(c.Context(), method, c.base+path, r)
	if err != nil {
		c.Fatal(err)
	}
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := c.client.Do(req)
	if err != nil {
		c.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		c.Fatal(err)
	}
	if out != nil {
		if err := json.Unmarshal(b, out); err != nil {
			c.Fatalf("%s %s: %d %v\n%s", method, path, res.StatusCode, err, b)
		}
	}
	return res.StatusCode, string(b)
}

// want calls and demands a status.
func (c *caller) want(status int, method, path, key string, in, out any) string {
	c.Helper()
	got, body := c.call(method, path, key, in, out)
	if got != status {
		c.Fatalf("%s %s: status %d, want %d\n%s", method, path, got, status, body)
	}
	return body
}

var apiAddress = regexp.MustCompile(`API is listening.*?address"?[=:]"?(127\.0\.0\.1:\d+)`)

// api waits for a daemon's API to answer.
func (s *site) api(p *process) *caller {
	s.Helper()
	c := &caller{T: s.T, client: &http.Client{Timeout: 30 * time.Second}}
	s.until("the API", time.Minute, func() bool {
		m := apiAddress.FindStringSubmatch(p.output.String())
		if m == nil {
			return false
		}
		c.base = "http://" + m[1]
		status, _ := c.call("GET", "/v1/me", "", nil, nil)
		return status == http.StatusUnauthorized || status == http.StatusTooManyRequests
	})
	return c
}

// TestAPI is a tenant's journey against the real daemon: it is made, has a zone
// collected from the emulator, and downloads what was sealed.
func TestAPI(t *testing.T) {
	t.Parallel()
	s := newSite(t, 2, time.Hour, rates{zone: 100_000, user: 100_000, five: 400_000}, logpulltest.Faults{})
	s.catalog = "sqlite:./catalog.db"
	s.must(os.WriteFile(filepath.Join(s.dir, "registration"), []byte(registration), 0o600))
	s.extra = "api: {listen: '127.0.0.1:0', registration: file:./registration}\n"
	// The tenant's token, under a name of its own.
	s.sources = fmt.Sprintf("  acme: {plugin: logpull, token: file:./token, base_url: %s}\n", s.url)
	p := s.start("one")
	c := s.api(p)

	c.want(http.StatusUnauthorized, "POST", "/v1/customers", "wrong", api.NewCustomer{Name: "Acme"}, nil)
	var made, other api.Registered
	c.want(http.StatusCreated, "POST", "/v1/customers", registration, api.NewCustomer{Name: "Acme", Sources: []string{"acme"}}, &made)
	c.want(http.StatusCreated, "POST", "/v1/customers", registration, api.NewCustomer{Name: "Other"}, &other)
	var me api.Me
	c.want(http.StatusOK, "GET", "/v1/me", made.Key.Secret, nil, &me)
	if me.Customer.ID != made.Customer.ID || me.Customer.Name != "Acme" || me.Key.Role != "admin" {
		t.Errorf("me is %+v", me)
	}
	if body := c.want(http.StatusOK, "GET", "/health", "", nil, nil); !strings.Contains(body, `"status"`) || strings.Contains(body, "checks") {
		t.Errorf("health is %s", body)
	}
	s.journey(c, made, other)
	s.operatorsKey(c)
	s.reloads(c, p, made.Key.Secret)
	if code := p.end(syscall.SIGTERM); code != 0 && code != 130 {
		t.Errorf("exit code %d\n%s", code, p.output)
	}
	for _, secret := range []string{registration, made.Key.Secret, other.Key.Secret, token} {
		_, bare, _ := strings.Cut(strings.TrimPrefix(secret, "rl_"), "_")
		if bare == "" {
			bare = secret
		}
		if strings.Contains(p.output.String(), bare) {
			t.Error("a secret is in the log")
		}
	}
}

func (s *site) journey(c *caller, made, other api.Registered) {
	s.Helper()
	key := made.Key.Secret
	from := time.Now().UTC().Add(-30 * time.Minute).Truncate(5 * time.Minute)
	var zone api.Zone
	c.want(http.StatusForbidden, "POST", "/v1/zones", other.Key.Secret, api.NewZone{SourceZone: zoneID(0), Name: zoneName(0), Source: "acme"}, nil)
	c.want(http.StatusForbidden, "POST", "/v1/zones", key, api.NewZone{SourceZone: zoneID(0), Name: zoneName(0)}, nil) // the operator's token
	c.want(http.StatusCreated, "POST", "/v1/zones", key, api.NewZone{SourceZone: zoneID(0), Name: zoneName(0), Source: "acme", From: from}, &zone)
	if zone.ID == zoneID(0) || zone.SourceZone != zoneID(0) {
		s.Errorf("zone is %+v", zone)
	}
	c.want(http.StatusAccepted, "POST", "/v1/zones/"+zone.ID+"/pull", key, nil, nil)
	var covered api.Coverage
	to := from.Add(20 * time.Minute)
	query := fmt.Sprintf("/v1/zones/%s/coverage?from=%s&to=%s", zone.ID, from.Format(time.RFC3339), to.Format(time.RFC3339))
	s.until("all of the range to be sealed", time.Minute, func() bool {
		c.want(http.StatusOK, "GET", query, key, nil, &covered)
		return covered.Complete
	})
	if len(covered.Spans) != 1 || covered.Spans[0].Lines != int64(to.Sub(from)/(5*time.Second)) {
		s.Errorf("coverage is %+v", covered)
	}
	var jobs api.Jobs
	c.want(http.StatusOK, "GET", "/v1/zones/"+zone.ID+"/jobs", key, nil, &jobs)
	job := jobs.Jobs[len(jobs.Jobs)-1]
	if !job.From.Equal(from) || job.State != "sealed" {
		s.Errorf("oldest job is %+v", job)
	}
	records := c.want(http.StatusOK, "GET", "/v1/jobs/"+job.ID+"/download", key, nil, nil)
	if n := strings.Count(records, "\n"); int64(n) != job.Lines || int64(len(records)) != job.Bytes {
		s.Errorf("%d lines in %d bytes, want %d in %d", n, len(records), job.Lines, job.Bytes)
	}
	var chain api.Chain
	c.want(http.StatusOK, "GET", "/v1/zones/"+zone.ID+"/chain", key, nil, &chain)
	if chain.Size < 4 || !strings.Contains(chain.Checkpoint, zone.ID) {
		s.Errorf("chain is %+v", chain)
	}
	for _, path := range []string{"/v1/zones/" + zone.ID, "/v1/jobs/" + job.ID, "/v1/jobs/" + job.ID + "/download"} {
		c.want(http.StatusNotFound, "GET", path, other.Key.Secret, nil, nil)
	}
	c.page("/zones/"+zone.ID, key, http.StatusOK, zoneName(0), "is in the tree that the archive’s key signed", "sealed", "Jobs")
	c.page("/zones/"+zone.ID, other.Key.Secret, http.StatusNotFound, "not yours")
}

// operatorsKey makes the operator's first key at the machine, beside the daemon.
func (s *site) operatorsKey(c *caller) {
	s.Helper()
	config := []string{"--config", filepath.Join(s.dir, "one.yaml")}
	code, key, stderr := run(s.T, append(config, "api-key", "add", "--name", "first")...)
	if code != 0 || !strings.HasPrefix(key, "rl_") || strings.Contains(stderr, strings.TrimSpace(key)) {
		s.Fatalf("exit code %d\n%s%s", code, key, stderr)
	}
	key = strings.TrimSpace(key)
	var me api.Me
	c.want(http.StatusOK, "GET", "/v1/me", key, nil, &me)
	var events api.Events
	c.want(http.StatusOK, "GET", "/v1/audit", key, nil, &events)
	if me.Customer.ID != "operator" || len(events.Events) != 1 || events.Events[0].Subject != me.Key.ID || events.Events[0].Outcome != "done" {
		s.Errorf("me is %+v, events are %+v", me, events)
	}
	if code, out, stderr := run(s.T, append(config, "api-key", "list")...); code != 0 || !strings.Contains(out, me.Key.ID) || strings.Contains(out+stderr, key) {
		s.Errorf("exit code %d\n%s%s", code, out, stderr)
	}
	for want, args := range map[int][]string{
		0: {"revoke", me.Key.ID}, 2: {"revoke", "none"},
	} {
		if code, out, stderr := run(s.T, slices.Concat(config, []string{"api-key"}, args)...); code != want {
			s.Errorf("%v: exit code %d, want %d\n%s%s", args, code, want, out, stderr)
		}
	}
	if code, _, _ := run(s.T, append(config, "api-key", "add", "--name", "x", "--customer", "nobody")...); code != 2 {
		s.Errorf("exit code %d for a customer that there is not", code)
	}
	revoked := time.Now()
	s.until("the key to be refused", 10*time.Second, func() bool {
		status, _ := c.call("GET", "/v1/me", key, nil, nil)
		return status == http.StatusUnauthorized
	})
	if took := time.Since(revoked); took > time.Second {
		s.Errorf("a key that was revoked beside the daemon was good for %s", took)
	}
}

// reloads has the daemon read its config anew, with a new registration token.
func (s *site) reloads(c *caller, p *process, key string) {
	s.Helper()
	const next = "the-next-registration-token-to-be-used"
	s.must(os.WriteFile(filepath.Join(s.dir, "registration"), []byte(next), 0o600))
	c.want(http.StatusUnauthorized, "POST", "/v1/customers", registration, api.NewCustomer{Name: "Late"}, nil)
	c.want(http.StatusCreated, "POST", "/v1/customers", next, api.NewCustomer{Name: "Late"}, nil)
	before := strings.Count(p.output.String(), "msg=collecting") + strings.Count(p.output.String(), `"msg":"collecting"`)
	s.must(p.Process.Signal(syscall.SIGHUP))
	s.until("the daemon to collect anew", time.Minute, func() bool {
		status, body := c.call("GET", "/v1/me", key, nil, nil)
		if status != http.StatusOK && status != http.StatusServiceUnavailable {
			s.Errorf("status %d over a reload: %s", status, body)
		}
		now := strings.Count(p.output.String(), "msg=collecting") + strings.Count(p.output.String(), `"msg":"collecting"`)
		return now > before && status == http.StatusOK
	})
}

// TestAPIOverTLS talks to a daemon that has a certificate of its own.
func TestAPIOverTLS(t *testing.T) {
	t.Parallel()
	s := newSite(t, 1, time.Hour, rates{zone: 100_000, user: 100_000, five: 400_000}, logpulltest.Faults{})
	s.catalog = "sqlite:./catalog.db"
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	s.must(err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	s.must(err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	s.must(err)
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	s.must(os.WriteFile(filepath.Join(s.dir, "c.pem"), certificate, 0o600))
	s.must(os.WriteFile(filepath.Join(s.dir, "k.pem"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
	s.extra = "api: {listen: '127.0.0.1:0', tls_cert: c.pem, tls_key: k.pem}\n"
	p := s.start("one")
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(certificate)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	var address string
	s.until("the API", time.Minute, func() bool {
		if m := apiAddress.FindStringSubmatch(p.output.String()); m != nil {
			address = m[1]
		}
		return address != ""
	})
	c := &caller{T: t, client: &http.Client{Timeout: 30 * time.Second, Transport: transport}, base: "https://" + address}
	s.until("an answer", time.Minute, func() bool {
		status, _ := c.call("GET", "/v1/me", "", nil, nil)
		return status == http.StatusUnauthorized
	})
	c.want(http.StatusForbidden, "POST", "/v1/customers", registration, api.NewCustomer{Name: "Acme"}, nil) // there is no registration
	c.base = "http://" + address
	c.client = &http.Client{Timeout: 30 * time.Second}
	if status, body := c.call("GET", "/v1/me", "", nil, nil); status != http.StatusBadRequest || !strings.Contains(body, "HTTPS") {
		t.Errorf("without TLS: status %d: %s", status, body)
	}
	if code := p.end(syscall.SIGTERM); code != 0 && code != 130 {
		t.Errorf("exit code %d\n%s", code, p.output)
	}
}
