package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/retention"
	"github.com/fabriziosalmi/rainlogs/core/verify"
	"github.com/fabriziosalmi/rainlogs/internal/s3test"
	"github.com/fabriziosalmi/rainlogs/plugins/source/logpull/logpulltest"
)

// TestEvidenceInABucket: an archive in a bucket with Object Lock on a real S3
// server, from init to an expiry that the lock refuses.
func TestEvidenceInABucket(t *testing.T) {
	t.Parallel()
	server := s3test.Shared(t)
	collector := server.User(t)
	s := newSite(t, traffic(t, 20_000), logpulltest.Faults{})
	secrets := []string{"S3_KEY=" + collector.ID, "S3_SECRET=" + collector.Secret}
	withKeys := func(args ...string) result {
		t.Helper()
		cmd := s.command(args...)
		cmd.Env = append(cmd.Env, secrets...)
		r := runCommand(t, cmd)
		if strings.Contains(r.stdout+r.stderr, collector.Secret) {
			t.Errorf("%v shows the secret key", args)
		}
		return r
	}
	ok := func(args ...string) result {
		t.Helper()
		r := withKeys(args...)
		if r.code != 0 {
			t.Fatalf("rainlogs %v: exit %d\n%s%s", args, r.code, r.stdout, r.stderr)
		}
		return r
	}
	bucket := server.BucketOf(t, s3test.Locked, collector)
	store := func(bucket, more string) string {
		return fmt.Sprintf("{name: main, plugin: s3, endpoint: %q, region: %s, bucket: %s, access_key_id: env:S3_KEY, secret_access_key: env:S3_SECRET, lock: compliance%s}",
			server.URL(), s3test.Region, bucket, more)
	}
	dir := filepath.Join(t.TempDir(), "site")
	init := func(store string) result { return withKeys("init", "--dir", dir, "--yes", "--storage", store) }

	// Nobody has said where that is; that bucket has no locks; this one will do.
	if r := init(store(bucket, "")); r.code != 2 || !strings.Contains(r.stderr, "country: DE") {
		t.Errorf("init: exit %d\n%s", r.code, r.stderr)
	}
	plain := server.BucketOf(t, s3test.Plain, collector)
	if r := init(store(plain, ", country: IT, provider: self")); r.code != 1 || !strings.Contains(r.stderr, "no Object Lock") {
		t.Errorf("init without locks: exit %d\n%s", r.code, r.stderr)
	}
	if r := init(store(bucket, ", country: IT, provider: self")); r.code != 0 || !strings.Contains(r.stderr, "could not be deleted") {
		t.Fatalf("init: exit %d\n%s", r.code, r.stderr)
	}
	text, err := os.ReadFile(filepath.Join(dir, "rainlogs.yaml"))
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, "rainlogs.yaml"), []byte(strings.Replace(string(text), "    token: env:CLOUDFLARE_API_TOKEN\n",
		"    token: env:CLOUDFLARE_API_TOKEN\n    base_url: "+s.url+"\n    requests_per_minute_zone: 100000\n    requests_per_minute_user: 100000\n", 1)+
		"known: "+filepath.Join(filepath.Dir(s.dir), "known")+"\n"), 0o600))
	s.dir = dir

	ok("zone", "add", zoneID, "--name", "shop.example.eu")
	from, to := hours(1)
	ok("pull", "shop.example.eu", "--from", stamp(from), "--to", stamp(to))
	ok("verify")
	if r := ok("query", "--from", stamp(from.Add(-time.Hour)), "--to", stamp(to), "SELECT count(*) AS n FROM logs"); !strings.Contains(r.stderr, "verified") {
		t.Errorf("query: %s%s", r.stdout, r.stderr)
	}
	said := ok("logs", "--zone", "shop.example.eu", "--from", stamp(from.Add(-time.Hour)), "--to", stamp(to)).stdout
	if n := strings.Count(said, "\n"); n == 0 {
		t.Error("no records")
	}
	if r := withKeys("doctor", "--offline"); !strings.Contains(r.stdout, "lock compliance") || !strings.Contains(r.stdout, "as the config declares") {
		t.Errorf("doctor: exit %d\n%s", r.code, r.stdout)
	}
	if out := ok("archive", "ls", "chain/").stdout; !strings.Contains(out, "/checkpoints/") {
		t.Errorf("ls: %s", out)
	}

	// Whoever has the collector's own keys cannot change what is locked, and what
	// they put over it is found and undone.
	isLog := func(key string) bool { return strings.HasPrefix(key, "logs/") }
	coverAndUncover(t, withKeys, func() ([]string, error) {
		return server.Cover(t.Context(), collector, bucket, func(key string) bool {
			return isLog(key) || strings.Contains(key, "/checkpoints/") || strings.Contains(key, "/tile/")
		})
	})

	// The lock refuses what the policy would remove, and says until when.
	r := ok("archive", "expire", "--older-than", "1s", "--reason", "test", "--yes", "--json")
	var done []struct{ Done retention.Summary }
	must(t, json.Unmarshal([]byte(r.stdout), &done))
	if d := done[0].Done; d.Removed != 0 || d.LockedCount != 12 || d.Locked[0].Until.Before(time.Now().Add(399*24*time.Hour)) {
		t.Errorf("expire: %+v", d)
	}
	ok("verify")
	// And so it does to whoever has the collector's own keys.
	deleted, refused, err := server.DeleteVersions(t.Context(), collector, bucket, func(key string) bool {
		return isLog(key) || strings.Contains(key, "/checkpoints/")
	})
	if err != nil || len(deleted) > 0 || len(refused) < 24 {
		t.Errorf("%d deleted, %d refused: %v", len(deleted), len(refused), err)
	}
	ok("verify")
	// What an expiry finds covered it does not take for gone.
	if _, err := server.Cover(t.Context(), collector, bucket, isLog); err != nil {
		t.Fatal(err)
	}
	if r := ok("archive", "expire", "--older-than", "1s", "--reason", "test", "--yes"); strings.Count(r.stdout, " until 20") != 12 {
		t.Errorf("expire: %s", r.stdout)
	}
}

