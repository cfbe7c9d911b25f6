package site

import (
	"context"
	"fmt"
	"strings"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/catalog/sqlite"
)

// OpenCatalog opens the catalog that a config names, by its scheme.
func OpenCatalog(ctx context.Context, address string) (catalog.Catalog, error) {
	scheme, rest, _ := strings.Cut(address, ":")
	var c catalog.Catalog
	var err error
	switch scheme {
	case "sqlite":
		c, err = sqlite.Open(ctx, rest)
	default: // the address may hold a password: it is not told
		return nil, Usagef("catalog: scheme is not known: want sqlite:PATH")
	}
	if err != nil {
		return nil, fmt.Errorf("open catalog: %w", err)
	}
	return c, nil
}
