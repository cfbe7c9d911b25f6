package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/api"
	"github.com/fabriziosalmi/rainlogs/core/api/client"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/verify"
)

// What commands ask, one port for each group of them. They are answered here,
// beside the archive, or by a collector elsewhere over its API: a command knows
// the port, and not which.
type (
	// zoneLister tells how the zones under collection stand.
	zoneLister interface {
		views() ([]zoneView, error)
		zoneNames() ([]string, error)
	}
	// zoneKeeper does what an operator says of a zone, and tells what it did.
	zoneKeeper interface {
		add(zone string, o zoneAddOptions) error
		set(zone string, f zoneFlags) error
		pause(zone string) error
		resume(zone string) error
		remove(zone string) error
	}
	// puller collects a zone now, and prints what came of it.
	puller interface {
		pull(zone string, o pullOptions) error
	}
	// coverer tells what chains cover; no zones are all.
	coverer interface {
		covered(zones []string, o verifyOptions) ([]verify.Chain, error)
		names() map[evidence.ChainID]string
		open() map[evidence.ChainID]int64 // windows that are yet to be collected
	}
	// verifier verifies chains; no zones are all.
	verifier interface {
		verified(zones []string, o verifyOptions) (*verify.Report, error)
	}
	// keeper has the archive itself.
	keeper interface {
		heads(zones []string) ([]api.Chain, error) // no zones are all
		cat(key string, raw bool) error
	}
)

// local answers beside the archive.
type local struct{ *workspace }

// remote answers by a collector elsewhere.
type remote struct {
	env    *site.Env
	g      *site.Globals
	ctx    context.Context //nolint:containedctx // it lives as long as its command
	client *client.Client
}

var (
	_ zoneLister = local{}
	_ zoneKeeper = local{}
	_ puller     = local{}
	_ coverer    = local{}
	_ verifier   = local{}
	_ keeper     = local{}
	_ zoneLister = (*remote)(nil)
	_ zoneKeeper = (*remote)(nil)
	_ puller     = (*remote)(nil)
	_ coverer    = (*remote)(nil)
	_ verifier   = (*remote)(nil)
	_ keeper     = (*remote)(nil)
)

// opener opens as much of a site as a command needs.
type opener func(ctx context.Context, env *site.Env, g *site.Globals) (*workspace, error)

// ask has a port answer do: that of the collector that --server names, or else
// that of what open opens here.
func ask[P any](cmd *cobra.Command, env *site.Env, g *site.Globals, open opener, do func(p P) error) error {
	if g.Remote() {
		c, err := g.Client()
		if err != nil {
			return err
		}
		defer c.Close()
		return do(any(&remote{env: env, g: g, ctx: cmd.Context(), client: c}).(P))
	}
	w, err := open(cmd.Context(), env, g)
	if err != nil {
		return err
	}
	defer w.Close()
	return do(any(local{w}).(P))
}

// tell says on standard error what was done.
func (r *remote) tell(format string, args ...any) error { return tellOn(r.env, format, args...) }
