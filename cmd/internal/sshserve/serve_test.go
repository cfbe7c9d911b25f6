package sshserve_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/sshserve"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// requireSSH makes the lack of an ssh client a failure.
const requireSSH = "RAINLOGS_REQUIRE_SSH"

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func needSSH(t *testing.T) {
	t.Helper()
	for _, program := range []string{"ssh", "ssh-keygen"} {
		if _, err := exec.LookPath(program); err != nil {
			if os.Getenv(requireSSH) != "" {
				t.Fatal(err)
			}
			t.Skip(err)
		}
	}
}

// house is a server with keys, and what its sessions said.
type house struct {
	t      *testing.T
	dir    string
	port   string
	stop   context.CancelFunc
	served chan error

	mu  sync.Mutex
	log bytes.Buffer
	got []sshserve.Session
}

func (h *house) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.log.Write(p)
}

func (h *house) logged() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.log.String()
}

func (h *house) path(name string) string { return filepath.Join(h.dir, name) }

// key makes a key and returns its public half.
func (h *house) key(name string) string {
	h.t.Helper()
	must(h.t, exec.CommandContext(h.t.Context(), "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", h.path(name)).Run())
	b, err := os.ReadFile(h.path(name + ".pub"))
	must(h.t, err)
	return string(b)
}

func (h *house) lists(name, text string) { must(h.t, os.WriteFile(h.path(name), []byte(text), 0o600)) }

// newHouse serves a program to the keys ada, who may do all, and bob and eve, who may read.
func newHouse(t *testing.T, cfg sshserve.Config, program func(ctx context.Context, s sshserve.Session) error) *house {
	t.Helper()
	needSSH(t)
	h := &house{t: t, dir: t.TempDir(), served: make(chan error, 1)}
	h.key("stranger")
	h.lists("authorized", "# who gets in\n\n"+h.key("ada")+"read-only,restrict "+h.key("bob"))
	h.lists("readers", h.key("eve"))
	cfg.Address, cfg.HostKey, cfg.Authorized, cfg.Readers = "127.0.0.1:0", h.path("state/host"), h.path("authorized"), h.path("readers")
	cfg.Log = slog.New(slog.NewTextHandler(h, nil))
	if cfg.Sessions == 0 {
		cfg.Sessions = 4
	}
	cfg.Program = func(ctx context.Context, s sshserve.Session) error {
		h.mu.Lock()
		h.got = append(h.got, s)
		h.mu.Unlock()
		return program(ctx, s)
	}
	ctx, stop := context.WithCancel(t.Context())
	server, err := sshserve.Listen(ctx, cfg)
	must(t, err)
	_, h.port, err = net.SplitHostPort(server.Address().String())
	must(t, err)
	h.stop = stop
	go func() { h.served <- server.Serve(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-h.served; err != nil {
			t.Error(err)
		}
		h.served <- nil
	})
	return h
}

// ssh is the client with somebody's key; options stand before the host.
func (h *house) ssh(who string, options []string, command ...string) *exec.Cmd {
	args := append([]string{
		"-F", "none", "-i", h.path(who), "-p", h.port, "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes",
		"-o", "UserKnownHostsFile=" + h.path("known"), "-o", "StrictHostKeyChecking=accept-new", "-o", "LogLevel=ERROR",
	}, options...)
	cmd := exec.CommandContext(h.t.Context(), "ssh", append(append(args, "127.0.0.1"), command...)...)
	cmd.Env = append(os.Environ(), "LANG=en_GB.UTF-8", "SECRET=never", "TERM=xterm-256color")
	return cmd
}

// visit runs the client to its end.
func (h *house) visit(who string, options []string, command ...string) (code int, out string) {
	h.t.Helper()
	b, err := h.ssh(who, options, command...).CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		h.t.Fatal(err)
	}
	if exit != nil {
		code = exit.ExitCode()
	}
	return code, string(b)
}

var terminal = []string{"-tt", "-o", "SendEnv=LANG SECRET"}

// greet says who one is, and ends.
func greet(_ context.Context, s sshserve.Session) error {
	_, err := fmt.Fprintf(s.Out, "hello %s, read-only %t, %q\n", s.ID, s.ReadOnly, s.Environ)
	return err
}

func TestWhoGetsIn(t *testing.T) {
	t.Parallel()
	h := newHouse(t, sshserve.Config{}, greet)
	for who, want := range map[string]string{"ada": "read-only false", "bob": "read-only true", "eve": "read-only true"} {
		code, out := h.visit(who, terminal)
		if code != 0 || !strings.Contains(out, want) || !strings.Contains(out, `"LANG=en_GB.UTF-8"`) || strings.Contains(out, "SECRET") {
			t.Errorf("%s: exit %d, %q", who, code, out)
		}
	}
	if code, out := h.visit("stranger", terminal); code != 255 || !strings.Contains(out, "Permission denied (publickey)") {
		t.Errorf("a stranger: exit %d, %q", code, out)
	}
	if code, out := h.visit("ada", []string{"-tt", "-o", "PreferredAuthentications=password,keyboard-interactive,none"}); code != 255 || !strings.Contains(out, "Permission denied") {
		t.Errorf("without a key: exit %d, %q", code, out)
	}
	for name, args := range map[string][][]string{
		"a command": {terminal, {"ls"}}, "no terminal": {{"-T"}}, "a subsystem": {{"-T", "-s"}, {"sftp"}},
	} {
		command := []string{}
		if len(args) > 1 {
			command = args[1]
		}
		if code, out := h.visit("ada", args[0], command...); code == 0 || strings.Contains(out, "hello") {
			t.Errorf("%s: exit %d, %q", name, code, out)
		}
	}
	// The host is the same the next time: the client knows it.
	if b, err := os.ReadFile(h.path("known")); err != nil || !bytes.Contains(b, []byte("ssh-ed25519")) {
		t.Errorf("known hosts %q, %v", b, err)
	}
	if info, err := os.Stat(h.path("state/host")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("host key %v, %v", info, err)
	}
	h.lists("authorized", "# nobody any more\n")
	if code, _ := h.visit("ada", terminal); code != 255 {
		t.Errorf("a key that was taken out: exit %d", code)
	}
	h.lists("authorized", "from=\"10.0.0.1\" "+mustRead(t, h.path("ada.pub")))
	if code, _ := h.visit("ada", terminal); code != 255 || !strings.Contains(h.logged(), "is not honoured here") {
		t.Errorf("an option that is not honoured: exit %d, %s", code, h.logged())
	}
}

