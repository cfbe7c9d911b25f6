package shell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
	"github.com/fabriziosalmi/rainlogs/query/format"
)

// command is one that begins with a dot.
type command struct {
	name, args, help string
	run              func(s *Shell, ctx context.Context, args []string) error
}

func commands() []command {
	return []command{
		{"format", "[NAME]", "how answers are written: table, csv, tsv, json, ndjson or markdown", (*Shell).setFormat},
		{"help", "", "this list", (*Shell).help},
		{"output", "[FILE]", "write answers to a file; without one, here again", (*Shell).setOutput},
		{"provenance", "", "what the last answer stands on, as JSON", (*Shell).provenance},
		{"quit", "", "end the session, as Ctrl-D does", func(*Shell, context.Context, []string) error { return errQuit }},
		{"range", "[FROM [TO] | all]", `the range of event time: -6h, "2026-11-23 14:00", 2026-11-23T14:00:00Z, now`, (*Shell).setRange},
		{"read", "FILE", "run the statements of a file", (*Shell).read},
		{"reset", "", "forget what was created here", (*Shell).reset},
		{"saved", "[NAME [PARAMETER=VALUE …]]", "list the saved queries, or run one", (*Shell).saved},
		{"schema", "[VIEW]", "columns and types of logs, or of another view", (*Shell).schema},
		{"tables", "", "the views, and the tables that were created here", (*Shell).tables},
		{"timer", "on|off", "say how long each answer took", (*Shell).setTimer},
		{"zone", "[NAME … | all]", "the zones, by name or id", (*Shell).setZones},
	}
}

// command runs a line that begins with a dot.
func (s *Shell) command(ctx context.Context, line string) error {
	args, err := fields(line)
	if err != nil {
		return site.Usage(err)
	}
	var found []command
	for _, c := range commands() {
		if "."+c.name == args[0] {
			return c.run(s, ctx, args[1:])
		}
		if len(args[0]) > 1 && strings.HasPrefix("."+c.name, args[0]) {
			found = append(found, c)
		}
	}
	if len(found) == 1 {
		return found[0].run(s, ctx, args[1:])
	}
	return site.Usagef("%.40q is no command: .help lists them", args[0])
}

// fields parts a command's line at spaces; quotes keep them.
func fields(line string) ([]string, error) {
	var out []string
	var b strings.Builder
	quote, open := rune(0), false
	for _, r := range line {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '"' || r == '\''):
			quote, open = r, true
		case quote == 0 && (r == ' ' || r == '\t'):
			if open {
				out = append(out, b.String())
			}
			b.Reset()
			open = false
		default:
			b.WriteRune(r)
			open = true
		}
	}
	if quote != 0 {
		return nil, fmt.Errorf("a quote (%c) is not closed", quote)
	}
	if open {
		out = append(out, b.String())
	}
	return out, nil
}

func atMost(n int, args []string) error {
	if len(args) > n {
		return site.Usagef("%.40q is one argument too many: .help", args[n])
	}
	return nil
}

func (s *Shell) help(context.Context, []string) error {
	return s.write(func(w io.Writer) error {
		return site.Table(w, "", func(row func(...any)) {
			for _, c := range commands() {
				row(strings.TrimSpace("."+c.name+" "+c.args), c.help)
			}
			row("SQL;", "over the views logs, raw, windows and chain; Ctrl-C stops a statement")
		})
	})
}

func (s *Shell) setFormat(_ context.Context, args []string) error {
	if len(args) != 1 {
		s.note(fmt.Sprintf("format    %s\n", s.format))
		return atMost(1, args)
	}
	f, err := format.Parse(args[0])
	if err != nil {
		return site.Usage(err)
	}
	s.format = f
	return nil
}

func (s *Shell) setTimer(_ context.Context, args []string) error {
	if len(args) != 1 || args[0] != "on" && args[0] != "off" {
		return site.Usagef(".timer: want on or off")
	}
	s.timer = args[0] == "on"
	return nil
}

func (s *Shell) setOutput(_ context.Context, args []string) error {
	if err := atMost(1, args); err != nil {
		return err
	}
	if len(args) == 0 {
		return s.output(nil)
	}
	file, err := os.Create(filepath.Clean(args[0]))
	if err != nil {
		return site.Usagef(".output: %w", err)
	}
	return s.output(file)
}

