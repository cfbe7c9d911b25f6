//go:build linux

package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fabriziosalmi/rainlogs/sdk/source"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
	"github.com/fabriziosalmi/rainlogs/sdk/wire"
)

// memoryBound is how much the host may grow over a hostile call, with what the
// connection's windows and the race detector take.
const memoryBound = 96 << 20

// hostileCase is one thing that a plugin does to its host.
type hostileCase struct {
	name string
	want error
	says string // the words of the error that tell what was wrong
}

// TestHostileProcess is the checklist of what a plugin may do to its host,
// over real processes: each is one operation that fails and says why; after it
// the same plugin and another one answer; the host does not grow; and once the
// host is closed nothing of it runs any more. It is not parallel: memory is
// measured.
//
//nolint:paralleltest // memory is measured
func TestHostileProcess(t *testing.T) {
	for _, kind := range []string{wire.KindStorage, wire.KindSource} {
		ops := storageOps()
		if kind == wire.KindSource {
			ops = sourceOps()
		}
		for op, cases := range ops {
			for _, c := range cases {
				t.Run(fmt.Sprintf("%s/%s/%s", kind, op, c.name), func(t *testing.T) { testHostile(t, kind, op, c) })
			}
		}
	}
}

func storageOps() map[string][]hostileCase {
	return map[string][]hostileCase{
		"get": {
			{"wrong-hash", storage.ErrCorrupt, "another SHA-256"},
			{"lying-length", storage.ErrCorrupt, "bytes"},
			{"endless", wire.ErrProtocol, "more than"},
			{"crash", ErrPluginGone, "process is gone"},
			{"hang", wire.ErrIdle, "no progress for 1s"},
			{"fork-crash", ErrPluginGone, "process is gone"},
			{"stdout", nil, ""},
		},
		"stat": {
			{"other-key", wire.ErrProtocol, "another object"},
			{"other-size", wire.ErrProtocol, "another object"},
			{"crash", ErrPluginGone, "process is gone"},
			{"hang", wire.ErrIdle, "no progress for 1s"},
		},
		"put": {
			{"other-key", wire.ErrProtocol, "receipt"},
			{"other-size", wire.ErrProtocol, "receipt"},
			{"crash", ErrPluginGone, "process is gone"},
			{"hang", wire.ErrIdle, "no progress for 1s"},
			{"fork-crash", ErrPluginGone, "process is gone"},
		},
		"list": {
			{"up/", wire.ErrProtocol, "key"},
			{"endless/", wire.ErrProtocol, "more than"},
		},
		"path": {
			{"device", wire.ErrProtocol, "file"},
			{"path-up", wire.ErrProtocol, "path"},
		},
	}
}

func sourceOps() map[string][]hostileCase {
	return map[string][]hostileCase{
		"pull": {
			{"wrong-hash", wire.ErrProtocol, "another SHA-256"},
			{"lying-length", wire.ErrProtocol, "bytes"},
			{"endless", wire.ErrProtocol, "more than"},
			{"fields", wire.ErrProtocol, "fields"},
			{"half", ErrPluginGone, "process is gone"},
			{"crash", ErrPluginGone, "process is gone"},
			{"hang", wire.ErrIdle, "no progress for 1s"},
			{"fork-crash", ErrPluginGone, "process is gone"},
			{"stdout", nil, ""},
		},
		"probe": {
			{"endless", wire.ErrProtocol, "100000 fields"},
			{"crash", ErrPluginGone, "process is gone"},
			{"hang", wire.ErrIdle, "no progress for 1s"},
		},
	}
}

func testHostile(t *testing.T, kind, op string, c hostileCase) {
	b := setup(t, func(cfg *Config) {
		cfg.Calls = wire.Config{MaxStream: 256 << 20, MaxList: 100_000}
		if errors.Is(c.want, wire.ErrIdle) {
			cfg.Calls.Idle, cfg.Calls.Commit = time.Second, time.Second
		}
	})
	_, healthy := launch(t, b, Self(wire.KindStorage, "facts", greeting()))
	i, err := b.Launch(context.Background(), Self(kind, "hostile", nil))
	if err != nil {
		t.Fatal(err)
	}
	call := caller(t, i, kind)
	grown := watchMemory()
	err = call(op, c.name)
	heap, rss := grown()
	switch {
	case c.want == nil && err != nil, !errors.Is(err, c.want):
		t.Errorf("%v, want %v", err, c.want)
	case err != nil && (!strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), `"hostile"`) || len(err.Error()) > 5000):
		t.Errorf("%q does not name the plugin and say %q", err, c.says)
	}
	if heap > memoryBound || rss > 2*memoryBound {
		t.Errorf("the host grew by %d MiB of heap, %d MiB in all", heap>>20, rss>>20)
	}
	if n := len(b.log.String()); n > 2<<20 {
		t.Errorf("%d bytes of its output are in the log", n)
	}
	t.Logf("%v; heap +%d MiB, resident +%d MiB", err, heap>>20, rss>>20)
	b.clock.Advance(time.Hour)
	if err := call(map[string]string{wire.KindStorage: "stat", wire.KindSource: "probe"}[kind], "good"); err != nil {
		t.Errorf("the next call: %v", err)
	}
	if got := fact(t, healthy, "values"); got != "hello " {
		t.Errorf("another plugin says %q", got)
	}
	if err := b.Close(context.Background()); err != nil {
		t.Error(err)
	}
	if left := leftOf(t, b.sockets.path); len(left) > 0 {
		t.Errorf("processes %v are left behind", left)
	}
}

