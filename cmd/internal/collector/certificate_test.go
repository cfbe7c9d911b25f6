package collector

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// writePair writes a certificate of that serial number and its key.
func writePair(t *testing.T, c *certificate, serial int64, at time.Time) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for path, block := range map[string]*pem.Block{c.cert: {Type: "CERTIFICATE", Bytes: der}, c.key: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
}

// A certificate that was renewed is used; one that cannot be read is not, and said once.
func TestCertificateRenewed(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	dir := t.TempDir()
	c := &certificate{cert: filepath.Join(dir, "c.pem"), key: filepath.Join(dir, "k.pem"), log: slog.New(slog.NewTextHandler(&log, nil))}
	if _, err := c.get(nil); err == nil {
		t.Error("there is no file, and no error")
	}
	serial := func() int64 {
		t.Helper()
		got, err := c.get(nil)
		if err != nil {
			t.Fatal(err)
		}
		leaf, err := x509.ParseCertificate(got.Certificate[0])
		if err != nil {
			t.Fatal(err)
		}
		return leaf.SerialNumber.Int64()
	}
	epoch := time.Now().Add(-time.Hour)
	writePair(t, c, 1, epoch)
	if got := serial(); got != 1 {
		t.Errorf("serial number %d, want 1", got)
	}
	writePair(t, c, 2, epoch.Add(time.Minute))
	if got := serial(); got != 2 {
		t.Errorf("serial number %d after the renewal, want 2", got)
	}
	if err := os.WriteFile(c.cert, []byte("rubbish"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if got := serial(); got != 2 {
			t.Errorf("serial number %d beside a file that cannot be read, want 2", got)
		}
	}
	if n := strings.Count(log.String(), "cannot be read"); n != 1 {
		t.Errorf("told %d times", n)
	}
	writePair(t, c, 3, epoch.Add(2*time.Minute))
	if got := serial(); got != 3 {
		t.Errorf("serial number %d, want 3", got)
	}
}
