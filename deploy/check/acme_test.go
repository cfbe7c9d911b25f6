package check

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/letsencrypt/challtestsrv"
	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"
)

const apiName = "logs.example.eu"

// authority is Let's Encrypt's test server, which comes to a port of this
// machine's for whatever name.
type authority struct {
	url   string
	trust string // file: whom its own HTTPS is to be believed by
	roots *x509.CertPool
}

func freePort(t *testing.T) int {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func newAuthority(t *testing.T, port int) authority {
	t.Helper()
	quiet := log.New(io.Discard, "", 0)
	names := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	dns, err := challtestsrv.New(challtestsrv.Config{DNSAddrs: []string{names}, Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	dns.SetDefaultDNSIPv4("127.0.0.1")
	dns.SetDefaultDNSIPv6("")
	go dns.Run()
	t.Cleanup(dns.Shutdown)
	store := db.NewMemoryStore()
	issuer := ca.New(quiet, store, "", "ecdsa", 0, 1, map[string]ca.Profile{"default": {ValidityPeriod: 3600}})
	front := wfe.New(quiet, store, va.New(quiet, 1, port, true, names, store), issuer, []string{"pebble.test"}, true, false, 1, 1)
	server := httptest.NewTLSServer(front.Handler())
	t.Cleanup(server.Close)
	a := authority{url: server.URL + wfe.DirectoryPath, trust: filepath.Join(t.TempDir(), "trust.pem"), roots: x509.NewCertPool()}
	if err := os.WriteFile(a.trust, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	a.roots.AppendCertsFromPEM(issuer.GetRootCert(0).PEM())
	return a
}

// collector is rainlogsd with a store that is away: its API is there all the same.
type collector struct {
	*exec.Cmd
	mu  sync.Mutex
	out bytes.Buffer
}

func (c *collector) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.out.Write(b)
}

func (c *collector) said() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.out.String()
}

func startCollector(t *testing.T, dir string, port int, a authority) *collector {
	t.Helper()
	config := fmt.Sprintf(`archive: {storage: [{plugin: s3, endpoint: "http://127.0.0.1:1", allow_http: true, path_style: true, region: x, bucket: evidence, country: IT, access_key_id: "file:%[1]s/key", secret_access_key: "file:%[1]s/key"}]}
known: ./known
server: {listen: ""}
api: {listen: "127.0.0.1:%[2]d", acme: {domains: [%[3]s], email: ops@example.eu, directory: %[4]s}}
`, dir, port, apiName, a.url)
	if err := errors.Join(os.WriteFile(filepath.Join(dir, "key"), []byte("x"), 0o600), os.WriteFile(filepath.Join(dir, "rainlogs.yaml"), []byte(config), 0o600)); err != nil {
		t.Fatal(err)
	}
	c := &collector{Cmd: exec.CommandContext(context.Background(), filepath.Join(programs(t), "rainlogsd"), "--config", dir)}
	c.Env = []string{"HOME=" + dir, "PATH=/usr/bin:/bin", "SSL_CERT_FILE=" + a.trust}
	c.Stdout, c.Stderr = c, c
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.end() })
	return c
}

func (c *collector) end() error {
	if c.ProcessState != nil {
		return nil
	}
	return errors.Join(c.Process.Signal(syscall.SIGTERM), ignoreExit(c.Wait()))
}

func ignoreExit(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return nil
	}
	return err
}

// serial asks the API under its name, as a browser would that believes the
// authority, and returns the certificate's serial number.
func serial(port int, a authority, name string, protos ...string) (string, error) {
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: a.roots, ServerName: name}, ForceAttemptHTTP2: true,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, fmt.Sprintf("127.0.0.1:%d", port))
		},
	}
	defer transport.CloseIdleConnections()
	res, err := (&http.Client{Transport: transport, Timeout: 30 * time.Second}).Get("https://" + name + "/openapi.json")
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK || res.ProtoMajor != 2 {
		return "", fmt.Errorf("status %s by %s", res.Status, res.Proto)
	}
	leaf := res.TLS.PeerCertificates[0]
	if err := leaf.VerifyHostname(apiName); err != nil {
		return "", err
	}
	return leaf.SerialNumber.String(), nil
}

// TestACME has rainlogsd get its certificate from a real ACME server in strict
// mode, by tls-alpn-01 on the API's own port; keep it over a restart; and refuse
// every other name.
func TestACME(t *testing.T) {
	t.Setenv("PEBBLE_VA_NOSLEEP", "1")
	t.Setenv("PEBBLE_WFE_NONCEREJECT", "20") // of good nonces, as a client has to bear
	port, dir := freePort(t), t.TempDir()
	a := newAuthority(t, port)
	c := startCollector(t, dir, port, a)
	first := await(t, c, func() (string, error) { return serial(port, a, apiName) })
	for _, name := range []string{"other.example.eu", "localhost"} {
		if _, err := serial(port, a, name); err == nil || !strings.Contains(err.Error(), "tls") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if conn, err := (&tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true, ServerName: apiName, NextProtos: []string{"acme-tls/1"}}}).
		DialContext(t.Context(), "tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
		_ = conn.Close()
		t.Error("there is a certificate for a challenge that there is not")
	}
	files, err := filepath.Glob(filepath.Join(dir, "acme", "*"))
	if err != nil || len(files) < 2 {
		t.Errorf("%v, the cache has %v", err, files)
	}
	for _, f := range files {
		if info, err := os.Stat(f); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: %v, mode %v", f, err, info.Mode())
		}
	}
	if err := c.end(); err != nil {
		t.Fatal(err)
	}
	c = startCollector(t, dir, port, authority{url: "https://127.0.0.1:1/gone", trust: a.trust, roots: a.roots})
	if again := await(t, c, func() (string, error) { return serial(port, a, apiName) }); again != first {
		t.Errorf("after a restart the certificate is %s, was %s", again, first)
	}
}

// await asks again until there is an answer.
func await(t *testing.T, c *collector, ask func() (string, error)) string {
	t.Helper()
	deadline, again := time.NewTimer(time.Minute), time.NewTicker(200*time.Millisecond)
	defer deadline.Stop()
	defer again.Stop()
	for {
		got, err := ask()
		if err == nil {
			return got
		}
		select {
		case <-again.C:
		case <-deadline.C:
			t.Fatalf("never came: %v\n%s", err, c.said())
		}
	}
}
