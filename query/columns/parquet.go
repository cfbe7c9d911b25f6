package columns

import (
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/file"
	pq "github.com/apache/arrow-go/v18/parquet/schema"

	"github.com/fabriziosalmi/rainlogs/query/record"
	"github.com/fabriziosalmi/rainlogs/query/schema"
)

// The columns beside a record's own.
const (
	LineColumn   = "_line"   // BIGINT, 1-based in the object
	ErrorColumn  = "_error"  // VARCHAR, why the line is no record; NULL if it is one
	EventColumn  = "_event"  // TIMESTAMP_NS, by which the dataset places the line; NULL if it has none
	ZoneColumn   = "_zone"   // VARCHAR, the same in each row, as are
	SeqColumn    = "_seq"    // BIGINT
	ObjectColumn = "_object" // VARCHAR
)

// Reserved returns the names of the columns beside a record's own.
func Reserved() []string {
	return []string{LineColumn, ErrorColumn, EventColumn, ZoneColumn, SeqColumn, ObjectColumn}
}

const (
	rowGroup = 120_000 // lines: what DuckDB itself writes
	pageSize = 1 << 20
)

// sought are the fields that a single value is looked for in, which the
// statistics of a row group say nothing about, and the share of lines that
// have a value of their own: a Bloom filter of each has room for these.
var sought = map[string]float64{"RayID": 1, "ParentRayID": 0.25, "ClientIP": 0.25}

// minSought is the number of lines below which a filter is not worth its reading.
const minSought = 1000

// column gathers one column's cells until they are written.
type column struct {
	name   string
	is     schema.Type
	dict   *dictionary // of texts that repeat; nil for others
	plain  bool        // the dictionary is behind us in this row group
	levels []int16     // of each row: 1 is a value, 0 is NULL
	texts  []parquet.ByteArray
	ints   []int64
	floats []float64
	bools  []bool
}

func newColumn(name string, is schema.Type) *column {
	c := &column{name: name, is: is}
	if c.isText() && name != "RayID" {
		c.dict = newDictionary()
	}
	return c
}

// isText reports whether its cells are texts.
func (c *column) isText() bool {
	switch c.is {
	case schema.Int, schema.Time, schema.Float, schema.Bool:
		return false
	}
	return true
}

// gathers reports whether the dictionary takes the texts.
func (c *column) gathers() bool { return c.dict != nil && !c.plain }

func (c *column) null() {
	if c.gathers() {
		c.dict.null()
		return
	}
	c.levels = append(c.levels, 0)
}

// addTime takes a time, or NULL where there is none.
func (c *column) addTime(nanos int64, ok bool) {
	if !ok {
		c.null()
		return
	}
	c.add(record.Cell{Int: nanos})
}

// add takes a cell. Its text must stay as it is until flush.
func (c *column) add(v record.Cell) {
	if c.gathers() {
		c.dict.add(v.Text)
		return
	}
	c.levels = append(c.levels, 1)
	switch c.is {
	case schema.Int, schema.Time:
		c.ints = append(c.ints, v.Int)
	case schema.Float:
		c.floats = append(c.floats, v.Float)
	case schema.Bool:
		c.bools = append(c.bools, v.Bool)
	default:
		c.texts = append(c.texts, v.Text)
	}
}

// flush hands the cells over; the writer copies them.
func (c *column) flush(w file.ColumnChunkWriter) (err error) {
	switch w := w.(type) {
	case *file.ByteArrayColumnChunkWriter:
		err = c.flushTexts(w)
	case *file.Int64ColumnChunkWriter:
		_, err = w.WriteBatch(c.ints, c.levels, nil)
	case *file.Float64ColumnChunkWriter:
		_, err = w.WriteBatch(c.floats, c.levels, nil)
	case *file.BooleanColumnChunkWriter:
		_, err = w.WriteBatch(c.bools, c.levels, nil)
	default:
		err = fmt.Errorf("column writer %T is none of ours", w)
	}
	c.levels, c.texts, c.ints, c.floats, c.bools = c.levels[:0], c.texts[:0], c.ints[:0], c.floats[:0], c.bools[:0]
	return err //nolint:wrapcheck // by tableWriter
}

// flushTexts lets the dictionary gather on while it can; from there on the row group's texts are plain.
func (c *column) flushTexts(w *file.ByteArrayColumnChunkWriter) (err error) {
	switch {
	case !c.gathers():
		_, err = w.WriteBatch(c.texts, c.levels, nil)
	case c.dict.spent():
		c.plain = true
		if err = c.dict.emit(w); err == nil {
			err = w.FlushCurrentPage() // or it would be made plain, too
			w.FallbackToPlain()
		}
	}
	return err //nolint:wrapcheck // by tableWriter
}

// finish ends the column's part of a row group.
func (c *column) finish(w file.ColumnChunkWriter) (err error) {
	if texts, ok := w.(*file.ByteArrayColumnChunkWriter); ok && c.gathers() {
		err = c.dict.emit(texts)
	}
	c.plain = false
	return errors.Join(err, w.Close())
}

