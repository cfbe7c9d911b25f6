// Package layering holds the architecture to its word: which way imports go,
// and how long a file may get.
package layering

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const module = "github.com/fabriziosalmi/rainlogs/"

// rule says that packages under from import nothing under any of never,
// neither directly nor through others.
type rule struct {
	from  string
	never []string
}

var rules = []rule{
	{"sdk", []string{"cmd", "tui", "core", "query", "plugins"}},
	{"core", []string{"cmd", "tui", "query", "plugins"}},
	{"plugins", []string{"cmd", "tui", "core", "query"}},
	{"query", []string{"cmd", "tui", "plugins"}},
	{"tui", []string{"cmd", "query", "plugins"}},
	{"core/verify", []string{"core/chain", "core/collect", "core/catalog", "core/pluginhost", "sdk/wire"}},
	{"cmd/rainlogs-verify", []string{"core/chain", "core/collect", "core/catalog", "core/pluginhost", "query", "plugins", "sdk/wire"}},
}

// foreign rules name packages of others that only some of ours may use.
var foreign = map[string][]string{
	"github.com/duckdb/duckdb-go": {"query/duckdb", "cmd"},
	"google.golang.org/protobuf":  {"sdk", "core/pluginhost", "plugins", "cmd"},
}

type listed struct {
	ImportPath string
	Deps       []string
	Standard   bool
}

func packages(t *testing.T) []listed {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps=false", "-json=ImportPath,Deps", "./...")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []listed
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

func under(path, folder string) bool {
	return path == module+folder || strings.HasPrefix(path, module+folder+"/")
}

func TestImportDirections(t *testing.T) {
	t.Parallel()
	seen := 0
	for _, p := range packages(t) {
		for _, r := range rules {
			if !under(p.ImportPath, r.from) {
				continue
			}
			seen++
			for _, dep := range p.Deps {
				for _, never := range r.never {
					if under(dep, never) {
						t.Errorf("%s depends on %s: %s must not use %s", p.ImportPath, dep, r.from, never)
					}
				}
			}
		}
	}
	if seen < 10 {
		t.Errorf("only %d packages were looked at", seen)
	}
}

func TestForeignImports(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		for name, allowed := range foreign {
			uses := false
			for _, dep := range p.Deps {
				uses = uses || strings.HasPrefix(dep, name)
			}
			ok := false
			for _, folder := range allowed {
				ok = ok || under(p.ImportPath, folder)
			}
			if uses && !ok && !under(p.ImportPath, "bench") {
				t.Errorf("%s depends on %s, which only %v may", p.ImportPath, name, allowed)
			}
		}
	}
}

// TestVerifierIsSmall keeps the auditor's program without network, cgo and
// plugins.
func TestVerifierIsSmall(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		if p.ImportPath != module+"cmd/rainlogs-verify" {
			continue
		}
		for _, dep := range p.Deps {
			for _, never := range []string{"net/http", "google.golang.org/grpc", "github.com/hashicorp/go-plugin", "runtime/cgo", "github.com/duckdb"} {
				if dep == never || strings.HasPrefix(dep, never+"/") {
					t.Errorf("rainlogs-verify depends on %s", dep)
				}
			}
		}
		return
	}
	t.Error("cmd/rainlogs-verify is gone")
}

// maxLines is the hard limit; 400 is where to begin thinking.
const maxLines = 600

func TestFileLength(t *testing.T) {
	t.Parallel()
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == ".git" || d.Name() == ".tools" || d.Name() == "bin") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, ".pb.go") || strings.Contains(path, "dbsqlc") {
			return nil
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		lines := 0
		for s := bufio.NewScanner(f); s.Scan(); {
			lines++
		}
		if lines > maxLines {
			t.Errorf("%s has %d lines, more than %d", path, lines, maxLines)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
