package chain

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// The errors of a Log, beside the store's own.
var (
	// ErrMoved: the chain has grown under another writer; Reload and look again.
	ErrMoved = errors.New("chain has moved on under another writer")
	// ErrContended: another writer has begun the same entry, or crashed in it.
	ErrContended = errors.New("another writer has begun this entry of the chain")
	// ErrDamaged: the store's chain files contradict the signed checkpoint.
	ErrDamaged = errors.New("chain is damaged")
)

// Store is the part of storage.Storage that a chain needs.
type Store interface {
	Put(ctx context.Context, req storage.PutRequest, body io.Reader) (storage.Info, error)
	Get(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error)
	Stat(ctx context.Context, key string) (storage.Info, error)
	Delete(ctx context.Context, key string) error
}

// StaleAfter is how old, by the collector's clock and the store's, an
// uncommitted tile must be before another writer may take it for a crash's
// leavings. A writer that takes half as long over an append gives it up.
const StaleAfter = 10 * time.Minute

// keepPartials is how many superseded partial tiles stay, for readers that
// hold a checkpoint a little older than the latest.
const keepPartials = 8

// Config says which chain a Log appends to.
type Config struct {
	Store   Store
	Archive string // UUID
	Chain   evidence.ChainID
	Key     PrivateKey
	// Retain is for how long the store is asked to lock what is never replaced:
	// published checkpoints, and tiles and bundles that are full. 0 is not at all.
	Retain time.Duration
	Now    func() time.Time // for StaleAfter and Retain only
	Log    *slog.Logger
}

// Log appends to one chain. It is not safe for concurrent use: a chain has
// one writer.
type Log struct {
	files
	store    Store
	origin   string
	signer   note.Signer
	verifier note.Verifier
	retain   time.Duration
	now      func() time.Time
	log      *slog.Logger

	edge    edge
	pointer []byte // the checkpoint object's bytes, nil for none
}

// Open reads the chain's head from the store, checks it, and rolls a commit
// forward whose pointer was not moved.
func Open(ctx context.Context, cfg Config) (*Log, error) {
	origin := evidence.Origin(cfg.Archive, cfg.Chain)
	signer, err := cfg.Key.Signer(origin)
	if err != nil {
		return nil, err
	}
	verifier, err := cfg.Key.Public().Verifier(origin)
	if err != nil {
		return nil, fmt.Errorf("open chain %s: %w", cfg.Chain, err)
	}
	l := &Log{
		files: files{cfg.Store, cfg.Chain}, store: cfg.Store,
		origin: origin, signer: signer, verifier: verifier, retain: cfg.Retain, now: cfg.Now, log: cfg.Log,
	}
	if err := l.Reload(ctx); err != nil {
		return nil, fmt.Errorf("open chain %s: %w", cfg.Chain, err)
	}
	return l, nil
}

// Size is the number of committed entries.
func (l *Log) Size() int64 { return l.edge.size }

// LastHash is what the next entry's prev must hold.
func (l *Log) LastHash() evidence.Digest { return l.edge.last }

// Checkpoint returns the signed note of the current size, nil for an empty chain.
func (l *Log) Checkpoint() []byte { return l.pointer }

// Reload takes the chain's state from the store.
func (l *Log) Reload(ctx context.Context) error {
	pointer, err := l.read(ctx, l.id.CheckpointKey(), evidence.MaxCheckpoint)
	if errors.Is(err, storage.ErrNotFound) {
		pointer, err = nil, nil
	}
	if err != nil {
		return fmt.Errorf("read checkpoint: %w", err)
	}
	cp := evidence.Checkpoint{Root: edge{}.root()}
	if pointer != nil {
		if cp, err = evidence.OpenCheckpoint(pointer, l.origin, l.verifier); err != nil {
			return fmt.Errorf("%w: %w", ErrDamaged, err)
		}
	}
	e, err := l.loadEdge(ctx, cp)
	if err != nil {
		return err
	}
	l.edge, l.pointer = e, pointer
	return l.rollForward(ctx)
}

// rollForward moves the pointer over checkpoints that are published, and so
// committed, behind it.
func (l *Log) rollForward(ctx context.Context) error {
	for {
		signed, err := l.read(ctx, l.id.CheckpointAt(l.edge.size+1), evidence.MaxCheckpoint)
		if errors.Is(err, storage.ErrNotFound) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("look for a newer checkpoint: %w", err)
		}
		cp, err := evidence.OpenCheckpoint(signed, l.origin, l.verifier)
		if err != nil || cp.Size != l.edge.size+1 {
			return fmt.Errorf("%w: %s is not ours: %w", ErrDamaged, l.id.CheckpointAt(l.edge.size+1), err)
		}
		next, err := l.loadEdge(ctx, cp)
		if err != nil {
			return err
		}
		l.log.InfoContext(ctx, "chain rolled forward after a crash", "chain", l.id.String(), "size", cp.Size)
		if err := l.movePointer(ctx, signed); err != nil {
			return err
		}
		l.edge = next
	}
}

// Append commits one entry's canonical bytes as entry number Size. On error
// the chain is as before or, after a lost answer, as after; repeating the call with the
// same bytes is right in both cases unless the error is ErrMoved.
func (l *Log) Append(ctx context.Context, entry []byte) error {
	if err := l.append(ctx, entry); err != nil {
		return fmt.Errorf("append entry %d to chain %s: %w", l.edge.size, l.id, err)
	}
	return nil
}

