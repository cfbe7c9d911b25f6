//go:build linux

package pluginhost

// One test for each row of what go-plugin 1.8 needs from its host. The row
// about maps of versions is in sdk/wire, conformance over a real process is
// in plugins/standard.

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/fabriziosalmi/rainlogs/sdk/storage"
	"github.com/fabriziosalmi/rainlogs/sdk/wire"
)

func hexOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// Row "blobs": go-plugin's server keeps gRPC's limit of 4 MiB a message.
func TestObjectLargerThanAnyMessage(t *testing.T) {
	t.Parallel()
	_, s := launch(t, setup(t), Self(wire.KindStorage, "facts", greeting()))
	content := bytes.Repeat([]byte("rainlogs"), 5<<20/8)
	info, err := s.Put(context.Background(), storage.PutRequest{Key: "k", Size: 5 << 20, SHA256: hexOf(content)}, bytes.NewReader(content))
	if err != nil || info.Size != 5<<20 {
		t.Errorf("%+v, %v", info, err)
	}
}

// Row "SecureConfig": its hash is not reset, so a second start would fail.
func TestPinnedBinaryRestarts(t *testing.T) {
	t.Parallel()
	path, pin := copyOfSelf(t, t.TempDir(), "rainlogs-storage-facts")
	spec := Spec{
		Kind: wire.KindStorage, Name: "facts", Path: path, SHA256: pin,
		Args: []string{"plugin-serve", wire.KindStorage, "facts"}, Values: greeting(),
	}
	b := setup(t)
	_, s := launch(t, b, spec)
	ctx := context.Background()
	for range 3 {
		if _, err := s.Stat(ctx, "crash"); !errors.Is(err, ErrPluginGone) || !errors.Is(err, storage.ErrUnavailable) {
			t.Fatalf("crash: %v, want ErrPluginGone and ErrUnavailable", err)
		}
		b.clock.Advance(b.config.BackoffMax)
		if _, err := s.Stat(ctx, "fine"); err != nil {
			t.Fatalf("after the restart: %v", err)
		}
	}
	// Exchanged under the running host, it does not start again.
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	_, _ = s.Stat(ctx, "crash")
	b.clock.Advance(b.config.BackoffMax)
	if _, err := s.Stat(ctx, "fine"); !errors.Is(err, ErrUntrusted) || errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("exchanged binary: %v, want ErrUntrusted and no retry", err)
	}
}

// Row "environment": the host's is inherited by default.
func TestEnvironmentIsAnAllowList(t *testing.T) { // not parallel: sets variables
	t.Setenv("RAINLOGS_TEST_SECRET", "do not hand down")
	t.Setenv("RAINLOGS_TEST_PROXY", "http://proxy")
	t.Setenv("PLUGIN_UNIX_SOCKET_DIR", "/nowhere")
	spec := Self(wire.KindStorage, "facts", greeting())
	spec.Env = []string{"RAINLOGS_TEST_PROXY", "RAINLOGS_TEST_UNSET", "PLUGIN_UNIX_SOCKET_DIR"}
	_, s := launch(t, setup(t), spec)
	var names []string
	for _, line := range strings.Split(fact(t, s, "env"), "\n") {
		name, value, _ := strings.Cut(line, "=")
		switch {
		case name == "RAINLOGS_PLUGIN", name == "RAINLOGS_TEST_PROXY" && value == "http://proxy":
			names = append(names, name)
		case strings.HasPrefix(line, "PLUGIN_") && value != "/nowhere", !strings.Contains(line, "="):
		case strings.HasSuffix(line, "="): // a padded line of the certificate
		default:
			t.Errorf("plugin got %q", line)
		}
	}
	if len(names) != 2 {
		t.Errorf("plugin has %q, want the cookie and the proxy", names)
	}
}

// Row "logs": a line of {"@message":1} on stderr makes go-plugin panic.
func TestOutputReachesTheLogBounded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, s := launch(t, b, Self(wire.KindStorage, "facts", greeting()))
	if _, err := s.Stat(context.Background(), "print"); err != nil {
		t.Fatal(err)
	}
	b.log.waitFor(t, `msg="from os.Stdout"`)
	log := b.log.waitFor(t, `msg="end of print"`)
	for _, want := range []string{
		`level=WARN msg="from slog" plugin=storage/facts answer=42 nested="{\"a\":\"b\"}"`,
		`level=INFO msg="from descriptor 1" plugin=storage/facts`,
		`msg="from descriptor 2"`,
		`msg="{\"@message\":1}"`, `msg="{\"msg\":7}"`, "cut=true", "\uFFFD not UTF-8",
	} {
		if !strings.Contains(log, want) {
			t.Errorf("log has no %s", want)
		}
	}
	for _, line := range strings.Split(log, "\n") {
		if len(line) > maxLine+200 {
			t.Errorf("line of %d bytes", len(line))
		}
	}
}

// Row "stdin": the host's standard input, a terminal perhaps, is handed down.
func TestStdinIsTheNullDevice(t *testing.T) {
	t.Parallel()
	_, s := launch(t, setup(t), Self(wire.KindStorage, "facts", greeting()))
	if have := fact(t, s, "stdin"); have != "/dev/null 0 <nil>" {
		t.Errorf("stdin is %q", have)
	}
}

