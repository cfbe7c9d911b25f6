//go:build linux

package pluginhost

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fabriziosalmi/rainlogs/sdk/config"
	"github.com/fabriziosalmi/rainlogs/sdk/source"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
	"github.com/fabriziosalmi/rainlogs/sdk/wire"
)

func TestLaunchDescribesAndConfigures(t *testing.T) {
	t.Parallel()
	b := setup(t)
	values := config.Values{"greeting": "good day", "token": "s3cr3t"}
	i, s := launch(t, b, Self(wire.KindStorage, "facts", values))
	if a := i.About(); a.Name != "facts" || a.Version != "1.0.0" || len(a.Schema) != 2 {
		t.Errorf("about %+v", a)
	}
	if have := fact(t, s, "values"); have != "good day s3cr3t" {
		t.Errorf("plugin has %q", have)
	}
	if strings.Contains(b.log.String(), "s3cr3t") {
		t.Error("a secret is in the log")
	}
	if _, err := i.Source(); err == nil {
		t.Error("a storage is handed out as a source")
	}
	if _, err := s.Get(context.Background(), "nothing", 0, -1); !errors.Is(err, storage.ErrNotFound) ||
		!strings.HasPrefix(err.Error(), `storage plugin "facts": `) {
		t.Errorf("%v, want ErrNotFound that names the plugin", err)
	}
}

func TestLaunchRefuses(t *testing.T) {
	t.Parallel()
	path, pin := copyOfSelf(t, t.TempDir(), "rainlogs-storage-facts")
	args := []string{"plugin-serve", "storage", "facts"}
	facts := func(change func(*Spec)) Spec {
		s := Spec{Kind: wire.KindStorage, Name: "facts", Path: path, SHA256: pin, Args: args, Values: greeting()}
		change(&s)
		return s
	}
	tests := map[string]struct {
		spec Spec
		want string
	}{
		"kind":            {facts(func(s *Spec) { s.Kind = "sink" }), "plugin kind"},
		"name":            {facts(func(s *Spec) { s.Name = "../x" }), "not valid"},
		"relative path":   {facts(func(s *Spec) { s.Path = "x" }), "not absolute"},
		"no pin":          {facts(func(s *Spec) { s.SHA256 = "" }), "no SHA-256 pin"},
		"other pin":       {facts(func(s *Spec) { s.SHA256 = hexOf(nil) }), "pinned is"},
		"no such file":    {facts(func(s *Spec) { s.Path += "x" }), "no such file"},
		"unknown setting": {facts(func(s *Spec) { s.Values = config.Values{"greeting": "x", "gretting": "y"} }), `unknown setting "gretting"`},
		"missing setting": {facts(func(s *Spec) { s.Values = nil }), `setting "greeting" is missing`},
		"refuses to open": {facts(func(s *Spec) { s.Values = config.Values{"greeting": "refuse"} }), "permission denied"},
		"another name":    {Self(wire.KindStorage, "liar", greeting()), `it says it is the storage plugin "facts"`},
		"another kind":    {Spec{Kind: wire.KindSource, Name: "facts", Path: path, SHA256: pin, Args: args}, `it says it is the storage plugin "facts"`},
		"quits":           {Self(wire.KindStorage, "quitter", nil), "start"},
		"other socket":    {Self(wire.KindStorage, "elsewhere", nil), "not on a socket in its folder"},
		"tcp":             {Self(wire.KindStorage, "tcp", nil), "not on a socket in its folder"},
	}
	b := setup(t)
	for name, test := range tests {
		_, err := b.Launch(context.Background(), test.spec)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
	b.log.waitFor(t, "cannot go on") // why the quitter quit
	if left, _ := os.ReadDir(b.sockets.path); len(left) != 1 || left[0].Name() != aliveName {
		t.Errorf("refused plugins left %v behind", left)
	}
}

func TestStartThatHangsIsCalledOff(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"mute", "endless"} {
		ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
		defer cancel()
		if _, err := setup(t).Launch(ctx, Self(wire.KindStorage, name, nil)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s, caller gives up: %v, want DeadlineExceeded", name, err)
		}
		b := setup(t, func(c *Config) { c.StartTimeout = 300 * time.Millisecond })
		if _, err := b.Launch(context.Background(), Self(wire.KindStorage, name, nil)); err == nil {
			t.Errorf("%s, host gives up: no error", name)
		}
	}
}

