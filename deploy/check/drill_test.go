package check

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// probed are the paths that the probes ask, and the drill with them.
var probed = []string{"/health", "/health/live", "/health/ready"}

// pod is the root folder of a container, and what is mounted into it.
type pod struct{ root, state, address string }

// newPod makes an archive with the workstation, and around it what a pod of
// deploy/k8s has: the config, secrets that are root's and its group's, an empty /tmp.
func newPod(t *testing.T) pod {
	t.Helper()
	rainlogs := filepath.Join(repo, "bin/rainlogs")
	if _, err := os.Stat(rainlogs); err != nil {
		missing(t, "bin/rainlogs is not built")
	}
	dir := publicDir(t)
	p := pod{root: filepath.Join(dir, "root"), state: filepath.Join(dir, "state"), address: freeAddress(t)}
	for _, d := range []string{"etc/rainlogs", "run/secrets/rainlogs", "var/lib/rainlogs", "tmp", "proc", "dev", "usr/local/bin"} {
		if err := os.MkdirAll(filepath.Join(p.root, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"rainlogsd", "rainlogs-verify"} {
		place(t, filepath.Join(programs(t), name), filepath.Join(p.root, "usr/local/bin", name))
	}
	output(t, rainlogs, "init", "--dir", p.state, "--yes")
	config := strings.NewReplacer("PORT", p.address).Replace(`archive: {storage: [{plugin: fs, path: /var/lib/rainlogs/archive}]}
key: file:/run/secrets/rainlogs/signing_key
catalog: sqlite:/var/lib/rainlogs/catalog.db
spool: /var/lib/rainlogs/spool
known: /var/lib/rainlogs/known
sources: {logpull: {token: "file:/run/secrets/rainlogs/cloudflare_token"}}
server: {listen: "PORT"}
`)
	key, err := os.ReadFile(filepath.Join(p.state, "signing.key"))
	if err != nil {
		t.Fatal(err)
	}
	secrets := filepath.Join(p.root, "run/secrets/rainlogs")
	if err := errors.Join(
		device(filepath.Join(p.root, "dev/null")),
		os.Remove(filepath.Join(p.state, "signing.key")),
		os.WriteFile(filepath.Join(p.root, "etc/rainlogs/rainlogs.yaml"), []byte(config), 0o644),
		ofRoot(filepath.Join(secrets, "signing_key"), key), ofRoot(filepath.Join(secrets, "cloudflare_token"), []byte("a-token-that-no-zone-uses")),
		filepath.WalkDir(p.state, func(path string, _ os.DirEntry, err error) error {
			return errors.Join(err, os.Lchown(path, user, user))
		})); err != nil {
		t.Fatal(err)
	}
	return p
}

const user = 65532

// device makes /dev/null, which every container has.
func device(path string) error {
	return errors.Join(syscall.Mknod(path, syscall.S_IFCHR|0o666, 1<<8|3), os.Chmod(path, 0o666))
}

// ofRoot writes a secret as a volume of Kubernetes has it, with the pod's fsGroup.
func ofRoot(path string, b []byte) error {
	return errors.Join(os.WriteFile(path, b, 0o600), os.Chown(path, 0, user), os.Chmod(path, 0o440))
}

// publicDir is a temporary folder that another user may enter.
func publicDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "rainlogs-pod") //nolint:usetesting // the parent of t.TempDir is root's alone
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) }) // a temporary folder
	return dir
}

func freeAddress(t *testing.T) string {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // held nothing
	return l.Addr().String()
}

// start runs rainlogsd as the container does: its user, no new privileges, a
// root filesystem that is read-only but for the state and a /tmp without exec.
func (p pod) start(t *testing.T) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	script := fmt.Sprintf(`set -e
mount --bind %[1]s %[1]s
mount -o remount,bind,ro %[1]s
mount -t proc proc %[1]s/proc
mount -t tmpfs -o mode=1777,noexec,nosuid,nodev tmpfs %[1]s/tmp
mount --bind %[2]s %[1]s/var/lib/rainlogs
exec setpriv --no-new-privs chroot --userspec=65532:65532 %[1]s /usr/local/bin/rainlogsd --log-format=json`, p.root, p.state)
	cmd := exec.CommandContext(t.Context(), "unshare", "--mount", "sh", "-c", script)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "RAINLOGS_CONFIG=/etc/rainlogs/rainlogs.yaml", "XDG_STATE_HOME=/var/lib/rainlogs", "XDG_CACHE_HOME=/var/lib/rainlogs/cache"}
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, &log
}

func (p pod) ask(ctx context.Context, path string) (int, string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.address+path, nil)
	if err != nil {
		return 0, "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close() //nolint:errcheck // only read
	b, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	return resp.StatusCode, string(b), err
}

// TestPod: the image's program does its work as a pod's, answers each probe,
// and ends when it is told to.
func TestPod(t *testing.T) {
	t.Parallel()
	needs(t, "unshare", "mount", "setpriv", "chroot")
	if os.Geteuid() != 0 {
		missing(t, "a mount namespace wants root")
	}
	p := newPod(t)
	cmd, log := p.start(t)
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }() // ends with the process
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for ready := 0; ready != http.StatusOK; {
		select {
		case err := <-ended:
			t.Fatalf("it ended: %v\n%s", err, log)
		case <-ctx.Done():
			t.Fatal("it is not ready after two minutes")
		case <-tick.C:
			ready, _, _ = p.ask(ctx, "/health/ready") // not listening yet
		}
	}
	for _, path := range append(probed, "/metrics") {
		if code, body, err := p.ask(ctx, path); code != http.StatusOK {
			t.Errorf("%s: %d %s %v", path, code, body, err)
		}
	}
	health := output(t, filepath.Join(p.root, "usr/local/bin/rainlogsd"), "health", "--url", "http://"+p.address)
	if !strings.Contains(health, "collector") {
		t.Errorf("health says %s", health)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("after SIGTERM: %v\n%s", err, log)
	}
	if _, err := os.Stat(filepath.Join(p.state, "catalog.db")); err != nil {
		t.Error(err)
	}
}
