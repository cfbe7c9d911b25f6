package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/query"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
	"github.com/fabriziosalmi/rainlogs/query/duckdb"
	"github.com/fabriziosalmi/rainlogs/query/format"
)

func newLogs(env *site.Env, g *site.Globals) *cobra.Command {
	var o queryOptions
	var where string
	cmd := &cobra.Command{
		Use:   "logs",
		Short: "Print the records of a range as stored, byte for byte",
		Long: "Print the records of a range of event time as they were received, each exactly once: windows in the order of their\n" +
			"start, and within a window in the order received. --where takes an SQL condition over the columns of logs.\n" +
			"Into a file or pipe every byte is as it was received; on a terminal, control characters are shown as escapes.\n" +
			"What the records stand on is written beside the file of -o, as FILE.provenance.json.\n\n" + site.ExitHelp,
		Example: "rainlogs logs --zone example.com --from -1h\nrainlogs logs --where \"EdgeResponseStatus >= 500\" -o errors.ndjson",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w, err := openReader(cmd.Context(), env, g)
			if err != nil {
				return err
			}
			defer w.Close()
			return w.withAnswer(o.out, format.NDJSON, func(out io.Writer) (query.Provenance, error) { return w.printLines(o, where, out) })
		},
	}
	o.addTo(cmd, env, g)
	cmd.Flags().StringVar(&where, "where", "", "SQL condition")
	return cmd
}

func (w *workspace) printLines(o queryOptions, where string, out io.Writer) (p query.Provenance, err error) {
	b := bufio.NewWriterSize(out, 1<<20)
	err = w.withEngine(o, func(ctx context.Context, e *duckdb.Engine, d *dataset.Dataset) error {
		progress, done, total := site.Bar{}, int64(0), linesOf(d)
		if where == "" && (o.out != "" || !w.Env.OutTerminal) { // else the lines themselves are the progress
			progress = site.NewBar(w.Env, w.Globals, "logs", total, "lines")
		}
		defer progress.Done()
		for line, err := range e.Lines(ctx, d, where, nil, func(told query.Provenance) { p = told }) {
			if err != nil {
				return queryError(err)
			}
			_, _ = b.Write(line.Text) // Flush reports it
			if err := b.WriteByte('\n'); err != nil {
				return fmt.Errorf("write lines: %w", err)
			}
			if done++; done%1024 == 0 {
				progress.Set(done, total)
			}
		}
		return nil
	})
	if err != nil {
		return p, err
	}
	if err := b.Flush(); err != nil {
		return p, fmt.Errorf("write lines: %w", err)
	}
	return p, nil
}
