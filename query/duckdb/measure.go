package duckdb

import (
	"strconv"
	"time"

	duck "github.com/duckdb/duckdb-go/v2"

	"github.com/fabriziosalmi/rainlogs/query"
)

// spent is where a request's time went.
type spent struct {
	began    time.Time
	checking time.Duration // before the last statement ran
	running  time.Time     // when the last statement began
	scanning time.Duration // until its first row
}

// scan measures from now until what it returns is called.
func (s *spent) scan(now func() time.Time) func() {
	s.running = now()
	return func() { s.scanning = now().Sub(s.running) }
}

// profiling are the settings under which DuckDB counts what it needs, and
// writes it nowhere.
var profiling = []string{
	"enable_profiling = 'no_output'",
	`custom_profiling_settings = '{"SYSTEM_PEAK_BUFFER_MEMORY": "true", "SYSTEM_PEAK_TEMP_DIR_SIZE": "true"}'`,
}

// measure fills in the numbers of a request whose rows have been read. What
// DuckDB does not tell stays zero: no answer fails for it.
func (s *session) measure(to *query.Stats, rows int64, reading time.Duration) {
	if to == nil {
		return
	}
	*to = query.Stats{
		CheckSeconds: s.spent.checking.Seconds(), ScanSeconds: s.spent.scanning.Seconds(),
		BuildSeconds: (s.spent.running.Sub(s.spent.began) - s.spent.checking).Seconds(),
		RowsSeconds:  reading.Seconds(), Rows: rows,
	}
	info, err := duck.GetProfilingInfo(s.conn)
	if err != nil {
		return
	}
	to.PeakMemory, _ = strconv.ParseInt(info.Metrics["SYSTEM_PEAK_BUFFER_MEMORY"], 10, 64)
	to.PeakSpill, _ = strconv.ParseInt(info.Metrics["SYSTEM_PEAK_TEMP_DIR_SIZE"], 10, 64)
}
