package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fabriziosalmi/rainlogs/core/verify/verifytest"
	"github.com/fabriziosalmi/rainlogs/internal/s3test"
)

// BenchmarkStats runs rainlogs stats over 13 months of hourly windows, whole
// processes with their plugin: from a folder and from a bucket, with the chain's
// bundles kept and without.
func BenchmarkStats(b *testing.B) {
	key := verifytest.NewKey(1)
	archive := verifytest.New(key)
	chain := archive.Chain(1, key)
	chain.Lazy = true
	chain.Hourly(verifytest.ThirteenMonths)
	chain.Seal()
	dir := b.TempDir()
	must(b, archive.Write(filepath.Join(dir, "archive")))
	self, err := os.Executable()
	must(b, err)
	b.Run("fs", func(b *testing.B) {
		benchmarkStats(b, self, dir, "{name: local, plugin: fs, path: "+filepath.Join(dir, "archive")+"}")
	})
	b.Run("s3", func(b *testing.B) {
		server := s3test.Shared(b)
		bucket := server.Bucket(b, s3test.Plain)
		put := server.Uploader(bucket, 64<<20, 1)
		for _, name := range archive.Keys("") {
			must(b, put(b.Context(), name, bytes.NewReader(archive.Files[name])))
		}
		benchmarkStats(b, self, dir, fmt.Sprintf("{name: main, plugin: s3, endpoint: %q, region: %s, bucket: %s, access_key_id: env:S3_KEY, secret_access_key: env:S3_SECRET, country: IT, provider: self}",
			server.URL(), s3test.Region, bucket), "S3_KEY="+server.Root.ID, "S3_SECRET="+server.Root.Secret)
	})
}

func benchmarkStats(b *testing.B, self, dir, store string, env ...string) {
	b.Helper()
	config := filepath.Join(dir, "rainlogs.yaml")
	must(b, os.WriteFile(config, []byte("archive: {storage: ["+store+"]}\nknown: "+filepath.Join(dir, "known")+"\n"), 0o600))
	for _, extra := range []string{"--no-cache", "--no-progress"} {
		b.Run(map[string]string{"--no-cache": "store", "--no-progress": "kept"}[extra], func(b *testing.B) {
			for b.Loop() {
				cmd := exec.CommandContext(b.Context(), self, "--config", config, "stats", "--by", "week", extra)
				cmd.Env = append(append(os.Environ(), env...), asProgram+"=1", "XDG_CACHE_HOME="+filepath.Join(dir, "cache"), "NO_COLOR=1")
				var stderr bytes.Buffer
				cmd.Stderr = &stderr
				out, err := cmd.Output()
				if err != nil || !strings.Contains(string(out), "2027-12-2") {
					b.Fatalf("%v\n%s%s", err, out, &stderr)
				}
				b.ReportMetric((cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime()).Seconds()*1000, "last-cpu-ms")
				_, took, _ := strings.Cut(stderr.String(), "engine ")
				b.Logf("engine %s", took)
			}
		})
	}
}
