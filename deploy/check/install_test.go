package check

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const version = "1.2.3"

// release is a release's folder: each program in its archive, and SHA256SUMS.
func release(t *testing.T, programs map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	var sums bytes.Buffer
	for name, program := range programs {
		archive := fmt.Sprintf("%s_%s_linux_%s.tar.gz", name, version, goarch())
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		w := tar.NewWriter(z)
		err := errors.Join(
			w.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(program)), Typeflag: tar.TypeReg}),
			second(w.Write(program)), w.Close(), z.Close(),
			os.WriteFile(filepath.Join(dir, archive), b.Bytes(), 0o644))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(b.Bytes()), archive)
	}
	if err := os.WriteFile(filepath.Join(dir, "SHA256SUMS"), sums.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

func second(_ int, err error) error { return err }

func scripts() map[string][]byte {
	m := map[string][]byte{}
	for _, name := range []string{"rainlogs", "rainlogsd", "rainlogs-verify"} {
		m[name] = []byte("#!/bin/sh\necho " + name + " " + version + "\n")
	}
	return m
}

func install(t *testing.T, args ...string) (int, string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", append([]string{filepath.Join(repo, "install.sh")}, args...)...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

func serve(t *testing.T, dir string) string {
	t.Helper()
	s := httptest.NewServer(http.FileServer(http.Dir(dir)))
	t.Cleanup(s.Close)
	return s.URL
}

// TestInstall: from a server and from a folder, into a prefix of one's own.
func TestInstall(t *testing.T) {
	t.Parallel()
	needs(t, "curl")
	dir := release(t, scripts())
	for name, from := range map[string]string{"server": serve(t, dir), "folder": dir} {
		prefix := filepath.Join(t.TempDir(), "a prefix")
		code, out := install(t, "--version", "v"+version, "--prefix", prefix, "--from", from)
		if code != 0 {
			t.Fatalf("%s: exit %d\n%s", name, code, out)
		}
		for program := range scripts() {
			if got := output(t, filepath.Join(prefix, "bin", program)); got != program+" "+version+"\n" {
				t.Errorf("%s: %s says %q", name, program, got)
			}
		}
		entries, err := os.ReadDir(filepath.Join(prefix, "bin"))
		if err != nil || len(entries) != 3 {
			t.Errorf("%s: %v, %v", name, entries, err)
		}
	}
}

// TestInstallRefuses: whatever is wrong with one file, none is installed.
func TestInstallRefuses(t *testing.T) {
	t.Parallel()
	needs(t, "curl")
	archive := fmt.Sprintf("rainlogs-verify_%s_linux_%s.tar.gz", version, goarch())
	change := func(name string, f func([]byte) []byte) func(*testing.T, string) []string {
		return func(t *testing.T, dir string) []string {
			t.Helper()
			b, err := os.ReadFile(filepath.Join(dir, name))
			if err == nil {
				err = os.WriteFile(filepath.Join(dir, name), f(b), 0o644)
			}
			if err != nil {
				t.Fatal(err)
			}
			return nil
		}
	}
	for name, c := range map[string]struct {
		spoil func(*testing.T, string) []string
		code  int
		want  string
	}{
		"a byte of an archive": {change(archive, func(b []byte) []byte { b[len(b)/2] ^= 1; return b }), 3, "SHA256SUMS says"},
		"a cut archive":        {change(archive, func(b []byte) []byte { return b[:len(b)-9] }), 3, "SHA256SUMS says"},
		"no line for it":       {change("SHA256SUMS", func([]byte) []byte { return nil }), 3, "does not name"},
		"an error page":        {change("SHA256SUMS", func([]byte) []byte { return []byte("<html>404</html>\n") }), 3, "does not name"},
		"no archive": {func(t *testing.T, dir string) []string {
			t.Helper()
			if err := os.Remove(filepath.Join(dir, archive)); err != nil {
				t.Fatal(err)
			}
			return nil
		}, 1, "cannot be had"},
		"other sums than announced": {func(*testing.T, string) []string { return []string{"--sha256", strings.Repeat("0", 64)} }, 3, "not the one"},
		"a plain address":           {func(*testing.T, string) []string { return []string{"--from", "http://example.eu"} }, 2, "only https"},
		"a version with a path":     {func(*testing.T, string) []string { return []string{"--version", "../1"} }, 2, "is no version"},
		"a program of nobody's":     {func(*testing.T, string) []string { return []string{"--programs", "rainlogs,sh"} }, 2, "none of"},
		"a flag without a value":    {func(*testing.T, string) []string { return []string{"--prefix"} }, 2, "needs a value"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := release(t, scripts())
			prefix := filepath.Join(t.TempDir(), "prefix")
			args := append([]string{"--version", version, "--prefix", prefix, "--from", serve(t, dir)}, c.spoil(t, dir)...)
			code, out := install(t, args...)
			if code != c.code || !strings.Contains(out, c.want) {
				t.Errorf("exit %d, want %d with %q:\n%s", code, c.code, c.want, out)
			}
			if _, err := os.Stat(prefix); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("something was installed: %v", err)
			}
		})
	}
}

