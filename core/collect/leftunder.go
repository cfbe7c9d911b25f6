package collect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// explain looks under a window's own keys before the window goes on without an
// object there: as parts, as a gap, as empty. What an earlier life has put and
// this catalog does not know of (it lost its last transactions, say, or was put
// back from a backup) no entry would ever name, and to a verifier it would be an
// object that somebody added. So it is sealed as displaced, and removed.
func (c *Collector) explain(ctx context.Context, id evidence.ChainID, w evidence.Window) error {
	_, err := c.Store.Stat(ctx, evidence.ObjectKey(id, w, 1))
	if errors.Is(err, storage.ErrNotFound) {
		return nil // nearly always
	}
	if err != nil {
		return fmt.Errorf("look for what is left of window %s: %w", w, err)
	}
	var found []evidence.Displaced
	err = c.alone(ctx, id, func(s *sealer) error {
		if err := s.checkOpen(ctx, w); err != nil {
			return err
		}
		var err error
		if found, err = s.unnamed(ctx, w); err != nil {
			return err
		}
		return s.displace(ctx, found)
	})
	if errors.Is(err, errAlreadySealed) {
		return nil // it was a pending record's, and is sealed now: who calls finds out
	}
	if err != nil {
		return fmt.Errorf("explain what is left of window %s: %w", w, err)
	}
	c.remove(ctx, found)
	return nil
}

// displace seals that objects are there which are no evidence.
func (s *sealer) displace(ctx context.Context, objects []evidence.Displaced) error {
	if len(objects) == 0 {
		return nil
	}
	value, err := json.Marshal(evidence.DisplacedValue{Objects: objects})
	if err != nil {
		return fmt.Errorf("encode what is left: %w", err)
	}
	return s.state(ctx, evidence.Entry{
		Kind: evidence.KindObservation, Observation: &evidence.Observation{Topic: evidence.TopicDisplaced, Value: value},
	})
}

// unnamed measures the objects under a window's keys that no entry names.
func (s *sealer) unnamed(ctx context.Context, w evidence.Window) ([]evidence.Displaced, error) {
	explained, err := s.explained(ctx, w)
	if err != nil {
		return nil, err
	}
	var out []evidence.Displaced
	for generation := 1; generation <= maxGenerations; generation++ {
		key := evidence.ObjectKey(s.id, w, generation)
		if explained[key] {
			continue
		}
		found, err := s.measure(ctx, key)
		if errors.Is(err, storage.ErrNotFound) {
			break
		}
		if err != nil {
			return nil, err
		}
		out = append(out, found)
	}
	return out, nil
}
