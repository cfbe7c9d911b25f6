package collect

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/chain"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// statement is the key of the pending record of an entry that is no window of
// logs: an observation, an expiry, a hold. No window of
// logs is as old as that.
var statement = evidence.Window{
	Start: time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), End: time.Date(2000, 1, 1, 0, 0, 1, 0, time.UTC),
}

// Enter seals entries that are no windows of logs: observations, expiries,
// holds. draft is called with the chain at rest, so that what it reads of the
// catalog stands until its entries are sealed; the entries need their kind and
// its member alone. It returns how many were sealed.
func (c *Collector) Enter(ctx context.Context, id evidence.ChainID, draft func(ctx context.Context) ([]evidence.Entry, error)) (sealed int, err error) {
	err = c.alone(ctx, id, func(s *sealer) error {
		entries, err := draft(ctx)
		if err != nil {
			return err
		}
		for i := range entries {
			if err := s.state(ctx, entries[i]); err != nil {
				return err
			}
			sealed++
		}
		return nil
	})
	if err != nil {
		return sealed, fmt.Errorf("seal into %s: %w", id, err)
	}
	return sealed, nil
}

// state seals one statement. It has a pending record like a window's, so that
// a crash between its tiles and its checkpoint is ended with the same bytes.
func (s *sealer) state(ctx context.Context, e evidence.Entry) error {
	base := s.entry(e.Kind, evidence.Window{})
	base.Window, base.Observation, base.Expiry, base.Hold = e.Window, e.Observation, e.Expiry, e.Hold
	p, err := s.record(ctx, catalog.Pending{Chain: s.id, Window: statement, Seq: -1}, draft{Entry: base})
	if err != nil {
		return err
	}
	return s.sealStatement(ctx, p, &base)
}

func (s *sealer) sealStatement(ctx context.Context, p catalog.Pending, e *evidence.Entry) error {
	for attempt := 1; ; attempt++ {
		err := s.append(ctx, &p, e)
		if err == nil {
			return s.commit(ctx, []*evidence.Entry{e}, statement)
		}
		if !errors.Is(err, chain.ErrMoved) || attempt >= s.c.Attempts {
			return err
		}
	}
}

// resumeStatement ends a statement of an earlier run, unless the chain holds
// it already.
func (s *sealer) resumeStatement(ctx context.Context, p catalog.Pending) error {
	d, err := decodeDraft(p)
	if err != nil {
		return err
	}
	if p.Seq >= 0 && p.Seq < s.log.Size() {
		for e, err := range s.log.Entries(ctx, p.Seq) {
			if err != nil {
				return err //nolint:wrapcheck // names the chain already
			}
			b, err := evidence.Encode(e)
			if err != nil {
				return err //nolint:wrapcheck // names the entry already
			}
			if string(b) == string(p.Entry) {
				return s.c.Catalog.DropPending(ctx, s.id, statement) //nolint:wrapcheck // names the window already
			}
			break
		}
	}
	return s.sealStatement(ctx, p, &d.Entry)
}
