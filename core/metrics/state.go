package metrics

import (
	"context"
	"fmt"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// State is what a catalog knows of what stands. Bounds is asked of each zone
// that has no open window: the rest answers for all zones at once.
type State interface {
	ListZones(ctx context.Context) ([]catalog.Zone, error)
	ListStandings(ctx context.Context) ([]catalog.Standing, error)
	Backlog(ctx context.Context) ([]catalog.Backlog, error)
	Bounds(ctx context.Context, chain evidence.ChainID) (first, last time.Time, err error)
}

// zoneState is what is told of a zone.
type zoneState struct {
	labels  []string
	paused  bool
	blocked string // the reason, "" for none
	// until is where the chain's first hole begins: all before is sealed.
	until   time.Time
	backlog []catalog.Backlog
}

// readState asks for everything.
func readState(ctx context.Context, s State) ([]zoneState, error) {
	zones, err := s.ListZones(ctx)
	if err != nil {
		return nil, fmt.Errorf("list zones: %w", err)
	}
	standings, err := s.ListStandings(ctx)
	if err != nil {
		return nil, fmt.Errorf("list standings: %w", err)
	}
	backlog, err := s.Backlog(ctx)
	if err != nil {
		return nil, fmt.Errorf("sum up backlog: %w", err)
	}
	blocked := map[evidence.ChainID]string{}
	for _, st := range standings {
		blocked[st.Chain] = st.Blocked
	}
	open := map[evidence.ChainID][]catalog.Backlog{}
	for _, b := range backlog {
		open[b.Chain] = append(open[b.Chain], b)
	}
	out := make([]zoneState, 0, len(zones))
	for _, z := range zones {
		zs := zoneState{labels: zoneValues(z), paused: z.Paused, blocked: blocked[z.Chain()], backlog: open[z.Chain()]}
		if zs.until, err = SealedUntil(ctx, s, z, zs.backlog); err != nil {
			return nil, err
		}
		out = append(out, zs)
	}
	return out, nil
}

// SealedUntil is where a zone's first hole begins: all before is sealed. It is
// the start of the oldest open window; without one the end of the ledger; with
// no ledger yet, where collection begins.
func SealedUntil(ctx context.Context, s State, z catalog.Zone, open []catalog.Backlog) (time.Time, error) {
	var oldest time.Time
	for _, b := range open {
		if oldest.IsZero() || b.Oldest.Before(oldest) {
			oldest = b.Oldest
		}
	}
	if !oldest.IsZero() {
		return oldest, nil
	}
	_, last, err := s.Bounds(ctx, z.Chain())
	switch {
	case err != nil:
		return last, fmt.Errorf("find the end of %s's ledger: %w", z.ID, err)
	case !last.IsZero():
		return last, nil
	case !z.From.IsZero():
		return z.From, nil
	}
	return z.AddedAt, nil
}
