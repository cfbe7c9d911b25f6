package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/fabriziosalmi/rainlogs/plugins/source/logpull/logpulltest"
)

// requirePython makes the lack of Python's gRPC a failure: .ci/run sets it.
const requirePython = "RAINLOGS_REQUIRE_PYTHON_GRPC"

// pythonPlugin installs examples/storage-python as its author would: the
// program, and the protocol beside it.
func pythonPlugin(t *testing.T, dir string) (path string) {
	t.Helper()
	for _, command := range [][]string{
		{"/usr/bin/python3", "-c", "import grpc, google.protobuf, cryptography"},
		{"protoc", "--proto_path=../../sdk/wire/internal/pb", "--descriptor_set_out=" + filepath.Join(t.TempDir(), "set"), "plugin.proto"},
	} {
		out, err := exec.CommandContext(t.Context(), command[0], command[1:]...).CombinedOutput()
		switch {
		case err != nil && os.Getenv(requirePython) != "":
			t.Fatalf("%v: %v\n%s", command, err, out)
		case err != nil:
			t.Skipf("no Python with gRPC here (examples/storage-python/README.md says what to install): %s", out)
		}
	}
	must(t, os.MkdirAll(dir, 0o755))
	path = filepath.Join(dir, "rainlogs-storage-python")
	for from, to := range map[string]string{
		"../../examples/storage-python/rainlogs-storage-python": path,
		"../../sdk/wire/internal/pb/plugin.proto":               filepath.Join(dir, "plugin.proto"),
	} {
		b, err := os.ReadFile(from)
		must(t, err)
		must(t, os.WriteFile(to, b, 0o755))
	}
	return path
}

// TestPythonPluginConforms: the contract stands on its own.
func TestPythonPluginConforms(t *testing.T) {
	t.Parallel()
	path := pythonPlugin(t, t.TempDir())
	rep := conform(t, nowhere(t), 0, path, "--set", "path={tmp}")
	if rep.Passed < 21 || rep.Failed != 0 || rep.Skipped != 1 || rep.Plugin != "python" {
		t.Errorf("%+v", rep)
	}
}

// TestArchiveInAForeignPlugin collects into a plugin that is not ours, pinned,
// and lets the archive be verified through it and without it.
func TestArchiveInAForeignPlugin(t *testing.T) {
	t.Parallel()
	s := newSite(t, traffic(t, 20_000), logpulltest.Faults{})
	pythonPlugin(t, filepath.Join(s.dir, "plugins"))
	s.configure("collector: {window: 5m, lag: 5m, concurrency: 4}\nplugins: {dir: ./plugins}")
	s.editConfig(`plugin: fs`, "plugin: python, country: IT")
	s.fails(2, "not built in", "zone", "add", zoneID)
	s.ok("plugin", "pin", "python", "--write")
	s.ok("zone", "add", zoneID)
	from, to := hours(1)
	s.ok("pull", zoneID, "--from", stamp(from), "--to", stamp(to))
	if n := s.checkLines(from, to); n == 0 {
		t.Error("no lines")
	}
	if code, findings, text := s.report(); code != 0 {
		t.Errorf("verify through the plugin: exit %d, %v\n%s", code, findings, text)
	}
	s.editConfig(`plugin: python`, "plugin: fs")
	if code, findings, text := s.report(); code != 0 {
		t.Errorf("verify without it: exit %d, %v\n%s", code, findings, text)
	}
	program := filepath.Join(s.dir, "plugins", "rainlogs-storage-python")
	b, err := os.ReadFile(program)
	must(t, err)
	s.editConfig(`plugin: fs`, "plugin: python")
	must(t, os.WriteFile(program, fmt.Appendf(b, "\n# another\n"), 0o755))
	if r := s.run("verify"); r.code == 0 || !strings.Contains(r.stderr, "pinned is") {
		t.Errorf("another program than was pinned was run: exit %d %s", r.code, r.stderr)
	}
}

// requireSSH makes the lack of OpenSSH's server a failure: .ci/run sets it.
const requireSSH = "RAINLOGS_REQUIRE_SSH"

// sshServer starts examples/storage-sftp's sshd-here, and returns the flags
// that it prints for its server.
func sshServer(t *testing.T) (flags []string) {
	t.Helper()
	if _, err := os.Stat("/usr/sbin/sshd"); err != nil {
		if os.Getenv(requireSSH) != "" {
			t.Fatal(err)
		}
		t.Skipf("no OpenSSH server here (apt-get install openssh-server): %v", err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	port := l.Addr().(*net.TCPAddr).Port
	must(t, l.Close())
	cmd := exec.Command("../../examples/storage-sftp/sshd-here", t.TempDir(), strconv.Itoa(port))
	told, err := cmd.StdoutPipe()
	must(t, err)
	said, err := cmd.StderrPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(told).ReadString('\n')
	must(t, err)
	for lines := bufio.NewScanner(said); lines.Scan(); {
		if strings.Contains(lines.Text(), "Server listening") {
			go func() { // until it ends
				for lines.Scan() {
				}
			}()
			return strings.Fields(line)
		}
	}
	t.Fatal("sshd does not listen")
	return nil
}

// TestSFTPPluginConforms: the example as a stranger builds it, against a real
// sshd, through the real program.
func TestSFTPPluginConforms(t *testing.T) {
	t.Parallel()
	flags := sshServer(t)
	path := filepath.Join(t.TempDir(), "rainlogs-storage-sftp")
	build := exec.CommandContext(t.Context(), "go", "build", "-C", "../../examples/storage-sftp", "-o", path, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	rep := conform(t, nowhere(t), 0, append([]string{path, "--set", "path={tmp}"}, flags...)...)
	if rep.Passed < 20 || rep.Failed != 0 || rep.Skipped != 2 || rep.Plugin != "sftp" {
		t.Errorf("%+v", rep)
	}
}

// TestSourceHelloConforms is what docs/plugins.md ends with.
func TestSourceHelloConforms(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "rainlogs-source-hello")
	build := exec.CommandContext(t.Context(), "go", "build", "-C", "../../examples/source-hello", "-o", path, ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	rep := conform(t, nowhere(t), 0, path, "--zone", "world", "--unknown-zone", "No-Word")
	if rep.Passed < 16 || rep.Failed != 0 || rep.Kind != "source" {
		t.Errorf("%+v", rep)
	}
}
