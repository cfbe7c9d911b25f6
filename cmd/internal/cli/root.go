package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/collector"
	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
)

// Main runs the command line and returns the exit code.
func Main(ctx context.Context, args []string) int { return MainAt(ctx, args, time.Now) }

// MainAt is Main by another clock.
func MainAt(ctx context.Context, args []string, now func() time.Time) int {
	env := site.OS()
	env.Now = now
	return site.Run(ctx, newRoot(env), args, env)
}

func newRoot(env *site.Env) *cobra.Command {
	g := &site.Globals{}
	root := &cobra.Command{
		Use:   "rainlogs",
		Short: "An evidence-grade archive of Cloudflare logs",
		Long: "RainLogs collects a zone's logs through plugins, seals them into a signed, tamper-evident chain in object\n" +
			"storage that outsiders can verify, and answers SQL over what it has verified.\n\n" + site.ExitHelp,
		Example: "rainlogs demo --no-tui\nrainlogs init --dir ./evidence --yes\nrainlogs zone add 023e105f4ecef8ad9ca31a8372d0c353",
	}
	g.AddTo(root)
	g.AddServerTo(root, env)
	g.Guard(root)
	root.AddCommand(
		newDemo(env, g), newInit(env, g), newZone(env, g), newSource(env, g), newPull(env, g), newCoverage(env, g), newVerify(env, g),
		withSSH(collector.NewCollector(env, g, buildBeside), env, g), collector.NewJobs(env, g, root.Name()), collector.NewAPIKeys(env, g, root.Name()), collector.NewAudit(env, g, root.Name()), collector.NewCredentials(env, g, root.Name()), collector.NewTenants(env, g, root.Name()), collector.NewDoctor(env, g),
		newTUI(env, g), newCase(env, g), newQuery(env, g), newSQL(env, g), newQueryServe(env, g), newQueryExport(env, g), newLogs(env, g), newStats(env, g), newIndex(env, g), newArchive(env, g), newKey(env, g), newPlugin(env, g), site.NewConfig(env, g, checkKeys),
		site.NewVersion(env, site.Module{Key: "duckdb", Title: "DuckDB driver", Path: "github.com/duckdb/duckdb-go/v2"}),
	)
	return root
}
