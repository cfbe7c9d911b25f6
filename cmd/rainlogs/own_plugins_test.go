package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/fabriziosalmi/rainlogs/internal/s3test"
)

// TestOwnStoragesConform: `plugin test` over the storages that come with
// RainLogs, the one in a bucket on a real S3 server with versions.
func TestOwnStoragesConform(t *testing.T) {
	t.Parallel()
	run := nowhere(t)
	if rep := conform(t, run, 0, "fs", "--set", "path={tmp}"); rep.Passed < 21 || rep.Failed != 0 || rep.Skipped != 1 || rep.Plugin != "fs" {
		t.Errorf("%+v", rep)
	}
	server := s3test.Shared(t)
	secret := kept(t, server.Root.Secret)
	rep := conform(t, run, 0, "s3", "--set", "endpoint="+server.URL(), "--set", "region="+s3test.Region, "--set", "bucket="+server.Bucket(t, s3test.Versioned),
		"--set", "path_style=true", "--set", "access_key_id=file:"+kept(t, server.Root.ID), "--set", "secret_access_key=file:"+secret)
	if rep.Passed < 21 || rep.Failed != 0 || rep.Skipped != 1 || rep.Plugin != "s3" {
		t.Errorf("%+v", rep)
	}
}

// kept writes a secret into a file of its own.
func kept(t *testing.T, secret string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	must(t, os.WriteFile(path, []byte(secret), 0o600))
	return path
}