// TestInstallSums: sums that came another way find a release that was forged as a whole.
func TestInstallSums(t *testing.T) {
	t.Parallel()
	genuine, forged := release(t, scripts()), scripts()
	forged["rainlogs-verify"] = []byte("#!/bin/sh\necho intact\n")
	prefix := filepath.Join(t.TempDir(), "prefix")
	code, out := install(t, "--version", version, "--prefix", prefix, "--from", release(t, forged), "--sums", filepath.Join(genuine, "SHA256SUMS"))
	if code != 3 || !strings.Contains(out, "nothing is installed") {
		t.Errorf("exit %d\n%s", code, out)
	}
	if code, out = install(t, "--version", version, "--prefix", prefix, "--from", genuine, "--sha256", sum(t, filepath.Join(genuine, "SHA256SUMS"))); code != 0 {
		t.Errorf("exit %d\n%s", code, out)
	}
}

// TestInstallInNamespace: the static programs, as nobody, in namespaces with no network,
// in a root folder that has a shell, the tools that install.sh calls, and nothing else.
func TestInstallInNamespace(t *testing.T) {
	t.Parallel()
	needs(t, "unshare", "chroot")
	if os.Geteuid() != 0 {
		missing(t, "a chroot wants root")
	}
	dir := programs(t)
	real := map[string][]byte{}
	for _, name := range []string{"rainlogsd", "rainlogs-verify"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		real[name] = b
	}
	root := minimal(t)
	if err := os.CopyFS(filepath.Join(root, "release"), os.DirFS(release(t, real))); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "install.sh"), read(t, "install.sh"), 0o644); err != nil {
		t.Fatal(err)
	}
	script := `set -e
sh /install.sh --version ` + version + ` --from /release --programs rainlogsd,rainlogs-verify --prefix /home/nobody/.local
/home/nobody/.local/bin/rainlogsd version
/home/nobody/.local/bin/rainlogs-verify --version
if sh /install.sh --version ` + version + ` --from /release --programs rainlogsd --prefix /usr; then exit 9; fi`
	chroot, err := exec.LookPath("chroot")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "unshare", "--net", "--mount", "--pid", "--fork", "--ipc", "--uts",
		chroot, "--userspec=65534:65534", root, "/bin/sh", "-c", script)
	cmd.Env = []string{"PATH=/bin:/usr/bin", "HOME=/home/nobody"}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"installed /home/nobody/.local/bin/rainlogsd", "rainlogsd v0.0.0-check", "rainlogs-verify v0.0.0-check", "run it as root, or give --prefix"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
}

// minimal is a root folder with a shell and the tools that install.sh calls,
// with the libraries that these need.
func minimal(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	// t.TempDir's parents are root's alone; chroot itself is entered before the user changes.
	for _, dir := range []string{"bin", "usr/bin", "tmp", "home/nobody", "dev", "etc"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Chmod(root, 0o755), os.Chmod(filepath.Join(root, "tmp"), 0o777|os.ModeSticky),
		os.Chown(filepath.Join(root, "home/nobody"), 65534, 65534), device(filepath.Join(root, "dev/null")),
		os.WriteFile(filepath.Join(root, "etc/passwd"), []byte("root:x:0:0:root:/root:/bin/sh\n"), 0o644),
		os.WriteFile(filepath.Join(root, "etc/group"), []byte("root:x:0:\n"), 0o644)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"sh", "tar", "gzip", "sha256sum", "awk", "cut", "tr", "uname", "mktemp", "cp", "mv", "rm", "mkdir", "chmod", "cat"} {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Fatal(err)
		}
		withLibraries(t, root, path, filepath.Join(root, "bin", name))
	}
	return root
}

// withLibraries places a program into a root folder, and what it is linked with.
func withLibraries(t *testing.T, root, from, to string) {
	t.Helper()
	place(t, from, to)
	for _, word := range strings.Fields(output(t, "ldd", from)) {
		if strings.HasPrefix(word, "/") {
			place(t, word, filepath.Join(root, word))
		}
	}
}

func place(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err == nil {
		err = errors.Join(os.MkdirAll(filepath.Dir(to), 0o755), os.WriteFile(to, b, 0o755))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestShellcheck finds nothing in the scripts.
func TestShellcheck(t *testing.T) {
	t.Parallel()
	needs(t, "shellcheck")
	args := []string{}
	for _, s := range shellScripts {
		args = append(args, filepath.Join(repo, s))
	}
	output(t, "shellcheck", args...)
	bad := filepath.Join(t.TempDir(), "bad.sh")
	if err := os.WriteFile(bad, []byte("#!/bin/sh\nrm $1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "shellcheck", bad).CombinedOutput(); err == nil {
		t.Errorf("shellcheck finds nothing in a bad script: %s", out)
	}
}

var shellScripts = []string{"install.sh", "deploy/compose/prepare.sh", "deploy/drill.sh", "deploy/packages/pages.sh", "deploy/packages/postinstall.sh", "deploy/packages/preremove.sh"}
