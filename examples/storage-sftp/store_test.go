package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/fabriziosalmi/rainlogs/sdk/storage"
	"github.com/fabriziosalmi/rainlogs/sdk/storage/storagetest"
)

func TestDeclaration(t *testing.T) {
	t.Parallel()
	if err := plugin().Validate(); err != nil {
		t.Error(err)
	}
}

// TestConformance runs the suite over OpenSSH's sftp-server, as it is and
// without the requests that other servers lack, and over a real sshd.
func TestConformance(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{"SFTPServer": nil, "WithoutHardLinks": {"-P", "hardlink"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dial := piped(t, args...)
			storagetest.Run(t, func(t *testing.T) storage.Storage {
				s := newStore(t.TempDir(), false, dial)
				t.Cleanup(func() { _ = s.Close() })
				return s
			})
		})
	}
	t.Run("SSHD", func(t *testing.T) {
		t.Parallel()
		settings, _ := sshServer(t)
		storagetest.Run(t, func(t *testing.T) storage.Storage { return opened(t, settings, t.TempDir()) })
	})
}

func put(t *testing.T, s storage.Storage, key string, content []byte, replaces string) error {
	t.Helper()
	sum := sha256.Sum256(content)
	_, err := s.Put(t.Context(), storage.PutRequest{
		Key: key, Size: int64(len(content)), SHA256: hex.EncodeToString(sum[:]), Replaces: replaces,
	}, bytes.NewReader(content))
	return err
}

func digestOf(content string) string {
	sum := sha256.Sum256([]byte(content))
	return hex.EncodeToString(sum[:])
}

func TestObjectsAreReadOnlyFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := newStore(dir, false, piped(t))
	t.Cleanup(func() { _ = s.Close() })
	if err := put(t, s, "a/b", []byte("bytes"), ""); err != nil {
		t.Fatal(err)
	}
	fi, err := os.Stat(filepath.Join(dir, "a", "b"))
	if err != nil || fi.Mode() != 0o444 {
		t.Errorf("%v, %v", fi.Mode(), err)
	}
	if left, err := os.ReadDir(filepath.Join(dir, temporary)); err != nil || len(left) != 0 {
		t.Errorf("%d files are left behind, %v", len(left), err)
	}
}

// TestHostKeyIsStrict: an unknown key, another key, and a server of which
// nothing is known are refused before anything is sent.
func TestHostKeyIsStrict(t *testing.T) {
	t.Parallel()
	settings, folder := sshServer(t)
	if _, err := opened(t, settings, folder).Stat(t.Context(), "x"); !errors.Is(err, storage.ErrNotFound) {
		t.Fatalf("the known key: %v", err)
	}
	other, err := os.ReadFile(filepath.Join(folder, "id.pub")) // of the right kind, and not the server's
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, line string) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(line), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	settings["known_hosts"] = write("changed", "[127.0.0.1]:"+settings["port"]+" "+string(other))
	if _, err := opened(t, settings, folder).Stat(t.Context(), "x"); !errors.Is(err, storage.ErrPermission) || !strings.Contains(err.Error(), "host key") {
		t.Errorf("another key: %v", err)
	}
	settings["known_hosts"] = write("elsewhere", "example.com "+string(other))
	if _, err := open(settings); err == nil || !strings.Contains(err.Error(), "no host key of [127.0.0.1]") {
		t.Errorf("an unknown host: %v", err)
	}
	settings["known_hosts"] = filepath.Join(folder, "nothing")
	if _, err := open(settings); err == nil {
		t.Error("opened without known_hosts")
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	settings, folder := sshServer(t)
	key := settings["private_key"]
	for what, broken := range map[string]string{"no key": "", "half a key": key[:len(key)/2]} {
		settings["private_key"] = broken
		if _, err := open(settings); err == nil || strings.Contains(err.Error(), key[40:60]) {
			t.Errorf("%s: %v", what, err)
		}
	}
	settings["private_key"] = ""
	settings["agent"] = serveAgent(t, key)
	if _, err := opened(t, settings, folder).Stat(t.Context(), "x"); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("by the agent: %v", err)
	}
	settings["user"] = "nobody-of-that-name"
	if _, err := opened(t, settings, folder).Stat(t.Context(), "x"); !errors.Is(err, storage.ErrPermission) {
		t.Errorf("another user: %v, want ErrPermission", err)
	}
}

