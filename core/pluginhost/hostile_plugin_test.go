//go:build linux

package pluginhost

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"syscall"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/fabriziosalmi/rainlogs/sdk/config"
	"github.com/fabriziosalmi/rainlogs/sdk/source"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
	"github.com/fabriziosalmi/rainlogs/sdk/wire"
)

// serveHostile is a plugin that does without what sdk.Serve keeps in order:
// its standard output is the real one, and what it sends is changed behind the
// server that would have been truthful.
func serveHostile(kind string) {
	offer := wire.Offer{Name: "hostile", Version: "1.0.0"}
	if kind == wire.KindSource {
		offer.OpenSource = func(config.Values) (source.Source, error) { return hostileSource{}, nil }
	} else {
		offer.OpenStorage = func(config.Values) (storage.Storage, error) { return &hostileStorage{}, nil }
	}
	c := wire.ServeConfig(offer)
	c.GRPCServer = func(opts []grpc.ServerOption) *grpc.Server {
		return grpc.NewServer(append(opts,
			grpc.ChainStreamInterceptor(func(srv any, s grpc.ServerStream, _ *grpc.StreamServerInfo, h grpc.StreamHandler) error {
				return h(srv, &lyingStream{ServerStream: s})
			}),
			grpc.ChainUnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, h grpc.UnaryHandler) (any, error) {
				resp, err := h(ctx, req)
				lie(resp, asked(req))
				return resp, err
			}))...)
	}
	plugin.Serve(c)
}

// lyingStream changes what is sent by what was asked for.
type lyingStream struct {
	grpc.ServerStream
	asked string
}

func (l *lyingStream) RecvMsg(m any) error {
	err := l.ServerStream.RecvMsg(m)
	if a := asked(m); a != "" {
		l.asked = a
	}
	return err
}

func (l *lyingStream) SendMsg(m any) error {
	lie(m, l.asked)
	return l.ServerStream.SendMsg(m)
}

// asked is the key, zone or prefix in a request; the messages' own types are
// the wire's secret.
func asked(m any) string {
	v := reflect.ValueOf(m).Elem()
	if h := v.FieldByName("Part"); h.IsValid() && !h.IsNil() {
		if h = h.Elem().Elem().FieldByName("Header"); h.IsValid() {
			v = h.Elem()
		}
	}
	for _, name := range []string{"Key", "Zone", "Prefix"} {
		if f := v.FieldByName(name); f.IsValid() && f.Kind() == reflect.String && f.String() != "" {
			return f.String()
		}
	}
	return ""
}

// lie changes a digest, or what a receipt or a list names.
func lie(m any, asked string) {
	if m == nil || reflect.ValueOf(m).IsNil() {
		return
	}
	set := func(v reflect.Value, name string, to any) {
		if f := v.FieldByName(name); f.IsValid() {
			f.Set(reflect.ValueOf(to))
		}
	}
	v := reflect.ValueOf(m).Elem()
	if get := reflect.ValueOf(m).MethodByName("GetTrailer"); get.IsValid() {
		if d := get.Call(nil)[0]; !d.IsNil() {
			if inner := d.Elem().FieldByName("Digest"); inner.IsValid() {
				d = inner // of a pull
			}
			switch asked {
			case "wrong-hash":
				set(d.Elem(), "Sha256", strings.Repeat("0", 64))
			case "lying-length":
				set(d.Elem(), "Length", int64(1)<<40)
			}
		}
		return
	}
	switch asked {
	case "other-key":
		set(v, "Key", "../../etc/passwd")
	case "other-size":
		set(v, "Size", int64(-1))
	}
	if objects := v.FieldByName("Objects"); objects.IsValid() && objects.Len() > 0 && asked == "up/" {
		set(objects.Index(0).Elem(), "Key", "up/../../../etc/passwd")
	}
	if path := v.FieldByName("Path"); path.IsValid() && asked == "path-up" {
		path.SetString("/tmp/../etc/passwd")
	}
}

// misbehave does what a key or a zone is called after.
func misbehave(name string) {
	switch name {
	case "crash":
		os.Exit(3)
	case "hang":
		select {} // whatever becomes of the call
	case "fork-crash":
		forked()
		os.Exit(4)
	case "stdout":
		line := bytes.Repeat([]byte("no end "), 8<<10)
		for range 1 << 10 { // 56 MiB each, without a line feed
			_, _ = syscall.Write(1, line)
			_, _ = syscall.Write(2, line)
		}
	}
}

// forked starts a child that holds the plugin's pipes open.
func forked() int {
	cmd := exec.Command("/bin/sleep", "600")
	cmd.Stdout, cmd.Stderr = os.NewFile(1, "stdout"), os.NewFile(2, "stderr")
	if cmd.Start() != nil {
		return 0
	}
	return cmd.Process.Pid
}

type hostileStorage struct{ storage.Storage }

func (h *hostileStorage) Get(_ context.Context, key string, _, _ int64) (io.ReadCloser, error) {
	switch key {
	case "endless":
		return io.NopCloser(endless{}), nil
	case "ids":
		return io.NopCloser(strings.NewReader(fmt.Sprintf("%d %d", os.Getpid(), syscall.Getpgrp()))), nil
	case "fork":
		return io.NopCloser(strings.NewReader(fmt.Sprint(forked()))), nil
	}
	misbehave(key)
	return io.NopCloser(strings.NewReader("hello")), nil
}

func (h *hostileStorage) Stat(_ context.Context, key string) (storage.Info, error) {
	misbehave(key)
	return storage.Info{Key: key, Size: 5}, nil
}

func (h *hostileStorage) Put(_ context.Context, req storage.PutRequest, body io.Reader) (storage.Info, error) {
	misbehave(req.Key)
	n, err := io.Copy(io.Discard, body)
	return storage.Info{Key: req.Key, Size: n}, err
}

func (h *hostileStorage) List(_ context.Context, prefix, _ string) iter.Seq2[storage.Info, error] {
	return func(yield func(storage.Info, error) bool) {
		for i := 0; prefix == "endless/" || i < 2; i++ {
			if !yield(storage.Info{Key: fmt.Sprintf("%s%015d", prefix, i)}, nil) {
				return
			}
		}
	}
}

func (h *hostileStorage) LocalPath(context.Context, string) (string, error) { return "/dev/zero", nil }

type hostileSource struct{ source.Source }

func (hostileSource) Describe(context.Context) (source.Description, error) {
	return source.Description{Datasets: []source.Dataset{{Name: "x", TimeField: "t"}}}, nil
}

func (hostileSource) Probe(_ context.Context, zone string) (source.Report, error) {
	if zone == "endless" {
		return source.Report{Fields: strings.Fields(strings.Repeat("f ", 100_000))}, nil
	}
	misbehave(zone)
	return source.Report{ZoneName: zone}, nil
}

func (hostileSource) Pull(_ context.Context, req source.Request) (*source.Stream, error) {
	st := &source.Stream{
		Encoding: source.Identity, Timestamps: source.Unix, Body: io.NopCloser(strings.NewReader("1\n2\n")),
		Trailer: func() (source.Trailer, error) { return source.Trailer{Lines: 2, Complete: true}, nil },
	}
	switch req.Zone {
	case "endless":
		st.Body = io.NopCloser(endless{})
	case "half":
		st.Body = io.NopCloser(io.MultiReader(strings.NewReader("1\n"), quit{}))
	case "fields":
		st.Fields = strings.Fields(strings.Repeat(strings.Repeat("f", 1000)+" ", 100))
	}
	misbehave(req.Zone)
	return st, nil
}
