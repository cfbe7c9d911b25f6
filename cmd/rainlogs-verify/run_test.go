package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/verify"
	"github.com/fabriziosalmi/rainlogs/core/verify/verifytest"
)

var key, stranger = verifytest.NewKey(1), verifytest.NewKey(2)

// write makes an archive of two windows with a hole between them.
func write(t *testing.T, change func(a *verifytest.Archive)) string {
	t.Helper()
	a := verifytest.New(key)
	c := a.Chain(1, key)
	c.Log(0, 5)
	c.Log(2, 5)
	if change != nil {
		change(a)
	}
	dir := filepath.Join(t.TempDir(), "archive")
	if err := a.Write(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	vkey := key.Public(verifytest.UUID).VKey()
	other := stranger.Public(verifytest.UUID).VKey()
	good := write(t, nil)
	damaged := write(t, func(a *verifytest.Archive) { delete(a.Files, a.Keys("logs/")[0]) })
	newer := write(t, func(a *verifytest.Archive) {
		a.Files[evidence.DescriptorKey] = bytes.Replace(a.Files[evidence.DescriptorKey], []byte(`"v": 1`), []byte(`"v": 2`), 1)
	})
	for name, tc := range map[string]struct {
		args        []string
		code        int
		out, errOut string
	}{
		"intact":                  {[]string{good, "--key", vkey}, 0, "integrity  INTACT", ""},
		"flags first":             {[]string{"--key", vkey, "--level=chain", good}, 0, "level chain", ""},
		"key in a file":           {[]string{good, "--key", file(t, vkey+"\n")}, 0, "(pinned)", ""},
		"policy":                  {[]string{good, "--policy", file(t, "log "+vkey+"\nquorum none\n")}, 0, "(pinned)", ""},
		"not pinned":              {[]string{good}, 0, "NOT pinned", ""},
		"incomplete is no damage": {[]string{good, "--key", vkey}, 0, "coverage   incomplete", ""},
		"incomplete":              {[]string{good, "--key", vkey, "--require-complete"}, 4, "missing", ""},
		"complete in its range":   {[]string{good, "--key", vkey, "--require-complete", "--to", "2026-11-23T00:05:00Z"}, 0, "coverage   complete", ""},
		"damaged":                 {[]string{damaged, "--key", vkey}, 3, "[object-missing]", ""},
		"damaged and incomplete":  {[]string{damaged, "--key", vkey, "--require-complete"}, 3, "[object-missing]", ""},
		"not at this level":       {[]string{damaged, "--key", vkey, "--level", "chain"}, 0, "INTACT", ""},
		"another key":             {[]string{good, "--key", other}, 3, "[checkpoint-unsigned]", ""},
		"newer format":            {[]string{newer, "--key", vkey}, 1, "", "newer than this program reads"},
		"no archive":              {[]string{t.TempDir()}, 1, "", "no archive here"},
		"no folder":               {[]string{filepath.Join(good, "x")}, 2, "", "open archive folder"},
		"no argument":             {nil, 2, "", "want one archive folder"},
		"two arguments":           {[]string{good, good}, 2, "", "want one archive folder"},
		"unknown flag":            {[]string{good, "--keys", "x"}, 2, "", "usage:"},
		"bad level":               {[]string{good, "--level", "deep"}, 2, "", "not one of"},
		"bad time":                {[]string{good, "--from", "yesterday"}, 2, "", "--from"},
		"bad key":                 {[]string{good, "--key", "x+y"}, 2, "", "neither a file nor"},
		"a private key":           {[]string{good, "--key", file(t, "PRIVATE+KEY+secret")}, 2, "", "--key"},
		"bad policy":              {[]string{good, "--policy", file(t, "log "+vkey+"\nquorum w\n")}, 2, "", "no witnesses"},
		"no policy":               {[]string{good, "--policy", filepath.Join(good, "x")}, 2, "", "--policy"},
		"both":                    {[]string{good, "--policy", "x", "--key", "y"}, 2, "", "not both"},
		"help":                    {[]string{"--help"}, 0, "", "Exit codes"},
		"version":                 {[]string{"--version"}, 0, "archive format 1", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out, errOut bytes.Buffer
			args := append([]string{"--known", t.TempDir()}, tc.args...)
			if code := run(t.Context(), args, &out, &errOut); code != tc.code {
				t.Errorf("exit %d, want %d", code, tc.code)
			}
			if !strings.Contains(out.String(), tc.out) || !strings.Contains(errOut.String(), tc.errOut) {
				t.Errorf("no %q and %q in\n%s\n%s", tc.out, tc.errOut, out.String(), errOut.String())
			}
		})
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	var out, errOut bytes.Buffer
	if code := run(t.Context(), []string{write(t, nil), "--no-known", "--json"}, &out, &errOut); code != 0 {
		t.Fatalf("exit %d: %s", code, errOut.String())
	}
	var r verify.Report
	if err := json.Unmarshal(out.Bytes(), &r); err != nil || !r.Intact || r.Objects != 2 || r.KeyTrust != verify.TrustUnpinned {
		t.Errorf("%v: %s", err, out.String())
	}
	if strings.Contains(out.String(), "null") {
		t.Errorf("a list is null:\n%s", out.String())
	}
}

// TestRemembers: the second run knows what the first has seen.
func TestRemembers(t *testing.T) {
	t.Parallel()
	memory := t.TempDir()
	var out, errOut bytes.Buffer
	if code := run(t.Context(), []string{write(t, nil), "--known", memory}, &out, &errOut); code != 0 {
		t.Fatalf("exit %d: %s", code, out.String())
	}
	older := write(t, func(a *verifytest.Archive) {
		a.Files = verifytest.New(key).Files
		a.Chain(1, key).Log(0, 5)
	})
	if code := run(t.Context(), []string{older, "--known", memory}, &out, &errOut); code != exitDamaged || !strings.Contains(out.String(), "[rollback]") {
		t.Errorf("exit %d:\n%s", code, out.String())
	}
	if code := run(t.Context(), []string{older, "--no-known"}, &out, &errOut); code != exitIntact {
		t.Errorf("without a memory: exit %d", code)
	}
}

func TestInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, errOut bytes.Buffer
	if code := run(ctx, []string{write(t, nil), "--no-known"}, &out, &errOut); code != exitInterrupted {
		t.Errorf("exit %d: %s", code, errOut.String())
	}
	if code := run(t.Context(), []string{write(t, nil), "--no-known"}, failing{}, &errOut); code != exitFailed {
		t.Errorf("stdout gone: exit %d", code)
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("gone") }

// TestOffline: the program holds no code that could reach a network or start
// a plugin.
func TestOffline(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	b, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range strings.Fields(string(b)) {
		if p == "net" || strings.HasPrefix(p, "net/http") || strings.Contains(p, "grpc") || p == "os/exec" || p == "plugin" || p == "runtime/cgo" {
			t.Errorf("%s is linked in", p)
		}
	}
}
