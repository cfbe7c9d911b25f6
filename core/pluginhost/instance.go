package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/fabriziosalmi/rainlogs/sdk/source"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
	"github.com/fabriziosalmi/rainlogs/sdk/wire"
)

// Instance is a plugin that is kept going. It is safe for concurrent use.
type Instance struct {
	host *Host
	spec Spec

	turn chan struct{} // holds one token: to start or close

	mu       sync.Mutex
	current  *running
	about    wire.About // of the last start
	closed   bool
	failures int // starts or runs that ended badly, in a row
	notUntil time.Time
	cause    error // of the last failed start
}

func newInstance(h *Host, spec Spec) *Instance {
	i := &Instance{host: h, spec: spec, turn: make(chan struct{}, 1)}
	i.turn <- struct{}{}
	return i
}

// About returns what the plugin said of itself when it was last started.
func (i *Instance) About() wire.About {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.about
}

// Source returns the plugin as a source.
func (i *Instance) Source() (source.Source, error) {
	if i.spec.Kind != wire.KindSource {
		return nil, fmt.Errorf("plugin %q is no source", i.spec.Name)
	}
	return &supervisedSource{i}, nil
}

// Storage returns the plugin as a storage, which is a storage.LocalPather
// exactly if the plugin announced that.
func (i *Instance) Storage() (storage.Storage, error) {
	if i.spec.Kind != wire.KindStorage {
		return nil, fmt.Errorf("plugin %q is no storage", i.spec.Name)
	}
	if i.About().Has(wire.PowerLocalPath) {
		return &supervisedLocalStorage{supervisedStorage{i}}, nil
	}
	return &supervisedStorage{i}, nil
}

// use returns the running process, and starts one if there is none.
func (i *Instance) use(ctx context.Context) (*running, error) {
	if r, err := i.have(); r != nil || err != nil {
		return r, err
	}
	select {
	case <-i.turn:
		defer func() { i.turn <- struct{}{} }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if r, err := i.have(); r != nil || err != nil { // another caller was first
		return r, err
	}
	if err := i.mayStart(); err != nil {
		return nil, err
	}
	r, err := i.host.start(ctx, i.spec, (*running).open)
	i.mu.Lock()
	defer i.mu.Unlock()
	if err != nil {
		if ctx.Err() == nil { // a caller who gave up says nothing of the plugin
			i.failed(err)
		}
		return nil, &downError{cause: err}
	}
	if i.cause != nil {
		i.host.config.Restarted(i.spec.Kind, i.spec.Name)
	}
	i.current, i.about, i.cause = r, r.about, nil
	i.host.config.Logger.LogAttrs(ctx, slog.LevelDebug, "plugin started", slog.String("kind", i.spec.Kind),
		slog.String("plugin", i.spec.Name), slog.String("version", r.about.Version), slog.String("pid", r.process.ID()))
	return r, nil
}

// have returns the live process, if any, and notes the end of a dead one.
func (i *Instance) have() (*running, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.closed {
		return nil, ErrClosed
	}
	r := i.current
	if r == nil || r.alive() {
		return r, nil
	}
	i.current = nil
	if i.host.config.Now().Sub(r.since) >= i.host.config.BackoffMax {
		i.failures = 0
	}
	i.failed(errors.Join(ErrPluginGone, r.process.Wait(context.Background())))
	i.host.config.Logger.Warn("plugin ended unasked", "kind", i.spec.Kind, "plugin", i.spec.Name, "error", i.cause)
	return nil, nil
}

// failed sets the time before which there is no other start.
func (i *Instance) failed(cause error) {
	c := i.host.config
	i.failures++
	i.cause = cause
	var wait time.Duration
	for n := 1; n < i.failures && wait < c.BackoffMax; n++ {
		wait = max(c.BackoffMin, 2*wait)
	}
	i.notUntil = c.Now().Add(min(wait, c.BackoffMax))
}

func (i *Instance) mayStart() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if wait := i.notUntil.Sub(i.host.config.Now()); wait > 0 && i.failures > 0 {
		return &downError{after: wait, cause: i.cause}
	}
	return nil
}

// suspect looks after a plugin that made no progress or broke its connection:
// one that does not even describe itself is killed, so that the next call
// gets a new process. A dying process takes a moment to be seen as dead, and
// no call may be given to it meanwhile.
func (i *Instance) suspect(r *running) {
	ctx, cancel := context.WithTimeout(context.Background(), pingWait)
	defer cancel()
	if _, err := r.client.Describe(ctx); err != nil {
		i.host.config.Logger.Warn("plugin does not answer", "kind", i.spec.Kind, "plugin", i.spec.Name, "error", err)
		r.process.kill()
		<-r.gone
	}
}

// Close drains and ends the plugin. ctx bounds the draining. Later calls
// fail with ErrClosed; Close may be called again.
func (i *Instance) Close(ctx context.Context) error {
	i.mu.Lock()
	i.closed = true
	i.mu.Unlock()
	<-i.turn // a start under way is over soon: it has a timeout of its own
	defer func() { i.turn <- struct{}{} }()
	i.mu.Lock()
	r := i.current
	i.current = nil
	i.mu.Unlock()
	if r != nil {
		r.stop(ctx, i.host.config.DrainTimeout)
	}
	i.host.forget(i)
	return nil
}

// downError: there is no process and none could be started (yet).
type downError struct {
	after time.Duration
	cause error
}

func (e *downError) Error() string {
	if e.after > 0 {
		return fmt.Sprintf("no process, next start in %s: %v", e.after.Round(time.Millisecond), e.cause)
	}
	return e.cause.Error()
}

func (e *downError) Unwrap() []error { return []error{ErrPluginGone, e.cause} }

// forStorage and forSource give an error of use its class. Only an operator
// can do something about a program that is not the pinned one.
func forStorage(err error) error {
	var down *downError
	if errors.As(err, &down) && !errors.Is(err, ErrUntrusted) {
		return fmt.Errorf("%w: %w", storage.ErrUnavailable, err)
	}
	return err
}

func forSource(op string, err error) error {
	var down *downError
	if !errors.As(err, &down) {
		return err
	}
	e := &source.Error{Op: op, Class: source.ClassRetry, After: down.after, Err: err}
	if errors.Is(err, ErrUntrusted) {
		e.Class, e.Hint = source.ClassBlocked, "check the plugin's file and its pin in the configuration"
	}
	return e
}
