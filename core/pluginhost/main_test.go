//go:build linux

package pluginhost

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-plugin"
	"go.uber.org/goleak"

	"github.com/fabriziosalmi/rainlogs/sdk"
	"github.com/fabriziosalmi/rainlogs/sdk/config"
	"github.com/fabriziosalmi/rainlogs/sdk/source"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
	"github.com/fabriziosalmi/rainlogs/sdk/wire"
)

// TestMain is also every plugin that the tests launch: the host starts this
// very binary again.
func TestMain(m *testing.M) {
	if len(os.Args) > 3 && os.Args[1] == "plugin-serve" {
		if os.Args[3] == "hostile" {
			serveHostile(os.Args[2])
			return
		}
		servePlugin(os.Args[3])
		return
	}
	if len(os.Args) > 1 && os.Args[1] == "host-until-killed" {
		hostUntilKilled()
		return
	}
	goleak.VerifyTestMain(m)
}

func servePlugin(name string) {
	p := sdk.Plugin{
		Name: "facts", Version: "1.0.0",
		Schema: config.Schema{
			{Name: "greeting", Kind: config.String, Required: true},
			{Name: "token", Kind: config.String, Secret: true},
		},
		Storage: func(v config.Values) (storage.Storage, error) {
			if v["greeting"] == "refuse" {
				return nil, fmt.Errorf("open: %w", storage.ErrPermission)
			}
			return &facts{values: v}, nil
		},
	}
	switch name {
	case "facts":
	case "numbers":
		p.Name, p.Schema, p.Storage = name, nil, nil
		p.Source = func(config.Values) (source.Source, error) { return numbers{}, nil }
	case "noisy":
		p.Name = name
		fmt.Println("hello from main, before the handshake")
		_, _ = syscall.Write(1, []byte("9|not|a handshake\n1|x\n"))
		fmt.Fprintln(os.Stderr, `{"@message":1,"@level":[]}`)
	case "quitter":
		fmt.Fprintln(os.Stderr, "cannot go on")
		os.Exit(3)
	case "mute":
		select {}
	case "endless":
		for {
			fmt.Print("no newline, no end ")
		}
	case "liar": // says that it is facts
	case "future":
		plugin.Serve(&plugin.ServeConfig{
			HandshakeConfig:  wire.Handshake(),
			VersionedPlugins: map[int]plugin.PluginSet{7: wire.Plugins(&wire.Offer{})[1]},
			GRPCServer:       plugin.DefaultGRPCServer,
			Logger:           wire.SilentLogger(),
		})
		return
	case "ahead": // speaks a version that is yet to come as well
		p.Name = name
		c := wire.ServeConfig(wire.Offer{Name: p.Name, Version: p.Version, Schema: p.Schema, OpenStorage: p.Storage})
		c.VersionedPlugins[2] = c.VersionedPlugins[1]
		plugin.Serve(c)
		return
	case "elsewhere":
		fmt.Println("1|1|unix|/tmp/some-other-socket|grpc|")
		select {}
	case "tcp":
		fmt.Println("1|1|tcp|127.0.0.1:1|grpc|")
		select {}
	}
	sdk.Serve(p)
}

// facts is a storage that tells about its own process, and misbehaves.
type facts struct {
	storage.Storage
	values config.Values
}

func (f *facts) Get(_ context.Context, key string, _, _ int64) (io.ReadCloser, error) {
	var text string
	switch key {
	case "env":
		text = strings.Join(os.Environ(), "\n")
	case "stdin":
		link, _ := os.Readlink("/proc/self/fd/0")
		rest, err := io.ReadAll(os.Stdin)
		text = fmt.Sprintf("%s %d %v", link, len(rest), err)
	case "ids":
		text = fmt.Sprintf("%d %d", os.Getpid(), syscall.Getpgrp())
	case "child":
		cmd := exec.Command("/bin/sleep", "600")
		cmd.Stderr = os.NewFile(2, "stderr") // holds the pipe to the host open
		if err := cmd.Start(); err != nil {
			return nil, err
		}
		text = fmt.Sprint(cmd.Process.Pid)
	case "values":
		text = f.values["greeting"] + " " + f.values["token"]
	default:
		return nil, storage.ErrNotFound
	}
	return io.NopCloser(strings.NewReader(text)), nil
}