// coverAndUncover: what keys that may write can still do is to put something
// over evidence. It is found, and undone.
func coverAndUncover(t *testing.T, run func(args ...string) result, cover func() ([]string, error)) {
	t.Helper()
	objects, err := cover()
	if err != nil || len(objects) < 12+12+2 {
		t.Fatalf("%d objects are covered: %v", len(objects), err)
	}
	r := run("verify", "--json")
	var report verify.Report
	must(t, json.Unmarshal([]byte(r.stdout), &report))
	if r.code != 3 || report.Intact || report.Covered < 12+12 {
		t.Errorf("verify: exit %d, %d covered", r.code, report.Covered)
	}
	for _, f := range report.Findings {
		if f.Code != verify.CodeCovered {
			t.Errorf("found %+v", f)
		}
	}
	if r := run("verify"); r.code != 3 || !strings.Contains(r.stdout, "[covered]") || !strings.Contains(r.stdout, "rainlogs archive uncover brings them back") {
		t.Errorf("verify: exit %d\n%s", r.code, r.stdout)
	}
	if r := run("archive", "uncover"); r.code != 2 {
		t.Errorf("uncover without a word: exit %d\n%s", r.code, r.stderr)
	}
	r = run("archive", "uncover", "--dry-run", "--json")
	var covered struct {
		Covered []struct {
			Key, SHA256 string
			Uncovered   bool
		}
		Others int64 `json:"other_findings"`
	}
	must(t, json.Unmarshal([]byte(r.stdout), &covered))
	if r.code != 3 || int64(len(covered.Covered)) != report.Covered || covered.Others != 0 || covered.Covered[0].Uncovered {
		t.Errorf("uncover --dry-run: exit %d, %+v", r.code, covered)
	}
	if r := run("archive", "uncover", "--yes"); r.code != 0 || int64(strings.Count(r.stdout, "\nuncovered ")) != report.Covered {
		t.Errorf("uncover: exit %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	var after verify.Report
	r = run("verify", "--json")
	must(t, json.Unmarshal([]byte(r.stdout), &after))
	if r.code != 0 || after.Entries != report.Entries+1 { // what was found there is sealed
		t.Errorf("verify after it was uncovered: exit %d, %d entries, before %d\n%s", r.code, after.Entries, report.Entries, r.stderr)
	}
	if r := run("archive", "uncover", "--yes"); r.code != 0 || !strings.Contains(r.stdout, "nothing is covered") {
		t.Errorf("uncover again: exit %d\n%s%s", r.code, r.stdout, r.stderr)
	}
}
