package cli

import (
	"context"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
)

// workspace is the site that a command works on, for as long as it does.
type workspace struct {
	*site.Workspace
	ctx context.Context //nolint:containedctx // a workspace lives as long as its command
	// noCache keeps what is kept of chains on this machine out of it.
	noCache bool
}

// openWorkspace opens everything a command that works on the archive needs.
func openWorkspace(ctx context.Context, env *site.Env, g *site.Globals) (*workspace, error) {
	w, err := site.Open(ctx, env, g)
	if err != nil {
		return nil, err
	}
	return &workspace{Workspace: w, ctx: ctx}, nil
}

// openReader opens config and store only: enough to verify, and to work
// beside a damaged catalog.
func openReader(ctx context.Context, env *site.Env, g *site.Globals) (*workspace, error) {
	w, err := site.OpenReader(ctx, env, g)
	if err != nil {
		return nil, err
	}
	return &workspace{Workspace: w, ctx: ctx}, nil
}

// openCatalog opens config and catalog only: no plugin runs, no key is read.
func openCatalog(ctx context.Context, env *site.Env, g *site.Globals) (*workspace, error) {
	w, err := site.OpenCatalogOnly(ctx, env, g)
	if err != nil {
		return nil, err
	}
	return &workspace{Workspace: w, ctx: ctx}, nil
}
