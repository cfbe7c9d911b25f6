package check

import (
	"bytes"
	"context"
	"crypto/sha256"
	"debug/elf"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
	digest "github.com/opencontainers/go-digest"
)

const dockerfile = "deploy/docker/Dockerfile"

func goarch() string { return runtime.GOARCH }

// noImages stands for the registry: every image exists and says nothing.
type noImages struct{}

func (noImages) ResolveImageConfig(_ context.Context, ref string, _ sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	b, err := json.Marshal(map[string]any{"architecture": goarch(), "os": "linux", "rootfs": map[string]any{"type": "layers"}})
	return ref, digest.FromString(ref), b, err
}

func lint(t *testing.T, text []byte) []string {
	t.Helper()
	source := llb.NewSourceMap(nil, "Dockerfile", "Dockerfile", text)
	source.Definition = &llb.Definition{}
	r, err := dockerfile2llb.DockerfileLint(t.Context(), text, dockerfile2llb.ConvertOpt{
		Config: dockerui.Config{}, MetaResolver: noImages{}, SourceMap: source,
	})
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	if r.Error != nil {
		found = append(found, r.Error.Message)
	}
	for _, w := range r.Warnings {
		found = append(found, w.RuleName+": "+w.Detail)
	}
	return found
}

// TestDockerfileLint: what `docker build --check` says, which is BuildKit's linter.
func TestDockerfileLint(t *testing.T) {
	t.Parallel()
	text := read(t, dockerfile)
	if found := lint(t, text); len(found) != 0 {
		t.Errorf("the linter finds %q", found)
	}
	for _, broken := range []struct{ from, to, want string }{
		{"AS collector", "as collector", "FromAsCasing"},
		{`ENTRYPOINT ["/usr/local/bin/rainlogsd"]`, "ENTRYPOINT /usr/local/bin/rainlogsd", "JSONArgsRecommended"},
		{"ENV RAINLOGS_CONFIG=/etc", "ENV S3_SECRET=x RAINLOGS_CONFIG=/etc", "SecretsUsedInArgOrEnv"},
	} {
		changed := bytes.ReplaceAll(text, []byte(broken.from), []byte(broken.to))
		if found := lint(t, changed); !strings.Contains(strings.Join(found, "\n"), broken.want) {
			t.Errorf("%q instead of %q: the linter finds %q, want %s", broken.to, broken.from, found, broken.want)
		}
	}
}

