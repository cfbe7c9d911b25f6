package site

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// Module is a Go module whose version a program tells with its own.
type Module struct{ Key, Title, Path string }

// NewVersion is the command version.
func NewVersion(env *Env, modules ...Module) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version of the program and of the archive format",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			v := map[string]any{"version": Version, "archive_format": evidence.Version, "go": runtime.Version()}
			var more strings.Builder
			for _, m := range modules {
				version := moduleVersion(m.Path)
				v[m.Key] = version
				more.WriteString(", " + m.Title + " " + version)
			}
			if asJSON {
				return PrintJSON(env.Out, v)
			}
			_, err := fmt.Fprintf(env.Out, "%s %s (archive format %d, %s%s)\n", cmd.Root().Name(), Version, evidence.Version, runtime.Version(), more.String())
			if err != nil {
				return fmt.Errorf("print version: %w", err)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func moduleVersion(path string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, m := range info.Deps {
		if m.Path == path {
			return m.Version
		}
	}
	return "unknown"
}
