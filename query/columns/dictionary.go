package columns

import (
	"fmt"
	"math/bits"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/metadata"
)

const (
	// maxDictionary is how many bytes of texts a dictionary has at most: from
	// there on the rest of the row group is written plain.
	maxDictionary = 1 << 20
	// fewTexts are too few to say that texts hardly repeat.
	fewTexts = 4096
)

// dictionary gathers the texts of one column of a row group, each different
// one once. The file's writer could do so itself, but what it does for each
// text was a third of the cost of a file, and it decides by the first few whether to go on.
type dictionary struct {
	index  map[string]int32
	texts  []string // in the order of their numbers
	size   int      // of these as a file has them
	rows   []int32  // the number of each row's text, 0 for NULL
	levels []int16  // of each row: 1 is a text, 0 is NULL
	nulls  int
	raw    int   // bytes of all rows' texts as a file has them plain
	last   int32 // the number of the text before
}

const lengthSize = 4 // a text in a file has its length before it

func newDictionary() *dictionary { return &dictionary{index: map[string]int32{}} }

func (d *dictionary) null() {
	d.rows, d.levels = append(d.rows, 0), append(d.levels, 0)
	d.nulls++
}

func (d *dictionary) add(text []byte) {
	d.levels = append(d.levels, 1)
	d.raw += len(text) + lengthSize
	if len(d.texts) > 0 && d.texts[d.last] == string(text) {
		d.rows = append(d.rows, d.last)
		return
	}
	n, known := d.index[string(text)]
	if !known {
		n = int32(len(d.texts)) //nolint:gosec // as many as rows at most
		kept := string(text)
		d.index[kept] = n
		d.texts = append(d.texts, kept)
		d.size += len(text) + lengthSize
	}
	d.last = n
	d.rows = append(d.rows, n)
}

// spent reports whether no more should be added: it is large, or texts that hardly repeat are smaller without.
func (d *dictionary) spent() bool {
	return d.size > maxDictionary || len(d.rows)-d.nulls >= fewTexts && !d.pays()
}

// pays reports whether the texts are smaller with the dictionary than plain.
func (d *dictionary) pays() bool {
	width := bits.Len(uint(max(1, len(d.texts)) - 1)) //nolint:gosec // not negative
	return d.size+(len(d.rows)-d.nulls)*width/8 < d.raw
}

// emit hands the rows over to a chunk that has none yet, and begins anew.
func (d *dictionary) emit(w *file.ByteArrayColumnChunkWriter) (err error) {
	if d.pays() {
		err = d.encode(w)
	} else {
		w.FallbackToPlain()
		_, err = w.WriteBatch(d.plain(), d.levels, nil)
	}
	d.reset()
	return err //nolint:wrapcheck // by tableWriter
}

// plain are the rows' own texts.
func (d *dictionary) plain() []parquet.ByteArray {
	different := make([]parquet.ByteArray, len(d.texts))
	for i, text := range d.texts {
		different[i] = parquet.ByteArray(text)
	}
	texts := make([]parquet.ByteArray, 0, len(d.rows)-d.nulls)
	for i, n := range d.rows {
		if d.levels[i] > 0 {
			texts = append(texts, different[n])
		}
	}
	return texts
}

// encode writes the dictionary and the rows as numbers of its texts. Bounds
// and NULLs are told to the writer beforehand: it does not look at what numbers stand for.
func (d *dictionary) encode(w *file.ByteArrayColumnChunkWriter) error {
	encoder, ok := w.CurrentEncoder().(interface {
		PutDictionary(values arrow.Array) error
	})
	if !ok {
		return fmt.Errorf("encoder %T takes no dictionary", w.CurrentEncoder())
	}
	texts := array.NewBinaryBuilder(memory.DefaultAllocator, arrow.BinaryTypes.Binary)
	defer texts.Release()
	texts.ReserveData(d.size)
	for _, text := range d.texts {
		texts.AppendString(text)
	}
	values := texts.NewArray()
	defer values.Release()
	if err := encoder.PutDictionary(values); err != nil {
		return err //nolint:wrapcheck // by tableWriter
	}
	if bounds, ok := w.PageStatistics().(*metadata.ByteArrayStatistics); ok {
		least, most := parquet.ByteArray(slices.Min(d.texts)), parquet.ByteArray(slices.Max(d.texts))
		bounds.Update([]parquet.ByteArray{least, most}, int64(d.nulls))
	}
	rows := d.array()
	defer rows.Release()
	return w.WriteDictIndices(rows, d.levels, nil) //nolint:wrapcheck // by tableWriter
}

// array is the rows as Arrow has them.
func (d *dictionary) array() arrow.Array {
	valid := make([]byte, bitutil.BytesForBits(int64(len(d.levels))))
	for i, level := range d.levels {
		if level > 0 {
			bitutil.SetBit(valid, i)
		}
	}
	buffers := []*memory.Buffer{memory.NewBufferBytes(valid), memory.NewBufferBytes(arrow.Int32Traits.CastToBytes(d.rows))}
	data := array.NewData(arrow.PrimitiveTypes.Int32, len(d.rows), buffers, nil, d.nulls, 0)
	defer data.Release()
	return array.NewInt32Data(data)
}

func (d *dictionary) reset() {
	clear(d.index)
	clear(d.texts)
	*d = dictionary{index: d.index, texts: d.texts[:0], rows: d.rows[:0], levels: d.levels[:0]}
}
