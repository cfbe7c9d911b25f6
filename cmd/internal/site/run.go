package site

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

// Globals are the flags of every command.
type Globals struct {
	Config     string // file or folder; "" looks for one
	NoProgress bool
	Verbose    bool

	server server // where the answers come from, if not from here
}

// AddTo adds the flags to a program's root.
func (g *Globals) AddTo(root *cobra.Command) {
	root.PersistentFlags().StringVar(&g.Config, "config", "", "config file or its folder (default: $RAINLOGS_CONFIG, ./rainlogs.yaml, then the user's config folder)")
	root.PersistentFlags().BoolVar(&g.NoProgress, "no-progress", false, "no progress bars, even on a terminal")
	root.PersistentFlags().BoolVarP(&g.Verbose, "verbose", "v", false, "log what happens to standard error")
}

// Run runs a program, named as its root is, and returns the exit code.
func Run(ctx context.Context, root *cobra.Command, args []string, env *Env) int {
	if len(args) > 0 && args[0] == pluginServe {
		return servePlugin(root.Name(), args[1:], env)
	}
	root.SetArgs(args)
	root.SetIn(env.In)
	root.SetOut(env.Out)
	root.SetErr(env.Err)
	err := fang.Execute(ctx, root, fang.WithVersion(Version), fang.WithErrorHandler(errorPrinter(ctx, root.Name())))
	if err != nil && ctx.Err() != nil {
		return ExitInterrupted
	}
	return ExitCode(err)
}

func errorPrinter(ctx context.Context, program string) fang.ErrorHandler {
	return func(w io.Writer, _ fang.Styles, err error) {
		if ctx.Err() != nil {
			err = errors.New("interrupted") // what it kept from ending is of no interest
		}
		_, _ = fmt.Fprintf(w, "%s: %s\n", program, SafeLine(err.Error())) // nothing can be told if stderr is gone
		if h := Hint(err); h != "" {
			_, _ = fmt.Fprintf(w, "  → %s\n", h)
		}
		if ExitCode(err) == ExitUsage {
			_, _ = fmt.Fprintf(w, "  → %s --help, or --help behind any command\n", program)
		}
	}
}