func TestCrashIsAnErrorOfTheCallsUnderWay(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, s := launch(t, b, Self(wire.KindStorage, "facts", greeting()))
	ctx := context.Background()
	first := pidOf(t, s)
	body, feed := io.Pipe()
	put := make(chan error, 1)
	go func() {
		_, err := s.Put(ctx, storage.PutRequest{Key: "k", Size: 1 << 30}, body)
		_ = body.CloseWithError(io.ErrClosedPipe)
		put <- err
	}()
	b.log.waitFor(t, "put begins")
	if _, err := s.Stat(ctx, "panic"); !errors.Is(err, ErrPluginGone) || !errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("panic: %v, want ErrPluginGone and ErrUnavailable", err)
	}
	for { // the upload notices at its next frame
		if _, err := feed.Write(make([]byte, 64<<10)); err != nil {
			break
		}
	}
	if err := <-put; !errors.Is(err, ErrPluginGone) {
		t.Errorf("put: %v, want ErrPluginGone", err)
	}
	b.log.waitFor(t, "plugin panics") // with its stack, on stderr
	if second := pidOf(t, s); second == first {
		t.Error("not restarted")
	}
	b.clock.Advance(time.Hour)
	seen := 0
	var last error
	for _, err := range s.List(ctx, "", "") {
		if last = err; err == nil {
			seen++
		}
	}
	if !errors.Is(last, ErrPluginGone) {
		t.Errorf("list ended with %v after %d, want ErrPluginGone", last, seen)
	}
}

func TestSourceCrashIsARetry(t *testing.T) {
	t.Parallel()
	b := setup(t)
	i, err := b.Launch(context.Background(), Self(wire.KindSource, "numbers", nil))
	if err != nil {
		t.Fatal(err)
	}
	s, err := i.Source()
	if err != nil {
		t.Fatal(err)
	}
	pull := func() error {
		stream, err := s.Pull(context.Background(), source.Request{Zone: "z"})
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, stream.Body)
		return errors.Join(err, stream.Body.Close())
	}
	if err := pull(); !errors.Is(err, ErrPluginGone) || source.ClassOf(err) != source.ClassRetry {
		t.Errorf("first pull: %v, want ErrPluginGone of class retry", err)
	}
	if err := pull(); !errors.Is(err, ErrPluginGone) {
		t.Errorf("second pull: %v, want ErrPluginGone", err)
	}
	var e *source.Error
	if err := pull(); !errors.As(err, &e) || e.Class != source.ClassRetry || e.After != b.config.BackoffMin {
		t.Errorf("third pull: %v, want a retry after %s", err, b.config.BackoffMin)
	}
}

func TestRestartBacksOff(t *testing.T) {
	t.Parallel()
	restarted := 0
	b := setup(t, func(c *Config) {
		c.BackoffMin, c.BackoffMax = time.Second, 3*time.Second
		c.Restarted = func(kind, name string) {
			if kind != wire.KindStorage || name != "facts" {
				t.Errorf("restarted: %s %s", kind, name)
			}
			restarted++
		}
	})
	_, s := launch(t, b, Self(wire.KindStorage, "facts", greeting()))
	ctx := context.Background()
	for n, wait := range []time.Duration{0, time.Second, 2 * time.Second, 3 * time.Second, 3 * time.Second} {
		if _, err := s.Stat(ctx, "crash"); !errors.Is(err, ErrPluginGone) {
			t.Fatalf("crash %d: %v", n, err)
		}
		if wait > 0 {
			for range 2 { // the first notices the end, both are refused
				if _, err := s.Stat(ctx, "fine"); !errors.Is(err, ErrPluginGone) || !errors.Is(err, storage.ErrUnavailable) {
					t.Fatalf("right after crash %d: %v, want ErrPluginGone and ErrUnavailable", n, err)
				}
				b.clock.Advance(wait - time.Millisecond)
				wait = time.Millisecond
			}
			b.clock.Advance(time.Millisecond)
		}
		if _, err := s.Stat(ctx, "fine"); err != nil {
			t.Fatalf("after the wait that follows crash %d: %v", n, err)
		}
	}
	b.clock.Advance(time.Minute) // a long life is forgiven
	_, _ = s.Stat(ctx, "crash")
	if _, err := s.Stat(ctx, "fine"); err != nil {
		t.Errorf("first crash after a long life: %v", err)
	}
	if restarted != 6 {
		t.Errorf("told of %d restarts, want 6", restarted)
	}
}

