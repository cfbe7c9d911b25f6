package record

import (
	"github.com/fabriziosalmi/rainlogs/core/jsonline"
	"github.com/fabriziosalmi/rainlogs/query/schema"
)

// State says what a member is in the column of its name.
type State uint8

// The states of a cell. All but Value are NULL.
const (
	Absent   State = iota // the record lacks the member, or it is null
	Value                 // of the column's type
	Mistyped              // a value that is not of the column's type
)

// Cell is a member's value as its column's type has it. Which of the members
// is set follows from that type; lists and JSON are text.
type Cell struct {
	Text  []byte // String, JSON, StringList, IntList; aliases the raw value or the Caster
	Int   int64  // Int; Time in nanoseconds since the epoch
	Float float64
	Bool  bool
}

// Caster makes cells of raw values: the one place that says what a column
// holds, whether it is read from a line or from a file made of lines. Its
// zero value is ready; it is not safe for concurrent use.
type Caster struct {
	buf  []byte
	list [][]byte
}

// maxKept bounds what a few long values make a Caster keep.
const maxKept = 1 << 20

// Reset gives up the cells made so far.
func (c *Caster) Reset() {
	if c.buf = c.buf[:0]; cap(c.buf) > maxKept {
		c.buf = nil
	}
}

// Cast reads a raw value, nil for none, as a type. Times have the form of the
// entry's Source.Timestamps. A cell's text is valid until Reset, and as long as the raw value is.
func (c *Caster) Cast(v []byte, is schema.Type, timestamps string) (cell Cell, state State) {
	if v == nil || jsonline.IsNull(v) {
		return cell, Absent
	}
	ok := false
	switch is {
	case schema.String:
		cell.Text, ok = c.text(v), true
	case schema.Int:
		cell.Int, ok = jsonline.Int(v)
	case schema.Float:
		cell.Float, ok = jsonline.Float(v)
	case schema.Bool:
		cell.Bool, ok = jsonline.Bool(v)
	case schema.Time:
		cell.Int, ok = jsonline.Time(v, timestamps)
	case schema.JSON:
		cell.Text, ok = v, jsonline.Valid(v)
	case schema.StringList, schema.IntList:
		cell.Text, ok = v, c.isList(v, is)
	}
	if !ok {
		return Cell{}, Mistyped
	}
	return cell, Value
}

func (c *Caster) text(v []byte) []byte {
	if text, plain := jsonline.Plain(v); plain {
		return text
	}
	at := len(c.buf)
	c.buf = jsonline.AppendText(c.buf, v)
	return c.buf[at:]
}

// isList reports whether a value is a list of a type. Its text is what
// crosses to an engine: building a list there costs eight calls a cell.
func (c *Caster) isList(v []byte, is schema.Type) (ok bool) {
	c.list, ok = jsonline.Elements(c.list[:0], v)
	if !ok || !jsonline.Valid(v) {
		return false
	}
	for _, element := range c.list {
		if jsonline.IsNull(element) {
			continue
		}
		if _, ok := jsonline.Int(element); is == schema.IntList && (!ok || element[0] == '"') {
			return false
		}
	}
	return true
}
