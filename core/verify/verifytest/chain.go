package verifytest

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"

	seekable "github.com/SaveTheRbtz/zstd-seekable-format-go/pkg"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

func (k Key) vkey(name string) string {
	public, ok := k.private.Public().(ed25519.PublicKey)
	if !ok {
		panic("not an Ed25519 key")
	}
	v, err := note.NewEd25519VerifierKey(name, public)
	must(err)
	return v
}

// Epoch is where tests' windows begin.
var Epoch = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)

// Chain grows one chain of an archive.
type Chain struct {
	archive *Archive
	ID      evidence.ChainID
	Keys    []Key // that sign each checkpoint
	Entries [][]byte
	levels  [][]tlog.Hash // all complete hashes of each tile level
	// Lazy leaves out what later appends supersede: partial tiles, and all
	// checkpoints but those of Seal.
	Lazy bool
}

// Chain begins a chain with its first entry, the fields.
func (a *Archive) Chain(zone byte, key Key) *Chain {
	c := a.Empty(zone, key)
	c.Observe(evidence.TopicFields, map[string][]string{"names": {"ClientIP", "EdgeStartTimestamp"}})
	return c
}

// Empty begins a chain with nothing.
func (a *Archive) Empty(zone byte, key Key) *Chain {
	id := evidence.ChainID{Zone: fmt.Sprintf("%032x", zone), Dataset: "http_requests"}
	c := &Chain{archive: a, ID: id, Keys: []Key{key}}
	a.Chains[id] = c
	return c
}

// Origin is the chain's.
func (c *Chain) Origin() string { return evidence.Origin(c.archive.UUID, c.ID) }

// Window is the i-th five minutes.
func Window(i int) evidence.Window {
	start := Epoch.Add(time.Duration(i) * 5 * time.Minute)
	return evidence.Window{Start: start, End: start.Add(5 * time.Minute)}
}

// Entry is the next entry's common part.
func (c *Chain) Entry(kind evidence.Kind) *evidence.Entry {
	e := &evidence.Entry{
		V: evidence.Version, Archive: c.archive.UUID, Zone: c.ID.Zone, Dataset: c.ID.Dataset,
		Seq: int64(len(c.Entries)), Kind: kind, SealedAt: Epoch.Add(24 * time.Hour),
		Collector: evidence.Collector{Name: "rainlogs", Version: "1.0.0", Host: "host"},
	}
	if n := len(c.Entries); n > 0 {
		e.Prev = evidence.HashEntry(c.Entries[n-1])
	}
	return e
}

// Observe seals an observation.
func (c *Chain) Observe(topic string, value any) {
	b, err := json.Marshal(value)
	must(err)
	e := c.Entry(evidence.KindObservation)
	e.Observation = &evidence.Observation{Topic: topic, Value: b}
	c.Add(e)
}

// Lines are n records of the window, some milliseconds older than it.
func Lines(w evidence.Window, n int) []byte {
	var b bytes.Buffer
	for i := range n {
		fmt.Fprintf(&b, "{\"ClientIP\":\"192.0.2.%d\",\"EdgeStartTimestamp\":%d,\"EdgeResponseStatus\":%d}\n",
			i%250, w.Start.UnixNano()-int64(i)*1_000_001, []int{200, 404, 301, 500}[i%4])
	}
	return b.Bytes()
}

// Pack compresses content as an object: frames of some lines each, at least so
// many bytes, and the seek table.
func Pack(content []byte, frame int) []byte {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	must(err)
	var out bytes.Buffer
	w, err := seekable.NewWriter(&out, enc)
	must(err)
	for len(content) > 0 {
		n := min(len(content), frame)
		if end := bytes.IndexByte(content[n-1:], '\n'); end >= 0 {
			n += end
		}
		_, err := w.Write(content[:n])
		must(err)
		content = content[n:]
	}
	must(w.Close())
	must(enc.Close())
	return out.Bytes()
}

// LogEntry drafts the entry of a window and its object.
func (c *Chain) LogEntry(w evidence.Window, content []byte, generation int) (*evidence.Entry, []byte) {
	m := evidence.NewMeter(evidence.MeterConfig{TimeField: "EdgeStartTimestamp", ClassField: "EdgeResponseStatus", Timestamps: "unixnano"})
	_, err := m.Write(content)
	must(err)
	measured := m.Content()
	e := c.Entry(evidence.KindLog)
	e.Window, e.Content = &w, &measured
	e.Source = &evidence.Source{Plugin: "logpull", Version: "1", Timestamps: "unixnano", Complete: true, RetrievedAt: e.SealedAt}
	if len(content) == 0 {
		return e, nil
	}
	object := Pack(content, 400)
	e.Object = &evidence.Object{Key: evidence.ObjectKey(c.ID, w, generation), Bytes: int64(len(object)), SHA256: sha256.Sum256(object)}
	return e, object
}

// Log seals the i-th window with n lines, and its object; it returns the object's key.
func (c *Chain) Log(i, n int) string {
	w := Window(i)
	e, object := c.LogEntry(w, Lines(w, n), 1)
	c.Add(e)
	if e.Object == nil {
		return ""
	}
	c.archive.Files[e.Object.Key] = object
	return e.Object.Key
}

