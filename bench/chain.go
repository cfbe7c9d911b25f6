package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"os"
	"sort"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/verify"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// memory is an archive in memory, to measure verification and not a disk.
type memory struct {
	objects map[string][]byte
	keys    []string
}

func (m *memory) Get(_ context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	b, ok := m.objects[key]
	if !ok {
		return nil, storage.ErrNotFound
	}
	b = b[min(offset, int64(len(b))):]
	if length >= 0 {
		b = b[:min(length, int64(len(b)))]
	}
	return io.NopCloser(bytes.NewReader(b)), nil
}

func (m *memory) Stat(_ context.Context, key string) (storage.Info, error) {
	b, ok := m.objects[key]
	if !ok {
		return storage.Info{}, storage.ErrNotFound
	}
	return storage.Info{Key: key, Size: int64(len(b))}, nil
}

func (m *memory) List(_ context.Context, prefix, after string) iter.Seq2[storage.Info, error] {
	return func(yield func(storage.Info, error) bool) {
		if m.keys == nil {
			for k := range m.objects {
				m.keys = append(m.keys, k)
			}
			sort.Strings(m.keys)
		}
		for _, k := range m.keys[sort.SearchStrings(m.keys, prefix):] {
			if strings.HasPrefix(k, prefix) && k > after && !yield(storage.Info{Key: k}, nil) {
				return
			}
		}
	}
}

// childChain makes a chain of n windows of five minutes and verifies it.
func childChain(ctx context.Context, n int64) error {
	k, err := key()
	if err != nil {
		return err
	}
	pub := k.Public()
	m := &memory{objects: map[string][]byte{}}
	if m.objects[evidence.DescriptorKey], err = evidence.EncodeDescriptor(evidence.Descriptor{
		Format: evidence.FormatName, V: evidence.Version, Archive: archive, VKey: pub.VKey(),
	}); err != nil {
		return err
	}
	signer, err := k.Signer(evidence.Origin(archive, id))
	if err != nil {
		return err
	}
	cp, err := fill(m, n)
	if err != nil {
		return err
	}
	signed, err := evidence.SignCheckpoint(cp, signer)
	if err != nil {
		return err
	}
	m.objects[id.CheckpointKey()], m.objects[id.CheckpointAt(n)] = signed, signed
	began := time.Now()
	report, err := verify.Run(ctx, m, verify.Options{Level: verify.LevelChain, Key: &pub})
	if err != nil {
		return err
	}
	if !report.Intact || report.Entries != n {
		return fmt.Errorf("not intact: %d entries, %+v", report.Entries, report.Findings)
	}
	_, err = fmt.Fprintf(os.Stderr, "verified %d entries in %.2f s wall\n", n, time.Since(began).Seconds())
	return err
}

// fill writes n entries with their bundles and tiles.
func fill(m *memory, n int64) (evidence.Checkpoint, error) {
	var prev evidence.Digest
	var bundle [][]byte
	levels := [][]byte{}
	start := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	flush := func(level int, index int64, hashes []byte) {
		t := tlog.Tile{H: evidence.TileHeight, L: level, N: index, W: len(hashes) / tlog.HashSize}
		m.objects[id.TileKey(t)] = hashes
	}
	for seq := range n {
		b, err := evidence.Encode(sampleEntry(seq, prev, start))
		if err != nil {
			return evidence.Checkpoint{}, err
		}
		prev = evidence.HashEntry(b)
		bundle = append(bundle, b)
		if len(bundle) == evidence.BundleSize || seq == n-1 {
			if m.objects[id.BundleKey(seq/evidence.BundleSize, len(bundle))], err = evidence.EncodeBundle(bundle); err != nil {
				return evidence.Checkpoint{}, err
			}
			bundle = nil
		}
		h := tlog.RecordHash(b)
		for level := 0; ; level++ {
			if level == len(levels) {
				levels = append(levels, nil)
			}
			levels[level] = append(levels[level], h[:]...)
			if len(levels[level]) < evidence.BundleSize*tlog.HashSize {
				break
			}
			flush(level, seq>>(evidence.TileHeight*(level+1)), levels[level])
			h = fold(levels[level])
			levels[level] = nil
		}
	}
	var hashes []tlog.Hash // the complete subtrees, largest first
	for level := len(levels) - 1; level >= 0; level-- {
		if len(levels[level]) > 0 {
			flush(level, n>>(evidence.TileHeight*(level+1)), levels[level])
		}
		hashes = append(hashes, powers(levels[level])...)
	}
	root := hashes[len(hashes)-1]
	for i := len(hashes) - 2; i >= 0; i-- {
		root = tlog.NodeHash(hashes[i], root)
	}
	return evidence.Checkpoint{Origin: evidence.Origin(archive, id), Size: n, Root: root}, nil
}

func fold(b []byte) tlog.Hash {
	if len(b) == tlog.HashSize {
		return tlog.Hash(b)
	}
	return tlog.NodeHash(fold(b[:len(b)/2]), fold(b[len(b)/2:]))
}

// powers folds a run of hashes into its subtrees of powers of two, largest first.
func powers(b []byte) []tlog.Hash {
	var out []tlog.Hash
	for width := evidence.BundleSize / 2 * tlog.HashSize; width >= tlog.HashSize; width /= 2 {
		if len(b) >= width {
			out = append(out, fold(b[:width]))
			b = b[width:]
		}
	}
	return out
}

func sampleEntry(seq int64, prev evidence.Digest, start time.Time) *evidence.Entry {
	e := &evidence.Entry{
		V: evidence.Version, Archive: archive, Zone: id.Zone, Dataset: id.Dataset, Seq: seq, Prev: prev,
		Collector: evidence.Collector{Name: "rainlogs", Version: "1.0.0", Host: "collector-1"},
	}
	w := evidence.Window{Start: start.Add(time.Duration(seq) * 5 * time.Minute)}
	w.End = w.Start.Add(5 * time.Minute)
	e.SealedAt = w.End.Add(5 * time.Minute)
	if seq == 0 {
		e.Kind, e.Observation = evidence.KindObservation, &evidence.Observation{Topic: evidence.TopicFields, Value: []byte(`{"names":["ClientIP"]}`)}
		return e
	}
	e.Kind, e.Window = evidence.KindLog, &w
	e.Object = &evidence.Object{Key: evidence.ObjectKey(id, w, 1), Bytes: 123456, SHA256: prev}
	tally := &evidence.Tally{Bucket: 60, From: w.Start}
	for i := range int64(7) {
		tally.Rows = append(tally.Rows, [7]int64{i, 0, 812, 40, 13, 1, 0})
	}
	e.Content = &evidence.Content{
		Bytes: 9876543, Lines: 6062, SHA256: prev, MerkleRoot: prev, FirstEvent: &w.Start, LastEvent: &w.End, Tally: tally,
	}
	e.Source = &evidence.Source{Plugin: "logpull", Version: "1.0.0", Timestamps: "unixnano", Complete: true, RetrievedAt: e.SealedAt}
	return e
}
