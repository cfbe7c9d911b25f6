package cli

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/collect"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/verify"
	"github.com/fabriziosalmi/rainlogs/plugins/source/logpull/logpulltest"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
	"github.com/fabriziosalmi/rainlogs/query/format"
	"github.com/fabriziosalmi/rainlogs/query/saved"
	"github.com/fabriziosalmi/rainlogs/tui/screen"
)

// The demo's two zones.
const (
	demoShop = "5e2a1f0c9b8d7e6f5a4b3c2d1e0f9a8b"
	demoBlog = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
	// Logpull's budget is 15 requests a minute and zone; a day in hourly
	// windows needs 24 at once. Cloudflare raises it by contract, the demo by this.
	demoRate = 600
	// demoFolder begins the name of its temporary folder.
	demoFolder = "rainlogs-demo-"
)

type demoOptions struct {
	dir    string
	hours  int
	noTUI  bool
	asJSON bool
}

func newDemo(env *site.Env, g *site.Globals) *cobra.Command {
	o := demoOptions{}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "The whole job in one command, without a Cloudflare account",
		Long: "Start a Cloudflare emulator with a day of traffic and an incident in it, collect two zones through the real plugins,\n" +
			"seal, verify, and answer three incident questions. On a terminal the workstation opens on it then. What was made stays in the\n" +
			"folder, to look around in.",
		Example: "rainlogs demo\nrainlogs demo --no-tui --dir ./rainlogs-demo --hours 48",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return runDemo(cmd.Context(), env, g, o) },
	}
	cmd.Flags().StringVar(&o.dir, "dir", "", "folder to make (default: a new one under the temporary folder)")
	cmd.Flags().IntVar(&o.hours, "hours", 24, "hours of traffic, 1 to 160")
	cmd.Flags().BoolVar(&o.noTUI, "no-tui", false, "print what was done and end, on a terminal too")
	cmd.Flags().BoolVar(&o.asJSON, "json", false, "print the summary as JSON")
	return cmd
}

// demo is one run of it.
type demo struct {
	env      *site.Env
	g        *site.Globals
	o        demoOptions
	from, to time.Time
	shop     *logpulltest.Generator
	say      io.Writer
	started  time.Time
}

func runDemo(ctx context.Context, env *site.Env, g *site.Globals, o demoOptions) (err error) {
	if o.hours < 1 || o.hours > 160 {
		return site.Usagef("--hours %d: want 1 to 160 (Cloudflare keeps 168)", o.hours)
	}
	if o.dir == "" {
		if o.dir, err = os.MkdirTemp("", demoFolder); err != nil {
			return fmt.Errorf("make demo folder: %w", err)
		}
	}
	d := &demo{env: env, g: g, o: o, say: env.Out, started: env.Now()}
	if o.asJSON {
		d.say = env.Err
	}
	d.to = env.Now().UTC().Add(-2 * time.Minute).Truncate(time.Hour)
	d.from = d.to.Add(-time.Duration(o.hours) * time.Hour)
	stop, err := d.start(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	dg := *g
	dg.Config = o.dir
	w, err := openWorkspace(ctx, env, &dg)
	if err != nil {
		return err
	}
	err = d.work(w)
	w.Close()
	if err != nil || o.noTUI || o.asJSON || !env.Interactive || !env.OutTerminal {
		return err
	}
	return d.look(ctx, &dg)
}

// look opens the workstation on what was made.
func (d *demo) look(ctx context.Context, g *site.Globals) error {
	notice := fmt.Sprintf("shop.example.eu, from %s UTC on: who, from where, what went out?", d.incident().Format("02 Jan 15:04"))
	d.tell("\nThe workstation opens. What to look for: %s", notice)
	return runTUI(ctx, d.env, g, tuiOptions{theme: "auto", notice: screen.Say{Text: notice}})
}

// incident is when it begins.
func (d *demo) incident() time.Time { return d.from.Add(d.to.Sub(d.from) / 2) }

// start brings the emulator up and makes an archive configured for it.
func (d *demo) start(ctx context.Context) (stop func() error, err error) {
	secret := make([]byte, 20)
	if _, err := rand.Read(secret); err != nil {
		return nil, fmt.Errorf("make demo token: %w", err)
	}
	token := hex.EncodeToString(secret)
	emulator, err := d.emulator(token)
	if err != nil {
		return nil, err
	}
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start emulator: %w", err)
	}
	server := &http.Server{Handler: emulator, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0)}
	go func() { _ = server.Serve(listener) }() // ends with ErrServerClosed by stop
	stop = func() error {
		if err := server.Close(); err != nil {
			return fmt.Errorf("stop emulator: %w", err)
		}
		return nil
	}
	o := initOptions{
		dir: d.o.dir, storage: "fs", name: "demo", purpose: "RainLogs demonstration", token: "file:./demo.token",
		settings: logpullSettings{
			baseURL: "http://" + listener.Addr().String() + "/client/v4", zoneRate: demoRate, userRate: demoRate, windowText: "1h",
		},
	}
	quiet := *d.env
	quiet.Out = io.Discard
	if err := runInit(ctx, &quiet, d.g, o); err != nil {
		return nil, errors.Join(err, stop())
	}
	if err := writeNew(filepath.Join(d.o.dir, "demo.token"), []byte(token), 0o600); err != nil {
		return nil, errors.Join(err, stop())
	}
	return stop, nil
}

