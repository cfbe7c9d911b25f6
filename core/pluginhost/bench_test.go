//go:build linux

package pluginhost

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"testing"

	"github.com/fabriziosalmi/rainlogs/sdk/source"
	"github.com/fabriziosalmi/rainlogs/sdk/wire"
)

// BenchmarkPull is the bytes per second of a source that makes them from
// nothing: what is measured is the boundary.
func BenchmarkPull(b *testing.B) {
	h, err := New(Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = h.Close(context.Background()) }()
	i, err := h.Launch(context.Background(), Self(wire.KindSource, "numbers", nil))
	if err != nil {
		b.Fatal(err)
	}
	s, err := i.Source()
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(benchSize)
	for b.Loop() {
		stream, err := s.Pull(context.Background(), source.Request{Zone: "many"})
		if err != nil {
			b.Fatal(err)
		}
		n, err := io.Copy(io.Discard, stream.Body)
		if err := errors.Join(err, stream.Body.Close()); err != nil || n != benchSize {
			b.Fatal(n, err)
		}
	}
}

func BenchmarkLaunch(b *testing.B) {
	h, err := New(Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = h.Close(context.Background()) }()
	for b.Loop() {
		i, err := h.Launch(context.Background(), Self(wire.KindStorage, "facts", greeting()))
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if err := i.Close(context.Background()); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}
