package collect

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// declare seals the collector's statements that are not the chain's latest of
// their topics, on behalf of a window and before its object goes anywhere.
func (s *sealer) declare(ctx context.Context, p *catalog.Pending, d draft) error {
	statements, err := s.statements(d)
	if err != nil {
		return err
	}
	for _, o := range statements {
		last, err := s.c.Catalog.Observed(ctx, s.id, o.Topic)
		if err != nil && !errors.Is(err, catalog.ErrNotFound) {
			return fmt.Errorf("read observation %s of %s: %w", o.Topic, s.id, err)
		}
		if err == nil && last.Hash == sha256.Sum256(o.Value) {
			continue
		}
		if err := s.observe(ctx, p, &d.Entry, o); err != nil {
			return err
		}
	}
	return nil
}

// statements are the collector's own, and what the source calls the zone.
func (s *sealer) statements(d draft) (out []evidence.Observation, err error) {
	if s.c.Statements != nil {
		if out, err = s.c.Statements(); err != nil {
			return nil, fmt.Errorf("make statements: %w", err)
		}
	}
	if d.Zone == "" {
		return out, nil
	}
	value, err := json.Marshal(evidence.ZoneValue{Name: d.Zone, Source: d.Entry.Source.Plugin})
	if err != nil {
		return nil, fmt.Errorf("encode zone: %w", err)
	}
	return append(slices.Clone(out), evidence.Observation{Topic: evidence.TopicZone, Value: value}), nil
}

// observeFields seals the list of fields if it is not the chain's latest, and
// sets the entry's reference to it.
func (s *sealer) observeFields(ctx context.Context, p *catalog.Pending, e *evidence.Entry, fields []string) error {
	value, err := json.Marshal(evidence.FieldsValue{Names: fields})
	if err != nil {
		return fmt.Errorf("encode fields: %w", err)
	}
	if s.head.FieldsSeq < 0 || s.head.FieldsHash != sha256.Sum256(value) {
		if err := s.observe(ctx, p, e, evidence.Observation{Topic: evidence.TopicFields, Value: value}); err != nil {
			return err
		}
	}
	e.Source.FieldsSeq = s.head.FieldsSeq
	return nil
}

// observe seals an observation in front of the window's own entry.
func (s *sealer) observe(ctx context.Context, p *catalog.Pending, e *evidence.Entry, o evidence.Observation) error {
	entry := s.entry(evidence.KindObservation, *e.Window)
	entry.Window, entry.SealedAt, entry.Observation = nil, e.SealedAt, &o
	if err := s.append(ctx, p, &entry); err != nil {
		return err
	}
	return s.commit(ctx, []*evidence.Entry{&entry})
}
