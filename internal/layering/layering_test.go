// Package layering holds the code to its architecture: which way imports go,
// who alone may use a foreign library, how long a file may get.
//
// The direction is
//
//	cmd → (tui | core | query | plugins) → sdk → standard library
//
// where core never imports plugins, query or tui, and query and tui do not
// import each other. .golangci.yml says the same of import lines, for editors;
// here whole dependency graphs are judged.
package layering

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	module = "github.com/fabriziosalmi/rainlogs"
	root   = "../.."
)

// direction says that packages under from depend on nothing under any of
// never, neither themselves nor through others; and that their tests import
// nothing of it either, but for what is loose.
type direction struct {
	from  string
	never []string
	loose []string
}

var directions = []direction{
	{from: "sdk", never: []string{"bench", "cmd", "core", "examples", "internal", "plugins", "query", "tui"}},
	{from: "core", never: []string{"bench", "cmd", "examples", "plugins", "query", "tui"}, loose: []string{"plugins"}},
	{from: "plugins", never: []string{"bench", "cmd", "core", "examples", "query", "tui"}, loose: []string{"core"}},
	{from: "query", never: []string{"bench", "cmd", "examples", "plugins", "tui"}},
	{from: "tui", never: []string{"bench", "cmd", "examples", "plugins", "query"}},
	{from: "cmd", never: []string{"bench", "examples"}},
	{from: "examples", never: []string{"bench", "cmd", "core", "internal", "plugins", "query", "tui"}},
	// The format is pure; the verifier shares it with the writer, and nothing else.
	{from: "core/evidence", never: []string{"core/catalog", "core/chain", "core/collect", "core/pluginhost", "core/verify", "sdk"}, loose: []string{"sdk"}},
	{
		from:  "core/verify",
		never: []string{"core/catalog", "core/chain", "core/collect", "core/pluginhost", "sdk/wire"},
		loose: []string{"core/catalog", "core/chain", "core/collect"}, // its tests write what it judges
	},
	{
		from:  "cmd/rainlogs-verify",
		never: []string{"cmd/internal", "core/catalog", "core/chain", "core/collect", "core/pluginhost", "plugins", "query", "sdk/wire", "tui"},
		loose: []string{"core/catalog", "core/chain", "core/collect", "plugins"},
	},
}

// headless are the collector's program and what it shares with the
// workstation: they leave DuckDB, and what reads an archive for people, to the latter.
var headless = []string{"cmd/rainlogsd", "cmd/internal/collector", "cmd/internal/doctor", "cmd/internal/site"}

// owners says which of our packages alone import a foreign one, tests included.
var owners = map[string][]string{
	"filippo.io/age":                 {"core/credential"},
	"github.com/apache/iceberg-go":   {"query/publish"},
	"github.com/aws":                 {"internal/s3test", "plugins/storage/s3"},
	"github.com/chromedp":            {"core/api/browser"},
	"github.com/danielgtaylor/huma":  {"core/api/server"},
	"github.com/duckdb":              {"query/duckdb"},
	"github.com/hashicorp/go-plugin": {"core/pluginhost", "sdk"},
	"github.com/coreos/go-systemd":   {"core/daemon/notify"},
	"github.com/oapi-codegen":        {"core/api/client"},
	"github.com/pb33f":               {"core/api/server"},
	"github.com/peterh/liner":        {"cmd/internal/shell"},
	"github.com/pressly/goose":       {"core/catalog"},
	"github.com/prometheus":          {"core/metrics"},
	"github.com/spf13/cobra":         {"cmd"},
	"google.golang.org/grpc":         {"core/pluginhost", "sdk/wire"},
	"google.golang.org/protobuf":     {"sdk/wire"},
	"modernc.org/sqlite":             {"core/catalog", "core/jobs"},
}

// offline is what the auditor's program must not contain: a network client,
// plugins, other programs, a database.
var offline = []string{
	"crypto/tls", "database/sql", "net/http", "net/rpc", "os/exec", "plugin",
	"github.com/duckdb", "github.com/hashicorp/go-plugin", "google.golang.org/grpc", "modernc.org/sqlite",
}

// listed is what `go list` says of a package; Deps are its imports, theirs, and so on.
type listed struct {
	ImportPath                               string
	Standard                                 bool
	CgoFiles                                 []string
	Imports, TestImports, XTestImports, Deps []string
}

func goList(dir string, args ...string) ([]listed, error) {
	cmd := exec.Command("go", append([]string{"list", "-json=ImportPath,Standard,CgoFiles,Imports,TestImports,XTestImports,Deps"}, args...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=1") // or packages that need cgo are not seen to
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("run go list: %w\n%s", err, said.Bytes())
	}
	var all []listed
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		switch err := dec.Decode(&p); {
		case errors.Is(err, io.EOF):
			return all, nil
		case err != nil:
			return nil, fmt.Errorf("read go list: %w", err)
		}
		all = append(all, p)
	}
}

// ourPackages are those of the module, and of the examples that are modules of
// their own as a third party's would be.
var ourPackages = sync.OnceValues(func() ([]listed, error) {
	all, err := goList(root, "./...")
	modules, globErr := filepath.Glob(root + "/examples/*/go.mod")
	if err = errors.Join(err, globErr); err != nil {
		return nil, err
	}
	for _, m := range modules {
		more, err := goList(filepath.Dir(m), "./...")
		if err != nil {
			return nil, err
		}
		all = append(all, more...)
	}
	return all, nil
})

