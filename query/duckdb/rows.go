package duckdb

import (
	"fmt"
	"sync/atomic"
	"time"

	duck "github.com/duckdb/duckdb-go/v2"
)

// rowSource is a table function over rows that Go has in memory. It keeps an
// index and no iterator: DuckDB's threads are not Go's, and a coroutine cannot
// be resumed on another thread.
type rowSource struct {
	infos []duck.ColumnInfo
	load  func() rows
	rows
	next atomic.Int64
}

// rows are rows in memory.
type rows struct {
	count int
	row   func(i int) []any
}

var _ duck.ParallelChunkTableSource = (*rowSource)(nil)

func newRowSource(columns []column, load func() rows) (*rowSource, error) {
	infos, err := columnInfos(columns)
	if err != nil {
		return nil, fmt.Errorf("describe table: %w", err)
	}
	return &rowSource{infos: infos, load: load, rows: load()}, nil
}

func (s *rowSource) ColumnInfos() []duck.ColumnInfo { return s.infos }
func (s *rowSource) NewLocalState() any             { return struct{}{} }

func (s *rowSource) Cardinality() *duck.CardinalityInfo {
	return &duck.CardinalityInfo{Cardinality: uint(s.count), Exact: true}
}

// Init begins anew: a prepared statement may run twice. What windows say is
// known only once the whole statement has been bound: another view's objects are checked then.
func (s *rowSource) Init() duck.ParallelTableSourceInfo {
	s.rows = s.load()
	s.next.Store(0)
	return duck.ParallelTableSourceInfo{MaxThreads: 1}
}

func (s *rowSource) FillChunk(_ any, chunk duck.DataChunk) error {
	n := 0
	for capacity := duck.GetDataChunkCapacity(); n < capacity; n++ {
		at := s.next.Add(1) - 1
		if at >= int64(s.count) {
			break
		}
		for i, v := range s.row(int(at)) {
			if t, ok := v.(time.Time); ok {
				v = t.UTC()
			}
			if err := chunk.SetValue(i, n, v); err != nil {
				return fmt.Errorf("fill row: %w", err)
			}
		}
	}
	return chunk.SetSize(n)
}
