package duckdb

import (
	"bytes"

	"github.com/fabriziosalmi/rainlogs/query/dataset"
	"github.com/fabriziosalmi/rainlogs/query/record"
	"github.com/fabriziosalmi/rainlogs/query/schema"
)

// set writes one cell of a row.
func (t *lineThread) set(row int, c *cell, line dataset.Line) {
	e := t.object.Entry
	switch c.from {
	case fromZone:
		c.addString(e.Zone)
	case fromSeq:
		c.setInt(row, e.Seq)
	case fromObject:
		c.addString(e.Object.Key)
	case fromNumber:
		c.setInt(row, line.Number)
	case fromOffset:
		c.setInt(row, line.Offset)
	case fromText:
		c.addText(bytes.ToValidUTF8(line.Text, []byte("\uFFFD")))
	case fromBytes:
		c.addText(line.Text)
	case fromFault:
		if t.fault == nil {
			c.setNull(row)
			return
		}
		c.addString(t.fault.Error())
	case fromField:
		t.setField(row, c)
	}
}

// setField writes a record's value.
func (t *lineThread) setField(row int, c *cell) {
	raw := t.values[c.value]
	if raw == nil { // most columns of most records
		c.setNull(row)
		return
	}
	v, state := t.caster.Cast(raw, c.is, t.object.Entry.Source.Timestamps)
	if state == record.Mistyped {
		t.mistyped[c.name]++
	}
	if state != record.Value {
		c.setNull(row)
		return
	}
	switch c.is {
	case schema.Int, schema.Time:
		c.setInt(row, v.Int)
	case schema.Float:
		c.setFloat(row, v.Float)
	case schema.Bool:
		c.setBool(row, v.Bool)
	default:
		c.addText(v.Text)
	}
}