func (s *Shell) setRange(_ context.Context, args []string) error {
	if err := atMost(2, args); err != nil {
		return err
	}
	switch {
	case len(args) == 1 && args[0] == "all":
		s.asked.Range = dataset.Range{}
	case len(args) > 0:
		r, err := s.cfg.Range(args[0], strings.Join(args[1:], ""))
		if err != nil {
			return err
		}
		s.asked.Range = r
	}
	r := s.asked.Range
	s.note(fmt.Sprintf("range     %s to %s (event time, UTC)\n", bound(r.From, "the beginning"), bound(r.To, "the end")))
	return nil
}

func bound(t time.Time, open string) string {
	if t.IsZero() {
		return open
	}
	return t.UTC().Format(time.RFC3339Nano)
}

func (s *Shell) setZones(_ context.Context, args []string) error {
	switch {
	case slices.Equal(args, []string{"all"}):
		s.asked.Zones = nil
	case len(args) > 0:
		s.asked.Zones = strings.FieldsFunc(strings.Join(args, ","), func(r rune) bool { return r == ',' })
	}
	names := "all"
	if len(s.asked.Zones) > 0 {
		names = strings.Join(s.asked.Zones, ", ")
	}
	s.note("zones     " + site.SafeLine(names) + "\n")
	return nil
}

func (s *Shell) reset(context.Context, []string) error {
	s.kept = nil
	return nil
}

func (s *Shell) provenance(context.Context, []string) error {
	if s.last == nil {
		return site.Usagef(".provenance: there is no answer yet")
	}
	return s.write(func(w io.Writer) error { return site.PrintJSON(w, s.last) })
}

func (s *Shell) tables(ctx context.Context, args []string) error {
	if err := atMost(0, args); err != nil {
		return err
	}
	return s.look(ctx, `SELECT view_name AS name, 'view' AS kind FROM duckdb_views() WHERE NOT internal
		UNION ALL SELECT table_name, 'table' FROM duckdb_tables() ORDER BY ALL`, nil)
}

func (s *Shell) schema(ctx context.Context, args []string) error {
	if err := atMost(1, args); err != nil {
		return err
	}
	view := "logs"
	if len(args) == 1 {
		view = args[0]
	}
	return s.look(ctx, `SELECT column_name AS "column", data_type AS "type" FROM duckdb_columns()
		WHERE NOT internal AND lower(table_name) = lower($view::VARCHAR) ORDER BY column_index`, map[string]any{"view": view})
}

func (s *Shell) saved(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return s.listSaved()
	}
	q, err := s.cfg.Saved.Find(args[0])
	if err != nil {
		return site.Usagef(".saved: %w", err)
	}
	given := map[string]string{}
	for _, arg := range args[1:] {
		name, value, ok := strings.Cut(arg, "=")
		if !ok {
			return site.Usagef(".saved: %.40q is not parameter=value", arg)
		}
		given[name] = value
	}
	params, err := q.Values(given)
	if err != nil {
		return site.Usagef(".saved: %w", err)
	}
	return s.answer(ctx, strings.TrimRight(strings.TrimSpace(q.SQL), ";"), params)
}

func (s *Shell) listSaved() error {
	return s.write(func(w io.Writer) error {
		return site.Table(w, "NAME\tTITLE\tPARAMETERS\tFROM", func(row func(...any)) {
			for _, q := range s.cfg.Saved.All() {
				var params []string
				for _, p := range q.Params {
					params = append(params, p.String())
				}
				row(q.Name, q.Title, strings.Join(params, " "), q.From)
			}
		})
	})
}

func (s *Shell) read(ctx context.Context, args []string) error {
	if len(args) != 1 {
		return site.Usagef(".read: want a file")
	}
	if s.depth == maxDepth {
		return site.Usagef(".read: files read files more than %d deep", maxDepth)
	}
	file, err := os.Open(filepath.Clean(args[0]))
	if err != nil {
		return site.Usagef(".read: %w", err)
	}
	defer file.Close() //nolint:errcheck // only read
	s.depth++
	defer func() { s.depth-- }()
	if err := s.Script(ctx, file); err != nil && !errors.Is(err, errQuit) {
		return fmt.Errorf("%s: %w", args[0], err)
	}
	return nil
}
