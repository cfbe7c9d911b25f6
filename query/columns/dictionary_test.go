package columns

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/metadata"
	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/query/record"
	"github.com/fabriziosalmi/rainlogs/query/schema"
)

// absent stands for NULL.
const absent = "\x00NULL"

// kinds of texts, each by the number of its row, and how a row group has them.
var kinds = []struct {
	name       string
	text       func(i int, r *rand.Rand) string
	dictionary bool // some pages have one
	plain      bool // some pages have none
}{
	{"constant", func(int, *rand.Rand) string { return "HTTP/2" }, true, false},
	{"few", func(i int, _ *rand.Rand) string { return fmt.Sprint("status ", i%7) }, true, false},
	{"empty", func(int, *rand.Rand) string { return "" }, true, false},
	{"mostly null", func(i int, _ *rand.Rand) string {
		if i%1000 != 5 {
			return absent
		}
		return "some"
	}, true, false},
	{"null", func(int, *rand.Rand) string { return absent }, false, true},
	{"unique", func(i int, _ *rand.Rand) string { return fmt.Sprintf("%016x", i*2654435761) }, false, true},
	{"unique at first", func(i int, _ *rand.Rand) string { return fmt.Sprint("id ", min(i%rowGroup, 5000)) }, false, true},
	{"many long ones", func(_ int, r *rand.Rand) string { return strings.Repeat("agent ", 20) + fmt.Sprint(r.IntN(20_000)) }, true, true},
	{"invalid", func(i int, _ *rand.Rand) string { return string([]byte{0xff, byte(i), 0, byte(i >> 1)}) }, true, false},
	{"RayID", func(i int, _ *rand.Rand) string { return fmt.Sprint(i % 3) }, false, true},
}

// TestTexts: what is read is what was written, however a row group has it, and its bounds hold.
func TestTexts(t *testing.T) {
	t.Parallel()
	const rows = rowGroup + 40_000
	var columns []*column
	want := make([][]string, len(kinds))
	for _, k := range kinds {
		columns = append(columns, newColumn(k.name, schema.String))
	}
	var b bytes.Buffer
	w, err := newTableWriter(&b, columns, rows)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for i := range rows {
		for k, kind := range kinds {
			text := kind.text(i, r)
			want[k] = append(want[k], text)
			if text == absent {
				columns[k].null()
			} else {
				columns[k].add(record.Cell{Text: []byte(text)})
			}
		}
		if (i+1)%batchLines == 0 {
			if err := w.flush(batchLines); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.flush(rows % batchLines); err != nil {
		t.Fatal(err)
	}
	if err := w.finish("note", ""); err != nil {
		t.Fatal(err)
	}
	f, err := file.NewParquetReader(bytes.NewReader(b.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	for k, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			at := 0
			for g := range f.NumRowGroups() {
				group := f.RowGroup(g)
				n := int(group.NumRows())
				chunk, err := group.MetaData().ColumnChunk(k)
				if err != nil {
					t.Fatal(err)
				}
				checkChunk(t, chunk, kind.dictionary, kind.plain, want[k][at:at+n])
				c, err := group.Column(k)
				if err != nil {
					t.Fatal(err)
				}
				if got := texts(t, c, n); !slices.Equal(got, want[k][at:at+n]) {
					t.Fatalf("row group %d differs: %s", g, cmp.Diff(want[k][at:at+n], got)[:1000])
				}
				at += n
			}
			if at != rows {
				t.Errorf("%d rows, want %d", at, rows)
			}
		})
	}
}

// checkChunk demands an encoding, and bounds that hold.
func checkChunk(t *testing.T, chunk *metadata.ColumnChunkMetaData, dictionary, plain bool, want []string) {
	t.Helper()
	var pages []string
	for _, s := range chunk.EncodingStats() {
		pages = append(pages, fmt.Sprint(s.PageType, " ", s.Encoding))
	}
	if chunk.HasDictionaryPage() != dictionary {
		t.Errorf("a dictionary: %v, want %v (%v)", chunk.HasDictionaryPage(), dictionary, pages)
	}
	if got := slices.ContainsFunc(pages, func(p string) bool { return strings.HasPrefix(p, "DATA") && strings.HasSuffix(p, " PLAIN") }); got != plain {
		t.Errorf("plain pages: %v, want %v (%v)", got, plain, pages)
	}
	s, err := chunk.Statistics()
	if err != nil {
		t.Fatal(err)
	}
	present := slices.DeleteFunc(slices.Clone(want), func(s string) bool { return s == absent })
	if s.NullCount() != int64(len(want)-len(present)) {
		t.Errorf("%d NULLs, want %d", s.NullCount(), len(want)-len(present))
	}
	if len(present) == 0 {
		return
	}
	bounds, ok := s.(*metadata.ByteArrayStatistics)
	if !ok {
		t.Fatalf("statistics are %T", s)
	}
	if got := []string{string(bounds.Min()), string(bounds.Max())}; !slices.Equal(got, []string{slices.Min(present), slices.Max(present)}) {
		t.Errorf("bounds %q, want %q and %q", got, slices.Min(present), slices.Max(present))
	}
}

// texts are a chunk's cells.
func texts(t *testing.T, c file.ColumnChunkReader, n int) []string {
	t.Helper()
	r, ok := c.(*file.ByteArrayColumnChunkReader)
	if !ok {
		t.Fatalf("column reader is %T", c)
	}
	var got []string
	values, levels := make([]parquet.ByteArray, 1000), make([]int16, 1000)
	for r.HasNext() && len(got) <= n {
		total, _, err := r.ReadBatch(1000, values, levels, nil)
		if err != nil {
			t.Fatal(err)
		}
		at := 0
		for _, level := range levels[:total] {
			if level == 0 {
				got = append(got, absent)
				continue
			}
			got = append(got, string(values[at]))
			at++
		}
	}
	return got
}
