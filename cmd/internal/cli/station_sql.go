package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/adrg/xdg"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/shell"
	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
	"github.com/fabriziosalmi/rainlogs/query/format"
	"github.com/fabriziosalmi/rainlogs/query/worker"
	"github.com/fabriziosalmi/rainlogs/tui/screen/sql"
)

// sqlDesk is what the SQL screen asks. Nothing is started before the first
// question; close ends what is under way and waits for it.
type sqlDesk struct {
	env     *site.Env
	g       *site.Globals
	cfg     string        // the config's path, for other processes
	archive string        // id
	max     time.Duration // a question's time limit

	ctx   context.Context //nolint:containedctx // ends with the station
	end   context.CancelFunc
	under sync.WaitGroup

	mu     sync.Mutex
	client *worker.Client
}

var _ sql.Data = (*sqlDesk)(nil)

func newSQLDesk(ctx context.Context, s *station) *sqlDesk {
	ctx, end := context.WithCancel(ctx)
	quiet := *s.env
	quiet.Err = io.Discard // the screen is there
	return &sqlDesk{env: &quiet, g: s.g, cfg: s.w.Config.Path, archive: s.w.Archive, max: s.w.Config.Query.Timeout, ctx: ctx, end: end}
}

// asker is the client, which is made for the first question.
func (d *sqlDesk) asker() (*worker.Client, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.client == nil {
		client, err := newClient(d.env, d.g, d.cfg, niceSlow)
		if err != nil {
			return nil, err
		}
		d.client = client
	}
	return d.client, nil
}

// begin joins a question's context with the station's; the caller calls done.
func (d *sqlDesk) begin(ctx context.Context) (_ context.Context, done func()) {
	d.under.Add(1)
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(d.ctx, cancel)
	return ctx, func() {
		stop()
		cancel()
		d.under.Done()
	}
}

func (d *sqlDesk) close() error {
	d.end()
	d.under.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.client == nil {
		return nil
	}
	return d.client.Close() //nolint:wrapcheck // says what it did
}

// Desk reads the library, the history and the zones. What is wrong with one of them is a note.
func (d *sqlDesk) Desk(ctx context.Context) (sql.Desk, error) {
	desk := sql.Desk{Formats: []sql.Format{
		{Name: string(format.CSV), Extension: ".csv"}, {Name: string(format.TSV), Extension: ".tsv"}, {Name: string(format.JSON), Extension: ".json"},
		{Name: string(format.NDJSON), Extension: ".ndjson"}, {Name: string(format.Markdown), Extension: ".md"}, {Name: string(format.Table), Extension: ".txt"},
		{Name: string(format.Parquet), Extension: ".parquet"}, {Name: string(format.DuckDB), Extension: ".duckdb"},
	}}
	var err error
	if desk.History, err = readSQLHistory(); err != nil {
		desk.Notes = append(desk.Notes, err.Error())
	}
	if zones, err := d.zones(ctx); err == nil { // without the catalog zones have their ids
		desk.Zones = zones
	}
	library, err := findLibrary(d.env, d.g)
	if err != nil {
		return desk, err
	}
	desk.Notes = append(desk.Notes, library.Notices()...)
	for _, q := range library.All() {
		one := sql.Saved{Name: q.Name, Title: q.Title, Description: q.Description, From: q.From, SQL: q.SQL}
		for _, p := range q.Params {
			one.Params = append(one.Params, sql.SavedParam{Name: p.Name, Default: p.Default, Help: p.Help, Required: p.Required})
		}
		desk.Saved = append(desk.Saved, one)
	}
	return desk, nil
}

// zones are what finds the catalog's zones.
func (d *sqlDesk) zones(ctx context.Context) ([]string, error) {
	c, err := openCatalog(ctx, d.env, d.g)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return c.called()
}