// Row "stdout": a print before the handshake breaks it.
func TestPrintsBeforeTheHandshake(t *testing.T) {
	t.Parallel()
	b := setup(t)
	launch(t, b, Self(wire.KindStorage, "noisy", greeting()))
	b.log.waitFor(t, "hello from main, before the handshake")
	b.log.waitFor(t, "9|not|a handshake")
	b.log.waitFor(t, `{\"@message\":1,\"@level\":[]}`)
}

// Row "shutdown": go-plugin cuts live streams, and kills one process only.
func TestCloseDrainsLiveCalls(t *testing.T) {
	t.Parallel()
	b := setup(t)
	i, s := launch(t, b, Self(wire.KindStorage, "facts", greeting()))
	content := bytes.Repeat([]byte("x"), 1<<20)
	body, feed := io.Pipe()
	put := make(chan error, 1)
	go func() {
		_, err := s.Put(context.Background(), storage.PutRequest{Key: "k", Size: 1 << 20, SHA256: hexOf(content)}, body)
		put <- err
	}()
	b.log.waitFor(t, "put begins")
	closed := make(chan error, 1)
	go func() { closed <- i.Close(context.Background()) }()
	if _, err := feed.Write(content); err != nil {
		t.Fatal(err)
	}
	_ = feed.Close()
	if err := <-put; err != nil {
		t.Errorf("live put: %v", err)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
	if _, err := s.Stat(context.Background(), "k"); !errors.Is(err, ErrClosed) {
		t.Errorf("after close: %v, want ErrClosed", err)
	}
}

func TestCloseKillsTheWholeGroup(t *testing.T) {
	t.Parallel()
	b := setup(t)
	i, s := launch(t, b, Self(wire.KindStorage, "facts", greeting()))
	var pid, group, child int
	if _, err := fmt.Sscan(fact(t, s, "ids"), &pid, &group); err != nil {
		t.Fatal(err)
	}
	if group != pid || group == syscall.Getpgrp() {
		t.Errorf("plugin %d is in group %d, the host in %d", pid, group, syscall.Getpgrp())
	}
	if _, err := fmt.Sscan(fact(t, s, "child"), &child); err != nil {
		t.Fatal(err)
	}
	childGone, pluginGone := watchPID(t, child), watchPID(t, pid)
	if err := i.Close(context.Background()); err != nil {
		t.Error(err)
	}
	pluginGone(t)
	childGone(t)
}

// Row "AutoMTLS": nobody but the host gets in.
func TestOthersCannotConnect(t *testing.T) {
	t.Parallel()
	b := setup(t)
	launch(t, b, Self(wire.KindStorage, "facts", greeting()))
	sockets, err := filepath.Glob(filepath.Join(b.sockets.path, "*", "plugin*"))
	if err != nil || len(sockets) != 1 {
		t.Fatalf("sockets %q, %v", sockets, err)
	}
	for name, creds := range map[string]credentials.TransportCredentials{
		"plain":          insecure.NewCredentials(),
		"no certificate": credentials.NewTLS(&tls.Config{InsecureSkipVerify: true}), //nolint:gosec // the attacker does not care
	} {
		conn, err := grpc.NewClient("unix:"+sockets[0], grpc.WithTransportCredentials(creds))
		if err != nil {
			t.Fatal(err)
		}
		if about, err := wire.NewClient(conn, wire.Config{}).Describe(context.Background()); err == nil {
			t.Errorf("%s: got in: %+v", name, about)
		}
		_ = conn.Close()
	}
}

// Row "sockets": the path is limited to 104 bytes, and TMPDIR may be public.
func TestSocketFolder(t *testing.T) { // not parallel: sets TMPDIR
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), strings.Repeat("long", 25)))
	if err := os.MkdirAll(os.Getenv("TMPDIR"), 0o755); err != nil {
		t.Fatal(err)
	}
	b := setup(t)
	i, _ := launch(t, b, Self(wire.KindStorage, "facts", greeting()))
	sockets, err := filepath.Glob(filepath.Join(b.sockets.path, "*", "plugin*"))
	if err != nil || len(sockets) != 1 || len(sockets[0]) > 104 {
		t.Fatalf("sockets %q, %v", sockets, err)
	}
	for _, dir := range []string{b.sockets.path, filepath.Dir(sockets[0])} {
		fi, err := os.Stat(dir)
		if err != nil || fi.Mode().Perm() != 0o700 {
			t.Errorf("%s: mode %v, %v, want 0700", dir, fi.Mode(), err)
		}
	}
	if err := i.Close(context.Background()); err != nil {
		t.Error(err)
	}
	if left, _ := os.ReadDir(b.sockets.path); len(left) != 1 || left[0].Name() != aliveName {
		t.Errorf("close left %v behind", left)
	}
}

// Row "versions": an unknown one is refused.
func TestUnknownProtocolVersion(t *testing.T) {
	t.Parallel()
	_, err := setup(t).Launch(context.Background(), Self(wire.KindStorage, "future", greeting()))
	if err == nil || !strings.Contains(err.Error(), "incompatible API version") {
		t.Errorf("%v, want an incompatible version", err)
	}
}