// Gap seals the i-th window as lost.
func (c *Chain) Gap(i int, reason string) {
	w := Window(i)
	e := c.Entry(evidence.KindGap)
	e.Window, e.Gap = &w, &evidence.Gap{Reason: reason, Detail: "test"}
	c.Add(e)
}

// Expire seals that objects were removed; it removes nothing.
func (c *Chain) Expire(seqs ...int64) {
	e := c.Entry(evidence.KindExpiry)
	e.Expiry = &evidence.Expiry{Seqs: seqs, Policy: "400d", Reason: "test"}
	c.Add(e)
}

// Hold seals that a legal hold over the i-th window is placed or lifted.
func (c *Chain) Hold(id string, i int, placed bool) {
	w := Window(i)
	e := c.Entry(evidence.KindHold)
	e.Window, e.Hold = &w, &evidence.Hold{ID: id, Placed: placed, Reason: "test"}
	c.Add(e)
}

// Rotate seals that a new key takes over.
func (c *Chain) Rotate(to Key) {
	e := c.Entry(evidence.KindKey)
	e.Key = &evidence.Key{VKey: to.Public(c.archive.UUID).VKey()}
	c.Keys = append(c.Keys, to)
	c.Add(e)
	c.Keys = c.Keys[1:]
}

// Add encodes an entry and appends it.
func (c *Chain) Add(e *evidence.Entry) {
	b, err := evidence.Encode(e)
	must(err)
	c.AddBytes(b)
}

// AddBytes appends any bytes as an entry, with tiles and checkpoints.
func (c *Chain) AddBytes(b []byte) {
	c.Entries = append(c.Entries, b)
	n := len(c.Entries)
	if !c.Lazy || n%evidence.BundleSize == 0 {
		c.writeBundle()
	}
	h := tlog.RecordHash(b)
	for level := 0; ; level++ {
		if level == len(c.levels) {
			c.levels = append(c.levels, nil)
		}
		c.levels[level] = append(c.levels[level], h)
		full := len(c.levels[level])%evidence.BundleSize == 0
		if !c.Lazy || full {
			c.writeTile(level)
		}
		if !full {
			break
		}
		h = fold(c.levels[level][len(c.levels[level])-evidence.BundleSize:])
	}
	if !c.Lazy {
		c.publish()
	}
}

// Seal writes what a lazy chain left out of its present state.
func (c *Chain) Seal() {
	if len(c.Entries)%evidence.BundleSize != 0 {
		c.writeBundle()
	}
	for level := range c.levels {
		if len(c.levels[level])%evidence.BundleSize != 0 {
			c.writeTile(level)
		}
	}
	c.publish()
}

func (c *Chain) writeBundle() {
	n := len(c.Entries)
	first := (n - 1) / evidence.BundleSize * evidence.BundleSize
	b, err := evidence.EncodeBundle(c.Entries[first:])
	must(err)
	c.archive.Files[c.ID.BundleKey(int64(first/evidence.BundleSize), n-first)] = b
}

func (c *Chain) writeTile(level int) {
	hashes := c.levels[level]
	first := (len(hashes) - 1) / evidence.BundleSize * evidence.BundleSize
	var b []byte
	for _, h := range hashes[first:] {
		b = append(b, h[:]...)
	}
	t := tlog.Tile{H: evidence.TileHeight, L: level, N: int64(first / evidence.BundleSize), W: len(hashes) - first}
	c.archive.Files[c.ID.TileKey(t)] = b
}

func (c *Chain) publish() {
	signed := c.Checkpoint(int64(len(c.Entries)), c.Root(), c.Keys...)
	c.archive.Files[c.ID.CheckpointAt(int64(len(c.Entries)))] = signed
	c.archive.Files[c.ID.CheckpointKey()] = signed
}

// Root is the RFC 6962 root over the chain's entries, by the definition.
func (c *Chain) Root() tlog.Hash {
	if len(c.levels) == 0 {
		return sha256.Sum256(nil)
	}
	var root func(h []tlog.Hash) tlog.Hash
	root = func(h []tlog.Hash) tlog.Hash {
		if len(h) == 1 {
			return h[0]
		}
		k := 1
		for k*2 < len(h) {
			k *= 2
		}
		return tlog.NodeHash(root(h[:k]), root(h[k:]))
	}
	return root(c.levels[0])
}

// Checkpoint signs any checkpoint of the chain.
func (c *Chain) Checkpoint(size int64, root tlog.Hash, keys ...Key) []byte {
	var signers []note.Signer
	for _, k := range keys {
		signers = append(signers, k.Signer(c.Origin()))
	}
	b, err := evidence.SignCheckpoint(evidence.Checkpoint{Origin: c.Origin(), Size: size, Root: root}, signers...)
	must(err)
	return b
}

func fold(h []tlog.Hash) tlog.Hash {
	if len(h) == 1 {
		return h[0]
	}
	return tlog.NodeHash(fold(h[:len(h)/2]), fold(h[len(h)/2:]))
}
