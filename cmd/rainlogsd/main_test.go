package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fabriziosalmi/rainlogs/core/catalog/postgres/pgtest"
	"github.com/fabriziosalmi/rainlogs/sdk"
)

// asProgram makes the test binary the program itself.
const asProgram = "RAINLOGSD_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == shakyName {
		sdk.Serve(shakyPlugin())
		return
	}
	if os.Getenv(asProgram) != "" || len(os.Args) > 1 && os.Args[1] == "plugin-serve" {
		main()
	}
	pgtest.Main(m)
}

// run runs the program in a folder of its own, without the tests' environment.
func run(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(t.Context(), exe, args...)
	cmd.Dir = t.TempDir()
	cmd.Env = []string{asProgram + "=1", "HOME=" + cmd.Dir, "PATH=" + os.Getenv("PATH")}
	cmd.Stdout, cmd.Stderr = &out, &errs
	_ = cmd.Run() // the code tells
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

func TestNamesItself(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args        []string
		code        int
		out, stderr string
	}{
		{[]string{"version"}, 0, "rainlogsd ", ""},
		{[]string{"--help"}, 0, "rainlogsd [command]", ""},
		{[]string{"config", "--help"}, 0, "rainlogsd config", ""},
		{[]string{"bogus"}, 2, "", "rainlogsd --help"},
		{[]string{"config", "check"}, 2, "", "rainlogsd: no rainlogs.yaml found"},
		{[]string{"plugin-serve"}, 2, "", "rainlogsd plugin-serve: want a kind and a name"},
		{[]string{"plugin-serve", "storage", "none"}, 2, "", "want a kind and a name"},
		{[]string{"health", "--url", "ftp://x"}, 2, "", "is not an address"},
	} {
		code, out, stderr := run(t, c.args...)
		if code != c.code || !strings.Contains(out, c.out) || !strings.Contains(stderr, c.stderr) {
			t.Errorf("%v: exit code %d, want %d\n%s%s", c.args, code, c.code, out, stderr)
		}
	}
}

func TestVersionHasNoDuckDB(t *testing.T) {
	t.Parallel()
	_, out, _ := run(t, "version", "--json")
	var v map[string]any
	if err := json.Unmarshal([]byte(out), &v); err != nil || v["version"] == nil {
		t.Fatalf("%v: %s", err, out)
	}
	if v["duckdb"] != nil {
		t.Error("rainlogsd tells of DuckDB, which it has not")
	}
}

func TestConfigCheck(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "rainlogs.yaml")
	for text, want := range map[string]int{
		"archive: {storage: [{plugin: fs, path: ./archive}]}\n": 0,
		"archive: {storage: []}\n":                              2,
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if code, out, stderr := run(t, "config", "check", "--config", path); code != want {
			t.Errorf("%q: exit code %d, want %d\n%s%s", text, code, want, out, stderr)
		}
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, body string
		status     int
		code       int
		want       string
	}{
		{"well", `{"status":"ok","checks":{"catalog":{"status":"ok","since":"2026-11-24T10:00:00Z"}}}`, 200, 0, "catalog"},
		{"degraded", `{"status":"degraded","checks":{"lag":{"status":"degraded","detail":"2 zones","since":"2026-11-24T10:00:00Z"}}}`, 200, 0, "2 zones"},
		{"ill", `{"status":"failing","checks":{"catalog":{"status":"failing","since":"2026-11-24T10:00:00Z"}}}`, 503, 1, "does not do its work"},
		{"two tongues", `{"status":"ok","checks":{}}`, 503, 1, "in its head"},
		{"another program", `<html>`, 200, 1, "not as a collector does"},
		{"escapes", `{"status":"ok","checks":{"a":{"status":"ok","detail":"\u001b[2Jx","since":"2026-11-24T10:00:00Z"}}}`, 200, 0, `\x1b[2Jx`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/health" {
					t.Errorf("asked for %s", r.URL.Path)
				}
				w.WriteHeader(c.status)
				_, _ = fmt.Fprint(w, c.body)
			}))
			defer server.Close()
			code, out, stderr := run(t, "health", "--url", server.URL)
			if code != c.code || !strings.Contains(out+stderr, c.want) {
				t.Errorf("exit code %d, want %d\n%s%s", code, c.code, out, stderr)
			}
		})
	}
	t.Run("nobody", func(t *testing.T) {
		t.Parallel()
		server := httptest.NewServer(http.NotFoundHandler())
		server.Close()
		if code, _, stderr := run(t, "health", "--url", server.URL); code != 1 {
			t.Errorf("exit code %d\n%s", code, stderr)
		}
	})
}
