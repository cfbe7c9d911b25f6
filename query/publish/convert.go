package publish

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"time"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/file"
	pq "github.com/apache/arrow-go/v18/parquet/schema"
	"github.com/apache/iceberg-go"
)

// stats are what a manifest tells of a file, by the ids of columns: those by
// which engines skip files, which are numbers and times.
type stats struct {
	values, nulls map[int]int64
	lower, upper  map[int][]byte
}

// batchRows is how many rows are in memory at once, of one column.
const batchRows = 4096

// convert writes a file of columns anew as one to be published.
func convert(path string, window time.Time, outs []output, w io.Writer) (_ stats, err error) {
	defer func() {
		if p := recover(); p != nil { // the library's, of what it did not expect
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	in, err := os.Open(path)
	if err != nil {
		return stats{}, fmt.Errorf("read columns: %w", err)
	}
	defer in.Close() //nolint:errcheck // only read
	from, err := file.NewParquetReader(in)
	if err != nil {
		return stats{}, fmt.Errorf("read columns: %w", err)
	}
	root, err := rootOf(outs)
	if err != nil {
		return stats{}, err
	}
	to, err := file.NewParquetWriterWithError(w, root, file.WithWriterProps(properties(outs, from.NumRows())))
	if err != nil {
		return stats{}, fmt.Errorf("begin file: %w", err)
	}
	c := conversion{from: from, window: window.UnixMicro(), stats: stats{map[int]int64{}, map[int]int64{}, map[int][]byte{}, map[int][]byte{}}}
	for i := range from.NumRowGroups() {
		group, err := to.AppendRowGroupChecked()
		if err == nil {
			err = c.group(group, i, outs)
		}
		if err != nil {
			return stats{}, errors.Join(err, to.Close())
		}
	}
	if err := to.Close(); err != nil {
		return stats{}, fmt.Errorf("end file: %w", err)
	}
	return c.stats, nil
}

func rootOf(outs []output) (*pq.GroupNode, error) {
	var fields pq.FieldList
	for _, o := range outs {
		n, err := node(o.field)
		if err != nil {
			return nil, fmt.Errorf("describe column %s: %w", o.field.Name, err)
		}
		fields = append(fields, n)
	}
	root, err := pq.NewGroupNode("table", parquet.Repetitions.Required, fields, -1)
	if err != nil {
		return nil, fmt.Errorf("describe columns: %w", err)
	}
	return root, nil
}

func node(f iceberg.NestedField) (pq.Node, error) {
	optional, id := parquet.Repetitions.Optional, int32(f.ID)
	switch f.Type {
	case iceberg.PrimitiveTypes.Int64:
		return pq.NewInt64Node(f.Name, optional, id), nil
	case iceberg.PrimitiveTypes.Float64:
		return pq.NewFloat64Node(f.Name, optional, id), nil
	case iceberg.PrimitiveTypes.Bool:
		return pq.NewBooleanNode(f.Name, optional, id), nil
	case iceberg.PrimitiveTypes.TimestampTz:
		return pq.NewPrimitiveNodeLogical(f.Name, optional, pq.NewTimestampLogicalType(true, pq.TimeUnitMicros), parquet.Types.Int64, -1, id)
	default:
		return pq.NewPrimitiveNodeLogical(f.Name, optional, pq.StringLogicalType{}, parquet.Types.ByteArray, -1, id)
	}
}

// sought are the fields that a single value is looked for in.
var sought = []string{"RayID", "ParentRayID", "ClientIP"}

// rowGroup is the most rows of a row group, as in files of columns.
const rowGroup = 120_000

func properties(outs []output, rows int64) *parquet.WriterProperties {
	props := []parquet.WriterProperty{
		parquet.WithCreatedBy("rainlogs"),
		parquet.WithVersion(parquet.V2_6),
		parquet.WithDataPageSize(1 << 20),
		parquet.WithDictionaryPageSizeLimit(1 << 20),
		parquet.WithCompression(compress.Codecs.Zstd),
		parquet.WithCompressionLevel(1),
		parquet.WithStats(true),
	}
	for _, o := range outs {
		if o.field.Type == iceberg.PrimitiveTypes.TimestampTz || o.from.SQL() == "TIMESTAMP_NS" {
			props = append(props, parquet.WithDictionaryFor(o.field.Name, false), parquet.WithEncodingFor(o.field.Name, parquet.Encodings.DeltaBinaryPacked))
		}
	}
	for _, name := range sought {
		props = append(props, parquet.WithBloomFilterEnabledFor(name, true), parquet.WithBloomFilterFPPFor(name, 0.01),
			parquet.WithBloomFilterNDVFor(name, min(max(rows, 1), rowGroup)))
	}
	return parquet.NewWriterProperties(props...)
}

// conversion is the state of one convert.
type conversion struct {
	from   *file.Reader
	window int64 // µs
	stats  stats

	levels []int16
	ints   []int64
	floats []float64
	bools  []bool
	texts  []parquet.ByteArray
}

func (c *conversion) group(to file.SerialRowGroupWriter, i int, outs []output) error {
	group := c.from.RowGroup(i)
	for _, o := range outs {
		w, err := to.NextColumn()
		if err != nil {
			return fmt.Errorf("begin column %s: %w", o.field.Name, err)
		}
		if o.source == "" {
			err = c.constant(w, o, group.NumRows())
		} else {
			err = c.column(group, w, o)
		}
		if err = errors.Join(err, w.Close()); err != nil {
			return fmt.Errorf("write column %s: %w", o.field.Name, err)
		}
	}
	return to.Close()
}

// constant writes the window's start into each row.
func (c *conversion) constant(w file.ColumnChunkWriter, o output, rows int64) error {
	for rows > 0 {
		n := min(rows, batchRows)
		c.levels, c.ints = c.levels[:0], c.ints[:0]
		for range n {
			c.levels, c.ints = append(c.levels, 1), append(c.ints, c.window)
		}
		if err := c.writeInts(w, o); err != nil {
			return err
		}
		rows -= n
	}
	return nil
}

// column writes a row group's column.
func (c *conversion) column(group *file.RowGroupReader, w file.ColumnChunkWriter, o output) error {
	at := c.from.MetaData().Schema.Root().FieldIndexByName(o.source)
	if at < 0 {
		return errors.New("file of columns does not have it")
	}
	r, err := group.Column(at)
	if err != nil {
		return err
	}
	for r.HasNext() {
		if err := c.batch(r, w, o); err != nil {
			return err
		}
	}
	return r.Err()
}

func (c *conversion) batch(r file.ColumnChunkReader, w file.ColumnChunkWriter, o output) error {
	c.levels = resize(c.levels)
	text := o.field.Type == iceberg.PrimitiveTypes.String
	var rows int64
	var n int
	var err error
	switch r := r.(type) {
	case *file.Int64ColumnChunkReader:
		c.ints = resize(c.ints)
		rows, n, err = r.ReadBatchInPage(batchRows, c.ints, c.levels, nil)
		c.ints = c.ints[:n]
	case *file.Float64ColumnChunkReader:
		c.floats = resize(c.floats)
		rows, n, err = r.ReadBatchInPage(batchRows, c.floats, c.levels, nil)
		c.floats = c.floats[:n]
	case *file.BooleanColumnChunkReader:
		c.bools = resize(c.bools)
		rows, n, err = r.ReadBatchInPage(batchRows, c.bools, c.levels, nil)
		c.bools = c.bools[:n]
	case *file.ByteArrayColumnChunkReader:
		c.texts = resize(c.texts)
		rows, n, err = r.ReadBatchInPage(batchRows, c.texts, c.levels, nil)
		c.texts = c.texts[:n]
	default:
		err = fmt.Errorf("column reader %T is none of ours", r)
	}
	if err != nil {
		return err
	}
	c.levels = c.levels[:rows]
	if text && r.Type() != parquet.Types.ByteArray {
		c.spell(r.Type(), o)
	}
	return c.write(w, o)
}

func (c *conversion) write(w file.ColumnChunkWriter, o output) (err error) {
	switch w := w.(type) {
	case *file.Int64ColumnChunkWriter:
		if o.micros {
			for i, n := range c.ints {
				c.ints[i] = micros(n)
			}
		}
		err = c.writeInts(w, o)
	case *file.Float64ColumnChunkWriter:
		_, err = w.WriteBatch(c.floats, c.levels, nil)
	case *file.BooleanColumnChunkWriter:
		_, err = w.WriteBatch(c.bools, c.levels, nil)
	case *file.ByteArrayColumnChunkWriter:
		_, err = w.WriteBatch(c.texts, c.levels, nil)
	default:
		err = fmt.Errorf("column writer %T is none of ours", w)
	}
	return err
}

func (c *conversion) writeInts(w file.ColumnChunkWriter, o output) error {
	id := o.field.ID
	c.stats.values[id] += int64(len(c.levels))
	c.stats.nulls[id] += int64(len(c.levels) - len(c.ints))
	for _, n := range c.ints {
		if b, ok := c.stats.lower[id]; !ok || n < int64(binary.LittleEndian.Uint64(b)) {
			c.stats.lower[id] = binary.LittleEndian.AppendUint64(nil, uint64(n))
		}
		if b, ok := c.stats.upper[id]; !ok || n > int64(binary.LittleEndian.Uint64(b)) {
			c.stats.upper[id] = binary.LittleEndian.AppendUint64(nil, uint64(n))
		}
	}
	_, err := w.(*file.Int64ColumnChunkWriter).WriteBatch(c.ints, c.levels, nil)
	return err
}

// resize makes room for a batch.
func resize[T any](s []T) []T {
	if cap(s) < batchRows {
		return make([]T, batchRows)
	}
	return s[:batchRows]
}

// micros rounds down, before 1970 too: what was earlier does not get later.
func micros(nanos int64) int64 {
	n := nanos / 1000
	if nanos%1000 < 0 {
		n--
	}
	return n
}
