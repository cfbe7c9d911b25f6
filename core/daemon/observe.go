package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"crypto/sha256"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/jobs"
	"github.com/fabriziosalmi/rainlogs/sdk/source"
)

// fieldsNote and a chain hold the zone's fields as they were last seen.
const fieldsNote = "fields/"

type knownFields struct {
	At    time.Time `json:"at"`
	Names []string  `json:"names"`
}

// fields returns what a window asks for: nil where the source pins a list of
// its own, else all that the zone has, asked for where that is not known.
func (d *Daemon) fields(ctx context.Context, id evidence.ChainID) ([]string, error) {
	feed, err := d.Collector.FeedOf(ctx, id)
	if err != nil || len(feed.About.Fields) > 0 {
		return nil, err //nolint:wrapcheck // names the source already
	}
	turn := d.probe(id)
	turn.Lock()
	defer turn.Unlock()
	var known knownFields
	if err := d.note(ctx, fieldsNote+id.String(), &known); err != nil {
		return nil, err
	}
	if len(known.Names) > 0 && d.Now().Sub(known.At) < 2*d.ObserveEvery {
		return known.Names, nil
	}
	names, err := d.ask(ctx, id)
	if err != nil {
		return nil, err
	}
	return names, nil
}

func (d *Daemon) forgetFields(ctx context.Context, id evidence.ChainID) error {
	return d.putNote(ctx, fieldsNote+id.String(), knownFields{})
}

// probe gives one caller of this process at a time the chain's probe.
func (d *Daemon) probe(id evidence.ChainID) *sync.Mutex {
	d.probing.Lock()
	defer d.probing.Unlock()
	m := d.probes[id]
	if m == nil {
		m = &sync.Mutex{}
		d.probes[id] = m
	}
	return m
}

// observe asks a chain's source about itself and seals what has changed.
func (d *Daemon) observe(ctx context.Context, id evidence.ChainID) error {
	turn := d.probe(id)
	turn.Lock()
	defer turn.Unlock()
	_, err := d.ask(ctx, id)
	var e *source.Error
	if errors.As(err, &e) && e.Class == source.ClassRetry {
		return jobs.Later(max(e.After, 10*time.Second))
	}
	return err
}

// ask probes the zone. Its fields are remembered, its standing drawn from what
// was found, and what differs from the chain's latest observations is sealed.
func (d *Daemon) ask(ctx context.Context, id evidence.ChainID) ([]string, error) {
	feed, err := d.Collector.FeedOf(ctx, id)
	if err != nil {
		return nil, err //nolint:wrapcheck // names the source already
	}
	at := d.Now().UTC() // what is replaced while it is asked is not what it was asked with
	report, err := feed.Source.Probe(ctx, feed.Zone)
	if err != nil {
		return nil, fmt.Errorf("probe zone %s: %w", id.Zone, err)
	}
	if err := d.stand(ctx, id, report, at); err != nil {
		return nil, err
	}
	if err := d.sealObservations(ctx, id, report); err != nil {
		return nil, err
	}
	if len(report.Fields) == 0 {
		return nil, nil // the source decides; what is wrong is in the standing
	}
	return report.Fields, d.putNote(ctx, fieldsNote+id.String(), knownFields{At: d.Now().UTC(), Names: report.Fields})
}

// stand draws the zone's standing from the report of a probe that began at a time.
func (d *Daemon) stand(ctx context.Context, id evidence.ChainID, report source.Report, at time.Time) error {
	s, err := d.Catalog.Standing(ctx, id)
	if err != nil {
		return fmt.Errorf("read standing of %s: %w", id, err)
	}
	s.ProbedAt = at
	for _, c := range report.Checks {
		if c.Status == source.Fail {
			detail := c.Detail
			if c.Remedy != "" {
				detail += " → " + c.Remedy
			}
			return d.block(ctx, s, blockReason(c.Name), detail)
		}
	}
	if s.Blocked != "" {
		return d.unblock(ctx, s)
	}
	if err := d.Catalog.PutStanding(ctx, s); err != nil {
		return fmt.Errorf("keep standing of %s: %w", id, err)
	}
	return nil
}

// reasonSource blocks a zone whose source cannot be started.
const reasonSource = "source"

func blockReason(check string) string {
	switch check {
	case "token":
		return source.ReasonCredential
	case "permission", "zone":
		return source.ReasonNotEntitled
	case "retention":
		return source.ReasonRetentionOff
	case "boundary":
		return source.ReasonBoundary
	}
	return check
}

// observations are what a report says, by topic. What the source would not say
// is no observation.
func observations(report source.Report) (map[string]json.RawMessage, error) {
	out := map[string]json.RawMessage{}
	put := func(topic string, v any) error {
		b, err := json.Marshal(v)
		if err != nil {
			return fmt.Errorf("encode observation %s: %w", topic, err)
		}
		out[topic] = b
		return nil
	}
	for _, c := range report.Checks {
		var err error
		switch {
		case c.Status == source.Unknown:
		case c.Name == "retention":
			err = put(evidence.TopicRetention, map[string]bool{"flag": c.Value == "true"})
		case c.Name == "boundary":
			regions := strings.FieldsFunc(c.Value, func(r rune) bool { return r == ',' })
			slices.Sort(regions)
			err = put(evidence.TopicBoundary, map[string][]string{"regions": append([]string{}, regions...)})
		case c.Name == "zone":
			err = put(evidence.TopicPlan, map[string]string{"name": c.Value})
		}
		if err != nil {
			return nil, err
		}
	}
	if len(report.Fields) > 0 {
		if err := put(evidence.TopicOffered, evidence.FieldsValue{Names: report.Fields}); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// sealObservations seals those that differ from the chain's latest.
func (d *Daemon) sealObservations(ctx context.Context, id evidence.ChainID, report source.Report) error {
	found, err := observations(report)
	if err != nil {
		return err
	}
	changed := func(ctx context.Context) ([]evidence.Entry, error) {
		var entries []evidence.Entry
		for _, topic := range []string{evidence.TopicRetention, evidence.TopicBoundary, evidence.TopicPlan, evidence.TopicOffered} {
			value, ok := found[topic]
			if !ok {
				continue
			}
			last, err := d.Catalog.Observed(ctx, id, topic)
			if err != nil && !errors.Is(err, catalog.ErrNotFound) {
				return nil, fmt.Errorf("read observation %s: %w", topic, err)
			}
			if err == nil && last.Hash == sha256.Sum256(value) {
				continue
			}
			entries = append(entries, evidence.Entry{
				Kind: evidence.KindObservation, Observation: &evidence.Observation{Topic: topic, Value: value},
			})
		}
		return entries, nil
	}
	// Most of the time nothing has changed, and the chain need not be opened.
	entries, err := changed(ctx)
	if err != nil || len(entries) == 0 {
		return err
	}
	for _, e := range entries {
		d.Log.InfoContext(ctx, "the source says something new", "chain", id.String(), "topic", e.Observation.Topic)
	}
	_, err = d.Collector.Enter(ctx, id, changed)
	return err //nolint:wrapcheck // names the chain already
}
