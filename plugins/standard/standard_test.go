package standard_test

import (
	"context"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/pluginhost"
	"github.com/fabriziosalmi/rainlogs/internal/s3test"
	"github.com/fabriziosalmi/rainlogs/plugins/standard"
	"github.com/fabriziosalmi/rainlogs/sdk"
	"github.com/fabriziosalmi/rainlogs/sdk/config"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
	"github.com/fabriziosalmi/rainlogs/sdk/storage/storagetest"
	"github.com/fabriziosalmi/rainlogs/sdk/wire"
)

// TestMain is the plugin process too, as `rainlogs plugin-serve` is.
func TestMain(m *testing.M) {
	if len(os.Args) == 4 && os.Args[1] == "plugin-serve" {
		p, ok := standard.Find(os.Args[2], os.Args[3])
		if !ok {
			os.Exit(2)
		}
		sdk.Serve(p)
		return
	}
	s3test.Main(m)
}

func TestDeclarations(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, p := range standard.Plugins() {
		if err := p.Validate(); err != nil {
			t.Error(err)
		}
		id := p.Kind() + "/" + p.Name
		if seen[id] {
			t.Errorf("%s is listed twice", id)
		}
		seen[id] = true
		if found, ok := standard.Find(p.Kind(), p.Name); !ok || found.Name != p.Name {
			t.Errorf("%s is not found", id)
		}
	}
	if _, ok := standard.Find(wire.KindSource, "fs"); ok {
		t.Error("a storage is found as a source")
	}
}

func newHost(t testing.TB) *pluginhost.Host {
	t.Helper()
	h, err := pluginhost.New(pluginhost.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return h
}

func launchFS(t testing.TB, h *pluginhost.Host) storage.Storage {
	t.Helper()
	i, err := h.Launch(context.Background(), pluginhost.Self(wire.KindStorage, "fs", config.Values{"path": t.TempDir()}))
	if err != nil {
		t.Fatal(err)
	}
	s, err := i.Storage()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestFSConformsThroughItsProcess runs the whole suite over a real plugin
// process: handshake, mutual TLS, supervision and all.
func TestFSConformsThroughItsProcess(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	storagetest.Run(t, func(t *testing.T) storage.Storage { return launchFS(t, h) })
	t.Run("IsLocal", func(t *testing.T) {
		t.Parallel()
		if _, ok := launchFS(t, h).(storage.LocalPather); !ok {
			t.Error("the announced power is not found by assertion")
		}
	})
}

// TestLogpullThroughItsProcess: its description crosses, and its settings are
// checked before any of them is handed over.
func TestLogpullThroughItsProcess(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	spec := pluginhost.Self(wire.KindSource, "logpull", config.Values{"token": "not-a-real-token"})
	i, err := h.Launch(context.Background(), spec)
	if err != nil {
		t.Fatal(err)
	}
	s, err := i.Source()
	if err != nil {
		t.Fatal(err)
	}
	d, err := s.Describe(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	// https://developers.cloudflare.com/logs/logpull/requesting-logs/
	if d.Limits.MaxWindow != time.Hour || len(d.Datasets) == 0 || d.Datasets[0].Name != "http_requests" {
		t.Errorf("describe: %+v", d)
	}
	spec.Values = config.Values{"tokn": "not-a-real-token"}
	if _, err := h.Launch(context.Background(), spec); err == nil || !strings.Contains(err.Error(), `unknown setting "tokn"`) {
		t.Errorf("%v, want an unknown setting", err)
	}
}
