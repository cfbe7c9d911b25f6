package check

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// repo is the repository's root.
const repo = "../.."

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(repo, path))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// output runs a program and returns what it printed, both ways.
func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// needs skips a test where a program is missing, and fails it in CI.
func needs(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			missing(t, p+" is not on this machine")
		}
	}
}

func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("RAINLOGS_REQUIRE_DEPLOY") != "" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// scratch holds what all tests share. It is removed when they have ended.
var scratch = sync.OnceValues(func() (string, error) { return os.MkdirTemp("", "rainlogs-deploy-check") })

// built is where the programs of the container image lie, made by the
// Dockerfile's own command, from what its build sees.
var built = sync.OnceValues(func() (string, error) {
	dir, err := scratch()
	if err != nil {
		return "", err
	}
	src := filepath.Join(dir, "src")
	if err := copyContext(src); err != nil {
		return "", err
	}
	return filepath.Join(dir, "bin"), runBuild(context.Background(), src, filepath.Join(dir, "bin"))
})

func programs(t *testing.T) string {
	t.Helper()
	dir, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestMain(m *testing.M) {
	code := m.Run()
	if dir, err := scratch(); err == nil {
		_ = os.RemoveAll(dir) // a temporary folder
	}
	os.Exit(code)
}

// runBuild runs the image's build command in a folder.
func runBuild(ctx context.Context, dir, out string) error {
	command, err := buildCommand("collector")
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "sh", "-ec", strings.ReplaceAll(command, "/out/bin/", out+"/"))
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "TARGETOS=linux", "TARGETARCH="+goarch(), "VERSION=v0.0.0-check")
	var text bytes.Buffer
	cmd.Stdout, cmd.Stderr = &text, &text
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w\n%s", command, err, text.String())
	}
	return nil
}
