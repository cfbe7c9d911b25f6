// Package collector is the collector's command line, as rainlogsd has it by
// itself. What rainlogs has in common with it, rainlogs takes from here.
package collector

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
)

// Main runs rainlogsd and returns the exit code.
func Main(ctx context.Context, args []string) int {
	env := site.OS()
	return site.Run(ctx, newRoot(env), args, env)
}

func newRoot(env *site.Env) *cobra.Command {
	g := &site.Globals{}
	root := site.NewGroup("rainlogsd", "The collector of an evidence-grade archive of Cloudflare logs",
		NewHealth(env), NewJobs(env, g, "rainlogsd"), NewAPIKeys(env, g, "rainlogsd"), NewAudit(env, g, "rainlogsd"), NewCredentials(env, g, "rainlogsd"), NewTenants(env, g, "rainlogsd"), NewDoctor(env, g), site.NewConfig(env, g), site.NewVersion(env))
	root.Long = "rainlogsd is the collector without the workstation: the archive that rainlogs init made, its config and its plugins,\n" +
		"in a static program.\n\n" + site.ExitHelp
	root.Example = "rainlogsd --config /etc/rainlogs config check\nrainlogsd health\nrainlogsd --config /etc/rainlogs doctor"
	g.AddTo(root)
	AddRun(root, env, g, nil)
	return root
}
