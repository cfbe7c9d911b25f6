package replicate_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/internal/s3test"
	"github.com/fabriziosalmi/rainlogs/plugins/storage/s3"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// TestCopiesAreLocked as the policy has it, in a bucket with locks: objects
// from their window's end, what is never replaced in a chain from now.
func TestCopiesAreLocked(t *testing.T) {
	t.Parallel()
	b := setup(t)
	server := s3test.Shared(t)
	to, err := s3.Open(s3.Config{
		Endpoint: server.URL(), Region: s3test.Region, Bucket: server.Bucket(t, s3test.Locked), PathStyle: true, Lock: s3.LockCompliance,
		Credentials: s3.Credentials{AccessKeyID: server.Root.ID, SecretAccessKey: server.Root.Secret},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = to.Close() })
	now := time.Now().UTC().Truncate(time.Second)
	var ends []time.Time
	for key := range b.a.Files {
		if _, w, _, err := evidence.ParseObjectKey(key); err == nil {
			ends = append(ends, w.End)
		}
	}
	// Half of the windows are kept, and the others no longer.
	slices.SortFunc(ends, time.Time.Compare)
	middle := ends[len(ends)/2]
	b.cfg.To, b.cfg.Retain, b.cfg.Now = to, now.Sub(middle)+time.Hour, func() time.Time { return now }
	b.run()
	b.whole()
	kinds := map[string]int{}
	for info, err := range to.List(t.Context(), "", "") {
		if err != nil {
			t.Fatal(err)
		}
		until, err := to.LockedUntil(t.Context(), info.Key)
		if err != nil {
			t.Fatal(err)
		}
		want, kind := now.Add(b.cfg.Retain), "chain"
		if _, w, _, err := evidence.ParseObjectKey(info.Key); err == nil {
			if want, kind = w.End.Add(b.cfg.Retain), "object"; !want.After(now) {
				want, kind = time.Time{}, "over"
			}
		} else if info.Key == evidence.DescriptorKey || strings.HasSuffix(info.Key, "/checkpoint") || strings.Contains(info.Key, ".p/") {
			want, kind = time.Time{}, "moves"
		}
		if kinds[kind]++; !until.Equal(want) {
			t.Errorf("%s is locked until %s, want %s", info.Key, until, want)
		}
		if err := to.Delete(t.Context(), info.Key); errors.Is(err, storage.ErrLocked) == want.IsZero() {
			t.Errorf("delete %s: %v", info.Key, err)
		}
	}
	for _, kind := range []string{"chain", "object", "over", "moves"} {
		if kinds[kind] == 0 {
			t.Errorf("no file of kind %s: %v", kind, kinds)
		}
	}
}
