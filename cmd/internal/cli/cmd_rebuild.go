package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/catalog/sqlite"
	"github.com/fabriziosalmi/rainlogs/core/collect"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

func newRebuild(env *Env, g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "rebuild-catalog",
		Short: "Make the catalog again from the archive; the old file is kept beside it",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w, err := openReader(cmd.Context(), env, g)
			if err != nil {
				return err
			}
			defer w.close()
			return runRebuild(w)
		},
	}
}

func runRebuild(w *workspace) error {
	if err := w.openKey(); err != nil {
		return err
	}
	chains, err := w.readChains(nil)
	if err != nil {
		return err
	}
	path := strings.TrimPrefix(w.cfg.Catalog, "sqlite:")
	aside, err := setAside(path, w.env.Now().UTC().Format("20060102T150405Z"))
	if err != nil {
		return err
	}
	if aside != "" {
		_, _ = fmt.Fprintf(w.env.Err, "the old catalog is kept as %s\n", aside) // as much as can be told
	}
	cat, err := sqlite.Open(w.ctx, path)
	if err != nil {
		return fmt.Errorf("make catalog: %w", err)
	}
	w.catalog = cat
	for _, c := range chains {
		z := catalog.Zone{ID: c.ID.Zone, Name: c.ID.Zone, Dataset: c.ID.Dataset, AddedAt: evidence.SealTime(w.env.Now())}
		if err := cat.PutZone(w.ctx, z); err != nil {
			return fmt.Errorf("enter zone: %w", err)
		}
		if err := w.catchUp(c.ID); err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w.env.Out, "%s: %d entries, %d windows\n", c.ID, c.Report.Size, c.Report.Windows+c.Report.Gaps); err != nil {
			return err //nolint:wrapcheck // standard output is gone
		}
	}
	_, err = fmt.Fprintln(w.env.Err, "zones are named by their ids now: rainlogs zone add ZONE_ID --name NAME names them again")
	return err //nolint:wrapcheck // standard error is gone
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
	c, err := collect.New(collect.Config{
		Store: w.store, Source: collect.NoSource{}, Catalog: w.catalog, Archive: w.archive, Key: w.key,
		Collector: collectorIdentity(), SpoolDir: w.cfg.Spool, Now: w.env.Now, Log: w.logger(),
	})
	if err != nil {
		return fmt.Errorf("set up collector: %w", err)
	}
	return errors.Join(c.CatchUp(w.ctx, id), c.Close())
}
