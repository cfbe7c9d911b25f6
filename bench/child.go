package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"time"

	kgzip "github.com/klauspost/compress/gzip"

	"github.com/fabriziosalmi/rainlogs/core/catalog/sqlite"
	"github.com/fabriziosalmi/rainlogs/core/chain"
	"github.com/fabriziosalmi/rainlogs/core/collect"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/pluginhost"
	"github.com/fabriziosalmi/rainlogs/core/verify"
	"github.com/fabriziosalmi/rainlogs/plugins/source/logpull/logpulltest"
	"github.com/fabriziosalmi/rainlogs/plugins/storage/fs"
	"github.com/fabriziosalmi/rainlogs/sdk"
	"github.com/fabriziosalmi/rainlogs/sdk/config"
	"github.com/fabriziosalmi/rainlogs/sdk/source"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

const (
	archive        = "5b0c2c3e-0d6a-4c1c-8f0e-0d3f6b1a2c4d"
	fileSourceName = "benchfile"
)

var id = evidence.ChainID{Zone: "0123456789abcdef0123456789abcdef", Dataset: "http_requests"}

// writeSample writes generated records, all fields, as gzip, and returns the
// size of the content. Like Cloudflare's answers it is about a tenth of it.
func writeSample(path string, size int64) (content int64, err error) {
	g, err := logpulltest.NewGenerator(logpulltest.GeneratorConfig{Seed: 1, RecordsPerDay: 50_000_000})
	if err != nil {
		return 0, err
	}
	f, err := os.Create(path)
	if err != nil {
		return 0, err
	}
	zw, err := kgzip.NewWriterLevel(f, kgzip.DefaultCompression)
	if err != nil {
		return 0, err
	}
	w := bufio.NewWriterSize(zw, 1<<20)
	at := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	p := logpulltest.Projection{Fields: fields()}
	for content < size {
		for _, line := range g.Window(at, at.Add(time.Minute), p) {
			if _, err := w.Write(line); err != nil {
				return 0, err
			}
			if err := w.WriteByte('\n'); err != nil {
				return 0, err
			}
			if content += int64(len(line)) + 1; content >= size {
				break
			}
		}
		at = at.Add(time.Minute)
	}
	return content, errors.Join(w.Flush(), zw.Close(), f.Close())
}

func fields() []string {
	out := []string{"EdgeStartTimestamp", "EdgeResponseStatus"}
	for _, n := range logpulltest.Names(logpulltest.LogpullFields()) {
		if n != out[0] && n != out[1] {
			out = append(out, n)
		}
	}
	return out
}

// fileSource gives any window the bytes of one gzip file.
type fileSource struct{ path string }

func fileSourcePlugin() sdk.Plugin {
	return sdk.Plugin{
		Name: fileSourceName, Version: "1.0.0",
		Schema: config.Schema{{Name: "path", Kind: config.String, Required: true, Help: "gzip file"}},
		Source: func(v config.Values) (source.Source, error) { return fileSource{v["path"]}, nil },
	}
}

func (f fileSource) Describe(context.Context) (source.Description, error) {
	return source.Description{Datasets: []source.Dataset{{Name: id.Dataset, TimeField: "EdgeStartTimestamp", ClassField: "EdgeResponseStatus"}}}, nil
}

func (f fileSource) Probe(context.Context, string) (source.Report, error) {
	return source.Report{}, nil
}

func (f fileSource) Pull(context.Context, source.Request) (*source.Stream, error) {
	body, err := os.Open(f.path)
	if err != nil {
		return nil, err
	}
	return &source.Stream{
		Encoding: source.Gzip, Fields: fields(), Timestamps: source.UnixNano, Body: body,
		Trailer: func() (source.Trailer, error) {
			return source.Trailer{Lines: -1, Complete: true, RetrievedAt: time.Now()}, nil
		},
	}, nil
}

