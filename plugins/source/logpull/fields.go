package logpull

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/fabriziosalmi/rainlogs/sdk/source"
)

const (
	// fieldsAge is how long a zone's list of fields is good for: the service
	// announces changes weeks ahead.
	fieldsAge = time.Hour
	maxNames  = 2000
)

var fieldForm = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,127}$`)

// checkNames refuses names that could not be a field, and doubles.
func checkNames(names []string) error {
	if len(names) > maxNames {
		return fmt.Errorf("%d fields: at most %d", len(names), maxNames)
	}
	seen := make(map[string]bool, len(names))
	for _, n := range names {
		if !fieldForm.MatchString(n) {
			return fmt.Errorf("%.40q is not the name of a field", n)
		}
		if seen[n] {
			return fmt.Errorf("field %s is named twice", n)
		}
		seen[n] = true
	}
	return nil
}

// fieldCache remembers what each zone may ask for.
type fieldCache struct {
	mu    sync.Mutex
	zones map[string]*zoneFields
}

// zoneFields is one zone's list; who asks for it holds turn.
type zoneFields struct {
	turn chan struct{}
	list []string // sorted; nil: ask
	at   time.Time
}

func newFieldCache() *fieldCache { return &fieldCache{zones: map[string]*zoneFields{}} }

// hold gives the zone's list to the caller alone until release.
func (c *fieldCache) hold(ctx context.Context, zone string) (z *zoneFields, release func(), err error) {
	c.mu.Lock()
	z = c.zones[zone]
	if z == nil {
		z = &zoneFields{turn: make(chan struct{}, 1)}
		c.zones[zone] = z
	}
	c.mu.Unlock()
	select {
	case z.turn <- struct{}{}:
		return z, func() { <-z.turn }, nil
	case <-ctx.Done():
		return nil, nil, fmt.Errorf("wait for the list of fields: %w", ctx.Err())
	}
}

// fieldsFor returns the fields to ask for, in the order in which to ask: the
// request's own, else the configured ones, else all that the zone has.
func (s *Source) fieldsFor(ctx context.Context, req source.Request) ([]string, error) {
	switch {
	case len(req.Fields) > 0:
		return order(req.Fields), nil
	case len(s.cfg.Fields) > 0:
		// The archive finds its way by these two, so they are always there.
		names := slices.Concat(s.cfg.Fields, []string{timeField, classField})
		slices.Sort(names)
		return order(slices.Compact(names)), nil
	}
	z, release, err := s.fields.hold(ctx, req.Zone)
	if err != nil {
		return nil, err
	}
	defer release()
	if z.list == nil || time.Since(z.at) >= fieldsAge {
		list, err := s.askFields(ctx, "pull", req.Zone)
		if err != nil {
			return nil, err
		}
		z.list, z.at = list, time.Now()
	}
	return order(z.list), nil
}

// askFields returns the zone's fields, sorted. Unlike the rest of the API, the
// answer is a bare object of names and descriptions; the usual wrapper around
// it is taken too.
func (s *Source) askFields(ctx context.Context, op, zone string) ([]string, error) {
	var all map[string]json.RawMessage
	b := s.budget.zone(zone)
	err := s.getJSON(ctx, request{
		op: op, path: "/zones/" + zone + "/logs/received/fields", windows: []*window{b.requests}, shut: b.requests,
	}, &all)
	if err != nil {
		return nil, err
	}
	if _, wrapped := all["success"]; wrapped {
		inner := all["result"]
		all = nil
		if err := json.Unmarshal(inner, &all); err != nil {
			return nil, badAnswer(op, s.clean(err))
		}
	}
	names := slices.Sorted(maps.Keys(all))
	if len(names) == 0 {
		return nil, badAnswer(op, errors.New("the list of fields is empty"))
	}
	if checkNames(names) != nil {
		// Not quoted: what stands here is the service's to choose.
		return nil, badAnswer(op, errors.New("the list of fields holds what is no name, or too many"))
	}
	return names, nil
}

// afterRefusal looks at a refusal that blames the list of fields. Where the
// list came from the service and is no longer its newest, it is forgotten and
// the window tried again.
func (s *Source) afterRefusal(ctx context.Context, req source.Request, asked []string, err error) error {
	var refused *refusedError
	if !errors.As(err, &refused) || !refused.fields || len(s.cfg.Fields) > 0 && len(req.Fields) == 0 {
		return err
	}
	e := *refused.cause
	if len(req.Fields) > 0 {
		e.Reason = source.ReasonFields // for the host to ask anew
		return &e
	}
	z, release, holdErr := s.fields.hold(ctx, req.Zone)
	if holdErr != nil {
		return err
	}
	defer release()
	if slices.Equal(order(z.list), asked) {
		if time.Since(z.at) < time.Minute {
			return err // asking again would bring the same
		}
		z.list = nil
	}
	e.Class, e.Hint = source.ClassRetry, "the zone's fields have changed; their list is asked for anew"
	return &e
}
