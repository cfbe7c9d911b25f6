package check

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// gateway starts an S3 server in Garage's place, with the keys that prepare.sh
// made, and returns its HOST:PORT in the containers' network.
func gateway(t *testing.T, secrets string) string {
	t.Helper()
	program := cmp.Or(os.Getenv("RAINLOGS_VERSITYGW"), filepath.Join(repo, ".tools/versitygw"))
	if _, err := os.Stat(program); err != nil {
		missing(t, "there is no S3 server: make s3server")
	}
	dir, address := t.TempDir(), freeAddress(t)
	for _, name := range []string{"iam", "meta", "data/rainlogs"} { // a folder in data is a bucket
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	secret := func(name string) string {
		b, err := os.ReadFile(filepath.Join(secrets, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	cmd := exec.CommandContext(t.Context(), program, "--port", address, "--region", "garage", "--health", "/healthz", "--quiet",
		"--iam-dir", filepath.Join(dir, "iam"), "posix", "--sidecar", filepath.Join(dir, "meta"), filepath.Join(dir, "data"))
	cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY_ID="+secret("s3_key_id"), "ROOT_SECRET_ACCESS_KEY="+secret("s3_secret"))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // nothing in it is kept
		_ = cmd.Wait()
	})
	p := pod{address: address}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			t.Fatal("the S3 server does not answer")
		case <-tick.C:
		}
		if code, _, err := p.ask(ctx, "/healthz"); err == nil && code == http.StatusOK {
			return strings.Replace(address, "127.0.0.1", "garage", 1)
		}
	}
}

var initInDocs = regexp.MustCompile(`(?s)rainlogs init --dir /made/archive --yes --token (\S+) --storage \\\n\s+'(\{.*?\})'`)

// TestComposeInit runs the init that docs/deploy.md gives for Compose, against an S3
// server with the keys of prepare.sh; then the config of compose.yaml opens
// what it made.
func TestComposeInit(t *testing.T) {
	t.Parallel()
	m := initInDocs.FindStringSubmatch(string(read(t, "docs/deploy.md")))
	if m == nil {
		t.Fatal("docs/deploy.md does not say how to make the archive")
	}
	rainlogs := filepath.Join(repo, "bin/rainlogs")
	if _, err := os.Stat(rainlogs); err != nil {
		missing(t, "bin/rainlogs is not built")
	}
	needs(t, "unshare", "mount")
	dir := composed(t)
	secrets := filepath.Join(dir, "compose/secrets")
	here := strings.NewReplacer("garage:3900", gateway(t, secrets), "/run/secrets", secrets, "/var/lib/rainlogs", filepath.Join(dir, "state"))
	made := filepath.Join(dir, "compose/made/archive")
	if err := os.WriteFile(filepath.Join(secrets, "cloudflare_token"), []byte("a-token"), 0o600); err != nil {
		t.Fatal(err)
	}
	hosts := filepath.Join(dir, "hosts")
	if err := os.WriteFile(hosts, []byte("127.0.0.1 localhost garage\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	// In a mount namespace, where garage is this machine.
	inside := func(args ...string) string {
		return output(t, "unshare", append([]string{"--mount", "sh", "-c", `mount --bind "$1" /etc/hosts && shift && exec "$@"`, "sh", hosts, rainlogs}, args...)...)
	}
	inside("init", "--dir", made, "--yes", "--token", here.Replace(m[1]), "--storage", here.Replace(m[2]))
	key, err := os.ReadFile(filepath.Join(made, "signing.key"))
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "rainlogs.yaml")
	if err := errors.Join(
		os.WriteFile(filepath.Join(secrets, "signing_key"), key, 0o600),
		os.WriteFile(filepath.Join(secrets, "catalog_url"), []byte("sqlite:"+filepath.Join(dir, "catalog.db")), 0o600), // in the database's place
		os.WriteFile(config, []byte(here.Replace(string(read(t, "deploy/compose/rainlogs.yaml")))), 0o600)); err != nil {
		t.Fatal(err)
	}
	shown := inside("--config", config, "key", "show")
	pinned, err := os.ReadFile(filepath.Join(made, "verifier.pub"))
	if err != nil || !strings.Contains(shown, strings.TrimSpace(string(pinned))) {
		t.Errorf("the archive's key is %s, init printed %s, %v", shown, pinned, err)
	}
}
