package count

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/file"
	pq "github.com/apache/arrow-go/v18/parquet/schema"

	"github.com/fabriziosalmi/rainlogs/query/schema"
)

// cell is a value as a test knows it; nil is NULL.
type cell = []byte

// written is a column of one row group, as the library writes it.
func written(t testing.TB, is schema.Type, cells []cell, props ...parquet.WriterProperty) *file.Reader {
	t.Helper()
	node := pq.Node(pq.NewByteArrayNode("c", parquet.Repetitions.Optional, -1))
	if is == schema.Int {
		node = pq.NewInt64Node("c", parquet.Repetitions.Optional, -1)
	}
	root, err := pq.NewGroupNode("records", parquet.Repetitions.Required, pq.FieldList{node}, -1)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w := file.NewParquetWriter(&out, root, file.WithWriterProps(parquet.NewWriterProperties(append(props, parquet.WithCompression(compress.Codecs.Lz4Raw))...)))
	g, err := w.AppendBufferedRowGroupChecked()
	if err != nil {
		t.Fatal(err)
	}
	column, err := g.Column(0)
	if err != nil {
		t.Fatal(err)
	}
	for len(cells) > 0 { // in batches, between which a page may end
		n := min(len(cells), 100)
		if err := write(column, cells[:n]); err != nil {
			t.Fatal(err)
		}
		cells = cells[n:]
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := file.NewParquetReader(bytes.NewReader(out.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func write(column file.ColumnChunkWriter, cells []cell) (err error) {
	var levels []int16
	var texts []parquet.ByteArray
	var ints []int64
	for _, c := range cells {
		if c == nil {
			levels = append(levels, 0)
			continue
		}
		levels, texts = append(levels, 1), append(texts, c)
		if len(c) == 8 {
			ints = append(ints, integer(c))
		}
	}
	switch w := column.(type) {
	case *file.ByteArrayColumnChunkWriter:
		_, err = w.WriteBatch(texts, levels, nil)
	case *file.Int64ColumnChunkWriter:
		_, err = w.WriteBatch(ints, levels, nil)
	}
	return err
}

// newChunk is a column of which nothing is known.
func newChunk(is schema.Type) *chunk {
	return &chunk{is: is, numbering: NewKept(Room).numberings([]string{"c"}, []schema.Type{is})[0], all: newDictionary()}
}

// TestChunk reads columns in each way in which they may be written: with and without NULLs, with a dictionary, without, and with one
// that is given up.
func TestChunk(t *testing.T) {
	t.Parallel()
	ways := map[string][]parquet.WriterProperty{
		"dictionary": {parquet.WithDictionaryDefault(true)},
		"plain":      {parquet.WithDictionaryDefault(false)},
		"given up":   {parquet.WithDictionaryDefault(true), parquet.WithDictionaryPageSizeLimit(600), parquet.WithDataPageSize(300)},
		"small":      {parquet.WithDictionaryDefault(true), parquet.WithDataPageSize(64)},
	}
	r := rand.New(rand.NewPCG(11, 11))
	for way, props := range ways {
		for _, is := range []schema.Type{schema.String, schema.Int} {
			for _, different := range []int{1, 2, 5, 300, 5000} {
				for _, absent := range []int{0, 1, 3, 100} {
					cells := make([]cell, 1+r.IntN(4000))
					for i := range cells {
						if r.IntN(100) < absent {
							continue
						}
						if cells[i] = fmt.Append(cell{}, strings.Repeat("x", i%3), r.IntN(1+min(different, i))); is == schema.Int {
							cells[i] = binary.LittleEndian.AppendUint64(nil, uint64(r.IntN(different)-different/2))
						}
					}
					name := fmt.Sprintf("%s, type %d, %d values, %d%% NULL, %d rows", way, is, different, absent, len(cells))
					check(t, name, r, written(t, is, cells, props...), is, cells)
				}
			}
		}
	}
}

// check reads a column whole, and for a few of its rows.
func check(t *testing.T, name string, r *rand.Rand, f *file.Reader, is schema.Type, cells []cell) {
	t.Helper()
	some := rows{n: len(cells)}
	for i := range cells {
		if r.IntN(10) == 0 {
			some.chosen = append(some.chosen, uint32(i))
		}
	}
	of := newChunk(is)
	for _, wanted := range []rows{{n: len(cells), all: true}, some, {n: len(cells)}} {
		pages, err := f.RowGroup(0).GetColumnPageReader(0)
		if err != nil {
			t.Fatal(err)
		}
		if err := of.read(pages, chunkOf{}, wanted); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		at := wanted.chosen
		if wanted.all {
			at = make([]uint32, len(cells))
			for i := range at {
				at[i] = uint32(i)
			}
		}
		for _, i := range at {
			var got cell
			if code := of.codes[i]; code > 0 {
				got = of.value(int(code))
			}
			if (got == nil) != (cells[i] == nil) || !bytes.Equal(got, cells[i]) {
				t.Fatalf("%s: row %d is %q, want %q", name, i, got, cells[i])
			}
		}
	}
}

// TestOtherRows: a column of more or fewer rows than the group is an error.
func TestOtherRows(t *testing.T) {
	t.Parallel()
	f := written(t, schema.String, []cell{cell("a"), cell("b")})
	for _, n := range []int{1, 3} {
		pages, err := f.RowGroup(0).GetColumnPageReader(0)
		if err != nil {
			t.Fatal(err)
		}
		of := newChunk(schema.String)
		if err := of.read(pages, chunkOf{}, rows{n: n, all: true}); err == nil {
			t.Errorf("%d rows of 2", n)
		}
	}
}

func TestDictionary(t *testing.T) {
	t.Parallel()
	d := newDictionary()
	for range 2 {
		for i := range 100_000 {
			if n := d.number(fmt.Append(nil, i)); n != i || string(d.value(n)) != fmt.Sprint(i) {
				t.Fatalf("%d has number %d, which is %q", i, n, d.value(n))
			}
		}
	}
	if n := d.number(nil); n != 100_000 || d.number([]byte{}) != n || d.values() != 100_001 {
		t.Errorf("nothing has number %d of %d", n, d.values())
	}
}

// FuzzPage: a page is read or refused, and each row then has a value or none.
func FuzzPage(f *testing.F) {
	for _, how := range []bool{true, false} {
		f.Add([]byte{2, 0, 0, 0, 8, 1, 2, 4, 1, 8, 0}, 4, how, true)
		f.Add([]byte{2, 0, 0, 0, 8, 1, 1, 0, 0, 0, 'a', 0, 0, 0, 0, 0, 0, 0}, 4, how, false)
		f.Add([]byte{2, 0, 0, 0, 3, 5, 2, 3, 0xe4, 0xff, 0xff, 0xff, 0xff, 0x7f}, 8, how, true)
	}
	f.Fuzz(func(t *testing.T, data []byte, n int, text, indexed bool) {
		if n < 0 || n > 1<<16 {
			return
		}
		is, how := schema.Int, parquet.Encodings.Plain
		if text {
			is = schema.String
		}
		if indexed {
			how = parquet.Encodings.RLEDict
		}
		c := newChunk(is)
		c.reset(n)
		if err := c.dictionary(bytes.Repeat([]byte{1, 0, 0, 0, 'a', 1, 0, 0, 0, 'b', 1, 0, 0, 0, 'c', 0}, 2), 3, chunkOf{}); err != nil {
			t.Fatal(err)
		}
		if c.page(data, how, c.codes, rows{n: n, all: true}) != nil {
			return
		}
		for i, code := range c.codes {
			if int(code) >= c.values() {
				t.Fatalf("row %d has value %d of %d", i, code, c.values())
			}
			if code > 0 {
				c.value(int(code))
			}
		}
	})
}