// node is the column's part of the file's schema.
func (c *column) node() (pq.Node, error) {
	optional := parquet.Repetitions.Optional
	switch c.is {
	case schema.Int:
		return pq.NewInt64Node(c.name, optional, -1), nil
	case schema.Float:
		return pq.NewFloat64Node(c.name, optional, -1), nil
	case schema.Bool:
		return pq.NewBooleanNode(c.name, optional, -1), nil
	case schema.Time:
		local := pq.NewTimestampLogicalType(false, pq.TimeUnitNanos)                            // without a zone: DuckDB's TIMESTAMP_NS
		return pq.NewPrimitiveNodeLogical(c.name, optional, local, parquet.Types.Int64, -1, -1) //nolint:wrapcheck // by newTableWriter
	default:
		return pq.NewPrimitiveNodeLogical(c.name, optional, pq.StringLogicalType{}, parquet.Types.ByteArray, -1, -1) //nolint:wrapcheck // by newTableWriter
	}
}

// tableWriter writes a file of columns, one row group after another.
type tableWriter struct {
	columns []*column
	file    *file.Writer
	group   file.BufferedRowGroupWriter // nil between groups
	chunks  []file.ColumnChunkWriter
	rows    int // of the group
}

// newTableWriter begins a file of so many lines.
func newTableWriter(w io.Writer, columns []*column, lines int64) (*tableWriter, error) {
	var fields pq.FieldList
	for _, c := range columns {
		n, err := c.node()
		if err != nil {
			return nil, fmt.Errorf("describe column %s: %w", c.name, err)
		}
		fields = append(fields, n)
	}
	root, err := pq.NewGroupNode("records", parquet.Repetitions.Required, fields, -1)
	if err != nil {
		return nil, fmt.Errorf("describe columns: %w", err)
	}
	f, err := file.NewParquetWriterWithError(w, root, file.WithWriterProps(properties(columns, lines)))
	if err != nil {
		return nil, fmt.Errorf("begin columns: %w", err)
	}
	return &tableWriter{columns: columns, file: f}, nil
}

// properties say how a file is encoded. Numbers that hardly repeat are
// smaller as differences, and quicker written, than with a dictionary; strings
// begin with one and are plain from where it stops to pay.
func properties(columns []*column, lines int64) *parquet.WriterProperties {
	props := []parquet.WriterProperty{
		parquet.WithCreatedBy("rainlogs"),
		parquet.WithVersion(parquet.V2_LATEST), // nanoseconds
		parquet.WithDataPageSize(pageSize),
		parquet.WithDictionaryPageSizeLimit(maxDictionary),
		parquet.WithCompression(compress.Codecs.Lz4Raw),
		parquet.WithStats(true),
	}
	for _, c := range columns {
		switch {
		case c.is == schema.Time || c.name == LineColumn:
			props = append(props, parquet.WithDictionaryFor(c.name, false), parquet.WithEncodingFor(c.name, parquet.Encodings.DeltaBinaryPacked))
		case c.isText() && c.dict == nil:
			props = append(props, parquet.WithDictionaryFor(c.name, false))
		default:
			props = append(props, parquet.WithDictionaryCostFallbackFor(c.name, true))
		}
	}
	for name, share := range sought {
		if lines < minSought {
			continue
		}
		props = append(props, parquet.WithBloomFilterEnabledFor(name, true), parquet.WithBloomFilterFPPFor(name, 0.01),
			parquet.WithBloomFilterNDVFor(name, int64(share*float64(min(lines, rowGroup)))))
	}
	return parquet.NewWriterProperties(props...)
}

// flush writes the rows that the columns have gathered.
func (t *tableWriter) flush(rows int) error {
	if rows == 0 {
		return nil
	}
	if t.group == nil {
		if err := t.begin(); err != nil {
			return err
		}
	}
	for i, c := range t.columns {
		if err := c.flush(t.chunks[i]); err != nil {
			return fmt.Errorf("write column %s: %w", c.name, err)
		}
	}
	if t.rows += rows; t.rows < rowGroup {
		return nil
	}
	return t.end()
}

func (t *tableWriter) begin() (err error) {
	if t.group, err = t.file.AppendBufferedRowGroupChecked(); err != nil {
		return fmt.Errorf("begin row group: %w", err)
	}
	t.chunks, t.rows = t.chunks[:0], 0
	for i := range t.columns {
		c, err := t.group.Column(i)
		if err != nil {
			return fmt.Errorf("begin column %s: %w", t.columns[i].name, err)
		}
		t.chunks = append(t.chunks, c)
	}
	return nil
}

func (t *tableWriter) end() error {
	if t.group == nil {
		return nil
	}
	var err error
	for i, c := range t.columns {
		if err = c.finish(t.chunks[i]); err != nil {
			err = fmt.Errorf("write column %s: %w", c.name, err)
			break
		}
	}
	err = errors.Join(err, t.group.Close())
	t.group = nil
	if err != nil {
		return fmt.Errorf("end row group: %w", err)
	}
	return nil
}

// finish ends the file, with a note of what it holds.
func (t *tableWriter) finish(key, note string) error {
	err := t.end()
	if err == nil {
		err = t.file.AppendKeyValueMetadata(key, note)
	}
	if err = errors.Join(err, t.file.Close()); err != nil {
		return fmt.Errorf("end columns: %w", err)
	}
	return nil
}

// abandon frees what an unfinished file holds in memory.
func (t *tableWriter) abandon() { _ = t.file.Close() } // the file is thrown away
