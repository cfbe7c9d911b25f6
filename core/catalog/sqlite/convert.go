package sqlite

import (
	"errors"
	"fmt"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/catalog/sqlite/internal/dbsqlc"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

func checkChain(chain evidence.ChainID) error {
	_, err := evidence.NewChainID(chain.Zone, chain.Dataset)
	return err //nolint:wrapcheck // says all
}

func checkWindows(chain evidence.ChainID, windows []evidence.Window) error {
	if err := checkChain(chain); err != nil {
		return err
	}
	for _, w := range windows {
		if _, err := evidence.NewWindow(w.Start, w.End); err != nil {
			return err //nolint:wrapcheck // names the window
		}
	}
	return nil
}

// checkTiling makes sure that parts cover w from its start to its end, each
// beginning where the one before it ends.
func checkTiling(chain evidence.ChainID, w evidence.Window, parts []evidence.Window) error {
	if err := checkWindows(chain, parts); err != nil {
		return err
	}
	next := w.Start
	for _, p := range parts {
		if !p.Start.Equal(next) {
			return fmt.Errorf("part %s does not begin at %s", p, next.UTC().Format(time.RFC3339))
		}
		next = p.End
	}
	if len(parts) == 0 || !next.Equal(w.End) {
		return errors.New("parts do not reach the window's end")
	}
	return nil
}

func at(chain evidence.ChainID, w evidence.Window) dbsqlc.WindowAtParams {
	return dbsqlc.WindowAtParams{
		Zone: chain.Zone, Dataset: chain.Dataset, StartS: w.Start.Unix(), EndS: w.End.Unix(),
	}
}

// within widens [from, to) to whole seconds: windows are made of those, so the
// same ones overlap it.
func within(chain evidence.ChainID, from, to time.Time) dbsqlc.WindowsInParams {
	p := dbsqlc.WindowsInParams{Zone: chain.Zone, Dataset: chain.Dataset, FromS: from.Unix(), ToS: to.Unix()}
	if to.Nanosecond() > 0 {
		p.ToS++
	}
	return p
}

func span(startS, endS int64) evidence.Window {
	return evidence.Window{Start: time.Unix(startS, 0).UTC(), End: time.Unix(endS, 0).UTC()}
}

func bounds(row dbsqlc.Window) evidence.Window { return span(row.StartS, row.EndS) }

// hasBounds compares instants: the caller's times may be of any time zone.
func hasBounds(row dbsqlc.Window, w evidence.Window) bool {
	return row.StartS == w.Start.Unix() && row.EndS == w.End.Unix()
}

func toWindow(w catalog.Window) dbsqlc.InsertWindowParams {
	return dbsqlc.InsertWindowParams{
		Zone: w.Chain.Zone, Dataset: w.Chain.Dataset, StartS: w.Window.Start.Unix(), EndS: w.Window.End.Unix(),
		State: string(w.State), Attempts: int64(w.Attempts), NextMs: toMilli(w.NextAt),
		Reason: w.Reason, Detail: w.Detail, Seq: w.Seq, Lines: w.Lines, Bytes: w.Bytes,
	}
}

func fromWindow(row dbsqlc.Window) catalog.Window {
	return catalog.Window{
		Chain:  evidence.ChainID{Zone: row.Zone, Dataset: row.Dataset},
		Window: bounds(row),
		State:  catalog.State(row.State), Attempts: int(row.Attempts), NextAt: fromMilli(row.NextMs),
		Reason: row.Reason, Detail: row.Detail, Seq: row.Seq, Lines: row.Lines, Bytes: row.Bytes,
	}
}

// toMilli writes a time in Unix milliseconds, and none as 0.
func toMilli(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMilli(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
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
