package layering

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Lines a file may have: past softLines it is named, past hardLines refused.
const (
	softLines = 400
	hardLines = 600
)

// goFiles returns the Go files below dir that people write.
func goFiles(dir string) ([]string, error) {
	var files []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist): // another test's or build's temporary file
			return nil
		case err != nil:
			return err
		case d.IsDir() && path != dir && (strings.HasPrefix(d.Name(), ".") || d.Name() == "bin" || d.Name() == "testdata"):
			return fs.SkipDir
		case d.Type().IsRegular() && strings.HasSuffix(path, ".go"):
			files = append(files, path)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list Go files: %w", err)
	}
	return files, nil
}

// sources calls visit with each Go file of the module that people write.
func sources(t *testing.T, visit func(path string, src []byte, tree *ast.File)) {
	t.Helper()
	files, err := goFiles(root)
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, path := range files {
		src, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		tree, err := parser.ParseFile(token.NewFileSet(), path, src, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		if ast.IsGenerated(tree) {
			continue
		}
		seen++
		visit(strings.TrimPrefix(path, root+"/"), src, tree)
	}
	if seen < 50 {
		t.Fatalf("only %d files were looked at", seen)
	}
}

func TestFileLength(t *testing.T) {
	t.Parallel()
	sources(t, func(path string, src []byte, _ *ast.File) {
		switch lines := bytes.Count(src, []byte("\n")); {
		case lines > hardLines:
			t.Errorf("%s has %d lines, more than %d", path, lines, hardLines)
		case lines > softLines:
			t.Logf("%s has %d lines, more than %d: time to part it", path, lines, softLines)
		}
	})
}

// TestSleepOnlyInBubbles keeps waiting on the wall clock out of the code:
// time.Sleep belongs to tests in a testing/synctest bubble, where it costs
// nothing and cannot be too short.
func TestSleepOnlyInBubbles(t *testing.T) {
	t.Parallel()
	sources(t, func(path string, _ []byte, tree *ast.File) {
		if imports(tree, "testing/synctest") {
			return
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			if sleeps(n) {
				t.Errorf("%s calls time.Sleep: wait on a signal, or on a timer of the injected clock", path)
			}
			return true
		})
	})
}

// TestPackageComments asks each package for one package comment at least.
func TestPackageComments(t *testing.T) {
	t.Parallel()
	documented := map[string]bool{}
	sources(t, func(path string, _ []byte, tree *ast.File) {
		name := tree.Name.Name
		if strings.HasSuffix(name, "_test") {
			return
		}
		dir := filepath.Dir(path)
		documented[dir] = documented[dir] || tree.Doc != nil
	})
	for dir, ok := range documented {
		if !ok {
			t.Errorf("%s: no file says what the package is for", dir)
		}
	}
}

func imports(tree *ast.File, path string) bool {
	return slices.ContainsFunc(tree.Imports, func(s *ast.ImportSpec) bool { return s.Path.Value == `"`+path+`"` })
}

func sleeps(n ast.Node) bool {
	sel, ok := n.(*ast.SelectorExpr)
	if !ok || sel.Sel.Name != "Sleep" {
		return false
	}
	x, ok := sel.X.(*ast.Ident)
	return ok && x.Name == "time"
}

func TestSleepIsSeen(t *testing.T) {
	t.Parallel()
	tree, err := parser.ParseFile(token.NewFileSet(), "x.go", "package x\nfunc f() { time.Sleep(1); s.Sleep(2) }", parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	ast.Inspect(tree, func(n ast.Node) bool {
		if sleeps(n) {
			seen++
		}
		return true
	})
	if seen != 1 {
		t.Errorf("saw %d sleeps, not 1", seen)
	}
}
