package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/collector"
	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
)

// Main runs the command line and returns the exit code.
func Main(ctx context.Context, args []string) int {
	env := site.OS()
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
	root.AddCommand(
		newDemo(env, g), newInit(env, g), newZone(env, g), newPull(env, g), newCoverage(env, g), newVerify(env, g),
		collector.NewCollector(env, g, buildBeside), collector.NewJobs(env, g, root.Name()), collector.NewAPIKeys(env, g, root.Name()), collector.NewDoctor(env, g),
		newTUI(env, g), newQuery(env, g), newSQL(env, g), newQueryServe(env, g), newLogs(env, g), newStats(env, g), newIndex(env, g), newArchive(env, g), newKey(env, g), newPlugin(env, g), site.NewConfig(env, g),
		site.NewVersion(env, site.Module{Key: "duckdb", Title: "DuckDB driver", Path: "github.com/duckdb/duckdb-go/v2"}),
	)
	return root
}
