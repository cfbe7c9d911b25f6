package cli

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/chainview"
	"github.com/fabriziosalmi/rainlogs/core/chaincache"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// chainView is what the Chain screen sees. It takes what it needs of the
// workspace now: screens ask at once, and a workspace is not for that.
func (s *station) chainView() *chainview.View {
	return chainview.New(chainview.Config{
		Store: s.w.Store, Archive: s.w.Archive, Options: s.w.readOptions(), Names: s.zoneNames, Now: s.env.Now,
		Cache: chaincache.New(chaincache.Config{Dir: filepath.Join(s.w.Config.Query.Cache, "chain"), Log: slog.New(slog.DiscardHandler)}),
	})
}

// zoneNames are what the catalog calls the zones; none if there is no catalog.
func (s *station) zoneNames(ctx context.Context) (map[evidence.ChainID]string, error) {
	if path, ok := strings.CutPrefix(s.w.Config.Catalog, "sqlite:"); ok {
		if _, err := os.Stat(path); err != nil {
			return nil, fmt.Errorf("look for the catalog: %w", err) // opening would make it
		}
	}
	c, err := openCatalog(ctx, s.env, s.g)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	zones, err := c.Catalog.ListZones(ctx)
	if err != nil {
		return nil, fmt.Errorf("list zones: %w", err)
	}
	names := map[evidence.ChainID]string{}
	for _, z := range zones {
		names[z.Chain()] = z.Name
	}
	return names, nil
}
