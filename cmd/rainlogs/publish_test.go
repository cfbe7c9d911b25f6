package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fabriziosalmi/rainlogs/internal/s3test"
	"github.com/fabriziosalmi/rainlogs/plugins/source/logpull/logpulltest"
	"github.com/fabriziosalmi/rainlogs/query/publish"
)

// TestPublishColumns publishes into a folder, grows the archive, expires a part
// of it, and verifies the whole with what was published in it.
func TestPublishColumns(t *testing.T) {
	t.Parallel()
	s := newSite(t, traffic(t, 20_000), logpulltest.Faults{})
	from, _ := hours(2)
	mid := from.Add(time.Hour)
	s.ok("zone", "add", zoneID, "--name", "shop.example.eu")
	s.ok("pull", "shop.example.eu", "--from", stamp(from), "--to", stamp(mid))
	published := func(args ...string) publish.Summary {
		t.Helper()
		var sums []publish.Summary
		must(t, json.Unmarshal([]byte(s.ok(append([]string{"archive", "publish-columns", "--json"}, args...)...)), &sums))
		return sums[0]
	}
	files := func() int {
		t.Helper()
		found, err := filepath.Glob(s.path("columns", "http_requests", "data", "zone="+zoneID, "date=*", "hour=*", "*.parquet"))
		must(t, err)
		return len(found)
	}
	objects := s.objects()
	if sum := published("--dry-run"); sum.Added != objects || files() != 0 {
		t.Errorf("dry run over %d objects: %+v", objects, sum)
	}
	sum := published("--zone", "shop.example.eu")
	if sum.Added != objects || sum.Files != objects || files() != objects || sum.Table != "file://"+s.path("columns", "http_requests") {
		t.Errorf("%d objects, %d files: %+v", objects, files(), sum)
	}
	if n := strings.TrimSpace(s.ok("query", "--format", "csv", "SELECT count(*) AS n FROM logs")); n != fmt.Sprintf("n\n%d", sum.Rows) && n != fmt.Sprintf("n\r\n%d", sum.Rows) {
		t.Errorf("query counts %q, the table has %d", n, sum.Rows)
	}
	if again := published(); again.Added != 0 || again.Version != sum.Version {
		t.Errorf("a second run: %+v", again)
	}
	s.ok("pull", "shop.example.eu", "--from", stamp(mid), "--to", stamp(mid.Add(5*time.Minute)))
	if more := published(); more.Added != 1 || more.Version != sum.Version+1 {
		t.Errorf("one window more: %+v", more)
	}
	if out := s.ok("archive", "publish-columns"); !strings.Contains(out, "0 files") {
		t.Errorf("summary: %s", out)
	}
	if code, findings, text := s.report(); code != 0 {
		t.Errorf("verify: exit %d, %v\n%s", code, findings, text)
	}
	s.ok("archive", "replicate", "--to", fmt.Sprintf("{plugin: fs, path: %s}", filepath.Join(t.TempDir(), "copy")), "--verify")

	s.ok("archive", "expire", "--older-than", time.Since(mid.Add(-30*time.Minute)).Truncate(time.Second).String(), "--reason", "test", "--yes")
	left := s.objects()
	if gone := published(); gone.Removed != objects+1-left || left == 0 || gone.Files != left || files() != left {
		t.Errorf("%d of %d objects are left, %d files: %+v", left, objects+1, files(), gone)
	}
	if code, findings, text := s.report(); code != 0 {
		t.Errorf("verify: exit %d, %v\n%s", code, findings, text)
	}

	found, err := filepath.Glob(s.path("logs", zoneID, "*", "*", "*", "*", "*.zst"))
	must(t, err)
	must(t, os.WriteFile(found[0], []byte("x"), 0o600))
	// Columns that were made of it while it was whole are good; without them it is read again.
	must(t, os.RemoveAll(filepath.Join(filepath.Dir(s.dir), "cache")))
	s.refused(3, "1 objects are not what was sealed", "archive", "publish-columns", "--anew")
	s.refused(2, "--from", "archive", "publish-columns", "--from", "soon")
}

// TestPublishColumnsIntoABucket does so on a real S3 server.
func TestPublishColumnsIntoABucket(t *testing.T) {
	t.Parallel()
	server := s3test.Shared(t)
	collector := server.User(t)
	s := newSite(t, traffic(t, 20_000), logpulltest.Faults{})
	bucket := server.BucketOf(t, s3test.Plain, collector)
	ok := func(args ...string) string {
		t.Helper()
		cmd := s.command(args...)
		cmd.Env = append(cmd.Env, "S3_KEY="+collector.ID, "S3_SECRET="+collector.Secret)
		r := runCommand(t, cmd)
		if r.code != 0 {
			t.Fatalf("rainlogs %v: exit %d\n%s%s", args, r.code, r.stdout, r.stderr)
		}
		return r.stdout
	}
	dir := filepath.Join(t.TempDir(), "site")
	store := fmt.Sprintf("{name: main, plugin: s3, endpoint: %q, region: %s, bucket: %s, prefix: a/b, access_key_id: env:S3_KEY, secret_access_key: env:S3_SECRET, lock: none, country: IT, provider: self}",
		server.URL(), s3test.Region, bucket)
	ok("init", "--dir", dir, "--yes", "--storage", store)
	text, err := os.ReadFile(filepath.Join(dir, "rainlogs.yaml"))
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, "rainlogs.yaml"), []byte(strings.Replace(string(text), "    token: env:CLOUDFLARE_API_TOKEN\n",
		"    token: env:CLOUDFLARE_API_TOKEN\n    base_url: "+s.url+"\n    requests_per_minute_zone: 100000\n    requests_per_minute_user: 100000\n", 1)+
		"known: "+filepath.Join(filepath.Dir(s.dir), "known")+"\n"), 0o600))
	s.dir = dir
	ok("zone", "add", zoneID, "--name", "shop.example.eu")
	from, to := hours(1)
	ok("pull", "shop.example.eu", "--from", stamp(from), "--to", stamp(to))
	published := func() publish.Summary {
		t.Helper()
		var sums []publish.Summary
		must(t, json.Unmarshal([]byte(ok("archive", "publish-columns", "--json")), &sums))
		return sums[0]
	}
	if sum := published(); sum.Added != 12 || sum.Table != "s3://"+bucket+"/a/b/columns/http_requests" {
		t.Errorf("%+v", sum)
	}
	if sum := published(); sum.Added != 0 || sum.Files != 12 || sum.Version != 1 {
		t.Errorf("a second run: %+v", sum)
	}
	ok("verify")
	ok("archive", "expire", "--older-than", "1s", "--reason", "test", "--yes")
	if sum := published(); sum.Removed != 12 || sum.Files != 0 {
		t.Errorf("after expiry: %+v", sum)
	}
	if left := ok("archive", "ls", "columns/http_requests/data/"); left != "" {
		t.Errorf("left: %s", left)
	}
	ok("verify")
}
