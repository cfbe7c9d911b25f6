package collector

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/doctor"
	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
)

type doctorOptions struct {
	offline, asJSON bool
}

// NewDoctor is the command doctor, the same in each program.
func NewDoctor(env *site.Env, g *site.Globals) *cobra.Command {
	var o doctorOptions
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Look at everything that collecting needs, and say what to do about what is wrong",
		Long: "Look at config, stores, disks, key, spool, catalog, chains, backlog, zones, clock and daemon, each by itself, and print a\n" +
			"line for each: ok, warn or fail, what was found, and the remedy. It mends nothing. Zones are probed through the source, as\n" +
			"rainlogs zone show does; --offline leaves that out. Exit code 1 says that something fails; warnings are no failure.\n\n" + site.ExitHelp,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runDoctor(cmd.Context(), env, g, o) },
	}
	cmd.Flags().BoolVar(&o.offline, "offline", false, "do not ask the source about the zones")
	cmd.Flags().BoolVar(&o.asJSON, "json", false, "print JSON")
	return cmd
}

func runDoctor(ctx context.Context, env *site.Env, g *site.Globals, o doctorOptions) error {
	report := doctor.Run(ctx, doctor.Config{
		Env: env, Globals: g, Offline: o.offline,
		AskHealth: AskHealth,
	})
	if err := ctx.Err(); err != nil {
		return err //nolint:wrapcheck // the program says that it was interrupted
	}
	var err error
	if o.asJSON {
		err = site.PrintJSON(env.Out, report)
	} else {
		err = printDoctor(env.Out, report)
	}
	if err == nil && report.Status == doctor.Fail {
		return site.EndWith(site.ExitFailed, fmt.Sprintf("%d checks fail, %d warn", report.Count(doctor.Fail), report.Count(doctor.Warn)))
	}
	return err
}

func printDoctor(w io.Writer, report doctor.Report) error {
	return site.Table(w, "", func(row func(...any)) {
		for _, f := range report.Checks {
			row(f.Status, f.Check, f.Subject, f.Found)
			if f.Remedy != "" {
				row("", "", "", "→ "+f.Remedy)
			}
		}
	})
}