// Words asks the engine.
func (d *sqlDesk) Words(ctx context.Context) ([]sql.Word, error) {
	ctx, done := d.begin(ctx)
	defer done()
	client, err := d.asker()
	if err != nil {
		return nil, err
	}
	found, err := shell.Vocabulary(ctx, client.Ask, worker.Question{Limits: worker.Limits{Timeout: d.max}}, d.env.Now())
	if err != nil {
		return nil, queryError(err)
	}
	kinds := map[string]sql.WordKind{"view": sql.View, "column": sql.Field, "function": sql.Function, "keyword": sql.Keyword}
	var words []sql.Word
	for _, w := range found {
		words = append(words, sql.Word{Text: w.Name, Kind: kinds[w.Kind], Detail: w.Detail})
	}
	return words, nil
}

// Check reads the range, and looks for the zones.
func (d *sqlDesk) Check(ctx context.Context, s sql.Scope) (string, error) {
	r, err := d.span(s)
	if err != nil {
		return "", err
	}
	words := "all zones"
	if len(s.Zones) > 0 {
		words = strings.Join(s.Zones, ", ")
	}
	switch {
	case r.From.IsZero() && r.To.IsZero():
		words += ", all times"
	case r.To.IsZero():
		words += ", from " + inWords(r.From) + " UTC"
	case r.From.IsZero():
		words += ", up to " + inWords(r.To) + " UTC"
	default:
		words += ", " + inWords(r.From) + " to " + inWords(r.To) + " UTC"
	}
	if s.SkipDamaged {
		words += ", without what is damaged"
	}
	return words, d.known(ctx, s.Zones)
}

// known looks whether zones are the archive's; an id needs no catalog.
func (d *sqlDesk) known(ctx context.Context, zones []string) error {
	var names []string
	for _, z := range zones {
		if _, err := evidence.NewChainID(z, datasetHTTP); err != nil {
			names = append(names, z)
		}
	}
	if len(names) == 0 {
		return nil
	}
	c, err := openCatalog(ctx, d.env, d.g)
	if err != nil {
		return err
	}
	defer c.Close()
	for _, name := range names {
		if _, err := c.zone(name); err != nil {
			return err
		}
	}
	return nil
}

func inWords(t time.Time) string {
	t = t.UTC()
	if t.Nanosecond() == 0 && t.Second() == 0 {
		return t.Format("2006-01-02 15:04")
	}
	return t.Format("2006-01-02 15:04:05")
}

// span is the range of a scope, as of now.
func (d *sqlDesk) span(s sql.Scope) (dataset.Range, error) {
	f := rangeFlags{from: s.From, to: s.To, tz: "UTC"}
	from, to, err := f.parse(d.env.Now())
	if err != nil {
		return dataset.Range{}, errors.New(strings.NewReplacer("--from", "from", "--to", "to").Replace(err.Error()))
	}
	return dataset.Range{From: from, To: to}, nil
}

// sqlHistory is the file of the screen's questions, one a line as JSON, so
// that they keep their lines. The shell's are beside it.
func sqlHistory(name string) string { return filepath.Join(xdg.StateHome, "rainlogs", name) }

const screenHistory, shellHistory = "station_sql_history", "sql_history"

// readSQLHistory is what was asked on the screen, behind what was asked in the shell.
func readSQLHistory() (all []string, err error) {
	typed, err := shell.LoadHistory(sqlHistory(shellHistory))
	if err != nil {
		return nil, fmt.Errorf("read the shell's history: %w", err)
	}
	for _, line := range typed {
		if !strings.HasPrefix(line, ".") {
			all = append(all, strings.TrimSuffix(line, ";"))
		}
	}
	lines, err := shell.LoadHistory(sqlHistory(screenHistory))
	if err != nil {
		return all, fmt.Errorf("read the history: %w", err)
	}
	for _, line := range lines {
		var text string
		if json.Unmarshal([]byte(line), &text) == nil && text != "" {
			all = append(all, text)
		}
	}
	return all, nil
}

// Remember adds a question to the file at once: several sessions add to one.
func (d *sqlDesk) Remember(_ context.Context, text string) error {
	line, err := json.Marshal(text)
	if err != nil {
		return fmt.Errorf("write question: %w", err)
	}
	return shell.AppendHistory(sqlHistory(screenHistory), string(line)) //nolint:wrapcheck // says what it did
}
