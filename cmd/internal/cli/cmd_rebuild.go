package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/catalog/sqlite"
	"github.com/fabriziosalmi/rainlogs/core/collect"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/tenant"
	"github.com/fabriziosalmi/rainlogs/core/verify"
)

func newRebuild(env *site.Env, g *site.Globals) *cobra.Command {
	return &cobra.Command{
		Use:   "rebuild-catalog",
		Short: "Make the catalog again from the archive",
		Long: "Make the catalog again from the archive, the collector stopped. An SQLite file is set aside, and kept; a PostgreSQL\n" +
			"database has to be a new, empty one, which the config names. Zones keep their names and schedules, and customers their keys,\n" +
			"zones and tokens, if the old file can be read; the audit log of the API stays in it. Else tenants import brings them\n" +
			"back from an export.\n\n" + site.ExitHelp,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w, err := openReader(cmd.Context(), env, g)
			if err != nil {
				return err
			}
			defer w.Close()
			return runRebuild(w)
		},
	}
}

func runRebuild(w *workspace) error {
	if err := w.OpenKey(); err != nil {
		return err
	}
	w.noCache = true // what is made again is made from the store
	chains, err := w.readChains(nil)
	if err != nil {
		return err
	}
	zones, err := w.newCatalog(chains)
	if err != nil {
		return err
	}
	unlock, err := w.Catalog.LockCollector(w.ctx)
	if err != nil {
		return fmt.Errorf("%w: stop the collector first", err)
	}
	return errors.Join(w.refill(chains, zones), unlock())
}

// newCatalog opens an empty catalog, and returns the zones that the old one named.
func (w *workspace) newCatalog(chains []verify.Chain) (zones []catalog.Zone, err error) {
	address, err := site.CatalogAddress(w.Config.Catalog, w.Env.Getenv)
	if err != nil {
		return nil, err
	}
	path, isFile := strings.CutPrefix(address, "sqlite:")
	var old tenant.Snapshot
	if isFile {
		if old, err = w.readOld(path); err != nil {
			return nil, err
		}
		zones = old.Zones
		aside, err := setAside(path, w.Env.Now().UTC().Format("20060102T150405Z"))
		if err != nil {
			return nil, err
		}
		if aside != "" {
			_, _ = fmt.Fprintf(w.Env.Err, "the old catalog is kept as %s\n", aside) // as much as can be told
		}
	}
	if w.Catalog, err = site.OpenCatalog(w.ctx, address, w.Env.Getenv); err != nil {
		return nil, err
	}
	if isFile {
		return zones, w.bringBack(old)
	}
	for _, c := range chains {
		if _, err := w.Catalog.Head(w.ctx, c.ID); err == nil {
			return nil, site.Usagef("the catalog knows chain %s already: make a new, empty database, let the config name it, and run this again", c.ID)
		} else if !errors.Is(err, catalog.ErrNotFound) {
			return nil, fmt.Errorf("look into the catalog: %w", err)
		}
	}
	return w.Catalog.ListZones(w.ctx) //nolint:wrapcheck // says what it did
}

// readOld reads what no archive has out of a file that can still be read. One
// that a collector works on is refused.
func (w *workspace) readOld(path string) (s tenant.Snapshot, err error) {
	if _, err := os.Stat(path); err != nil {
		return s, nil //nolint:nilerr // it is gone
	}
	old, err := sqlite.Open(w.ctx, path)
	if err != nil {
		w.tellLost(err)
		return s, nil // damaged: that is why it is made again
	}
	defer func() { err = errors.Join(err, old.Close()) }()
	unlock, err := old.LockCollector(w.ctx)
	if err != nil {
		return s, fmt.Errorf("%w: stop the collector first", err)
	}
	if s, err = tenant.Take(w.ctx, old, old); err != nil {
		w.tellLost(err)
		zones, err := old.ListZones(w.ctx)
		if err != nil {
			zones = nil // their names are lost with it
		}
		return tenant.Snapshot{Zones: zones}, unlock()
	}
	return s, unlock()
}

