package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The document that is committed is the one that the server makes.
func TestIsFresh(t *testing.T) {
	t.Parallel()
	var made bytes.Buffer
	if err := run("", &made); err != nil {
		t.Fatal(err)
	}
	have, err := os.ReadFile("../../docs/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(have), made.String()); diff != "" {
		t.Errorf("docs/openapi.json is stale: run make generate\n%s", diff)
	}
}

// And the client is the one that is made from it, wherever the generator has been built.
func TestClientIsFresh(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	tool, gen := filepath.Join(root, ".tools/oapi-codegen"), filepath.Join(root, "core/api/client/gen")
	if _, err := os.Stat(tool); err != nil {
		t.Skip("there is no .tools/oapi-codegen: make verify builds it")
	}
	cmd := exec.CommandContext(t.Context(), tool, "-config", filepath.Join(gen, "oapi-codegen.yaml"), filepath.Join(root, "docs/openapi.json"))
	cmd.Dir = t.TempDir() // where its config has it write
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	have, err := os.ReadFile(filepath.Join(gen, "client.gen.go"))
	if err != nil {
		t.Fatal(err)
	}
	made, err := os.ReadFile(filepath.Join(cmd.Dir, "client.gen.go"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, made) {
		t.Error("core/api/client/gen is stale: run make generate")
	}
}
