package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/catalog/sqlite"
	"github.com/fabriziosalmi/rainlogs/core/chain"
	"github.com/fabriziosalmi/rainlogs/core/collect"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/verify/verifytest"
	"github.com/fabriziosalmi/rainlogs/plugins/source/logpull/logpulltest"
	"github.com/fabriziosalmi/rainlogs/plugins/storage/fs"
	"github.com/fabriziosalmi/rainlogs/sdk/source"
)

const archiveID = "5b0c2c3e-0d6a-4c1c-8f0e-0d3f6b1a2c4d"

var chainID = evidence.ChainID{Zone: "0123456789abcdef0123456789abcdef", Dataset: "http_requests"}

// end is where each archive's time ends.
var end = time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)

// site is an archive in a folder, with what the program needs to find it.
type site struct{ dir string }

func (s site) archive() string { return filepath.Join(s.dir, "archive") }
func (s site) columns() string { return filepath.Join(s.dir, "columns") }
func (s site) cache() string   { return filepath.Join(s.dir, "cache") }
func (s site) config() string  { return filepath.Join(s.dir, "rainlogs.yaml") }
func (s site) parquet() string { return filepath.Join(s.dir, "duckdb.parquet") }

// objects is the glob of the sealed objects.
func (s site) objects() string {
	return filepath.Join(s.archive(), "logs", "*", "*", "*", "*", "*", "*.zst")
}

func key() (chain.PrivateKey, error) {
	return chain.GenerateKey(rand.NewChaCha8([32]byte{1}), evidence.KeyName(archiveID))
}

// make makes an archive of the hours before end of a zone with so many records
// a day. One that is there is left as it is.
func (s site) make(ctx context.Context, perDay, hours int) error {
	if _, err := os.Stat(s.config()); err == nil {
		return nil
	}
	g, err := logpulltest.NewGenerator(logpulltest.GeneratorConfig{Seed: 1, RecordsPerDay: perDay})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return err
	}
	if hours <= collected {
		err = s.collect(ctx, g, hours)
	} else {
		err = s.write(g, hours)
	}
	if err != nil {
		return fmt.Errorf("make an archive of %d hours: %w", hours, err)
	}
	return os.WriteFile(s.config(), fmt.Appendf(nil,
		"archive: {storage: [{name: local, plugin: fs, path: %q}]}\nknown: %q\nquery: {cache: %q, columns: {dir: %q}}\n",
		s.archive(), filepath.Join(s.dir, "known"), s.cache(), s.columns()), 0o600)
}

// collected is how many hours are collected and sealed as a collector does it,
// synced to the disk one by one; the entries and objects of more are written at once.
const collected = 24

// write writes an archive.
func (s site) write(g *logpulltest.Generator, hours int) error {
	k := verifytest.NewKey(1)
	a := verifytest.New(k)
	c := a.Chain(1, k)
	c.Lazy = true
	for i := range hours {
		w := evidence.Window{Start: end.Add(-time.Duration(hours-i) * time.Hour)}
		w.End = w.Start.Add(time.Hour)
		var content bytes.Buffer
		if err := writeRecords(&content, g, w.Start, w.End); err != nil {
			return err
		}
		m := evidence.NewMeter(evidence.MeterConfig{TimeField: "EdgeStartTimestamp", ClassField: "EdgeResponseStatus", Timestamps: "unixnano"})
		_, _ = m.Write(content.Bytes()) // a meter never fails
		measured := m.Content()
		e := c.Entry(evidence.KindLog)
		e.Window, e.SealedAt, e.Content = &w, w.End.Add(5*time.Minute), &measured
		e.Source = &evidence.Source{Plugin: "generator", Version: "1", Timestamps: "unixnano", Complete: true, RetrievedAt: e.SealedAt}
		if measured.Lines > 0 {
			object := verifytest.Pack(content.Bytes(), 64<<10)
			e.Object = &evidence.Object{Key: evidence.ObjectKey(c.ID, w, 1), Bytes: int64(len(object)), SHA256: sha256.Sum256(object)}
			a.Files[e.Object.Key] = object
		}
		c.Add(e)
	}
	c.Seal()
	return a.Write(s.archive())
}

