package duckdb

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"unsafe"

	duck "github.com/duckdb/duckdb-go/v2"
	"github.com/duckdb/duckdb-go/v2/mapping"
)

// The driver writes one cell at a time, each NULL and each text with a call
// into C of its own: with 140 columns, of which half are NULL, that is most of what a scan
// costs. A vector writes into DuckDB's memory, in the layout that duckdb.h gives
// (duckdb_vector_get_data, duckdb_validity_mask, duckdb_string_t), and hands over a column's
// texts with one call for all rows.

// output finds the vectors of a chunk. The driver keeps the handle and the
// projection to itself; both are read by name, so that a driver that has others is an error.
type output struct{ projection []int }

var errDriver = errors.New("driver's chunk has another layout")

func chunkField(chunk *duck.DataChunk, name string, kind reflect.Kind) (reflect.Value, error) {
	f := reflect.ValueOf(chunk).Elem().FieldByName(name)
	if !f.IsValid() || f.Kind() != kind {
		return f, fmt.Errorf("%w: no field %s", errDriver, name)
	}
	return f, nil
}

// newOutput learns where the columns of a table function are in its chunks, -1 for one that is not projected.
func newOutput(chunk *duck.DataChunk, columns int) (*output, error) {
	f, err := chunkField(chunk, "projection", reflect.Slice)
	if err != nil {
		return nil, err
	}
	if f.Len() != columns {
		return nil, fmt.Errorf("%w: %d columns, expected %d", errDriver, f.Len(), columns)
	}
	o := &output{make([]int, columns)}
	for i := range o.projection {
		o.projection[i] = int(f.Index(i).Int())
	}
	return o, nil
}

// handle returns the chunk that DuckDB wants filled.
func handle(chunk *duck.DataChunk) (mapping.DataChunk, error) {
	f, err := chunkField(chunk, "chunk", reflect.Struct)
	if err != nil {
		return mapping.DataChunk{}, err
	}
	if f = f.FieldByName("Ptr"); !f.IsValid() || f.Kind() != reflect.UnsafePointer {
		return mapping.DataChunk{}, fmt.Errorf("%w: no handle", errDriver)
	}
	return mapping.DataChunk{Ptr: f.UnsafePointer()}, nil
}

// vector is one column of the chunk that is being filled.
type vector struct {
	vec  mapping.Vector
	data unsafe.Pointer
	mask unsafe.Pointer

	texts bool // the column holds texts or bytes
	text  []byte
	ends  []int // of each row's text; a NULL's is the one before
}

// open begins a chunk. The driver has made the mask writable, all valid.
func (v *vector) open(chunk mapping.DataChunk, position int) {
	v.vec = mapping.DataChunkGetVector(chunk, mapping.IdxT(position))
	v.data, v.mask = mapping.VectorGetData(v.vec), mapping.VectorGetValidity(v.vec)
	v.text, v.ends = v.text[:0], v.ends[:0]
	if cap(v.text) > maxChunkText {
		v.text = nil // what one long line needed
	}
}

func (v *vector) setNull(row int) {
	word := (*uint64)(unsafe.Add(v.mask, row/64*8))
	*word &^= 1 << (row % 64)
	if v.texts {
		v.ends = append(v.ends, len(v.text))
	}
}

func (v *vector) setInt(row int, n int64)     { *(*int64)(unsafe.Add(v.data, row*8)) = n }
func (v *vector) setFloat(row int, f float64) { *(*float64)(unsafe.Add(v.data, row*8)) = f }
func (v *vector) setBool(row int, b bool)     { *(*bool)(unsafe.Add(v.data, row)) = b }

// addText sets the next row's text. It MUST be valid UTF-8 unless the column holds bytes.
func (v *vector) addText(b []byte) {
	v.text = append(v.text, b...)
	v.ends = append(v.ends, len(v.text))
}

func (v *vector) addString(s string) {
	v.text = append(v.text, s...)
	v.ends = append(v.ends, len(v.text))
}

// inlined is how long a text can be to stand in the vector itself.
const inlined = 12

// shortText and longText are the two forms of duckdb_string_t.
type shortText struct {
	length uint32
	bytes  [inlined]byte
}

type longText struct {
	length uint32
	prefix [4]byte
	bytes  unsafe.Pointer
}

// close hands the texts of all rows to DuckDB as one and points into it.
func (v *vector) close() error {
	if !v.texts || len(v.ends) == 0 {
		return nil
	}
	if uint64(len(v.text)) > math.MaxUint32 {
		return fmt.Errorf("texts of %d bytes are longer than DuckDB takes", len(v.text))
	}
	var base unsafe.Pointer
	if len(v.text) > inlined {
		whole := (*longText)(v.data)
		*whole = longText{}
		mapping.VectorAssignStringElementLen(v.vec, 0, v.text)
		if whole.length != uint32(len(v.text)) { //nolint:gosec // compared above
			return errors.New("texts are not UTF-8")
		}
		base = whole.bytes
	}
	start := 0
	for row, end := range v.ends {
		text, at := v.text[start:end], unsafe.Add(v.data, row*16)
		if len(text) <= inlined {
			short := shortText{length: uint32(len(text))} //nolint:gosec // at most 12
			copy(short.bytes[:], text)
			*(*shortText)(at) = short
		} else {
			long := (*longText)(at)
			long.length, long.prefix = uint32(len(text)), [4]byte(text) //nolint:gosec // compared above
			long.bytes = unsafe.Add(base, start)
		}
		start = end
	}
	return nil
}
