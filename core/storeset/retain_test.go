package storeset

import (
	"errors"
	"testing"
	"time"

	"github.com/fabriziosalmi/rainlogs/internal/s3test"
	"github.com/fabriziosalmi/rainlogs/plugins/storage/s3"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// TestHealLocks: what is brought into a bucket with locks is locked as what is
// written there first.
func TestHealLocks(t *testing.T) {
	t.Parallel()
	b := setup(t, Mirror, 2)
	server := s3test.Shared(t)
	bucket, err := s3.Open(s3.Config{
		Endpoint: server.URL(), Region: s3test.Region, Bucket: server.Bucket(t, s3test.Locked), PathStyle: true, Lock: s3.LockCompliance,
		Credentials: s3.Credentials{AccessKeyID: server.Root.ID, SecretAccessKey: server.Root.Secret},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = bucket.Close() })
	now := time.Now().UTC().Truncate(time.Second)
	end := time.Date(2026, 11, 22, 11, 0, 0, 0, time.UTC)
	const logs = "logs/00000000000000000000000000000001/2026/11/22/10/http_requests-20261122T100000Z-20261122T110000Z.ndjson.zst"
	b.stores[1].Storage, b.cfg.Retain, b.cfg.Now = bucket, now.Sub(end)+time.Hour, func() time.Time { return now }
	b.restart()
	b.stores[1].set(down)
	for _, key := range []string{"rainlogs.json", pointer, tileKey, logs} {
		b.mustPut(key, checkpoint(t, 1))
	}
	b.stores[1].set(fine)
	b.restart()
	if r := b.heal("b"); r.Copied != 4 || r.Left != 0 {
		t.Fatalf("healed %+v", r)
	}
	for key, want := range map[string]time.Time{
		logs: end.Add(b.cfg.Retain), tileKey: now.Add(b.cfg.Retain), pointer: {}, "rainlogs.json": {},
	} {
		if until, err := bucket.LockedUntil(t.Context(), key); err != nil || !until.Equal(want) {
			t.Errorf("%s is locked until %s, want %s: %v", key, until, want, err)
		}
		if err := bucket.Delete(t.Context(), key); errors.Is(err, storage.ErrLocked) == want.IsZero() {
			t.Errorf("delete %s: %v", key, err)
		}
	}
}
