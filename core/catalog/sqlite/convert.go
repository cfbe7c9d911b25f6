package sqlite

import (
	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/catalog/internal/ledger"
	"github.com/fabriziosalmi/rainlogs/core/catalog/sqlite/internal/dbsqlc"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

func at(chain evidence.ChainID, w evidence.Window) dbsqlc.WindowAtParams {
	return dbsqlc.WindowAtParams{
		Zone: chain.Zone, Dataset: chain.Dataset, StartS: w.Start.Unix(), EndS: w.End.Unix(),
	}
}

func toWindow(w catalog.Window) dbsqlc.InsertWindowParams {
	return dbsqlc.InsertWindowParams{
		Zone: w.Chain.Zone, Dataset: w.Chain.Dataset, StartS: w.Window.Start.Unix(), EndS: w.Window.End.Unix(),
		State: string(w.State), Attempts: int64(w.Attempts), NextMs: ledger.Milli(w.NextAt),
		Reason: w.Reason, Detail: w.Detail, Seq: w.Seq, Lines: w.Lines, Bytes: w.Bytes, Object: string(w.Object),
	}
}

// blob keeps nil from becoming NULL.
func blob(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// oneRow turns "no row changed" into ErrNotFound.
func oneRow(n int64, err error) error {
	if err == nil && n == 0 {
		return catalog.ErrNotFound
	}
	return err
}