func TestHangIsCutOff(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *Config) { c.Calls.Idle = time.Second })
	_, s := launch(t, b, Self(wire.KindStorage, "facts", greeting()))
	ctx := context.Background()
	before := pidOf(t, s)
	if _, err := s.Stat(ctx, "hang"); !errors.Is(err, wire.ErrIdle) || !errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("hang: %v, want ErrIdle and ErrUnavailable", err)
	}
	if pidOf(t, s) != before {
		t.Error("a plugin that answers otherwise was restarted")
	}
	if _, err := s.Stat(ctx, "freeze"); !errors.Is(err, wire.ErrIdle) {
		t.Errorf("freeze: %v, want ErrIdle", err)
	}
	if pidOf(t, s) == before {
		t.Error("a frozen plugin was not replaced")
	}
}

func TestManyCallersOneRestart(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, s := launch(t, b, Self(wire.KindStorage, "facts", greeting()))
	_, _ = s.Stat(context.Background(), "crash")
	pids := make([]int, 8)
	var wg sync.WaitGroup
	for n := range pids {
		wg.Go(func() { pids[n] = pidOf(t, s) })
	}
	wg.Wait()
	for _, pid := range pids {
		if pid != pids[0] {
			t.Fatalf("several processes: %v", pids)
		}
	}
}

func TestClosedHost(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, s := launch(t, b, Self(wire.KindStorage, "facts", greeting()))
	gone := watchPID(t, pidOf(t, s))
	for range 2 {
		if err := b.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	gone(t)
	if _, err := b.Launch(context.Background(), Self(wire.KindStorage, "facts", greeting())); !errors.Is(err, ErrClosed) {
		t.Errorf("launch: %v, want ErrClosed", err)
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(base string, mode os.FileMode) string {
		path := filepath.Join(dir, base)
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	want, err := filepath.EvalSymlinks(write("rainlogs-storage-good", 0o755))
	if err != nil {
		t.Fatal(err)
	}
	write("rainlogs-storage-plain", 0o644)
	write("rainlogs-storage-open", 0o775)
	for link, target := range map[string]string{"inside": "rainlogs-storage-good", "outside": "/bin/sh", "up": "../../../../../bin/sh"} {
		if err := os.Symlink(target, filepath.Join(dir, "rainlogs-storage-"+link)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"good", "inside"} {
		if have, err := Find(dir, wire.KindStorage, name); err != nil || have != want {
			t.Errorf("%s: %q, %v, want %q", name, have, err, want)
		}
	}
	for _, name := range []string{"plain", "open", "outside", "up"} {
		if _, err := Find(dir, wire.KindStorage, name); !errors.Is(err, ErrUntrusted) && name != "up" || err == nil {
			t.Errorf("%s: %v, want ErrUntrusted", name, err)
		}
	}
	for _, name := range []string{"missing", "../good", "", "Good"} {
		if _, err := Find(dir, wire.KindStorage, name); err == nil {
			t.Errorf("%q was found", name)
		}
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := Find(dir, wire.KindStorage, "good"); !errors.Is(err, ErrUntrusted) {
		t.Errorf("folder for all to write: %v, want ErrUntrusted", err)
	}
}

func TestLaunchIsFast(t *testing.T) { // not parallel: it is timed
	b := setup(t)
	launch(t, b, Self(wire.KindStorage, "facts", greeting())) // warms the page cache
	best := time.Hour
	for range 5 {
		start := time.Now()
		launch(t, b, Self(wire.KindStorage, "facts", greeting()))
		best = min(best, time.Since(start))
	}
	t.Logf("fastest of 5 launches: %s", best)
	if limit := 100 * time.Millisecond; best > limit && !raceEnabled {
		t.Errorf("%s, want at most %s", best, limit)
	}
}
