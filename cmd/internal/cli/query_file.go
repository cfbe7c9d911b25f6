package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/query"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
	"github.com/fabriziosalmi/rainlogs/query/duckdb"
	"github.com/fabriziosalmi/rainlogs/query/format"
)

// export has the engine write a file in its own folder, and brings it to where -o says.
func (w *workspace) export(o queryOptions, sql string, params map[string]any, f format.Format) error {
	if special(o.out) {
		return site.Usagef("-o: %s is no file, which --format %s needs", o.out, f)
	}
	return w.withAnswer(o.out, f, func(out io.Writer) (p query.Provenance, err error) {
		err = w.withEngine(o, func(ctx context.Context, e *duckdb.Engine, d *dataset.Dataset) (err error) {
			req, done := w.request(o, sql, params, d)
			x, err := e.Export(ctx, req, duckdb.Export(f))
			done()
			if err != nil {
				return queryError(err)
			}
			defer func() { err = errors.Join(err, x.Close()) }()
			if err := copyFile(out, x.Path); err != nil {
				return err
			}
			p = x.Provenance
			if o.quiet {
				return nil
			}
			return w.footer(p)
		})
		return p, err
	})
}

func copyFile(to io.Writer, path string) (err error) {
	f, err := os.Open(path) //nolint:gosec // the engine's own
	if err != nil {
		return fmt.Errorf("open export: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := io.Copy(to, f); err != nil {
		return fmt.Errorf("write export: %w", err)
	}
	return nil
}

// explain shows what a question would do.
func (w *workspace) explain(o queryOptions, sql string, params map[string]any, f format.Format, out io.Writer) error {
	return w.withEngine(o, func(ctx context.Context, e *duckdb.Engine, d *dataset.Dataset) error {
		p, err := e.Explain(ctx, query.Request{SQL: sql, Params: params, Dataset: d})
		if err != nil {
			return queryError(err)
		}
		if f == format.JSON {
			return site.PrintJSON(out, p)
		}
		n := p.Objects
		_, err = fmt.Fprintf(out, "%s\nobjects   %d of the range: %d from columns, %d to be fetched and checked (%d bytes); %d lines\ncolumns   %s\n",
			site.SafeLine(strings.TrimRight(p.Text, "\n")), n.Selected, n.Columns, n.Read, n.Bytes, n.Lines, site.SafeLine(strings.Join(p.Columns, ", ")))
		return err //nolint:wrapcheck // the output is gone
	})
}