// collect collects an archive.
func (s site) collect(ctx context.Context, g *logpulltest.Generator, hours int) (err error) {
	k, err := key()
	if err != nil {
		return err
	}
	store, err := fs.Open(s.archive())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	cat, err := sqlite.Open(ctx, filepath.Join(s.dir, "catalog.db"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cat.Close()) }()
	c, err := collect.New(collect.Config{
		Store: store, Source: generated{g}, Catalog: cat, Archive: archiveID, Key: k, SpoolDir: filepath.Join(s.dir, "spool"),
		Collector: evidence.Collector{Name: "bench"}, Plugin: collect.Plugin{Name: "generator"},
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	sum, err := c.Collect(ctx, collect.Request{Chain: chainID, From: end.Add(-time.Duration(hours) * time.Hour), To: end, Window: time.Hour})
	if err == nil && sum.Sealed != hours {
		err = fmt.Errorf("not all was sealed: %+v", sum)
	}
	if err != nil {
		return err
	}
	pub := k.Public()
	b, err := evidence.EncodeDescriptor(evidence.Descriptor{Format: evidence.FormatName, V: evidence.Version, Archive: archiveID, VKey: pub.VKey()})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(s.archive(), evidence.DescriptorKey), b, 0o644) //nolint:gosec // as the archive's own files are
}

// generated gives each window the records that a generator has for it.
type generated struct{ g *logpulltest.Generator }

func (generated) Describe(context.Context) (source.Description, error) {
	return source.Description{Datasets: []source.Dataset{{Name: chainID.Dataset, TimeField: "EdgeStartTimestamp", ClassField: "EdgeResponseStatus"}}}, nil
}

func (generated) Probe(context.Context, string) (source.Report, error) { return source.Report{}, nil }

func (f generated) Pull(_ context.Context, r source.Request) (*source.Stream, error) {
	body, w := io.Pipe()
	go func() { // ends with the window, or when the reader closes its end
		out := bufio.NewWriterSize(w, 1<<20)
		w.CloseWithError(errors.Join(writeRecords(out, f.g, r.Start, r.End), out.Flush()))
	}()
	return &source.Stream{
		Encoding: source.Identity, Fields: members(), Timestamps: source.UnixNano, Body: body,
		Trailer: func() (source.Trailer, error) {
			return source.Trailer{Lines: -1, Complete: true, RetrievedAt: time.Now()}, nil
		},
	}, nil
}

// writeRecords writes a window's records, a line each.
func writeRecords(out io.Writer, g *logpulltest.Generator, from, to time.Time) error {
	for _, line := range g.Window(from, to, logpulltest.Projection{Fields: members()}) {
		if _, err := out.Write(append(line, '\n')); err != nil {
			return err
		}
	}
	return nil
}

// bought are prefixes of members that only zones have whose owner bought what
// fills them. Without them a record has some 2 KB, which is what the aims are for.
var bought = []string{
	"AISecurity", "BotDetection", "CacheLock", "CacheReserve", "ClientCity", "ClientLatitude", "ClientLongitude", "ClientMTLS", "ClientRegion",
	"ClientRequestSource", "ClientTLSKey", "ContentScan", "FirewallForAI", "Fraud", "JA4", "JSDetection", "LeakedCredential", "MatchedRules",
	"OriginDNS", "OriginRequestHeader", "OriginResponseHeader", "OriginTCP", "OriginTLS", "PayPerCrawl", "ResponseHeaders", "Subrequests",
	"WAFRequestSignature", "WebAssets",
}

// members are those of the records.
func members() []string {
	return slices.DeleteFunc(logpulltest.Names(logpulltest.LogpullFields()), func(name string) bool {
		return slices.ContainsFunc(bought, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
	})
}

// entries visits those of the chain.
func (s site) entries(ctx context.Context, visit func(*evidence.Entry)) error {
	store, err := fs.Open(s.archive())
	if err != nil {
		return err
	}
	chains, err := s.chains(ctx, store)
	for _, c := range chains {
		for _, e := range c.Entries {
			visit(e)
		}
	}
	return errors.Join(err, store.Close())
}
