package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"charm.land/fang/v2"
	"github.com/spf13/cobra"
)

// Version is set by the linker (-X).
var Version = "dev"

// globals are the flags of every command.
type globals struct {
	config     string
	noProgress bool
	verbose    bool
}

// Main runs the command line and returns the exit code.
func Main(ctx context.Context, args []string, env *Env) int {
	if len(args) > 0 && args[0] == pluginServe {
		return servePlugin(args[1:], env)
	}
	root := newRoot(env)
	root.SetArgs(args)
	root.SetIn(env.In)
	root.SetOut(env.Out)
	root.SetErr(env.Err)
	err := fang.Execute(ctx, root, fang.WithVersion(Version), fang.WithErrorHandler(func(w io.Writer, s fang.Styles, err error) {
		if ctx.Err() != nil {
			err = errors.New("interrupted") // what it kept from ending is of no interest
		}
		printError(w, s, err)
	}))
	if err != nil && ctx.Err() != nil {
		return exitInterrupted
	}
	return exitCode(err)
}

func printError(w io.Writer, styles fang.Styles, err error) {
	_, _ = fmt.Fprintf(w, "rainlogs: %s\n", safeLine(err.Error())) // nothing can be told if stderr is gone
	if h := hint(err); h != "" {
		_, _ = fmt.Fprintf(w, "  → %s\n", h)
	}
	if exitCode(err) == exitUsage {
		_, _ = fmt.Fprintln(w, "  → rainlogs --help, or --help behind any command")
	}
}

func newRoot(env *Env) *cobra.Command {
	g := &globals{}
	root := &cobra.Command{
		Use:   "rainlogs",
		Short: "An evidence-grade archive of Cloudflare logs",
		Long: "RainLogs collects a zone's logs through plugins, seals them into a signed, tamper-evident chain in object\n" +
			"storage that outsiders can verify, and answers SQL over what it has verified.\n\n" + exitHelp,
		Example: "rainlogs demo --no-tui\nrainlogs init --dir ./evidence --yes\nrainlogs zone add 023e105f4ecef8ad9ca31a8372d0c353",
	}
	root.PersistentFlags().StringVar(&g.config, "config", "", "config file or its folder (default: $RAINLOGS_CONFIG, ./rainlogs.yaml, then the user's config folder)")
	root.PersistentFlags().BoolVar(&g.noProgress, "no-progress", false, "no progress bars, even on a terminal")
	root.PersistentFlags().BoolVarP(&g.verbose, "verbose", "v", false, "log what happens to standard error")
	root.AddCommand(
		newDemo(env, g), newInit(env, g), newZone(env, g), newPull(env, g), newCoverage(env, g), newVerify(env, g),
		newQuery(env, g), newLogs(env, g), newArchive(env, g), newKey(env, g), newConfig(env, g), newVersion(env),
	)
	return root
}