// caller makes calls of an instance by name.
func caller(t *testing.T, i *Instance, kind string) func(op, name string) error {
	t.Helper()
	ctx := context.Background()
	if kind == wire.KindSource {
		s, err := i.Source()
		if err != nil {
			t.Fatal(err)
		}
		return func(op, name string) error {
			if op == "probe" {
				_, err := s.Probe(ctx, name)
				return err
			}
			st, err := s.Pull(ctx, source.Request{Zone: name})
			if err != nil {
				return err
			}
			_, err = io.Copy(io.Discard, st.Body)
			return errors.Join(err, st.Body.Close())
		}
	}
	s, err := i.Storage()
	if err != nil {
		t.Fatal(err)
	}
	return func(op, name string) error {
		switch op {
		case "get":
			r, err := s.Get(ctx, name, 0, -1)
			if err != nil {
				return err
			}
			_, err = io.Copy(io.Discard, r)
			return errors.Join(err, r.Close())
		case "put":
			_, err := s.Put(ctx, storage.PutRequest{Key: name, Size: 5, SHA256: hexOf([]byte("hello"))}, strings.NewReader("hello"))
			return err
		case "list":
			for _, err := range s.List(ctx, name, "") {
				if err != nil {
					return err
				}
			}
			return nil
		case "path":
			_, err := s.(storage.LocalPather).LocalPath(ctx, name)
			return err
		}
		_, err := s.Stat(ctx, name)
		return err
	}
}

// watchMemory samples the process until its answer is asked for: by how much
// the heap and all that is resident have grown at the most.
func watchMemory() (grown func() (heap, rss int64)) {
	runtime.GC()
	heap0, rss0 := memoryNow()
	type peaks struct{ heap, rss int64 }
	stop, done := make(chan struct{}), make(chan peaks)
	go func() { // until it is asked
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		var p peaks
		for {
			heap, rss := memoryNow()
			p.heap, p.rss = max(p.heap, heap-heap0), max(p.rss, rss-rss0)
			select {
			case <-tick.C:
			case <-stop:
				done <- p
				return
			}
		}
	}()
	return func() (int64, int64) {
		close(stop)
		p := <-done
		return p.heap, p.rss
	}
}

func memoryNow() (heap, rss int64) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return int64(m.HeapInuse), 0 //nolint:gosec // a size
	}
	pages, _ := strconv.ParseInt(strings.Fields(string(b))[1], 10, 64)
	return int64(m.HeapInuse), pages * int64(os.Getpagesize()) //nolint:gosec // a size
}

// leftOf are the processes, children of plugins too, that were started with a
// host's socket folder.
func leftOf(t *testing.T, folder string) (left []string) {
	t.Helper()
	environs, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range environs {
		b, err := os.ReadFile(path)
		if err == nil && strings.Contains(string(b), folder) {
			left = append(left, filepath.Base(filepath.Dir(path)))
		}
	}
	return left
}

// TestForksDieWithTheirPlugin: what a plugin has started does not outlive it,
// however it ends.
func TestForksDieWithTheirPlugin(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, s := launch(t, b, Self(wire.KindStorage, "hostile", nil))
	var child int
	if _, err := fmt.Sscan(fact(t, s, "fork"), &child); err != nil || child == 0 {
		t.Fatalf("child %d, %v", child, err)
	}
	gone := watchPID(t, child)
	if _, err := s.Stat(context.Background(), "crash"); !errors.Is(err, ErrPluginGone) {
		t.Errorf("crash: %v, want ErrPluginGone", err)
	}
	gone(t)
	if _, err := s.Stat(context.Background(), "good"); err != nil {
		t.Errorf("after it: %v", err)
	}
}
