package main

import (
	"bufio"
	"context"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/pkg/sftp"
	"go.uber.org/goleak"

	"github.com/fabriziosalmi/rainlogs/sdk/config"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// requireSSH makes the lack of OpenSSH a failure: .ci/run sets it.
const requireSSH = "RAINLOGS_REQUIRE_SSH"

func find(t *testing.T, what string, places ...string) string {
	t.Helper()
	for _, p := range places {
		if path, err := exec.LookPath(p); err == nil {
			return path
		}
	}
	if os.Getenv(requireSSH) != "" {
		t.Fatalf("%s is not here: apt-get install openssh-server", what)
	}
	t.Skipf("%s is not here: nothing was tested against it", what)
	return ""
}

// piped dials OpenSSH's sftp-server over pipes, without SSH.
func piped(t *testing.T, args ...string) func(context.Context) (*sftp.Client, io.Closer, error) {
	t.Helper()
	server := find(t, "sftp-server", "/usr/lib/openssh/sftp-server", "/usr/lib/ssh/sftp-server", "/usr/libexec/openssh/sftp-server", "/usr/libexec/sftp-server")
	return func(context.Context) (*sftp.Client, io.Closer, error) {
		cmd := exec.Command(server, args...)
		in, err := cmd.StdinPipe()
		if err != nil {
			return nil, nil, err
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			return nil, nil, err
		}
		if err := cmd.Start(); err != nil {
			return nil, nil, err
		}
		client, err := sftp.NewClientPipe(out, in, options()...)
		return client, ended{cmd}, err
	}
}

// ended ends a process.
type ended struct{ cmd *exec.Cmd }

func (e ended) Close() error {
	_ = e.cmd.Process.Kill()
	_ = e.cmd.Wait()
	return nil
}

// sshServer starts a real sshd with keys of its own, and returns the plugin's
// settings for it.
func sshServer(t *testing.T) (settings config.Values, folder string) {
	t.Helper()
	find(t, "sshd", "sshd", "/usr/sbin/sshd")
	find(t, "ssh-keygen", "ssh-keygen")
	folder = t.TempDir()
	cmd := exec.Command("./sshd-here", folder, strconv.Itoa(freePort(t)))
	said, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	told, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ended{cmd}.Close() })
	settings = config.Values{}
	line, err := bufio.NewReader(told).ReadString('\n')
	if err != nil {
		rest, _ := io.ReadAll(said)
		t.Fatalf("sshd-here: %v: %s", err, rest)
	}
	for _, word := range strings.Fields(line) {
		if key, value, ok := strings.Cut(word, "="); ok {
			settings[key] = value
		}
	}
	key, err := os.ReadFile(filepath.Join(folder, "id"))
	if err != nil {
		t.Fatal(err)
	}
	settings["private_key"] = string(key) // the host resolves file:
	lines := bufio.NewScanner(said)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "Server listening") {
			go func() { // until it ends
				for lines.Scan() {
				}
			}()
			return settings, folder
		}
	}
	t.Fatal("sshd does not listen")
	return nil, ""
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port
}

// opened opens the plugin with settings, as the host does.
func opened(t *testing.T, settings config.Values, path string) *Store {
	t.Helper()
	v := config.Values{"path": path}
	for name, value := range settings {
		if name != "path" {
			v[name] = value
		}
	}
	values, err := plugin().Schema.Check(v)
	if err != nil {
		t.Fatal(err)
	}
	s, err := open(values)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}