// tellLost says what may be missed.
func (w *workspace) tellLost(cause error) {
	_, _ = fmt.Fprintf(w.Env.Err, "the old catalog cannot be read (%s): customers of the API, where there were any, come back with rainlogs tenants import\n",
		site.SafeLine(cause.Error())) // as much as can be told
}

// bringBack enters customers and what is theirs.
func (w *workspace) bringBack(old tenant.Snapshot) error {
	s, ok := w.Catalog.(tenant.Store)
	if !ok || len(old.Customers) == 0 {
		return nil
	}
	return s.Restore(w.ctx, old) //nolint:wrapcheck // says what it did
}

// refill enters zones and chains.
func (w *workspace) refill(chains []verify.Chain, zones []catalog.Zone) error {
	known := map[evidence.ChainID]bool{}
	for _, z := range zones {
		known[z.Chain()] = true
	}
	unnamed := false
	for _, c := range chains {
		if !known[c.ID] {
			unnamed = true
			zones = append(zones, zoneOf(c, w.Env.Now()))
		}
	}
	for _, z := range zones {
		if err := w.Catalog.PutZone(w.ctx, z); err != nil {
			return fmt.Errorf("enter zone: %w", err)
		}
	}
	for _, c := range chains {
		if err := w.catchUp(c.ID); err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w.Env.Out, "%s: %d entries, %d windows\n", c.ID, c.Report.Size, c.Report.Windows+c.Report.Gaps); err != nil {
			return err //nolint:wrapcheck // standard output is gone
		}
	}
	if !unnamed {
		return nil
	}
	_, err := fmt.Fprintln(w.Env.Err, "zones whose names are lost are named by their ids now: rainlogs zone set ZONE_ID --name NAME names them again")
	return err //nolint:wrapcheck // standard error is gone
}

// zoneOf is a zone as its chain tells of it.
func zoneOf(c verify.Chain, now time.Time) catalog.Zone {
	z := catalog.Zone{ID: c.ID.Zone, Name: c.ID.Zone, Dataset: c.ID.Dataset, AddedAt: evidence.SealTime(now)}
	for _, e := range c.Entries {
		switch {
		case e.Kind == evidence.KindLog && e.Source.Plugin != site.DefaultSource:
			z.Source = e.Source.Plugin
		case e.Kind == evidence.KindLog:
			z.Source = ""
		case e.Kind == evidence.KindObservation && e.Observation.Topic == evidence.TopicZone:
			var v evidence.ZoneValue
			if json.Unmarshal(e.Observation.Value, &v) == nil && evidence.ZoneID(v.Source, v.Name) == z.ID {
				z.Name, z.Subject = v.Name, v.Name
			}
		}
	}
	return z
}

// setAside moves a catalog and its side files out of the way.
func setAside(path, stamp string) (string, error) {
	aside := path + "." + stamp
	if err := os.Rename(path, aside); errors.Is(err, fs.ErrNotExist) {
		return "", nil
	} else if err != nil {
		return "", fmt.Errorf("set catalog aside: %w", err)
	}
	for _, side := range []string{"-wal", "-shm"} {
		if err := os.Rename(path+side, aside+side); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("set catalog aside: %w", err)
		}
	}
	return aside, nil
}

// catchUp enters a chain into the catalog.
func (w *workspace) catchUp(id evidence.ChainID) error {
	c, err := w.sealer()
	if err != nil {
		return err
	}
	return errors.Join(c.CatchUp(w.ctx, id), c.Close())
}

// sealer is a collector that has no source: it catches up and seals
// statements.
func (w *workspace) sealer() (*collect.Collector, error) {
	c, err := collect.New(collect.Config{
		Store: w.Store, Source: collect.NoSource{}, Catalog: w.Catalog, Archive: w.Archive, Key: w.Key,
		Collector: site.Collector(), SpoolDir: w.Config.Spool, Statements: w.Statements, Retain: w.Config.Collector.Retention, Now: w.Env.Now, Log: w.Logger(),
	})
	if err != nil {
		return nil, fmt.Errorf("set up collector: %w", err)
	}
	return c, nil
}
