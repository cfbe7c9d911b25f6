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
		return strings.HasPrefix(key, "logs/") || strings.Contains(key, "/checkpoints/")
	})
	if err != nil || len(deleted) > 0 || len(refused) < 24 {
		t.Errorf("%d deleted, %d refused: %v", len(deleted), len(refused), err)
	}
	ok("verify")
}
