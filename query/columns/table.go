package columns

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/fabriziosalmi/rainlogs/core/jsonline"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
	"github.com/fabriziosalmi/rainlogs/query/record"
	"github.com/fabriziosalmi/rainlogs/query/schema"
)

const (
	batchLines = 1024
	batchBytes = 4 << 20 // of lines; one longer line is a batch of its own
)

// table makes columns of the lines of one object after another. It is not
// safe for concurrent use.
type table struct {
	reader *dataset.Reader
	text   []byte // the lines of a batch: a reader's line is gone with the next
}

func newTable() *table { return &table{reader: dataset.NewReader(), text: make([]byte, 0, batchBytes)} }

func (t *table) close() { t.reader.Close() }

// write writes an object's columns to the files that create gives, of which
// the last is the one to keep: which columns there are shows with the last line, so that
// lines with names that the first ones do not have cost a second pass.
func (t *table) write(ctx context.Context, o *dataset.Object, create func() (io.Writer, error)) (*note, error) {
	names, err := t.firstNames(ctx, o)
	if err != nil {
		return nil, err
	}
	for {
		w, err := create()
		if err != nil {
			return nil, err
		}
		more, n, err := t.pass(ctx, o, names, w)
		if err != nil || len(more) == 0 {
			return n, err
		}
		if names = append(names, more...); len(names) > maxNames {
			return nil, fmt.Errorf("records have more than %d different members", maxNames)
		}
	}
}

// firstNames returns the names of the members of the first lines.
func (t *table) firstNames(ctx context.Context, o *dataset.Object) ([]string, error) {
	if err := t.reader.Reset(ctx, o); err != nil {
		return nil, fmt.Errorf("read names: %w", err)
	}
	names := newNames(nil)
	s := jsonline.NewScanner(nil, nil)
	s.Unknown = names.add
	for range 64 {
		line, err := t.reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read names: %w", err)
		}
		_, _ = s.Scan(line.Text) // what is no record has the names up to its fault
	}
	return names.list, nil
}

// pass writes the columns of names and returns the names that it met beside
// them. After the first of these it only looks for others.
func (t *table) pass(ctx context.Context, o *dataset.Object, names []string, w io.Writer) (more []string, _ *note, _ error) {
	fields, unlisted := fieldsOf(o.Entry.Dataset, names)
	p := newPass(t, o, fields)
	met := newNames(names)
	p.scanner.Unknown = met.add
	out, err := newTableWriter(w, p.columns(), o.Entry.Content.Lines)
	if err != nil {
		return nil, nil, err
	}
	if err := t.reader.Reset(ctx, o); err != nil {
		out.abandon()
		return nil, nil, fmt.Errorf("read lines: %w", err)
	}
	known := len(met.list) // names, which p.scanner may add to
	for {
		line, err := t.reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = p.line(line, out, len(met.list) > known)
		}
		if err != nil {
			out.abandon()
			return nil, nil, fmt.Errorf("read lines: %w", err)
		}
	}
	if len(met.list) > known {
		out.abandon()
		return met.list[known:], nil, nil
	}
	n := p.note
	n.Unlisted = unlisted
	if err := errors.Join(p.flush(out), finish(out, &n)); err != nil {
		return nil, nil, err
	}
	return nil, &n, nil
}

func finish(out *tableWriter, n *note) error {
	text, err := n.encode()
	if err != nil {
		return err
	}
	return out.finish(noteKey, text)
}

// pass is the state of one pass over an object's lines.
type pass struct {
	*table
	object  *dataset.Object
	fields  []*column // of the record, in the order of the scanner's values
	lineNo  *column
	fault   *column
	event   *column
	zone    *column
	seq     *column
	key     *column
	scanner *jsonline.Scanner
	zoneIs  []byte
	keyIs   []byte
	caster  record.Caster
	timeAt  int
	rows    int // in the batch
	note    note
}

func newPass(t *table, o *dataset.Object, fields []schema.Field) *pass {
	p := &pass{
		table: t, object: o, timeAt: -1,
		lineNo: newColumn(LineColumn, schema.Int), fault: newColumn(ErrorColumn, schema.String),
		event: newColumn(EventColumn, schema.Time), zone: newColumn(ZoneColumn, schema.String),
		seq: newColumn(SeqColumn, schema.Int), key: newColumn(ObjectColumn, schema.String),
		zoneIs: []byte(o.Entry.Zone), keyIs: []byte(o.Entry.Object.Key),
		note: note{Fields: fields, Mistyped: map[string]int64{}},
	}
	t.text = t.text[:0]
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.Name
		p.fields = append(p.fields, newColumn(f.Name, f.Type))
		if f.Name == schema.TimeField(o.Entry.Dataset) {
			p.timeAt = i
		}
	}
	p.scanner = jsonline.NewScanner(names, nil)
	return p
}

func (p *pass) columns() []*column {
	return append(slices.Clone(p.fields), p.lineNo, p.fault, p.event, p.zone, p.seq, p.key)
}

// line adds a row, or only looks at a line's names.
func (p *pass) line(line dataset.Line, out *tableWriter, namesOnly bool) error {
	if namesOnly {
		_, _ = p.scanner.Scan(line.Text) // its names up to the fault, if it has one
		return nil
	}
	if p.rows == batchLines || p.rows > 0 && len(p.text)+len(line.Text) > cap(p.text) {
		if err := p.flush(out); err != nil {
			return err
		}
	}
	at := len(p.text)
	p.text = append(p.text, line.Text...)
	line.Text = p.text[at:]
	p.row(line)
	p.rows++
	return nil
}

func (p *pass) row(line dataset.Line) {
	values, fault := p.scanner.Scan(line.Text)
	var stamp []byte
	if p.timeAt >= 0 {
		stamp = values[p.timeAt]
	}
	p.note.Lines++
	p.event.addTime(p.object.EventTime(line.Text, stamp, fault == nil && p.timeAt >= 0))
	if fault == nil {
		p.fault.null()
	} else {
		p.fault.add(record.Cell{Text: []byte(fault.Error())})
		p.note.Unreadable++
		clear(values) // all or nothing: half a record would pass for a whole one
	}
	for i, c := range p.fields {
		cell, state := p.caster.Cast(values[i], c.is, p.object.Entry.Source.Timestamps)
		switch state {
		case record.Value:
			c.add(cell)
			continue
		case record.Mistyped:
			p.note.Mistyped[c.name]++
		}
		c.null()
	}
	p.lineNo.add(record.Cell{Int: line.Number})
	p.seq.add(record.Cell{Int: p.object.Entry.Seq})
	p.zone.add(record.Cell{Text: p.zoneIs})
	p.key.add(record.Cell{Text: p.keyIs})
}

// flush ends a batch.
func (p *pass) flush(out *tableWriter) error {
	err := out.flush(p.rows)
	p.rows = 0
	p.caster.Reset()
	if p.text = p.text[:0]; cap(p.text) > batchBytes {
		p.text = make([]byte, 0, batchBytes) // a long line's
	}
	return err
}
