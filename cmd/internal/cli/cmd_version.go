package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

func newVersion(env *Env) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version of the program and of the archive format",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			v := map[string]any{"version": Version, "archive_format": evidence.Version, "go": runtime.Version(), "duckdb": duckdbModule()}
			if asJSON {
				return printJSON(env.Out, v)
			}
			_, err := fmt.Fprintf(env.Out, "rainlogs %s (archive format %d, %s, DuckDB driver %s)\n", Version, evidence.Version, runtime.Version(), v["duckdb"])
			if err != nil {
				return fmt.Errorf("print version: %w", err)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func duckdbModule() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, m := range info.Deps {
		if m.Path == "github.com/duckdb/duckdb-go/v2" {
			return m.Version
		}
	}
	return "unknown"
}
