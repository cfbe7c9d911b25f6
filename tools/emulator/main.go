// Command emulator serves Cloudflare's Logpull API on this machine, as strict
// as the documented service, for trying RainLogs without an account:
//
//	go run ./tools/emulator --zones 3
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/fabriziosalmi/rainlogs/plugins/source/logpull/logpulltest"
)

const (
	account = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
	token   = "emulated-token-000000"
)

type options struct {
	listen        string
	zones, perDay int
	seed          uint64
	faults        float64
	unlimited     bool
}

func main() {
	var o options
	flag.StringVar(&o.listen, "listen", "127.0.0.1:8787", "HOST:PORT, on this machine")
	flag.IntVar(&o.zones, "zones", 2, "how many zones there are")
	flag.IntVar(&o.perDay, "per-day", 100_000, "records of a zone a day")
	flag.Uint64Var(&o.seed, "seed", 1, "of traffic and faults")
	flag.Float64Var(&o.faults, "faults", 0, "chance, 0 to 1, that a request for records meets one of the documented faults")
	flag.BoolVar(&o.unlimited, "unlimited", false, "no limits on requests")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Stdout, o)
	stop()
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "emulator:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, o options) error {
	cfg, err := config(o)
	if err != nil {
		return err
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", o.listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	fmt.Fprintf(out, "export CLOUDFLARE_API_TOKEN=%s\n# in rainlogs.yaml:\n#   sources: {logpull: {token: env:CLOUDFLARE_API_TOKEN, base_url: http://%s/client/v4}}\n", token, l.Addr())
	for _, z := range cfg.Zones {
		fmt.Fprintf(out, "rainlogs zone add %s --name %s\n", z.ID, z.Name)
	}
	server := &http.Server{Handler: logpulltest.New(cfg), ReadHeaderTimeout: 10 * time.Second}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })() // nothing is lost with it
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

func config(o options) (logpulltest.Config, error) {
	cfg := logpulltest.Config{
		Seed: o.seed, Shuffle: true,
		Accounts: []logpulltest.Account{{ID: account}},
		Tokens: []logpulltest.Token{{ID: "emulated", Value: token, Permissions: []logpulltest.Permission{
			logpulltest.LogsRead, logpulltest.ZoneRead, logpulltest.AccountLogsRead,
		}}},
	}
	if o.unlimited {
		cfg.Limits = logpulltest.Unlimited()
	}
	if o.faults > 0 {
		kinds := logpulltest.FaultKinds()
		cfg.Faults = logpulltest.Faults{Seed: o.seed, Chance: map[logpulltest.FaultKind]float64{}}
		for _, k := range kinds {
			cfg.Faults.Chance[k] = o.faults / float64(len(kinds))
		}
	}
	for i := range o.zones {
		name := fmt.Sprintf("shop%d.example.eu", i+1)
		g, err := logpulltest.NewGenerator(logpulltest.GeneratorConfig{Seed: o.seed + uint64(i), Zone: name, RecordsPerDay: o.perDay, Clients: 500})
		if err != nil {
			return cfg, fmt.Errorf("make traffic: %w", err)
		}
		cfg.Zones = append(cfg.Zones, logpulltest.Zone{
			ID: fmt.Sprintf("%032x", 0x5e2a1f0c9b8d0000+i), Name: name, AccountID: account, Retention: true, Records: g,
		})
	}
	return cfg, nil
}
