package ledger

import (
	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// row is a window of a chain that is known, as queries read it: sqlc gives each query's
// a type of its own.
type row = struct {
	StartS   int64
	EndS     int64
	State    string
	Attempts int64
	NextMs   int64
	Reason   string
	Detail   string
	Seq      int64
	Lines    int64
	Bytes    int64
	Object   string
}

// Windows are what a query read, as a chain's windows.
func Windows[R ~row](chain evidence.ChainID, rows []R) []catalog.Window {
	windows := make([]catalog.Window, len(rows))
	for i, have := range rows {
		r := row(have)
		windows[i] = catalog.Window{
			Chain: chain, Window: Span(r.StartS, r.EndS), State: catalog.State(r.State),
			Attempts: int(r.Attempts), NextAt: FromMilli(r.NextMs), Reason: r.Reason, Detail: r.Detail,
			Seq: r.Seq, Lines: r.Lines, Bytes: r.Bytes, Object: catalog.ObjectState(r.Object),
		}
	}
	return windows
}
