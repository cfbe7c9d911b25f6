package duckdb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"sync"
	"sync/atomic"

	duck "github.com/duckdb/duckdb-go/v2"

	"github.com/fabriziosalmi/rainlogs/core/jsonline"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
	"github.com/fabriziosalmi/rainlogs/query/record"
	"github.com/fabriziosalmi/rainlogs/query/schema"
)

// lineSource is the table function behind logs and raw: the lines of a
// dataset's range. Each of DuckDB's threads takes one object after another.
type lineSource struct {
	ctx     context.Context // the request's
	data    *dataset.Dataset
	objects []*dataset.Object // checked
	columns []column
	infos   []duck.ColumnInfo
	stats   *stats
	next    atomic.Int64 // the next object to be taken

	mu   sync.Mutex
	open []*dataset.Reader
}

var _ duck.ParallelChunkTableSource = (*lineSource)(nil)

func newLineSource(ctx context.Context, d *dataset.Dataset, objects []*dataset.Object, columns []column, st *stats) (*lineSource, error) {
	infos, err := columnInfos(columns)
	if err != nil {
		return nil, fmt.Errorf("describe table: %w", err)
	}
	return &lineSource{ctx: ctx, data: d, objects: objects, columns: columns, infos: infos, stats: st}, nil
}

func (s *lineSource) ColumnInfos() []duck.ColumnInfo { return s.infos }

func (s *lineSource) Cardinality() *duck.CardinalityInfo {
	var n uint
	for _, o := range s.objects {
		n += uint(o.Entry.Content.Lines)
	}
	return &duck.CardinalityInfo{Cardinality: n}
}

// Init begins anew: a prepared statement may run twice.
func (s *lineSource) Init() duck.ParallelTableSourceInfo {
	s.next.Store(0)
	return duck.ParallelTableSourceInfo{MaxThreads: max(1, len(s.objects))}
}

// NewLocalState returns one thread's reader.
func (s *lineSource) NewLocalState() any {
	t := &lineThread{source: s, reader: dataset.NewReader()}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open = append(s.open, t.reader)
	return t
}

// FillChunk runs on a thread of DuckDB's, where a panic would end the process.
func (s *lineSource) FillChunk(local any, chunk duck.DataChunk) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = s.stats.fail(fmt.Errorf("read records: panic: %v\n%s", p, debug.Stack()))
		}
	}()
	if err := local.(*lineThread).fill(chunk); err != nil {
		return s.stats.fail(err)
	}
	return nil
}

// close frees the readers once DuckDB has ended.
func (s *lineSource) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.open {
		r.Close()
	}
	s.open = nil
}

// lineThread is one thread's state.
type lineThread struct {
	source  *lineSource
	reader  *dataset.Reader
	object  *dataset.Object   // nil between objects
	scanner *jsonline.Scanner // nil where no member is needed
	output  *output           // nil before the first chunk
	cells   []cell            // the projected columns
	timeAt  int               // position of the event time in the scanner's values
	values  [][]byte          // of the current line
	fault   error             // of the current line
	caster  record.Caster

	lines, unreadable int64
	mistyped          map[string]int64
}

// cell is a projected column.
type cell struct {
	column
	vector
	position int // in the chunk
	value    int // position in the scanner's values
}

// text reports whether the column's cells are texts or bytes.
func (c column) text() bool {
	switch c.is {
	case schema.Int, schema.Time, schema.Float, schema.Bool:
		return false
	default:
		return true
	}
}

// prepare learns on the first chunk which columns the query uses.
func (t *lineThread) prepare(chunk *duck.DataChunk) (err error) {
	if t.output, err = newOutput(chunk, len(t.source.columns)); err != nil {
		return err
	}
	var wanted, known []string
	t.timeAt, t.mistyped = -1, map[string]int64{}
	fault := false
	for i, c := range t.source.columns {
		if c.from == fromField {
			known = append(known, c.name)
		}
		position := t.output.projection[i]
		if position < 0 || position >= chunk.ColumnCount() {
			continue // not projected
		}
		t.cells = append(t.cells, cell{c, vector{texts: c.text()}, position, len(wanted)})
		if c.from == fromField {
			if c.name == t.timeField() {
				t.timeAt = len(wanted)
			}
			wanted = append(wanted, c.name)
		}
		fault = fault || c.from == fromFault
	}
	filtered := false
	for _, o := range t.source.objects {
		filtered = filtered || !o.All()
	}
	if filtered && t.timeAt < 0 && t.timeField() != "" {
		t.timeAt = len(wanted)
		wanted = append(wanted, t.timeField())
	}
	if len(wanted) == 0 && !fault {
		return nil
	}
	t.scanner = jsonline.NewScanner(wanted, known)
	if len(known) > 0 {
		t.scanner.Unknown = t.source.stats.addUnlisted
	}
	return nil
}

func (t *lineThread) timeField() string { return schema.TimeField(t.source.data.Name()) }

// maxChunkText is the size of lines at which a chunk is full: its texts are
// gathered before they are handed over.
const maxChunkText = 4 << 20

// fill writes the next rows, none at the end of all objects.
func (t *lineThread) fill(chunk duck.DataChunk) error {
	if t.output == nil {
		if err := t.prepare(&chunk); err != nil {
			return err
		}
	}
	into, err := handle(&chunk)
	if err != nil {
		return err
	}
	for i := range t.cells {
		t.cells[i].open(into, t.cells[i].position)
	}
	defer t.report()
	row, size := 0, 0
	for capacity := duck.GetDataChunkCapacity(); row < capacity && size < maxChunkText; {
		line, err := t.nextLine()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if !t.scan(line) {
			continue
		}
		for i := range t.cells {
			t.set(row, &t.cells[i], line)
		}
		row, size = row+1, size+len(line.Text)
	}
	for i := range t.cells {
		if err := t.cells[i].close(); err != nil {
			return fmt.Errorf("fill column %s: %w", t.cells[i].name, err)
		}
	}
	return chunk.SetSize(row)
}

// nextLine returns the next line of this thread's objects, io.EOF at the end of all.
func (t *lineThread) nextLine() (dataset.Line, error) {
	objects := t.source.objects
	for {
		if t.object == nil {
			i := t.source.next.Add(1) - 1
			if i >= int64(len(objects)) {
				return dataset.Line{}, io.EOF
			}
			if err := t.reader.Reset(t.source.ctx, objects[i]); err != nil {
				return dataset.Line{}, err
			}
			t.object = objects[i]
		}
		line, err := t.reader.Next()
		if !errors.Is(err, io.EOF) {
			return line, err
		}
		t.object = nil
	}
}

// scan reads the members of a line and reports whether it belongs to the range.
func (t *lineThread) scan(line dataset.Line) bool {
	t.fault = nil
	t.caster.Reset()
	if t.scanner != nil {
		t.values, t.fault = t.scanner.Scan(line.Text)
	}
	if !t.object.All() && !t.object.Holds(t.eventTime(line.Text)) {
		return false
	}
	t.lines++
	if t.fault != nil {
		t.unreadable++
		clear(t.values) // all or nothing: half a record would pass for a whole one
	}
	return true
}

// eventTime reads the time by which the line was sealed.
func (t *lineThread) eventTime(line []byte) (int64, bool) {
	if t.timeAt < 0 {
		return t.object.EventTime(line, nil, false)
	}
	return t.object.EventTime(line, t.values[t.timeAt], t.fault == nil)
}

func (t *lineThread) report() {
	t.source.stats.add(t.lines, t.unreadable, t.mistyped)
	t.lines, t.unreadable = 0, 0
	clear(t.mistyped)
}
