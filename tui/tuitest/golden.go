// Package tuitest holds what the tests of screens share.
package tuitest

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/tui/theme"
)

var update = flag.Bool("update", false, "write the golden screens anew")

// Size is a terminal's.
type Size struct{ Width, Height int }

// Sizes are those that screens are drawn at.
var Sizes = map[string]Size{"80x24": {80, 24}, "120x40": {120, 40}}

// Themes are those that screens are drawn in.
var Themes = map[string]theme.Options{
	"dark": {Dark: true}, "light": {}, "plain": {Plain: true}, "ascii": {Plain: true, ASCII: true},
}

// Golden compares a screen with testdata/NAME.golden, which holds it as text,
// styles included. It checks what holds for every screen besides: exactly so
// many lines of at most so many cells, and ASCII where that is asked for.
func Golden(t *testing.T, name, got string, size Size, o theme.Options) {
	t.Helper()
	lines := strings.Split(got, "\n")
	if len(lines) != size.Height {
		t.Errorf("%d lines, want %d", len(lines), size.Height)
	}
	for i, line := range lines {
		if w := ansi.StringWidth(line); w > size.Width {
			t.Errorf("line %d has %d cells, more than %d: %q", i, w, size.Width, ansi.Strip(line))
		}
		if o.ASCII && strings.ContainsFunc(ansi.Strip(line), func(r rune) bool { return r > 0x7e }) {
			t.Errorf("line %d is not ASCII: %q", i, ansi.Strip(line))
		}
	}
	path := filepath.Join("testdata", name+".golden")
	shown := strings.ReplaceAll(got, "\x1b", "␛") + "\n"
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(shown), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v: -update writes it", err)
	}
	if diff := cmp.Diff(string(want), shown); diff != "" {
		t.Errorf("%s: -want +got:\n%s", path, diff)
	}
}
