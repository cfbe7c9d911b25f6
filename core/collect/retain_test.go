package collect_test

import (
	"context"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/collect"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// asked notes until when it was asked to lock each key.
type asked struct {
	collect.Store
	mu    sync.Mutex
	until map[string]time.Time
}

func (a *asked) Put(ctx context.Context, req storage.PutRequest, body io.Reader) (storage.Info, error) {
	a.mu.Lock()
	a.until[req.Key] = req.RetainUntil
	a.mu.Unlock()
	return a.Store.Put(ctx, req, body)
}

// TestRetainUntil: evidence is to be locked for as long as the policy keeps
// it; what is tidied up or moved, not.
func TestRetainUntil(t *testing.T) {
	t.Parallel()
	const keep = 400 * 24 * time.Hour
	for _, retain := range []time.Duration{0, keep} {
		b := setup(t)
		a := &asked{Store: b.fs, until: map[string]time.Time{}}
		b.store, b.retain = a, retain
		_, err := b.collect(request(1))
		b.must(err)
		objects, checkpoints := 0, 0
		for key, until := range a.until {
			_, w, _, err := evidence.ParseObjectKey(key)
			switch {
			case retain == 0, key == id.CheckpointKey(), strings.Contains(key, ".p/"):
				if !until.IsZero() {
					t.Errorf("%s was to be locked until %s", key, until)
				}
			case err == nil:
				objects++
				if !until.Equal(w.End.Add(keep)) {
					t.Errorf("%s until %s", key, until)
				}
			default:
				checkpoints++
				if until.Before(b.clock().Add(keep-time.Hour)) || until.After(b.clock().Add(keep)) {
					t.Errorf("%s until %s", key, until)
				}
			}
		}
		if retain > 0 && (objects == 0 || checkpoints == 0) {
			t.Errorf("%d objects, %d checkpoints", objects, checkpoints)
		}
	}
}
