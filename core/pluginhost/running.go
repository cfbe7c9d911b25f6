package pluginhost

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/fabriziosalmi/rainlogs/sdk/source"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
	"github.com/fabriziosalmi/rainlogs/sdk/wire"
)

// running is a plugin process that has been configured.
type running struct {
	process  *process
	conn     *grpc.ClientConn
	client   *wire.Client
	protocol int // the version that was agreed on
	about    wire.About
	since    time.Time
	gone     chan struct{} // closed once process, connection and folder are gone

	source  source.Source
	storage storage.Storage
}

// start starts one process of a plugin and opens it. Everything is made anew
// each time: go-plugin fills in the configuration it is given and cannot start
// twice.
func (h *Host) start(ctx context.Context, spec Spec, open func(*running, context.Context, Spec) error) (_ *running, err error) {
	ctx, cancel := context.WithTimeout(ctx, h.config.StartTimeout)
	defer cancel()
	log := newPluginLog(h.config.Logger.With("plugin", spec.label()), h.config.Now)
	p := &process{spec: spec, log: log.stream(), exited: make(chan struct{})}
	stop := context.AfterFunc(ctx, p.kill)
	defer stop()

	config := h.clientConfig(p, log.stream())
	client := plugin.NewClient(config)
	address, err := client.Start()
	if err != nil {
		p.kill()
		if p.env != nil { // then go-plugin called Start too
			<-p.exited
		}
		h.removeSockets(p)
		if ctx.Err() != nil {
			err = fmt.Errorf("%w: %w", ctx.Err(), err)
		}
		return nil, fmt.Errorf("start: %w", err)
	}
	r := &running{process: p, protocol: client.NegotiatedVersion(), since: h.config.Now(), gone: make(chan struct{})}
	r.conn, err = dial(address, config)
	if err != nil {
		p.kill()
		<-p.exited
		h.removeSockets(p)
		return nil, fmt.Errorf("connect: %w", err)
	}
	r.client = wire.NewClient(r.conn, h.config.Calls)
	go h.watch(r, log)
	if err := open(r, ctx, spec); err != nil {
		p.kill()
		<-r.gone
		return nil, err
	}
	return r, nil
}

func (h *Host) clientConfig(p *process, stderr io.Writer) *plugin.ClientConfig {
	return &plugin.ClientConfig{
		HandshakeConfig:  wire.Handshake(),
		VersionedPlugins: h.versions(),
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		AutoMTLS:         true,
		SkipHostEnv:      true,
		StartTimeout:     h.config.StartTimeout,
		Logger:           wire.SilentLogger(),
		Stderr:           stderr,
		UnixSocketConfig: &plugin.UnixSocketConfig{TempDir: h.sockets.path},
		RunnerFunc: func(_ hclog.Logger, cmd *exec.Cmd, tmp string) (runner.Runner, error) {
			p.env, p.tmp = cmd.Env, tmp
			return p, nil
		},
	}
}

// dial connects to the plugin with the certificates of the handshake.
func dial(address net.Addr, config *plugin.ClientConfig) (*grpc.ClientConn, error) {
	options := append(wire.DialOptions(),
		grpc.WithTransportCredentials(credentials.NewTLS(config.TLSConfig)),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, address.Network(), address.String())
		}),
	)
	return grpc.NewClient("passthrough:///plugin", options...)
}

// describe asks the plugin what it is, and checks that it is the one that was
// asked for and speaks what was agreed on.
func (r *running) describe(ctx context.Context, spec Spec) error {
	about, err := r.client.Describe(ctx)
	switch {
	case err != nil:
		return err
	case spec.Name != "" && (about.Kind != spec.Kind || about.Name != spec.Name):
		return fmt.Errorf("%w: it says it is the %s plugin %q", ErrUntrusted, about.Kind, about.Name)
	case about.Protocol != r.protocol:
		return fmt.Errorf("%w: it says it speaks protocol %d, agreed is %d", wire.ErrProtocol, about.Protocol, r.protocol)
	}
	r.about = about
	return nil
}

// open describes the plugin, checks that the settings fit it, and only then
// hands them over.
func (r *running) open(ctx context.Context, spec Spec) error {
	if err := r.describe(ctx, spec); err != nil {
		return err
	}
	values, err := r.about.Schema.Check(spec.Values)
	if err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	if spec.Admit != nil {
		if err := spec.Admit(r.about, values); err != nil {
			return err
		}
	}
	if r.about, err = r.client.Configure(ctx, values); err != nil {
		return err
	}
	if r.about.Kind == wire.KindSource {
		r.source = r.client.Source()
	} else {
		r.storage = r.client.Storage(r.about)
	}
	return nil
}

// watch carries the plugin's output to the log until the process ends, then
// takes away what is left of it. Calls under way end with ErrPluginGone.
func (h *Host) watch(r *running, log *pluginLog) {
	var wg sync.WaitGroup
	wg.Go(func() { r.client.CopyStdio(context.Background(), log.stream(), log.stream()) })
	<-r.process.exited
	_ = r.conn.Close() // the other end is gone
	wg.Wait()
	h.removeSockets(r.process)
	close(r.gone)
}

func (h *Host) removeSockets(p *process) {
	if p.tmp == "" {
		return
	}
	if err := os.RemoveAll(p.tmp); err != nil {
		h.config.Logger.Warn("remove a plugin's socket folder", "error", err)
	}
}

// Bounds on the steps of a stop after draining.
const (
	shutdownWait = 2 * time.Second
	pingWait     = 5 * time.Second
)

// stop ends the process: drain, shutdown, then SIGKILL to the whole group.
func (r *running) stop(ctx context.Context, drain time.Duration) {
	defer func() {
		r.process.kill()
		<-r.gone
	}()
	drainCtx, cancel := context.WithTimeout(ctx, drain)
	defer cancel()
	if r.client.Drain(drainCtx) != nil {
		return // it hangs or is gone: kill says nothing new
	}
	shutCtx, cancelShut := context.WithTimeout(ctx, shutdownWait)
	defer cancelShut()
	if r.client.Shutdown(shutCtx) != nil {
		return
	}
	select {
	case <-r.gone:
	case <-shutCtx.Done():
	}
}

// alive reports whether the process has not ended.
func (r *running) alive() bool {
	select {
	case <-r.process.exited:
		return false
	default:
		return true
	}
}
