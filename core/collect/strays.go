package collect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// settled is how old an object is that nobody is about to name any more: a
// collector at work seals one sooner. Verification waits as long.
const settled = time.Minute

// tidy looks once in the life of a process for objects of this chain that no
// entry names although their windows are sealed: put so late, by a plugin that
// outlived its daemon or under a lock that was lost with the database, that
// whoever sealed the window did not meet them. Nobody would name them any more,
// and to a verifier they would be objects that somebody added. So they are sealed
// as displaced, and removed: the windows' records are in the chain. What lies
// under an open window or a gap is left alone.
func (s *sealer) tidy(ctx context.Context) error {
	if s.c.Tidy <= 0 || s.c.isTidy(s.id) {
		return nil
	}
	found, young, err := s.strays(ctx)
	if err != nil {
		if ctx.Err() == nil {
			s.c.Log.WarnContext(ctx, "objects without an entry were not looked for", "chain", s.id.String(), "error", err)
		}
		return ctx.Err() //nolint:wrapcheck // the caller's own cancellation
	}
	if err := s.displace(ctx, found); err != nil {
		return fmt.Errorf("explain what is left in the store: %w", err)
	}
	s.c.remove(ctx, found)
	if !young {
		s.c.setTidy(s.id)
	}
	return nil
}

// strays finds the objects, and whether there are any too young to judge.
func (s *sealer) strays(ctx context.Context) (found []evidence.Displaced, young bool, err error) {
	now := s.c.Now().UTC()
	from := now.Add(-s.c.Tidy).Truncate(24 * time.Hour)
	rows, err := s.c.Catalog.Windows(ctx, s.id, from, now, catalog.Sealed)
	if err != nil {
		return nil, false, fmt.Errorf("read ledger: %w", err)
	}
	usual := make(map[string]bool, len(rows)) // nearly all that is listed
	for _, row := range rows {
		if row.Bytes > 0 {
			usual[evidence.ObjectKey(s.id, row.Window, 1)] = true
		}
	}
	var displaced map[string]bool
	for day := from; !day.After(now); day = day.AddDate(0, 0, 1) {
		prefix := evidence.LogsPrefix + s.id.Zone + day.Format("/2006/01/02/")
		for o, err := range s.c.Store.List(ctx, prefix, "") {
			if err != nil {
				return nil, false, fmt.Errorf("list %s: %w", prefix, err)
			}
			id, w, _, err := evidence.ParseObjectKey(o.Key)
			if usual[o.Key] || err != nil || id != s.id || !covered(rows, w) {
				continue
			}
			if displaced == nil {
				if displaced, err = s.displaced(ctx); err != nil {
					return nil, false, err
				}
			}
			names, err := s.explained(ctx, w)
			switch {
			case err != nil:
				return nil, false, err
			case names[o.Key] || displaced[o.Key]:
				continue
			case now.Sub(o.Modified) < settled:
				young = true
				continue
			}
			one, err := s.measure(ctx, o.Key)
			if err != nil {
				return nil, false, err
			}
			found = append(found, one)
		}
	}
	return found, young, nil
}

// covered reports whether rows, in their order, cover all of a window.
func covered(rows []catalog.Window, w evidence.Window) bool {
	at := w.Start
	for _, row := range rows {
		if !row.Window.Start.After(at) && row.Window.End.After(at) {
			at = row.Window.End
		}
	}
	return !at.Before(w.End)
}

// displaced are the objects that the chain's observations say are no evidence.
func (s *sealer) displaced(ctx context.Context) (map[string]bool, error) {
	names := map[string]bool{}
	_, err := s.c.Catalog.Observed(ctx, s.id, evidence.TopicDisplaced)
	if errors.Is(err, catalog.ErrNotFound) {
		return names, nil // nearly always
	}
	if err != nil {
		return nil, fmt.Errorf("look for displaced objects: %w", err)
	}
	for e, err := range s.log.Entries(ctx, 0) {
		if err != nil {
			return nil, err //nolint:wrapcheck // names the chain already
		}
		if e.Kind != evidence.KindObservation || e.Observation.Topic != evidence.TopicDisplaced {
			continue
		}
		var v evidence.DisplacedValue
		if err := json.Unmarshal(e.Observation.Value, &v); err != nil {
			return nil, fmt.Errorf("entry %d: displaced objects: %w", e.Seq, err)
		}
		for _, o := range v.Objects {
			names[o.Key] = true
		}
	}
	return names, nil
}

// remove removes objects that are sealed as displaced.
func (c *Collector) remove(ctx context.Context, objects []evidence.Displaced) {
	for _, o := range objects {
		c.Log.WarnContext(ctx, "an object of an unknown earlier life is sealed as displaced", "key", o.Key, "sha256", o.SHA256.String())
		if err := c.Store.Delete(ctx, o.Key); err != nil && !errors.Is(err, storage.ErrNotFound) {
			c.Log.WarnContext(ctx, "displaced object stays in the store", "key", o.Key, "error", err) // explained, and so no harm
		}
	}
}

func (c *Collector) isTidy(id evidence.ChainID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tidied[id]
}

func (c *Collector) setTidy(id evidence.ChainID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tidied[id] = true
}
