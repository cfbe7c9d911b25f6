// Package ledger holds what is the same in every adapter of the catalog: what
// is refused before a database is asked, and how windows are planned, parted
// and sealed over the rows that one transaction sees.
package ledger

import (
	"errors"
	"fmt"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// Final reports whether a window in the state stands in the chain.
func Final(s catalog.State) bool { return s == catalog.Sealed || s == catalog.Lost }

// Open reports whether s is a state of a window that is still to be collected.
func Open(s catalog.State) bool {
	switch s {
	case catalog.Planned, catalog.Pulling, catalog.Retrying, catalog.Blocked:
		return true
	}
	return false
}

// CheckChain refuses ids that no chain can have.
func CheckChain(chain evidence.ChainID) error {
	_, err := evidence.NewChainID(chain.Zone, chain.Dataset)
	return err
}

// CheckWindows refuses malformed chains and windows.
func CheckWindows(chain evidence.ChainID, windows ...evidence.Window) error {
	if err := CheckChain(chain); err != nil {
		return err
	}
	for _, w := range windows {
		if _, err := evidence.NewWindow(w.Start, w.End); err != nil {
			return err
		}
	}
	return nil
}

// CheckTiling makes sure that parts cover w from its start to its end, each
// beginning where the one before it ends.
func CheckTiling(chain evidence.ChainID, w evidence.Window, parts []evidence.Window) error {
	if err := CheckWindows(chain, parts...); err != nil {
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

// CheckCommit refuses a commit whose parts are not all of its head's chain, or
// not what an entry can say.
func CheckCommit(m catalog.Commit) error {
	if err := CheckChain(m.Head.Chain); err != nil {
		return err
	}
	for _, w := range m.Windows {
		if err := checkSealed(m.Head.Chain, w); err != nil {
			return err
		}
	}
	for _, h := range m.Placed {
		if h.Chain != m.Head.Chain {
			return fmt.Errorf("hold %.80q belongs to another chain, %s", h.ID, h.Chain)
		}
		if h.ID == "" || h.Seq < 0 {
			return fmt.Errorf("hold %.80q of entry %d has no id or no entry", h.ID, h.Seq)
		}
		if err := CheckWindows(h.Chain, h.Window); err != nil {
			return err
		}
	}
	for _, o := range m.Observed {
		if o.Topic == "" || o.Seq < 0 {
			return fmt.Errorf("observation %.80q of entry %d has no topic or no entry", o.Topic, o.Seq)
		}
	}
	return nil
}

func checkSealed(chain evidence.ChainID, w catalog.Window) error {
	if w.Chain != chain {
		return fmt.Errorf("window %s belongs to another chain, %s", w.Window, w.Chain)
	}
	if !Final(w.State) || w.Seq < 0 {
		return fmt.Errorf("window %s is %q with seq %d, not sealed or lost with its entry", w.Window, w.State, w.Seq)
	}
	switch w.Object {
	case "", catalog.Kept:
	case catalog.Expiring, catalog.Removed:
		if !hasObject(w) {
			return fmt.Errorf("window %s has no object that could be %s", w.Window, w.Object)
		}
	default:
		return fmt.Errorf("object of window %s is %.80q", w.Window, w.Object)
	}
	return CheckWindows(w.Chain, w.Window)
}

// hasObject reports whether a window's content was put in the store.
func hasObject(w catalog.Window) bool { return w.State == catalog.Sealed && w.Bytes > 0 }