func (f *facts) Stat(ctx context.Context, key string) (storage.Info, error) {
	switch key {
	case "print":
		slog.Warn("from slog", "answer", 42, "nested", slog.GroupValue(slog.String("a", "b")))
		fmt.Println("from os.Stdout")
		_, _ = syscall.Write(1, []byte("from descriptor 1\n"))
		_, _ = syscall.Write(2, []byte("from descriptor 2\n"))
		_, _ = syscall.Write(2, []byte(strings.Repeat("x", 100_000)+"\n"))
		_, _ = syscall.Write(2, []byte("\xff\xfe not UTF-8\n{\"@message\":1}\n{\"msg\":7}\nend of print\n"))
	case "crash":
		os.Exit(3)
	case "panic":
		panic("plugin panics")
	case "hang":
		<-ctx.Done()
		return storage.Info{}, ctx.Err()
	case "freeze":
		_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
		<-ctx.Done() // the signal need not come at once
	}
	return storage.Info{Key: key}, nil
}

func (f *facts) Put(_ context.Context, req storage.PutRequest, body io.Reader) (storage.Info, error) {
	slog.Info("put begins")
	n, err := io.Copy(io.Discard, body)
	return storage.Info{Key: req.Key, Size: n}, err
}

func (f *facts) List(context.Context, string, string) iter.Seq2[storage.Info, error] {
	return func(yield func(storage.Info, error) bool) {
		yield(storage.Info{Key: "a"}, nil)
		os.Exit(4)
	}
}

// numbers is a source whose window ends with the process.
type numbers struct{ source.Source }

func (numbers) Pull(_ context.Context, req source.Request) (*source.Stream, error) {
	if req.Zone == "many" {
		return &source.Stream{
			Encoding: source.Identity, Timestamps: source.Unix,
			Body:    io.NopCloser(io.LimitReader(endless{}, benchSize)),
			Trailer: func() (source.Trailer, error) { return source.Trailer{Lines: -1}, nil },
		}, nil
	}
	return &source.Stream{
		Encoding: source.Identity, Timestamps: source.Unix,
		Body: io.NopCloser(io.MultiReader(strings.NewReader("1\n2\n"), quit{})),
	}, nil
}

// benchSize is how much the zone "many" has.
const benchSize = 64 << 20

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

type quit struct{}

func (quit) Read([]byte) (int, error) { os.Exit(5); return 0, nil }

// bundle is a host with a log and a clock.
type bundle struct {
	*Host
	log   *safeBuffer
	clock *clock
}

func setup(t *testing.T, change ...func(*Config)) *bundle {
	t.Helper()
	b := &bundle{log: newSafeBuffer(), clock: &clock{now: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)}}
	c := Config{
		Logger:       slog.New(slog.NewTextHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		StartTimeout: 20 * time.Second, DrainTimeout: 5 * time.Second, Now: b.clock.Now,
	}
	for _, f := range change {
		f(&c)
	}
	var err error
	if b.Host, err = New(c); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(context.Background()); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(b.sockets.path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("socket folder is left behind: %v", err)
		}
	})
	return b
}

func greeting() config.Values { return config.Values{"greeting": "hello"} }

func launch(t *testing.T, b *bundle, spec Spec) (*Instance, storage.Storage) {
	t.Helper()
	i, err := b.Launch(context.Background(), spec)
	if err != nil {
		t.Fatal(err)
	}
	s, err := i.Storage()
	if err != nil {
		t.Fatal(err)
	}
	return i, s
}

func fact(t *testing.T, s storage.Storage, key string) string {
	t.Helper()
	r, err := s.Get(context.Background(), key, 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// pidOf returns the process id of the current process.
func pidOf(t *testing.T, s storage.Storage) int {
	t.Helper()
	var pid, group int
	if _, err := fmt.Sscan(fact(t, s, "ids"), &pid, &group); err != nil {
		t.Fatal(err)
	}
	return pid
}

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// safeBuffer collects a log and signals its growth.
type safeBuffer struct {
	mu    sync.Mutex
	b     bytes.Buffer
	grown *sync.Cond
}

func newSafeBuffer() *safeBuffer {
	s := &safeBuffer{}
	s.grown = sync.NewCond(&s.mu)
	return s
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.grown.Broadcast()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// waitFor returns the log once it holds text.
func (s *safeBuffer) waitFor(t *testing.T, text string) string {
	t.Helper()
	late := false
	timer := time.AfterFunc(20*time.Second, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		late = true
		s.grown.Broadcast()
	})
	defer timer.Stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	for !strings.Contains(s.b.String(), text) {
		if late {
			t.Fatalf("log never says %q:\n%s", text, s.b.String())
		}
		s.grown.Wait()
	}
	return s.b.String()
}

// copyOfSelf copies the test binary to a folder as a third party's plugin.
func copyOfSelf(t *testing.T, dir, base string) (path, pin string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(dir, base)
	if err := os.WriteFile(path, content, 0o755); err != nil {
		t.Fatal(err)
	}
	return path, hexOf(content)
}