// serveAgent is an SSH agent with one key.
func serveAgent(t *testing.T, key string) (socket string) {
	t.Helper()
	private, err := ssh.ParseRawPrivateKey([]byte(key))
	if err != nil {
		t.Fatal(err)
	}
	ring := agent.NewKeyring()
	if err := ring.Add(agent.AddedKey{PrivateKey: private}); err != nil {
		t.Fatal(err)
	}
	socket = filepath.Join(t.TempDir(), "agent")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _ = agent.ServeAgent(ring, conn); _ = conn.Close() }()
		}
	}()
	return socket
}

// TestLostConnectionIsOpenedAgain: the call under way may fail, the next one
// does not.
func TestLostConnectionIsOpenedAgain(t *testing.T) {
	t.Parallel()
	settings, _ := sshServer(t)
	s := opened(t, settings, t.TempDir())
	if err := put(t, s, "k", []byte("kept"), ""); err != nil {
		t.Fatal(err)
	}
	c, err := s.use(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_ = c.closer.Close()
	_ = c.Wait()
	if _, err := s.stat(c, "k"); !errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("on the lost connection: %v, want ErrUnavailable", err)
	}
	if info, err := s.Stat(t.Context(), "k"); err != nil || info.Size != 4 {
		t.Errorf("on the next one: %+v, %v", info, err)
	}
}

// TestReplacersOfTwoProcesses share nothing but the server.
func TestReplacersOfTwoProcesses(t *testing.T) {
	t.Parallel()
	dir, dial := t.TempDir(), piped(t)
	stores := make([]*Store, 4)
	for i := range stores {
		stores[i] = newStore(dir, false, dial)
		t.Cleanup(func() { _ = stores[i].Close() })
	}
	if err := put(t, stores[0], "head", []byte("0"), ""); err != nil {
		t.Fatal(err)
	}
	won := make(chan error, len(stores))
	for i, s := range stores {
		go func() { won <- put(t, s, "head", []byte("successor "+strconv.Itoa(i)), digestOf("0")) }()
	}
	winners := 0
	for range stores {
		switch err := <-won; {
		case err == nil:
			winners++
		case !errors.Is(err, storage.ErrChanged):
			t.Error(err)
		}
	}
	if winners != 1 {
		t.Errorf("%d replaced the same object", winners)
	}
}

// TestLockOfTheDead is taken away once it has said the same for long enough.
func TestLockOfTheDead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := newStore(dir, false, piped(t))
	t.Cleanup(func() { _ = s.Close() })
	if err := put(t, s, "head", []byte("0"), ""); err != nil {
		t.Fatal(err)
	}
	lock := filepath.Join(dir, temporary, "lock")
	if err := os.WriteFile(lock, []byte("somebody"), 0o644); err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := s.Delete(short, "head"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("while it is held: %v", err)
	}
	s.stale = time.Millisecond
	if err := put(t, s, "head", []byte("1"), digestOf("0")); err != nil {
		t.Errorf("when its holder is dead: %v", err)
	}
	if _, err := os.Stat(lock); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the lock is still there: %v", err)
	}
}

func TestServerThatCannotSync(t *testing.T) {
	t.Parallel()
	dial := piped(t, "-P", "fsync")
	if _, err := newStore(t.TempDir(), false, dial).Stat(t.Context(), "x"); err == nil || !strings.Contains(err.Error(), "unsynced") {
		t.Errorf("%v, want a word on durability", err)
	}
	s := newStore(t.TempDir(), true, dial)
	t.Cleanup(func() { _ = s.Close() })
	if err := put(t, s, "k", []byte("x"), ""); err != nil {
		t.Error(err)
	}
}

// TestMemory: an object of 256 MiB crosses in a few MiB.
func TestMemory(t *testing.T) { //nolint:paralleltest // it measures
	if testing.Short() {
		t.Skip("takes a while")
	}
	s := newStore(t.TempDir(), false, piped(t))
	t.Cleanup(func() { _ = s.Close() })
	const size = 256 << 20
	sum := sha256.New()
	if _, err := io.CopyN(sum, zeroes{}, size); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	_, err := s.Put(t.Context(), storage.PutRequest{Key: "big", Size: size, SHA256: hex.EncodeToString(sum.Sum(nil))}, io.LimitReader(zeroes{}, size))
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Get(t.Context(), "big", 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, r, make([]byte, block)); err != nil || n != size {
		t.Errorf("%d bytes, %v", n, err)
	}
	_ = r.Close()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapSys) - int64(before.HeapSys); grown > 32<<20 {
		t.Errorf("the heap grew by %d MiB", grown>>20)
	}
}

type zeroes struct{}

func (zeroes) Read(p []byte) (int, error) { return len(p), nil }
