package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/query"
	"github.com/fabriziosalmi/rainlogs/query/format"
	"github.com/fabriziosalmi/rainlogs/query/worker"
	"github.com/fabriziosalmi/rainlogs/tui/screen/sql"
)

// queryExport is the hidden command in which a screen's answer is written to a
// file: a process of its own, as rainlogs query is, can be stopped whatever the engine does, and takes no screen with it.
const queryExport = "query-export"

// exportOrder is what that process is told on its standard input: questions may name what others must not see in a list of processes.
type exportOrder struct {
	SQL         string            `json:"sql"`
	Params      map[string]string `json:"params,omitempty"`
	Zones       []string          `json:"zones,omitempty"`
	From        time.Time         `json:"from,omitzero"`
	To          time.Time         `json:"to,omitzero"`
	SkipDamaged bool              `json:"skip_damaged,omitempty"`
	Path        string            `json:"path"`
	Format      format.Format     `json:"format"`
}

// exportWord is a line of its standard output: how far it is, or why it failed.
type exportWord struct {
	Phase worker.Phase `json:"phase,omitempty"`
	Done  int64        `json:"done,omitempty"`
	Total int64        `json:"total,omitempty"`
	Error string       `json:"error,omitempty"`
	Hint  string       `json:"hint,omitempty"`
}

// maxOrder bounds an order: the SQL has at most 1 MiB, its JSON six times that.
const maxOrder = 16 << 20

func newQueryExport(env *site.Env, g *site.Globals) *cobra.Command {
	return &cobra.Command{
		Use: queryExport, Short: "Write the answer of another rainlogs process to a file", Hidden: true, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			out := json.NewEncoder(env.Out)
			err := runExport(cmd.Context(), env, g, func(p exportWord) { _ = out.Encode(p) }) // nobody may listen
			if err != nil {
				_ = out.Encode(exportWord{Error: err.Error(), Hint: site.Hint(err)})
			}
			return err
		},
	}
}

func runExport(ctx context.Context, env *site.Env, g *site.Globals, tell func(exportWord)) error {
	var order exportOrder
	if err := json.NewDecoder(io.LimitReader(env.In, maxOrder)).Decode(&order); err != nil {
		return site.Usagef("read order: %w", err)
	}
	f, err := format.ParseAny(string(order.Format))
	if err != nil {
		return site.Usage(err)
	}
	w, err := openReader(ctx, env, g)
	if err != nil {
		return err
	}
	defer w.Close()
	last := time.Time{}
	w.follow = func(phase worker.Phase, done, total int64) {
		if now := env.Now(); done == total || now.Sub(last) > 100*time.Millisecond {
			last = now
			tell(exportWord{Phase: phase, Done: done, Total: total})
		}
	}
	params := map[string]any{}
	for name, value := range order.Params {
		params[name] = value
	}
	o := queryOptions{zones: order.Zones, out: order.Path, skipDamaged: order.SkipDamaged, times: rangeFlags{tz: "UTC"}, quiet: true}
	if !order.From.IsZero() {
		o.times.from = order.From.Format(time.RFC3339Nano)
	}
	if !order.To.IsZero() {
		o.times.to = order.To.Format(time.RFC3339Nano)
	}
	if f.File() {
		return w.export(o, order.SQL, params, f)
	}
	return w.withAnswer(o.out, f, func(out io.Writer) (query.Provenance, error) { return w.ask(o, order.SQL, params, f, out) })
}

// Export writes an answer in another process. What was at the path stays as it was until all is written.
func (d *sqlDesk) Export(ctx context.Context, q sql.Question, t sql.Target, progress func(sql.Progress)) (sql.Exported, error) {
	ctx, done := d.begin(ctx)
	defer done()
	out, err := d.target(t)
	if err != nil {
		return out, err
	}
	r, err := d.span(q.Scope)
	if err != nil {
		return out, err
	}
	order, err := json.Marshal(exportOrder{
		SQL: q.SQL, Params: q.Params, Zones: q.Scope.Zones, From: r.From, To: r.To, SkipDamaged: q.Scope.SkipDamaged,
		Path: out.Path, Format: format.Format(t.Format),
	})
	if err != nil {
		return out, fmt.Errorf("write order: %w", err)
	}
	if err := d.writes(ctx, q.SQL, order, progress); err != nil {
		return out, err
	}
	info, err := os.Stat(out.Path)
	if err != nil {
		return out, fmt.Errorf("look at what was written: %w", err)
	}
	out.Bytes = info.Size()
	return out, nil
}

// target looks at where to write.
func (d *sqlDesk) target(t sql.Target) (out sql.Exported, err error) {
	path := t.Path
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		home, err := os.UserHomeDir()
		if err != nil {
			return out, fmt.Errorf("find the home folder: %w", err)
		}
		path = filepath.Join(home, rest)
	}
	if out.Path, err = filepath.Abs(path); err != nil {
		return out, fmt.Errorf("read path: %w", err)
	}
	if format.Format(t.Format) != format.JSON {
		out.Beside = out.Path + provenanceSuffix
	}
	if info, err := os.Stat(filepath.Dir(out.Path)); err != nil || !info.IsDir() {
		return out, fmt.Errorf("there is no folder %s", filepath.Dir(out.Path))
	}
	for _, path := range []string{out.Path, out.Beside} {
		info, err := os.Stat(path)
		switch {
		case path == "" || errors.Is(err, os.ErrNotExist):
		case err != nil:
			return out, fmt.Errorf("look at the file: %w", err)
		case !info.Mode().IsRegular():
			return out, fmt.Errorf("%s is there and is no file", path)
		case !t.Replace:
			return out, sql.ErrExists
		}
	}
	return out, nil
}

// writes runs the process that writes. A cancel interrupts it, and kills it if it does not obey.
func (d *sqlDesk) writes(ctx context.Context, text string, order []byte, progress func(sql.Progress)) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	cmd := exec.CommandContext(ctx, self, queryExport, "--config", d.cfg) //nolint:gosec // this program
	cmd.Env, cmd.Stdin = d.env.Environ, bytes.NewReader(order)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 2 * worker.Grace
	told, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("make pipe: %w", err)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &capped{&stderr}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start the process that writes: %w", err)
	}
	last := listen(told, progress)
	err = cmd.Wait()
	switch {
	case ctx.Err() != nil:
		return ctx.Err() //nolint:wrapcheck // the person's own stop
	case err == nil:
		return nil
	case last.Error != "":
		said, at := placed(text, strings.TrimPrefix(last.Error, "-o: "))
		return &sql.Fault{Text: said, Hint: last.Hint, At: at}
	}
	return fmt.Errorf("the process that writes ended without a word: %w: %.200s", err, site.SafeLine(stderr.String()))
}

// listen reads what the process tells until it ends, and returns its last word.
func listen(r io.Reader, progress func(sql.Progress)) (last exportWord) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var w exportWord
		if json.Unmarshal(lines.Bytes(), &w) != nil {
			continue // nobody else writes there
		}
		if last = w; w.Error == "" {
			progress(sqlProgress(worker.Progress{Phase: w.Phase, Done: w.Done, Total: w.Total}))
		}
	}
	return last
}

// capped keeps the beginning.
type capped struct{ b *bytes.Buffer }

func (c *capped) Write(p []byte) (int, error) {
	c.b.Write(p[:min(len(p), max(0, 2<<10-c.b.Len()))])
	return len(p), nil
}
