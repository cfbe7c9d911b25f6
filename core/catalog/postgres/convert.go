package postgres

import (
	"strings"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/catalog/internal/ledger"
	"github.com/fabriziosalmi/rainlogs/core/catalog/postgres/internal/dbsqlc"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

func at(chain evidence.ChainID, w evidence.Window) dbsqlc.WindowAtParams {
	return dbsqlc.WindowAtParams{
		Zone: chain.Zone, Dataset: chain.Dataset, StartS: w.Start.Unix(), EndS: w.End.Unix(),
	}
}

func toWindow(w catalog.Window) dbsqlc.InsertWindowsParams {
	return dbsqlc.InsertWindowsParams{
		Zone: w.Chain.Zone, Dataset: w.Chain.Dataset, StartS: w.Window.Start.Unix(), EndS: w.Window.End.Unix(),
		State: string(w.State), Attempts: int64(w.Attempts), NextMs: ledger.Milli(w.NextAt),
		Reason: text(w.Reason), Detail: text(w.Detail), Seq: w.Seq, Lines: w.Lines, Bytes: w.Bytes, Object: string(w.Object),
	}
}

// text makes words for people such that PostgreSQL takes them: it has neither
// NUL nor bytes that are not UTF-8.
func text(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// batch returns the first error of a batch's statements.
func batch(exec func(f func(i int, err error))) error {
	var first error
	exec(func(_ int, err error) {
		if first == nil {
			first = err
		}
	})
	return first
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