func (d *demo) emulator(token string) (*logpulltest.Emulator, error) {
	var err error
	length := d.to.Sub(d.from)
	d.shop, err = logpulltest.NewGenerator(logpulltest.GeneratorConfig{
		Seed: 2026, Zone: "shop.example.eu", RecordsPerDay: 80_000,
		Incident: &logpulltest.IncidentConfig{Start: d.incident(), Duration: max(min(length/4, 5*time.Hour), 10*time.Minute)},
	})
	if err != nil {
		return nil, fmt.Errorf("make traffic: %w", err)
	}
	blog, err := logpulltest.NewGenerator(logpulltest.GeneratorConfig{Seed: 2027, Zone: "blog.example.eu", RecordsPerDay: 20_000})
	if err != nil {
		return nil, fmt.Errorf("make traffic: %w", err)
	}
	return logpulltest.New(logpulltest.Config{
		Now: d.env.Now, Seed: 1, Shuffle: true,
		Accounts: []logpulltest.Account{{ID: demoBlog}},
		Zones: []logpulltest.Zone{
			{ID: demoShop, Name: "shop.example.eu", AccountID: demoBlog, Retention: true, Records: d.shop},
			{ID: demoBlog, Name: "blog.example.eu", AccountID: demoBlog, Retention: true, Records: blog},
		},
		Tokens: []logpulltest.Token{{ID: "demo", Value: token, Permissions: []logpulltest.Permission{logpulltest.LogsRead}}},
		Limits: logpulltest.Limits{ZonePerMinute: demoRate, UserPerMinute: demoRate},
	}), nil
}

// demoSummary is what --json prints.
type demoSummary struct {
	Dir      string         `json:"dir"`
	Windows  int            `json:"windows"`
	Lines    int64          `json:"lines"`
	Bytes    int64          `json:"bytes"`
	Intact   bool           `json:"intact"`
	Complete bool           `json:"complete"`
	Seconds  float64        `json:"seconds"`
	Report   *verify.Report `json:"report"`
}

