package config_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/fabriziosalmi/rainlogs/core/config"
)

const somebody = 65532

// TestSecretOfRoot: the collector runs as somebody else than root, who owns the
// secrets of a pod. The test binary becomes that user.
func TestSecretOfRoot(t *testing.T) {
	t.Parallel()
	if path := os.Getenv("RAINLOGS_TEST_SECRET"); path != "" {
		value, err := config.Secret("key", "file:"+path, os.Getenv)
		if err != nil {
			value = err.Error()
		}
		_, _ = os.Stdout.WriteString("got " + value + "\n")
		return
	}
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	program, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	// A folder of its own, which that user may enter, unlike t.TempDir's.
	dir, err := os.MkdirTemp("", "rainlogs-secret") //nolint:usetesting // the parent of t.TempDir is root's alone
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	self := filepath.Join(dir, "self")
	if err := os.WriteFile(self, program, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		owner, group int
		mode         os.FileMode
		want         string
	}{
		"a pod's":                 {0, somebody, 0o440, "got s3cret"},
		"a package's":             {0, somebody, 0o640, "got s3cret"},
		"its own":                 {somebody, somebody, 0o600, "got s3cret"},
		"its own, to its group":   {somebody, somebody, 0o640, "can be read by others (mode 0640)"},
		"root's, group may write": {0, somebody, 0o660, "can be read by others"},
		"root's, to everybody":    {0, somebody, 0o444, "can be read by others"},
		"another's, to its group": {somebody + 1, somebody, 0o640, "can be read by others"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(dir, strings.ReplaceAll(name, " ", "-"))
			if err := os.WriteFile(path, []byte("s3cret\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chown(path, c.owner, c.group); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, c.mode); err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), self, "-test.run=^TestSecretOfRoot$")
			cmd.Env = []string{"RAINLOGS_TEST_SECRET=" + path}
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: somebody, Gid: somebody}}
			out, err := cmd.CombinedOutput()
			if err != nil || !strings.Contains(string(out), c.want) {
				t.Errorf("%s, %v: want %q", out, err, c.want)
			}
		})
	}
}
