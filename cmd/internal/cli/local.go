package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/api"
	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/verify"
)

func (l local) views() ([]zoneView, error) { return l.zoneViews() }

func (l local) zoneNames() ([]string, error) { return l.called() }

func (l local) add(zone string, o zoneAddOptions) error { return runZoneAdd(l.workspace, zone, o) }

// with does something to a zone by its name or id.
func (l local) with(zone string, do func(w *workspace, z catalog.Zone) error) error {
	z, err := l.zone(zone)
	if err != nil {
		return err
	}
	return do(l.workspace, z)
}

func (l local) set(zone string, f zoneFlags) error {
	return l.with(zone, func(w *workspace, z catalog.Zone) error {
		if err := w.edit(&z, f); err != nil {
			return err
		}
		return w.change(z, "is "+standingOf(z))
	})
}

func (l local) pause(zone string) error  { return l.with(zone, (*workspace).pause) }
func (l local) resume(zone string) error { return l.with(zone, (*workspace).resume) }

func (l local) remove(zone string) error {
	return l.with(zone, func(w *workspace, z catalog.Zone) error {
		if err := w.Catalog.RemoveZone(w.ctx, z.ID, z.Dataset); err != nil {
			return fmt.Errorf("remove zone: %w", err)
		}
		return w.tell("zone %s is no longer collected; what was sealed stays", z.Name)
	})
}

func (l local) pull(zone string, o pullOptions) error { return runPull(l.workspace, zone, o) }

// covered reads and verifies chains.
func (l local) covered(zones []string, o verifyOptions) ([]verify.Chain, error) {
	opts := l.readOptions()
	var err error
	if opts.From, opts.To, err = o.times.parse(l.Env.Now()); err != nil {
		return nil, err
	}
	for _, name := range zones {
		id, err := l.chainOf(name)
		if err != nil {
			return nil, err
		}
		opts.Chains = append(opts.Chains, id)
	}
	l.noCache = o.noCache
	return l.readVerified(opts)
}

func (l local) names() map[evidence.ChainID]string { return l.workspace.names() }
func (l local) open() map[evidence.ChainID]int64   { return l.workspace.open() }

func (l local) verified(zones []string, o verifyOptions) (*verify.Report, error) {
	opts, err := l.verifyOptions(zones, o)
	if err != nil {
		return nil, err
	}
	return l.verify(opts)
}

func (l local) heads(zones []string) ([]api.Chain, error) {
	all, err := l.zonesOf(zones)
	if err != nil {
		return nil, err
	}
	out := make([]api.Chain, len(all))
	for i, z := range all {
		if out[i], err = l.head(z); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// head is what this collector last committed of a chain.
func (l local) head(z catalog.Zone) (api.Chain, error) {
	c := api.Chain{Zone: z.ID, Dataset: z.Dataset, Archive: l.Archive, Origin: evidence.Origin(l.Archive, z.Chain()), Key: l.Key.Public().VKey()}
	head, err := l.Catalog.Head(l.ctx, z.Chain())
	if errors.Is(err, catalog.ErrNotFound) {
		return c, nil // nothing is committed yet
	}
	if err != nil {
		return c, fmt.Errorf("read head: %w", err)
	}
	c.Size, c.Checkpoint = head.Size, string(head.Checkpoint)
	if head.Size > 0 {
		c.LastHash = head.LastHash.String()
	}
	return c, nil
}

func (l local) cat(key string, raw bool) error {
	if strings.HasPrefix(key, recordScheme) {
		if raw {
			return site.Usagef("--raw is for objects: a record's line is never compressed by itself")
		}
		return runCatRecord(l.workspace, key)
	}
	return runCat(l.workspace, key, raw)
}