// work is the job itself, step by step, through the same code as the commands.
func (d *demo) work(w *workspace) error {
	sum := demoSummary{Dir: d.o.dir}
	d.tell("emulator of Cloudflare's Logpull API: two zones, %s to %s, an incident in one of them", site.RFC3339(d.from), site.RFC3339(d.to))
	d.tell("(its per-zone budget is raised from 15 to %d requests a minute; all other rules are Cloudflare's)", demoRate)
	for _, z := range []struct{ id, name string }{{demoShop, "shop.example.eu"}, {demoBlog, "blog.example.eu"}} {
		id := evidence.ChainID{Zone: z.id, Dataset: datasetHTTP}
		zone := catalog.Zone{ID: id.Zone, Dataset: id.Dataset, Name: z.name, AddedAt: evidence.SealTime(d.env.Now())}
		if err := d.collect(w, zone, &sum); err != nil {
			return err
		}
	}
	opts := w.readOptions()
	opts.Level = verify.LevelContent
	report, err := w.verify(opts)
	if err != nil {
		return err
	}
	sum.Intact, sum.Complete, sum.Report = report.Intact, report.Complete, report
	d.tell("\nverified: %d entries, %d objects, %s of content, integrity %v, coverage complete %v", report.Entries, report.Objects, site.BytesText(report.Content), report.Intact, report.Complete)
	if !report.Intact {
		return site.EndWith(site.ExitDamaged, "the demo's archive does not verify")
	}
	for _, name := range []string{"scanners", "credential_stuffing", "bytes_out"} {
		if err := d.question(w, name); err != nil {
			return err
		}
	}
	sum.Seconds = d.env.Now().Sub(d.started).Seconds()
	if d.o.asJSON {
		return site.PrintJSON(d.env.Out, sum)
	}
	d.tell("\nall of it took %.1f s. Look around:\n", sum.Seconds)
	d.tell("  rainlogs --config %[1]s coverage\n  rainlogs --config %[1]s verify\n  rainlogs --config %[1]s query --saved list\n  rainlogs-verify %[1]s/archive --key %[1]s/verifier.pub", d.o.dir)
	return nil
}

func (d *demo) tell(format string, args ...any) {
	_, _ = fmt.Fprintf(d.say, format+"\n", args...) // the commands' own output reports a lost stdout
}

func (d *demo) collect(w *workspace, z catalog.Zone, sum *demoSummary) error {
	report, err := w.probe(z)
	if err != nil {
		return err
	}
	if !report.OK() {
		return failedProbe(z.ID, report, false)
	}
	if err := w.Catalog.PutZone(w.ctx, z); err != nil {
		return fmt.Errorf("add zone: %w", err)
	}
	began := d.env.Now()
	s, err := w.collect(z, collect.Request{Chain: z.Chain(), From: d.from, To: d.to, Window: time.Hour}, false)
	if err != nil {
		return err
	}
	if err := pullOutcome(s, true); err != nil {
		return err
	}
	seconds := d.env.Now().Sub(began).Seconds()
	d.tell("%s: %d windows sealed, %s lines, %s in %.1f s", z.Name, s.Sealed, site.Count(s.Lines), site.BytesText(s.Bytes), seconds)
	sum.Windows += s.Sealed
	sum.Lines += s.Lines
	sum.Bytes += s.Bytes
	return nil
}

// question asks a saved query of the zone with the incident.
func (d *demo) question(w *workspace, name string) error {
	library, err := saved.Open() // the program's alone
	if err != nil {
		return fmt.Errorf("demo question: %w", err)
	}
	q, err := library.Find(name)
	if err != nil {
		return fmt.Errorf("demo question: %w", err)
	}
	params, err := q.Values(nil)
	if err != nil {
		return fmt.Errorf("demo question: %w", err)
	}
	d.tell("\n%s", q.Title)
	// The last quarter of an hour may still be under way to the edge's logs:
	// leaving it out makes the answer's coverage complete.
	times := rangeFlags{tz: "UTC", from: site.RFC3339(d.from), to: site.RFC3339(d.to.Add(-dataset.DefaultTail))}
	sql := "SELECT * FROM (" + q.SQL + "\n) LIMIT 5"
	_, err = w.ask(queryOptions{zones: []string{demoShop}, times: times}, sql, params, format.Table, d.say)
	return err
}