func stages() ([]instructions.Stage, error) {
	b, err := os.ReadFile(filepath.Join(repo, dockerfile))
	if err != nil {
		return nil, err
	}
	tree, err := parser.Parse(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	all, _, err := instructions.Parse(tree.AST, nil)
	return all, err
}

// buildCommand is the go build of a stage.
func buildCommand(stage string) (string, error) {
	all, err := stages()
	if err != nil {
		return "", err
	}
	for _, s := range all {
		if s.Name != stage {
			continue
		}
		for _, c := range s.Commands {
			if run, ok := c.(*instructions.RunCommand); ok && strings.Contains(run.CmdLine[0], "go build") {
				return run.CmdLine[0], nil
			}
		}
	}
	return "", fmt.Errorf("no go build in the stage %s", stage)
}

// TestImage holds the image to what docs/deploy.md says of it.
func TestImage(t *testing.T) {
	t.Parallel()
	all, err := stages()
	if err != nil {
		t.Fatal(err)
	}
	names := make([]string, 0, len(all))
	for _, s := range all {
		names = append(names, s.Name)
		if _, tag, ok := strings.Cut(s.BaseName, ":"); !slices.Contains(names, s.BaseName) && (!ok || tag == "latest") {
			t.Errorf("stage %s is from %s: want a tag that says which", s.Name, s.BaseName)
		}
	}
	last := all[len(all)-1]
	if last.Name != "rainlogsd" || !strings.Contains(last.BaseName, "distroless/static") {
		t.Errorf("what is built by default is %s from %s", last.Name, last.BaseName)
	}
	for _, s := range all[len(all)-2:] {
		var user, health, entry string
		labels := map[string]string{}
		for _, c := range s.Commands {
			switch c := c.(type) {
			case *instructions.UserCommand:
				user = c.User
			case *instructions.HealthCheckCommand:
				health = strings.Join(c.Health.Test, " ")
			case *instructions.EntrypointCommand:
				entry = strings.Join(c.CmdLine, " ")
			case *instructions.RunCommand:
				t.Errorf("stage %s runs something: there is no shell", s.Name)
			case *instructions.LabelCommand:
				for _, l := range c.Labels {
					labels[strings.Trim(l.Key, `"`)] = l.Value
				}
			}
		}
		if user != "65532:65532" {
			t.Errorf("stage %s runs as %q", s.Name, user)
		}
		if s.Name == "rainlogsd" && (health != "CMD /usr/local/bin/rainlogsd health" || entry != "/usr/local/bin/rainlogsd") {
			t.Errorf("health %q, entry %q", health, entry)
		}
		for _, l := range []string{"title", "description", "source", "licenses", "version", "revision"} {
			if labels["org.opencontainers.image."+l] == "" {
				t.Errorf("stage %s has no label %s", s.Name, l)
			}
		}
	}
}

// TestPrograms: the Dockerfile's command makes static programs out of what
// the build sees, and the same bytes in another folder.
func TestPrograms(t *testing.T) {
	t.Parallel()
	dir := programs(t)
	again := t.TempDir()
	if err := runBuild(t.Context(), repo, again); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"rainlogsd", "rainlogs-verify"} {
		path := filepath.Join(dir, name)
		f, err := elf.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if libs, err := f.ImportedLibraries(); err != nil || len(libs) != 0 || f.Section(".interp") != nil {
			t.Errorf("%s is not static: %v %v", name, libs, err)
		}
		_ = f.Close() // only read
		a, b := sum(t, path), sum(t, filepath.Join(again, name))
		if a != b {
			t.Errorf("%s is %s in one folder and %s in another", name, a, b)
		}
		if out := output(t, path, "--version"); !strings.Contains(out, "v0.0.0-check") {
			t.Errorf("%s says %q", name, out)
		}
	}
}

func sum(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", sha256.Sum256(b))
}

func ignored() (*patternmatcher.PatternMatcher, error) {
	b, err := os.ReadFile(filepath.Join(repo, dockerfile+".dockerignore"))
	if err != nil {
		return nil, err
	}
	patterns, err := ignorefile.ReadAll(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	return patternmatcher.New(patterns)
}

// copyContext copies what the image's build sees of the repository.
func copyContext(to string) error {
	m, err := ignored()
	if err != nil {
		return err
	}
	return filepath.WalkDir(repo, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(repo, path)
		if err != nil || rel == "." {
			return err
		}
		out, err := m.MatchesOrParentMatches(rel)
		switch {
		case err != nil:
			return err
		case d.IsDir() && out:
			return filepath.SkipDir // no exception of ours is below a folder that is left out
		case out || d.IsDir():
			return nil
		case !d.Type().IsRegular():
			return errors.New(rel + " is no file")
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(filepath.Join(to, rel)), 0o755); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), b, 0o644)
	})
}

// TestContext: what lies in a checkout and is nobody else's business stays out.
func TestContext(t *testing.T) {
	t.Parallel()
	m, err := ignored()
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{
		"evidence/signing.key": true, "signing.key": true, "cmd/x/signing.key": true, "evidence/catalog.db": true, ".git/config": true,
		"deploy/compose/secrets/s3_secret": true, ".env": true, "bin/rainlogs": true, ".tools/buf": true, "core/config/config_test.go": true,
		"go.mod": false, "go.sum": false, "cmd/rainlogsd/main.go": false, "core/catalog/sqlite/migrations/00001.sql": false,
	} {
		got, err := m.MatchesOrParentMatches(path)
		if err != nil || got != want {
			t.Errorf("%s left out: %v, %v; want %v", path, got, err, want)
		}
	}
}
