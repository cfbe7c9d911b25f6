package collector

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/config"
	"github.com/fabriziosalmi/rainlogs/core/daemon/notify"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

type collectorOptions struct {
	logFormat string
	beside    Beside
}

// Beside is what a program does while it collects, until ctx ends, with what
// the collector has open.
type Beside func(ctx context.Context, w *site.Workspace)

// AddRun makes a command the one that collects. beside may be nil.
func AddRun(cmd *cobra.Command, env *site.Env, g *site.Globals, beside Beside) {
	o := collectorOptions{beside: beside}
	cmd.Args = cobra.NoArgs
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return runCollector(cmd.Context(), env, g, o) }
	cmd.Flags().StringVar(&o.logFormat, "log-format", "", "text or json (default: text on a terminal, else json)")
}

// NewCollector is the command collector of the workstation.
func NewCollector(env *site.Env, g *site.Globals, beside Beside) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "collector",
		Short: "Collect all zones, for as long as it is let",
		Long: "Collect every zone on its schedule, catch up after outages, keep retention, check the archive, and tell what\n" +
			"cannot be done. The same as rainlogsd, and builds columns of what it seals, so that queries are fast (query.columns.collect). SIGTERM lets what is under way end; SIGHUP reads the config anew.\n\n" + site.ExitHelp,
		Example: "rainlogs collector --config ./evidence",
	}
	AddRun(cmd, env, g, beside)
	return cmd
}

// runCollector runs daemons one after the other: a reload drains one and
// starts the next from the config as it is then.
func runCollector(ctx context.Context, env *site.Env, g *site.Globals, o collectorOptions) error {
	useProcs()
	lines := newLogQueue(env.Err)
	defer lines.Close()
	log, err := newLogger(env, g, o.logFormat, lines)
	if err != nil {
		return err
	}
	cfg, err := site.LoadConfig(env, g)
	if err != nil {
		return err
	}
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	p := &process{env: env, globals: g, log: log, beside: o.beside}
	if p.ops, err = newOps(ctx, cfg.Server.Listen, log); err != nil {
		return err
	}
	if p.rest, err = newRest(ctx, cfg, env, p.ops.health.Handler(), log); err != nil {
		return errors.Join(err, p.ops.close(ctx))
	}
	defer func() {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if err := errors.Join(p.rest.close(end), p.ops.close(end)); err != nil {
			log.WarnContext(ctx, "stop serving", "error", err)
		}
	}()
	go func() { p.told(ctx, notify.Watch(ctx, p.ops.heart.Alive)) }()
	stopping := context.AfterFunc(ctx, func() {
		p.ops.health.Stopping()
		p.told(ctx, notify.Stopping("draining"))
	})
	defer stopping()
	for ctx.Err() == nil {
		if cfg, err = p.generation(ctx, cfg, hup); err != nil {
			if ctx.Err() != nil { // the program then says only that it was interrupted
				log.ErrorContext(ctx, "did not end well", "error", err)
			}
			return err
		}
	}
	return nil
}

// generation runs the daemon of one config until ctx ends or another config is
// to be used, which it returns.
func (p *process) generation(ctx context.Context, cfg *config.Config, hup <-chan os.Signal) (*config.Config, error) {
	run, stop := context.WithCancel(ctx)
	defer stop()
	next := make(chan *config.Config, 1)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		if changed := p.watch(run, cfg, hup); changed != nil {
			next <- changed
			stop()
		}
	}()
	err := p.collect(run, cfg)
	stop()
	<-watched
	if err != nil {
		return nil, err
	}
	select {
	case cfg = <-next:
		p.log.InfoContext(ctx, "config is read anew", "path", cfg.Path)
		p.told(ctx, notify.Reloading())
		if cfg.Server.Listen != p.ops.address {
			p.log.WarnContext(ctx, "server.listen changes with the next start, not with a reload")
		}
		p.rest.reload(ctx, cfg)
	default:
	}
	return cfg, nil
}

// secretsEvery is how often it is looked whether a secret has changed: a token
// that was replaced is used without anybody's signal.
const secretsEvery = 15 * time.Second

// watch returns the config to go on with, on SIGHUP or when a secret that the
// config names has changed; nil when ctx ends. A config that cannot be used is
// told of, and the present one stays.
func (p *process) watch(ctx context.Context, cfg *config.Config, hup <-chan os.Signal) *config.Config {
	before := site.SecretsDigest(cfg, p.env.Getenv)
	t := time.NewTicker(secretsEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
			if site.SecretsDigest(cfg, p.env.Getenv) == before {
				continue
			}
			p.log.InfoContext(ctx, "a secret has changed")
		case <-hup:
		}
		changed, err := site.LoadConfig(p.env, p.globals)
		if err == nil {
			return changed
		}
		p.log.ErrorContext(ctx, "config cannot be used; the present one stays in force", "error", err)
		before = site.SecretsDigest(cfg, p.env.Getenv)
	}
}

// retryable reports whether opening may succeed later by itself.
func retryable(err error) bool {
	return errors.Is(err, catalog.ErrUnavailable) || errors.Is(err, storage.ErrUnavailable)
}

func newLogger(env *site.Env, g *site.Globals, format string, to io.Writer) (*slog.Logger, error) {
	level := slog.LevelInfo
	if g.Verbose {
		level = slog.LevelDebug
	}
	opts := &slog.HandlerOptions{Level: level}
	if format == "" {
		format = "json"
		if env.Terminal {
			format = "text"
		}
	}
	switch format {
	case "text":
		return slog.New(slog.NewTextHandler(to, opts)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(to, opts)), nil
	}
	return nil, site.Usagef("--log-format %q: want text or json", format)
}

func processID() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%s:%d:%x", host, os.Getpid(), time.Now().UnixNano())
}