func mustRead(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	return string(b)
}

func TestNoForwarding(t *testing.T) {
	t.Parallel()
	h := newHouse(t, sshserve.Config{}, greet)
	code, out := h.visit("ada", []string{"-W", "127.0.0.1:" + h.port, "-o", "LogLevel=INFO"})
	if code == 0 || strings.Contains(out, "SSH-2.0-RainLogs") {
		t.Errorf("forwarded: exit %d, %q", code, out)
	}
	code, out = h.visit("ada", append([]string{"-R", "0:127.0.0.1:" + h.port, "-o", "ExitOnForwardFailure=yes"}, terminal...))
	if code == 0 {
		t.Errorf("listens for a client: exit %d, %q", code, out)
	}
}

// wait echoes what is typed until it is told to end.
func wait(ctx context.Context, s sshserve.Session) error {
	_, _ = io.WriteString(s.Out, "ready\n")
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = io.Copy(s.Out, s.In)
	}()
	select {
	case <-ctx.Done():
	case <-ended:
	}
	return nil
}

// sitting is a client whose session is open.
type sitting struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bytes.Buffer
	end chan error
}

func (h *house) sit(who string) *sitting {
	h.t.Helper()
	s := &sitting{cmd: h.ssh(who, terminal), out: &bytes.Buffer{}, end: make(chan error, 1)}
	var err error
	s.in, err = s.cmd.StdinPipe()
	must(h.t, err)
	stdout, err := s.cmd.StdoutPipe()
	must(h.t, err)
	s.cmd.Stderr = h
	must(h.t, s.cmd.Start())
	first := make([]byte, 5)
	if _, err := io.ReadFull(stdout, first); err != nil || string(first) != "ready" {
		h.t.Fatalf("%s sees %q, %v: %s", who, first, err, h.logged())
	}
	go func() {
		_, _ = io.Copy(s.out, stdout)
		s.end <- s.cmd.Wait()
	}()
	return s
}

// ended waits for a client to end, and returns what it saw.
func (s *sitting) ended(t *testing.T) string {
	t.Helper()
	select {
	case err := <-s.end:
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Error(err)
		}
	case <-time.After(30 * time.Second):
		_ = s.cmd.Process.Kill()
		t.Error("a session does not end")
	}
	return s.out.String()
}

func TestIdle(t *testing.T) {
	t.Parallel()
	h := newHouse(t, sshserve.Config{Idle: 300 * time.Millisecond}, wait)
	s := h.sit("ada")
	s.ended(t)
	if !strings.Contains(h.logged()+s.out.String(), "nothing was typed for long") {
		t.Errorf("it ends without a word: %q, %s", s.out, h.logged())
	}
}

func TestNoMoreSessions(t *testing.T) {
	t.Parallel()
	h := newHouse(t, sshserve.Config{Sessions: 1}, wait)
	s := h.sit("ada")
	if code, out := h.visit("bob", terminal); code != 1 || !strings.Contains(out, "1 sessions are open") {
		t.Errorf("a second: exit %d, %q", code, out)
	}
	must(t, s.cmd.Process.Kill()) // the client is gone; its place is free again
	s.ended(t)
	for deadline := time.Now().Add(20 * time.Second); ; {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		cmd := h.ssh("bob", terminal)
		again := exec.CommandContext(ctx, cmd.Args[0], cmd.Args[1:]...)
		again.Env = cmd.Env
		out, _ := again.CombinedOutput()
		cancel()
		if bytes.Contains(out, []byte("ready")) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the place is not free: %q", out)
		}
	}
}

// TestServerEnds: sessions end with the server, told why, and nothing stays behind (goleak).
func TestServerEnds(t *testing.T) {
	t.Parallel()
	h := newHouse(t, sshserve.Config{}, wait)
	a, b := h.sit("ada"), h.sit("bob")
	h.stop()
	a.ended(t)
	b.ended(t)
	if err := <-h.served; err != nil {
		t.Error(err)
	}
	h.served <- nil
	if !strings.Contains(h.logged()+a.out.String(), "the server ends") {
		t.Errorf("it ends without a word: %q, %s", a.out, h.logged())
	}
}

// TestFailingSession: one that fails takes no other with it.
func TestFailingSession(t *testing.T) {
	t.Parallel()
	h := newHouse(t, sshserve.Config{}, func(ctx context.Context, s sshserve.Session) error {
		if s.ReadOnly {
			panic("in a session")
		}
		return errors.New("the archive is away\x1b[2J")
	})
	if code, out := h.visit("bob", terminal); code != 1 || strings.Contains(out, "panic") {
		t.Errorf("panic: exit %d, %q", code, out)
	}
	if code, out := h.visit("ada", terminal); code != 1 || !strings.Contains(out, `rainlogs: the archive is away\x1b[2J`) {
		t.Errorf("error: exit %d, %q", code, out)
	}
}
