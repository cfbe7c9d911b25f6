package collect_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/verify"
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
			var explained []string
			for _, e := range b.entries() {
				if e.Kind != evidence.KindObservation || e.Observation.Topic != evidence.TopicDisplaced {
					continue
				}
				var v evidence.DisplacedValue
				b.must(json.Unmarshal(e.Observation.Value, &v))
				for _, o := range v.Objects {
					explained = append(explained, o.Key)
				}
			}
			if d := cmp.Diff(keys, explained); d != "" {
				t.Error(d)
			}
			for _, key := range keys {
				if _, err := os.Stat(filepath.Join(b.dir, "archive", filepath.FromSlash(key))); !os.IsNotExist(err) {
					t.Errorf("%s is still there: %v", key, err)
				}
			}
			// One that its store would not let go of is explained all the same.
			b.must(os.WriteFile(filepath.Join(b.dir, "archive", filepath.FromSlash(keys[0])), []byte("left behind"), 0o644))
			key := b.key.Public()
			d, err := evidence.EncodeDescriptor(evidence.Descriptor{Format: evidence.FormatName, V: evidence.Version, Archive: archive, VKey: key.VKey(), CreatedAt: evidence.SealTime(b.clock())})
			b.must(err)
			b.must(os.WriteFile(filepath.Join(b.dir, "archive", evidence.DescriptorKey), d, 0o644))
			report, err := verify.Run(t.Context(), b.fs, verify.Options{Key: &key, Level: verify.LevelObjects})
			b.must(err)
			for _, f := range report.Findings {
				if f.Code == verify.CodeUnexplained {
					t.Errorf("finding %+v", f)
				}
			}
		})
	}
}
