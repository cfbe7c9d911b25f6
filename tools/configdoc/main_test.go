package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/core/config"
	"github.com/fabriziosalmi/rainlogs/plugins/standard"
)

// TestCurrent: the page that is committed is the one that would be written.
func TestCurrent(t *testing.T) {
	t.Parallel()
	var want bytes.Buffer
	if err := run("", &want); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../docs/config.md")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want.String(), string(got)); d != "" {
		t.Errorf("docs/config.md is stale: make generate (-want +got)\n%s", d)
	}
	path := filepath.Join(t.TempDir(), "config.md")
	if err := run(path, nil); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(path); err != nil || !bytes.Equal(b, want.Bytes()) {
		t.Errorf("the file differs, %v", err)
	}
}

// TestComplete: each key, each setting of a plugin has its row.
func TestComplete(t *testing.T) {
	t.Parallel()
	text := string(reference(config.Reference(), standard.Plugins()))
	for _, s := range config.Reference() {
		if strings.Count(text, "| `"+s.Key+"` |") != 1 {
			t.Errorf("%s has not one row", s.Key)
		}
	}
	for _, p := range standard.Plugins() {
		for _, f := range p.Schema {
			if !strings.Contains(text, "| `"+f.Name+"` |") {
				t.Errorf("%s/%s: no row for %s", p.Kind(), p.Name, f.Name)
			}
			if f.Help == "" {
				t.Errorf("%s/%s: %s is not explained", p.Kind(), p.Name, f.Name)
			}
		}
	}
}