func packages(t *testing.T) []listed {
	t.Helper()
	all, err := ourPackages()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// within reports whether a package is folder, or below it.
func within(path, folder string) bool {
	return path == folder || strings.HasPrefix(path, folder+"/")
}

func ours(folder string) string { return module + "/" + folder }

// crossings returns what goes against a direction, a sentence each.
func crossings(packages []listed, r direction) (found []string, judged int) {
	for _, p := range packages {
		if !within(p.ImportPath, ours(r.from)) {
			continue
		}
		judged++
		for _, never := range r.never {
			for _, dep := range p.Deps {
				if within(dep, ours(never)) {
					found = append(found, p.ImportPath+" depends on "+dep)
				}
			}
			if slices.Contains(r.loose, never) {
				continue
			}
			for _, dep := range slices.Concat(p.TestImports, p.XTestImports) {
				if within(dep, ours(never)) {
					found = append(found, "a test of "+p.ImportPath+" imports "+dep)
				}
			}
		}
	}
	return found, judged
}

// trespasses returns who imports foreign without being, or being below, one of allowed.
func trespasses(packages []listed, foreign string, allowed []string) (found []string, used int) {
	for _, p := range packages {
		for _, dep := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
			if !within(dep, foreign) {
				continue
			}
			used++
			if !slices.ContainsFunc(allowed, func(folder string) bool { return within(p.ImportPath, ours(folder)) }) {
				found = append(found, p.ImportPath+" imports "+dep)
			}
		}
	}
	return found, used
}

func TestImportDirections(t *testing.T) {
	t.Parallel()
	for _, r := range directions {
		found, judged := crossings(packages(t), r)
		for _, f := range found {
			t.Errorf("%s: %s must not use %v", f, r.from, r.never)
		}
		// A folder that has no Go code yet has none to judge.
		if files, _ := goFiles(root + "/" + r.from); judged == 0 && len(files) > 0 {
			t.Errorf("%s: %d files and no package was judged", r.from, len(files))
		}
	}
}

func TestCollectorIsHeadless(t *testing.T) {
	t.Parallel()
	for _, folder := range headless {
		found, judged := crossings(packages(t), direction{from: folder, never: []string{"query", "tui"}})
		for _, f := range found {
			t.Errorf("%s, which is the workstation's", f)
		}
		if judged == 0 {
			t.Errorf("%s: no package was judged", folder)
		}
	}
}

func TestForeignPackagesHaveOwners(t *testing.T) {
	t.Parallel()
	for foreign, allowed := range owners {
		found, used := trespasses(packages(t), foreign, allowed)
		for _, f := range found {
			t.Errorf("%s, which only %v may", f, allowed)
		}
		if used == 0 {
			t.Errorf("nothing imports %s: its rule is stale", foreign)
		}
	}
}

// TestVerifierIsOffline keeps the auditor's program static and small: no cgo
// but what the standard library does without, no network client, no plugins.
func TestVerifierIsOffline(t *testing.T) {
	t.Parallel()
	deps, err := goList(root, "-deps", "./cmd/rainlogs-verify")
	if err != nil {
		t.Fatal(err)
	}
	if len(deps) < 20 {
		t.Fatalf("only %d packages were looked at", len(deps))
	}
	for _, p := range deps {
		if !p.Standard && len(p.CgoFiles) > 0 {
			t.Errorf("rainlogs-verify contains %s, which needs cgo", p.ImportPath)
		}
		for _, never := range offline {
			if within(p.ImportPath, never) {
				t.Errorf("rainlogs-verify contains %s", p.ImportPath)
			}
		}
	}
}

// TestCollectorIsStatic keeps the collector free of DuckDB, and of everything
// else that needs cgo and so a C compiler and the machine's libraries.
func TestCollectorIsStatic(t *testing.T) {
	t.Parallel()
	deps, err := goList(root, "-deps", "./cmd/rainlogsd")
	if err != nil {
		t.Fatal(err)
	}
	if len(deps) < 100 {
		t.Fatalf("only %d packages were looked at", len(deps))
	}
	for _, p := range deps {
		if !p.Standard && len(p.CgoFiles) > 0 {
			t.Errorf("rainlogsd contains %s, which needs cgo", p.ImportPath)
		}
		if within(p.ImportPath, "github.com/duckdb") {
			t.Errorf("rainlogsd contains %s", p.ImportPath)
		}
	}
}

// TestRulesBite shows the rules what they are there to find.
func TestRulesBite(t *testing.T) {
	t.Parallel()
	tree := []listed{
		{ImportPath: ours("core/chain"), Deps: []string{"fmt", ours("sdk/storage"), ours("plugins/storage/fs")}},
		{ImportPath: ours("core/collect"), XTestImports: []string{ours("plugins/storage/fs"), ours("query")}},
		{ImportPath: ours("corection"), Deps: []string{ours("plugins/storage/fs")}},
		{ImportPath: ours("query/duckdb"), Imports: []string{"github.com/duckdb/duckdb-go/v2"}},
		{ImportPath: ours("query/dataset"), TestImports: []string{"github.com/duckdb/duckdb-go/v2"}},
	}
	found, judged := crossings(tree, direction{from: "core", never: []string{"plugins", "query"}, loose: []string{"plugins"}})
	want := []string{
		ours("core/chain") + " depends on " + ours("plugins/storage/fs"),
		"a test of " + ours("core/collect") + " imports " + ours("query"),
	}
	if diff := cmp.Diff(want, found); diff != "" || judged != 2 {
		t.Errorf("crossings of %d packages (-want +got):\n%s", judged, diff)
	}
	found, used := trespasses(tree, "github.com/duckdb", []string{"query/duckdb"})
	want = []string{ours("query/dataset") + " imports github.com/duckdb/duckdb-go/v2"}
	if diff := cmp.Diff(want, found); diff != "" || used != 2 {
		t.Errorf("trespasses of %d imports (-want +got):\n%s", used, diff)
	}
}
