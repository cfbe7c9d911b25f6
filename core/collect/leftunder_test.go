package collect_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/sdk/source"
)

// TestLeftUnderAWindow: what an earlier life put under a window's key, and the
// catalog does not know of, is explained when the window goes on without an
// object there.
func TestLeftUnderAWindow(t *testing.T) {
	t.Parallel()
	w := evidence.Window{Start: from, End: from.Add(10 * time.Minute)}
	for name, fault := range map[string]func(b *bundle) (*source.Stream, error){
		"parted": func(*bundle) (*source.Stream, error) {
			return nil, &source.Error{Op: "pull", Class: source.ClassSplit, Msg: "too heavy"}
		},
		"gap": func(*bundle) (*source.Stream, error) {
			return nil, &source.Error{Op: "pull", Class: source.ClassGone, Reason: source.ReasonTooOld, Msg: "gone"}
		},
		"empty": func(b *bundle) (*source.Stream, error) { return b.source.stream(b.source.fields, nil), nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.source.fault = func(req source.Request, _ int) (*source.Stream, error) {
				if req.Start.Equal(w.Start) && req.End.Equal(w.End) {
					return fault(b)
				}
				return nil, nil
			}
			keys := []string{evidence.ObjectKey(id, w, 1), evidence.ObjectKey(id, w, 2)}
			for _, key := range keys {
				path := filepath.Join(b.dir, "archive", filepath.FromSlash(key))
				b.must(os.MkdirAll(filepath.Dir(path), 0o755))
				b.must(os.WriteFile(path, []byte("left behind"), 0o644))
			}
			_, err := b.collect(request(1))
			b.must(err)
			if d := cmp.Diff(keys, b.displacements()); d != "" {
				t.Error(d)
			}
			for _, key := range keys {
				if _, err := os.Stat(filepath.Join(b.dir, "archive", filepath.FromSlash(key))); !os.IsNotExist(err) {
					t.Errorf("%s is still there: %v", key, err)
				}
			}
			// One that its store would not let go of is explained all the same.
			b.must(os.WriteFile(filepath.Join(b.dir, "archive", filepath.FromSlash(keys[0])), []byte("left behind"), 0o644))
			if left := b.unexplained(); left != nil {
				t.Errorf("objects without an entry: %v", left)
			}
		})
	}
}