// child is one measured process.
func child(ctx context.Context, args []string) error {
	switch args[0] {
	case "seal":
		return childSeal(ctx, args[1], args[2], args[3])
	case "verify":
		return childVerify(ctx, args[1], args[2])
	case "chain":
		n, err := strconv.ParseInt(args[1], 10, 64)
		if err != nil {
			return err
		}
		return childChain(n, args[2])
	}
	return fmt.Errorf("unknown child %q", args[0])
}

func key() (chain.PrivateKey, error) {
	return chain.GenerateKey(rand.NewChaCha8([32]byte{1}), evidence.KeyName(archive))
}

// childSeal seals the file as one window: into a fresh archive, or, with
// "keep", as the next window of one that stays.
func childSeal(ctx context.Context, mode, gz, dir string) error {
	start := time.Now().UTC().Truncate(time.Hour).Add(-100 * time.Hour)
	if mode != "keep" {
		fresh, err := os.MkdirTemp(dir, "site-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(fresh)
		dir = fresh
	} else if done, err := filepath.Glob(filepath.Join(dir, "archive", "logs", "*", "*", "*", "*", "*", "*.zst")); err == nil {
		start = start.Add(time.Duration(len(done)) * time.Hour)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	k, err := key()
	if err != nil {
		return err
	}
	src, store, closer, err := parts(ctx, mode, gz, filepath.Join(dir, "archive"))
	if err != nil {
		return err
	}
	cat, err := sqlite.Open(ctx, filepath.Join(dir, "catalog.db"))
	if err != nil {
		return err
	}
	c, err := collect.New(collect.Config{
		Store: store, Source: src, Catalog: cat, Archive: archive, Key: k, SpoolDir: filepath.Join(dir, "spool"),
		Collector: evidence.Collector{Name: "bench"}, Plugin: collect.Plugin{Name: fileSourceName},
	})
	if err != nil {
		return err
	}
	sum, err := c.Collect(ctx, collect.Request{Chain: id, From: start, To: start.Add(time.Hour), Window: time.Hour})
	if err == nil && sum.Sealed != 1 {
		err = fmt.Errorf("nothing was sealed: %+v", sum)
	}
	return errors.Join(err, c.Close(), cat.Close(), closer())
}

func parts(ctx context.Context, mode, gz, archiveDir string) (source.Source, storage.Storage, func() error, error) {
	if mode != "plugins" {
		store, err := fs.Open(archiveDir)
		if err != nil {
			return nil, nil, nil, err
		}
		return fileSource{gz}, store, store.Close, nil
	}
	host, err := pluginhost.New(pluginhost.Config{})
	if err != nil {
		return nil, nil, nil, err
	}
	closer := func() error { return host.Close(ctx) }
	si, err := host.Launch(ctx, pluginhost.Self("source", fileSourceName, config.Values{"path": gz}))
	if err != nil {
		return nil, nil, nil, errors.Join(err, closer())
	}
	ti, err := host.Launch(ctx, pluginhost.Self("storage", "fs", config.Values{"path": archiveDir}))
	if err != nil {
		return nil, nil, nil, errors.Join(err, closer())
	}
	src, err1 := si.Source()
	store, err2 := ti.Storage()
	return src, store, closer, errors.Join(err1, err2)
}

func childVerify(ctx context.Context, level, dir string) error {
	k, err := key()
	if err != nil {
		return err
	}
	pub := k.Public()
	path := filepath.Join(dir, "archive", evidence.DescriptorKey)
	if _, err := os.Stat(path); err != nil {
		b, err := evidence.EncodeDescriptor(evidence.Descriptor{Format: evidence.FormatName, V: evidence.Version, Archive: archive, VKey: pub.VKey()})
		if err != nil {
			return err
		}
		if err := os.WriteFile(path, b, 0o600); err != nil {
			return err
		}
	}
	folder, err := verify.OpenFolder(filepath.Join(dir, "archive"))
	if err != nil {
		return err
	}
	report, err := verify.Run(ctx, folder, verify.Options{Level: verify.Level(level), Key: &pub})
	if err == nil && !report.Intact {
		err = fmt.Errorf("not intact: %+v", report.Findings)
	}
	return errors.Join(err, folder.Close())
}
