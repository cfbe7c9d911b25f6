package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/collect"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

func newRebuild(env *site.Env, g *site.Globals) *cobra.Command {
	return &cobra.Command{
		Use:   "rebuild-catalog",
		Short: "Make the catalog again from the archive; the old file is kept beside it",
		Args:  cobra.NoArgs,
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
	chains, err := w.readChains(nil)
	if err != nil {
		return err
	}
	path := strings.TrimPrefix(w.Config.Catalog, "sqlite:")
	aside, err := setAside(path, w.Env.Now().UTC().Format("20060102T150405Z"))
	if err != nil {
		return err
	}
	if aside != "" {
		_, _ = fmt.Fprintf(w.Env.Err, "the old catalog is kept as %s\n", aside) // as much as can be told
	}
	cat, err := site.OpenCatalog(w.ctx, w.Config.Catalog, w.Env.Getenv)
	if err != nil {
		return err
	}
	w.Catalog = cat
	for _, c := range chains {
		z := catalog.Zone{ID: c.ID.Zone, Name: c.ID.Zone, Dataset: c.ID.Dataset, AddedAt: evidence.SealTime(w.Env.Now())}
		if err := cat.PutZone(w.ctx, z); err != nil {
			return fmt.Errorf("enter zone: %w", err)
		}
		if err := w.catchUp(c.ID); err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w.Env.Out, "%s: %d entries, %d windows\n", c.ID, c.Report.Size, c.Report.Windows+c.Report.Gaps); err != nil {
			return err //nolint:wrapcheck // standard output is gone
		}
	}
	_, err = fmt.Fprintln(w.Env.Err, "zones are named by their ids now: rainlogs zone add ZONE_ID --name NAME names them again")
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
		Collector: site.Collector(), SpoolDir: w.Config.Spool, Now: w.Env.Now, Log: w.Logger(),
	})
	if err != nil {
		return nil, fmt.Errorf("set up collector: %w", err)
	}
	return c, nil
}
