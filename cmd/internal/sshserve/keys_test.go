package sshserve_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/sshserve"
)

const someKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ9d3nTAV0bpdhbM0pqWbjUpGQ3Ar6MKQkHYZFd0r1nM ada@example"

// TestRefusedFiles: a file of keys that cannot be trusted is told before anybody comes.
func TestRefusedFiles(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text string
		mode os.FileMode
		want string
	}{
		"nobody":      {"# none\n", 0o600, "lets anybody in"},
		"writable":    {someKey, 0o664, "can be written by others"},
		"no key":      {someKey + "\nssh-ed25519 AAAA\n", 0o600, "line 2, is no key"},
		"option":      {`command="ls" ` + someKey, 0o600, "is not honoured here"},
		"authority":   {"cert-authority " + someKey, 0o600, "is not honoured here"},
		"too large":   {strings.Repeat("#\n", 1<<20), 0o600, "more than"},
		"none at all": {"", 0, "no such file"},
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, "authorized")
		if c.mode != 0 {
			must(t, os.WriteFile(path, []byte(c.text), 0o600))
			must(t, os.Chmod(path, c.mode))
		}
		_, err := sshserve.Listen(t.Context(), sshserve.Config{Address: "127.0.0.1:0", HostKey: filepath.Join(dir, "host"), Authorized: path, Sessions: 1, Log: slog.New(slog.DiscardHandler)})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestHostKey: made once, and not used where others can read it.
func TestHostKey(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cfg := sshserve.Config{Address: "127.0.0.1:0", HostKey: filepath.Join(dir, "state", "host"), Authorized: filepath.Join(dir, "authorized"), Sessions: 1, Log: slog.New(slog.DiscardHandler)}
	must(t, os.WriteFile(cfg.Authorized, []byte("restrict,read-only "+someKey), 0o600))
	first := ""
	for range 2 {
		ctx, stop := context.WithCancel(t.Context())
		server, err := sshserve.Listen(ctx, cfg)
		must(t, err)
		stop()
		must(t, server.Serve(ctx))
		if first != "" && server.Fingerprint() != first {
			t.Errorf("another host: %s, %s", first, server.Fingerprint())
		}
		first = server.Fingerprint()
	}
	must(t, os.Chmod(cfg.HostKey, 0o644))
	if _, err := sshserve.Listen(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "can be read by others") {
		t.Errorf("an open host key: %v", err)
	}
	must(t, os.WriteFile(cfg.HostKey, []byte("-----BEGIN OPENSSH PRIVATE KEY-----\n"), 0o600))
	must(t, os.Chmod(cfg.HostKey, 0o600))
	if _, err := sshserve.Listen(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "is damaged") {
		t.Errorf("a damaged host key: %v", err)
	}
}
