package main

import (
	"errors"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// childChain writes a chain of n windows of five minutes, without their objects.
func childChain(n int64, dir string) error {
	k, err := key()
	if err != nil {
		return err
	}
	signer, err := k.Signer(evidence.Origin(archive, id))
	if err != nil {
		return err
	}
	f := folder(filepath.Join(dir, "archive"))
	cp, err := fill(f, n)
	if err != nil {
		return err
	}
	signed, err := evidence.SignCheckpoint(cp, signer)
	if err != nil {
		return err
	}
	return errors.Join(f.put(id.CheckpointKey(), signed), f.put(id.CheckpointAt(n), signed))
}

// folder is where the chain's files go.
type folder string

func (f folder) put(key string, b []byte) error {
	path := filepath.Join(string(f), filepath.FromSlash(key))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, b, 0o644) //nolint:gosec // as the archive's own files are
}

// fill writes n entries with their bundles and tiles.
func fill(f folder, n int64) (evidence.Checkpoint, error) {
	var prev evidence.Digest
	var bundle [][]byte
	levels := [][]byte{}
	start := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	flush := func(level int, index int64, hashes []byte) error {
		return f.put(id.TileKey(tlog.Tile{H: evidence.TileHeight, L: level, N: index, W: len(hashes) / tlog.HashSize}), hashes)
	}
	for seq := range n {
		b, err := evidence.Encode(sampleEntry(seq, prev, start))
		if err != nil {
			return evidence.Checkpoint{}, err
		}
		prev = evidence.HashEntry(b)
		bundle = append(bundle, b)
		if len(bundle) == evidence.BundleSize || seq == n-1 {
			packed, err := evidence.EncodeBundle(bundle)
			if err != nil {
				return evidence.Checkpoint{}, err
			}
			if err := f.put(id.BundleKey(seq/evidence.BundleSize, len(bundle)), packed); err != nil {
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
			if err := flush(level, seq>>(evidence.TileHeight*(level+1)), levels[level]); err != nil {
				return evidence.Checkpoint{}, err
			}
			h = fold(levels[level])
			levels[level] = nil
		}
	}
	var hashes []tlog.Hash // the complete subtrees, largest first
	for level := len(levels) - 1; level >= 0; level-- {
		if len(levels[level]) > 0 {
			if err := flush(level, n>>(evidence.TileHeight*(level+1)), levels[level]); err != nil {
				return evidence.Checkpoint{}, err
			}
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
