package site

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/catalog/postgres"
	"github.com/fabriziosalmi/rainlogs/core/catalog/sqlite"
	"github.com/fabriziosalmi/rainlogs/core/config"
	"github.com/fabriziosalmi/rainlogs/core/jobs"
)

var conninfo = regexp.MustCompile(`^\s*[a-z_]+\s*=`)

// CatalogAddress resolves a reference to the catalog's address, which may hold
// a password.
func CatalogAddress(address string, getenv func(string) string) (string, error) {
	if !strings.HasPrefix(address, "env:") && !strings.HasPrefix(address, "file:") {
		return address, nil
	}
	address, err := config.Secret("catalog", address, getenv)
	if err != nil {
		return "", Usage(err)
	}
	return address, nil
}

// OpenCatalog opens the catalog that a config names, by its scheme.
func OpenCatalog(ctx context.Context, address string, getenv func(string) string) (catalog.Catalog, error) {
	address, err := CatalogAddress(address, getenv)
	if err != nil {
		return nil, err
	}
	scheme, rest, _ := strings.Cut(address, ":")
	if conninfo.MatchString(address) { // libpq's other form: host=… dbname=…
		scheme = "postgres"
	}
	var c catalog.Catalog
	switch scheme {
	case "sqlite":
		c, err = sqlite.Open(ctx, rest)
	case "postgres", "postgresql":
		c, err = postgres.Open(ctx, address)
	default: // the address may hold a password: it is not told
		return nil, Usagef("catalog: scheme is not known: want sqlite:PATH or postgres://…")
	}
	if err != nil {
		return nil, fmt.Errorf("open catalog: %w", err)
	}
	return c, nil
}

// HasQueue reports whether a collector has made the catalog's queue yet.
func HasQueue(ctx context.Context, c catalog.Catalog) (bool, error) {
	switch c := c.(type) {
	case interface{ Pool() *pgxpool.Pool }:
		return jobs.HasPostgres(ctx, c.Pool()) //nolint:wrapcheck // says what it did
	case interface{ QueuePath() string }:
		_, err := os.Stat(c.QueuePath())
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return false, fmt.Errorf("look for the queue: %w", err)
		}
		return err == nil, nil
	}
	return false, nil
}

// OpenQueue opens the queue that belongs to a catalog.
func OpenQueue(ctx context.Context, c catalog.Catalog, cfg jobs.Config) (*jobs.Queue, error) {
	switch c := c.(type) {
	case interface{ Pool() *pgxpool.Pool }:
		return jobs.OpenPostgres(ctx, c.Pool(), cfg) //nolint:wrapcheck // says what it did
	case interface{ QueuePath() string }:
		return jobs.OpenSQLite(ctx, c.QueuePath(), cfg) //nolint:wrapcheck // says what it did
	}
	return nil, errors.New("this kind of catalog has no queue")
}
