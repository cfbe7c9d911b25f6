package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/hashicorp/go-plugin"

	"github.com/fabriziosalmi/rainlogs/sdk/wire"
)

// ErrPluginGone: see wire.ErrPluginGone.
var ErrPluginGone = wire.ErrPluginGone

// ErrClosed: the host or the instance has been closed.
var ErrClosed = errors.New("plugin host is closed")

// Config says how a Host treats its plugins. The zero value means defaults.
type Config struct {
	Logger *slog.Logger // default: slog.Default()
	// TempDir holds the folders of the plugins' sockets; default os.TempDir,
	// or /tmp where that path is too long for a socket.
	TempDir string
	// StartTimeout is for all of a start, from fork to configured: default 30 s.
	StartTimeout time.Duration
	// DrainTimeout is how long live calls may go on when a plugin is closed:
	// default 10 s.
	DrainTimeout time.Duration
	// BackoffMin is the wait after the second crash in a row, doubled after
	// each more up to BackoffMax: default 500 ms and 1 min. After the first
	// crash there is none. A process that lived for BackoffMax counts as well.
	BackoffMin, BackoffMax time.Duration
	// Calls bounds the calls to a plugin.
	Calls wire.Config
	// Restarted is told of a plugin that was started again after it had ended
	// unasked; may be nil. It must not call the plugin.
	Restarted func(kind, name string)
	// Now is the clock of backoffs and logs: default time.Now.
	Now func() time.Time
}

func (c Config) withDefaults() Config {
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Restarted == nil {
		c.Restarted = func(string, string) {}
	}
	for _, d := range []struct {
		have  *time.Duration
		value time.Duration
	}{
		{&c.StartTimeout, 30 * time.Second},
		{&c.DrainTimeout, 10 * time.Second},
		{&c.BackoffMin, 500 * time.Millisecond},
		{&c.BackoffMax, time.Minute},
	} {
		if *d.have <= 0 {
			*d.have = d.value
		}
	}
	return c
}

// Host launches plugins and owns what they leave in the file system. Close it
// when every user of its instances is done.
type Host struct {
	config   Config
	sockets  *socketDir
	versions func() map[int]plugin.PluginSet // of the protocol; a fresh map each time

	mu        sync.Mutex
	closed    bool
	instances map[*Instance]bool
}

// New returns a Host. It makes one folder, mode 0700, for sockets.
func New(c Config) (*Host, error) {
	c = c.withDefaults()
	base := c.TempDir
	if base == "" {
		base = os.TempDir()
		// "/rl" and two random names, then the socket's: 104 bytes are the
		// least that any system allows a socket's path (sun_path, unix(7)).
		if len(base)+len("/rl1234567890/plugin-dir1234567890/plugin1234567890") >= 104 {
			base = "/tmp"
		}
	}
	dir, err := newSocketDir(base)
	if err != nil {
		return nil, err
	}
	return &Host{
		config: c, sockets: dir, instances: map[*Instance]bool{},
		versions: func() map[int]plugin.PluginSet { return wire.Plugins(nil) },
	}, nil
}

// Launch starts a plugin and returns once it is configured. Close the
// Instance, or the Host.
func (h *Host) Launch(ctx context.Context, spec Spec) (*Instance, error) {
	if err := spec.validate(); err != nil {
		return nil, err
	}
	i := newInstance(h, spec)
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return nil, ErrClosed
	}
	h.instances[i] = true
	h.mu.Unlock()
	if _, err := i.use(ctx); err != nil {
		_ = i.Close(ctx) // never started
		return nil, fmt.Errorf("%s plugin %q: %w", spec.Kind, spec.Name, err)
	}
	return i, nil
}

// Describe starts a program, under the same guard as any plugin, asks it what
// it is, and ends it. It gets no settings. Of spec, Kind and Name may be empty:
// the program may then say what it likes.
func (h *Host) Describe(ctx context.Context, spec Spec) (wire.About, error) {
	if err := spec.validateProgram(); err != nil {
		return wire.About{}, err
	}
	r, err := h.start(ctx, spec, (*running).describe)
	if err != nil {
		return wire.About{}, fmt.Errorf("describe %s: %w", spec.label(), err)
	}
	r.stop(ctx, h.config.DrainTimeout)
	return r.about, nil
}

func (h *Host) forget(i *Instance) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.instances, i)
}

// Close closes all instances at once and leaves no process and no file. ctx
// bounds the draining: when it is done, what still runs is killed.
func (h *Host) Close(ctx context.Context) error {
	h.mu.Lock()
	h.closed = true
	instances := make([]*Instance, 0, len(h.instances))
	for i := range h.instances {
		instances = append(instances, i)
	}
	h.mu.Unlock()
	var wg sync.WaitGroup
	errs := make([]error, len(instances))
	for n, i := range instances {
		wg.Go(func() { errs[n] = i.Close(ctx) })
	}
	wg.Wait()
	if err := h.sockets.remove(); err != nil {
		errs = append(errs, fmt.Errorf("remove socket folder: %w", err))
	}
	return errors.Join(errs...)
}
