package collect

import (
	"context"
	"errors"
	"fmt"

	"github.com/fabriziosalmi/rainlogs/core/chain"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/sdk/source"
)

// CatchUp enters what the chain holds into the catalog, and nothing else. It
// holds the chain's lock meanwhile.
func (c *Collector) CatchUp(ctx context.Context, id evidence.ChainID) (err error) {
	unlock, err := c.Catalog.Lock(ctx, id)
	if err != nil {
		return fmt.Errorf("catch up with %s: %w", id, err)
	}
	defer func() { err = errors.Join(err, unlock()) }()
	l, err := chain.Open(ctx, chain.Config{Store: c.Store, Archive: c.Archive, Chain: id, Key: c.Key, Now: c.Now, Log: c.Log})
	if err != nil {
		return err //nolint:wrapcheck // names the chain already
	}
	s := &sealer{c: c, id: id, log: l}
	return s.catchUp(ctx)
}

// NoSource is for collectors that only catch up.
type NoSource struct{}

var _ source.Source = NoSource{}

var errNoSource = errors.New("there is no source")

// Describe offers nothing.
func (NoSource) Describe(context.Context) (source.Description, error) {
	return source.Description{}, nil
}

// Probe fails.
func (NoSource) Probe(context.Context, string) (source.Report, error) {
	return source.Report{}, errNoSource
}

// Pull fails.
func (NoSource) Pull(context.Context, source.Request) (*source.Stream, error) {
	return nil, errNoSource
}
