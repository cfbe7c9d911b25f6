package ledger

import (
	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// Row is a window of a chain that is known.
type Row struct {
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

// Of is the row as a window of a chain.
func (r Row) Of(chain evidence.ChainID) catalog.Window {
	return catalog.Window{
		Chain: chain, Window: Span(r.StartS, r.EndS), State: catalog.State(r.State),
		Attempts: int(r.Attempts), NextAt: FromMilli(r.NextMs), Reason: r.Reason, Detail: r.Detail,
		Seq: r.Seq, Lines: r.Lines, Bytes: r.Bytes, Object: catalog.ObjectState(r.Object),
	}
}
