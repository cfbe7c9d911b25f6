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
	value, state := t.caster.Cast(t.values[c.value], c.is, e.Source.Timestamps)
	if state == record.Mistyped {
		t.mistyped[c.name]++
	}
	if state != record.Value {
		return duck.SetChunkValue(chunk, c.index, row, null)
	}
	return setValue(chunk, row, c, value)
}

// setValue writes a record's value.
func setValue(chunk duck.DataChunk, row int, c *cell, v record.Cell) error {
	switch c.is {
	case schema.Int:
		return duck.SetChunkValue(chunk, c.index, row, v.Int)
	case schema.Float:
		return duck.SetChunkValue(chunk, c.index, row, v.Float)
	case schema.Bool:
		return duck.SetChunkValue(chunk, c.index, row, v.Bool)
	case schema.Time:
		return duck.SetChunkValue(chunk, c.index, row, time.Unix(0, v.Int).UTC())
	default:
		return duck.SetChunkValue(chunk, c.index, row, v.Text)
	}
}
