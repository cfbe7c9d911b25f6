package publish_test

import (
	"bytes"
	"encoding/binary"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/iceberg-go"
	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/query/publish"
)

// A run that is slow to write the hint does not set it back.
func TestHintGoesForward(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Window(at(0), window, lines(at(0), 3))
	other := sync.OnceFunc(func() {
		b.Window(at(1), window, lines(at(1), 3))
		b.run(func(c *publish.Config) { c.NewID = nil })
	})
	b.run(func(c *publish.Config) {
		c.Store = &fault{Storage: b.Store, before: func(key string) error {
			if strings.HasSuffix(key, "version-hint.text") {
				other()
			}
			return nil
		}}
	})
	if hint := string(b.Store.Objects[base+"metadata/version-hint.text"]); hint != "2" {
		t.Errorf("hint %s of version 2", hint)
	}
}

// What engines go by: the columns' ids in the files, and the bounds in the manifests.
func TestFilesAreAsTheTableSays(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Window(at(0), window, lines(at(0), 10))
	b.run()
	b.Window(at(1), window, strings.Replace(lines(at(1), 10), `"RayID"`, `"later":1,"RayID"`, 1)) // a new column
	b.run()
	ids := map[string]float64{}
	schemas := b.metadata(2)["schemas"].([]any)
	for _, f := range schemas[len(schemas)-1].(map[string]any)["fields"].([]any) {
		ids[f.(map[string]any)["name"].(string)] = f.(map[string]any)["id"].(float64)
	}
	if len(schemas) != 2 || ids["later"] != float64(len(ids)) {
		t.Errorf("%d schemas, later is %v of %d", len(schemas), ids["later"], len(ids))
	}
	for _, key := range b.Store.Keys(base + "data/") {
		r, err := file.NewParquetReader(bytes.NewReader(b.Store.Objects[key]))
		if err != nil {
			t.Fatal(err)
		}
		root := r.MetaData().Schema.Root()
		for i := range root.NumFields() {
			if f := root.Field(i); float64(f.FieldID()) != ids[f.Name()] {
				t.Errorf("%s has id %d, in the table %v", f.Name(), f.FieldID(), ids[f.Name()])
			}
		}
		if kind := root.Field(root.FieldIndexByName("_event")).LogicalType().String(); !strings.Contains(kind, "timeUnit=microseconds") {
			t.Errorf("_event is %s", kind)
		}
	}
	got := b.bounds(int(ids["_event"]))
	want := map[int64]int64{ // lines are a second apart, each the ones before the window's start
		at(0).Add(-9 * time.Second).UnixMicro(): at(0).UnixMicro(), at(1).Add(-9 * time.Second).UnixMicro(): at(1).UnixMicro(),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// bounds are the first and last values of a column by the latest snapshot.
func (b *bundle) bounds(id int) map[int64]int64 {
	b.t.Helper()
	out := map[int64]int64{}
	get := func(uri string) *bytes.Reader {
		return bytes.NewReader(b.Store.Objects[strings.TrimPrefix(uri, b.cfg.Location+"/")])
	}
	var latest string
	for _, key := range b.Store.Keys(base + "metadata/snap-") {
		latest = key // ids go up
	}
	manifests, err := iceberg.ReadManifestList(bytes.NewReader(b.Store.Objects[latest]))
	if err != nil {
		b.t.Fatal(err)
	}
	for _, m := range manifests {
		entries, err := iceberg.ReadManifest(m, get(m.FilePath()), true)
		if err != nil {
			b.t.Fatal(err)
		}
		for _, e := range entries {
			d := e.DataFile()
			out[int64(binary.LittleEndian.Uint64(d.LowerBoundValues()[id]))] = int64(binary.LittleEndian.Uint64(d.UpperBoundValues()[id]))
		}
	}
	return out
}
