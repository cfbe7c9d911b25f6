package duckdb

import (
	"bytes"
	"time"

	duck "github.com/duckdb/duckdb-go/v2"

	"github.com/fabriziosalmi/rainlogs/query/dataset"
	"github.com/fabriziosalmi/rainlogs/query/record"
	"github.com/fabriziosalmi/rainlogs/query/schema"
)

// null is what SetChunkValue takes for NULL.
var null any

// set writes one cell of a row.
func (t *lineThread) set(chunk duck.DataChunk, row int, c *cell, line dataset.Line) error {
	e := t.object.Entry
	switch c.from {
	case fromZone:
		return duck.SetChunkValue(chunk, c.index, row, e.Zone)
	case fromSeq:
		return duck.SetChunkValue(chunk, c.index, row, e.Seq)
	case fromObject:
		return duck.SetChunkValue(chunk, c.index, row, e.Object.Key)
	case fromNumber:
		return duck.SetChunkValue(chunk, c.index, row, line.Number)
	case fromOffset:
		return duck.SetChunkValue(chunk, c.index, row, line.Offset)
	case fromText:
		return duck.SetChunkValue(chunk, c.index, row, bytes.ToValidUTF8(line.Text, []byte("\uFFFD")))
	case fromBytes:
		return duck.SetChunkValue(chunk, c.index, row, line.Text)
	case fromFault:
		if t.fault == nil {
			return duck.SetChunkValue(chunk, c.index, row, null)
		}
		return duck.SetChunkValue(chunk, c.index, row, t.fault.Error())
	}
	v := t.values[c.value]
	if v == nil || record.IsNull(v) {
		return duck.SetChunkValue(chunk, c.index, row, null)
	}
	ok, err := t.setField(chunk, row, c, v)
	if err == nil && !ok {
		t.mistyped[c.name]++
		err = duck.SetChunkValue(chunk, c.index, row, null)
	}
	return err
}

// setField writes a record's value; ok is false for one that is not of the column's type.
func (t *lineThread) setField(chunk duck.DataChunk, row int, c *cell, v []byte) (ok bool, err error) {
	switch c.is {
	case schema.String:
		text, plain := record.Plain(v)
		if !plain {
			t.buf = record.AppendText(t.buf[:0], v)
			text = t.buf
		}
		return true, duck.SetChunkValue(chunk, c.index, row, text)
	case schema.Int:
		if n, ok := record.Int(v); ok {
			return true, duck.SetChunkValue(chunk, c.index, row, n)
		}
	case schema.Float:
		if f, ok := record.Float(v); ok {
			return true, duck.SetChunkValue(chunk, c.index, row, f)
		}
	case schema.Bool:
		if b, ok := record.Bool(v); ok {
			return true, duck.SetChunkValue(chunk, c.index, row, b)
		}
	case schema.Time:
		if n, ok := record.Time(v, t.object.Entry.Source.Timestamps); ok {
			return true, duck.SetChunkValue(chunk, c.index, row, time.Unix(0, n).UTC())
		}
	case schema.JSON:
		if record.Valid(v) {
			return true, duck.SetChunkValue(chunk, c.index, row, v)
		}
	case schema.StringList, schema.IntList:
		if t.isList(c, v) {
			return true, duck.SetChunkValue(chunk, c.index, row, v)
		}
	}
	return false, nil
}

// isList reports whether a value is a list of the column's type. Its text is
// what crosses to DuckDB: building a list there costs eight calls a cell.
func (t *lineThread) isList(c *cell, v []byte) (ok bool) {
	t.list, ok = record.Elements(t.list[:0], v)
	if !ok || !record.Valid(v) {
		return false
	}
	for _, element := range t.list {
		if record.IsNull(element) {
			continue
		}
		if _, ok := record.Int(element); c.is == schema.IntList && (!ok || element[0] == '"') {
			return false
		}
	}
	return true
}