func (l *Log) append(ctx context.Context, entry []byte) error {
	e, err := evidence.Decode(entry)
	if err != nil {
		return err
	}
	if e.Seq != l.edge.size || e.Prev != l.edge.last {
		return fmt.Errorf("%w: entry has seq %d, chain has %d entries", ErrMoved, e.Seq, l.edge.size)
	}
	if err := l.checkUnmoved(ctx); err != nil {
		return err
	}
	begun := l.now()
	next, tiles := l.edge.grow(entry)
	bundle, err := evidence.EncodeBundle(append(append([][]byte(nil), l.edge.bundle...), entry))
	if err != nil {
		return err
	}
	if err := l.putOnce(ctx, l.id.BundleKey(e.Seq/evidence.BundleSize, len(l.edge.bundle)+1), bundle); err != nil {
		return err
	}
	for _, t := range tiles {
		if err := l.putOnce(ctx, l.id.TileKey(t.Tile), t.data); err != nil {
			return err
		}
	}
	if l.now().Sub(begun) > StaleAfter/2 {
		return fmt.Errorf("%w: the append took longer than %s, so that another may have taken it over", ErrContended, StaleAfter/2)
	}
	signed, err := evidence.SignCheckpoint(evidence.Checkpoint{Origin: l.origin, Size: next.size, Root: next.root()}, l.signer)
	if err != nil {
		return err
	}
	if err := l.commit(ctx, next.size, signed); err != nil {
		return err
	}
	l.edge = next
	l.tidy(ctx)
	return nil
}

// checkUnmoved is the second line against a second writer: the store's own
// word on the chain's head, just before the append.
func (l *Log) checkUnmoved(ctx context.Context) error {
	pointer, err := l.read(ctx, l.id.CheckpointKey(), evidence.MaxCheckpoint)
	if errors.Is(err, storage.ErrNotFound) {
		pointer, err = nil, nil
	}
	if err != nil {
		return err
	}
	if !bytes.Equal(pointer, l.pointer) {
		return ErrMoved
	}
	return nil
}

// commit publishes the checkpoint under its size, which is the commit point,
// and moves the pointer.
func (l *Log) commit(ctx context.Context, size int64, signed []byte) error {
	key := l.id.CheckpointAt(size)
	err := l.put(ctx, key, signed, nil)
	if errors.Is(err, storage.ErrExists) {
		// Ed25519 is deterministic: the same tree has the same bytes.
		found, readErr := l.read(ctx, key, evidence.MaxCheckpoint)
		if readErr != nil {
			return readErr
		}
		if !bytes.Equal(found, signed) {
			return fmt.Errorf("%w: %s is taken", ErrMoved, key)
		}
		err = nil
	}
	if err != nil {
		return err
	}
	return l.movePointer(ctx, signed)
}

func (l *Log) movePointer(ctx context.Context, signed []byte) error {
	if bytes.Equal(l.pointer, signed) {
		return nil
	}
	err := l.put(ctx, l.id.CheckpointKey(), signed, l.pointer)
	if errors.Is(err, storage.ErrChanged) || errors.Is(err, storage.ErrExists) {
		found, readErr := l.read(ctx, l.id.CheckpointKey(), evidence.MaxCheckpoint)
		if readErr != nil {
			return readErr
		}
		if !bytes.Equal(found, signed) { // moved by a lost answer of our own otherwise
			return ErrMoved
		}
		err = nil
	}
	if err != nil {
		return fmt.Errorf("move checkpoint: %w", err)
	}
	l.pointer = signed
	return nil
}

// putOnce writes a bundle or tile that no checkpoint covers yet.
func (l *Log) putOnce(ctx context.Context, key string, data []byte) error {
	err := l.put(ctx, key, data, nil)
	if !errors.Is(err, storage.ErrExists) {
		return err
	}
	found, err := l.read(ctx, key, int64(evidence.BundleSize*(2+evidence.MaxEntry)))
	if err != nil {
		return err
	}
	if bytes.Equal(found, data) {
		return nil
	}
	if _, err := l.store.Stat(ctx, l.id.CheckpointAt(l.edge.size+1)); err == nil {
		return ErrMoved
	} else if !errors.Is(err, storage.ErrNotFound) {
		return err
	}
	info, err := l.store.Stat(ctx, key)
	if err != nil {
		return err
	}
	if age := l.now().Sub(info.Modified); age < StaleAfter {
		return fmt.Errorf("%w: %s was written %s ago; if no other collector runs, wait %s or run rainlogs archive rebuild-catalog",
			ErrContended, key, age.Round(time.Second), (StaleAfter - age).Round(time.Second))
	}
	l.log.WarnContext(ctx, "replacing a crashed writer's uncommitted tile", "key", key)
	return l.put(ctx, key, data, found)
}

// put writes only if absent, or in place of exactly old.
func (l *Log) put(ctx context.Context, key string, data, old []byte) error {
	req := storage.PutRequest{Key: key, Size: int64(len(data)), SHA256: digest(data)}
	req.RetainUntil = evidence.RetainUntil(key, l.now(), l.retain)
	if old != nil {
		req.Replaces = digest(old)
	}
	_, err := l.store.Put(ctx, req, bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("put %s: %w", key, err)
	}
	return nil
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// tidy removes partial tiles and bundles that newer ones stand in for. It is
// best effort: what stays (after a crash, under a lock) harms nobody.
func (l *Log) tidy(ctx context.Context) {
	for _, key := range superseded(l.id, l.edge.size) {
		if err := l.store.Delete(ctx, key); err != nil && !errors.Is(err, storage.ErrNotFound) {
			l.log.DebugContext(ctx, "superseded tile stays", "key", key, "error", err)
		}
	}
}
