package replicate

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/verify"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// ErrDiverged: the copy holds another archive, another history of a chain, or
// a longer one. Nothing was written over it.
var ErrDiverged = errors.New("copy is of another history")

// Config says what is copied where.
type Config struct {
	From storage.Storage
	To   storage.Storage
	// Verify says how the archive is verified before it is copied: key, known
	// heads and chains. Its Level is that of the chains.
	Verify  verify.Options
	Deep    bool // read the objects that the copy has already, and compare them
	DryRun  bool // only count what is missing
	Workers int  // objects at once; default 4
	// Retain is for how long a store that has locks is asked to lock what is
	// copied: an object from its window's end, a file of a chain from now; 0: not.
	Retain time.Duration
	Now    func() time.Time
	// Progress is called after each object; may be nil, and is never called
	// concurrently.
	Progress func(Progress)
	Log      *slog.Logger
}

// Progress tells how far a chain's objects are.
type Progress struct {
	Chain       evidence.ChainID
	Done, Total int64 // stored bytes
}

// Problem is an object or a file that could not be made the same.
type Problem struct {
	Key  string `json:"key"`
	Text string `json:"text"`
}

// Summary is what a Run has done, or would do.
type Summary struct {
	Archive  string    `json:"archive"`
	Chains   int       `json:"chains"`
	Objects  int64     `json:"objects"` // copied, or missing in a dry run
	Bytes    int64     `json:"bytes"`   // of them, as stored
	Present  int64     `json:"present"` // objects that were there already
	Files    int64     `json:"files"`   // of chains, copied or missing
	Expired  int64     `json:"expired"` // objects that are given up, and not copied
	Problems []Problem `json:"problems"`
	More     int64     `json:"more,omitempty"` // problems beyond maxProblems
}

// maxProblems bounds the problems that are listed.
const maxProblems = 100

// Complete reports whether the copy has all that it should.
func (s Summary) Complete() bool { return len(s.Problems) == 0 }

// Run copies. The error is for what ended it early: the archive is damaged
// (*verify.DamagedError), the copy diverged (ErrDiverged), or a store failed.
func Run(ctx context.Context, cfg Config) (Summary, error) {
	if cfg.Workers <= 0 {
		cfg.Workers = 4
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Progress == nil {
		cfg.Progress = func(Progress) {}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	r := &run{Config: cfg, sum: Summary{Problems: []Problem{}}}
	if err := r.descriptor(ctx); err != nil {
		return r.sum, err
	}
	ids := cfg.Verify.Chains
	if len(ids) == 0 {
		var err error
		if ids, err = verify.ListChains(ctx, cfg.From); err != nil {
			return r.sum, err //nolint:wrapcheck // says what it did
		}
	}
	for _, id := range ids {
		if err := r.chain(ctx, id); err != nil {
			return r.sum, fmt.Errorf("replicate chain %s: %w", id, err)
		}
		r.sum.Chains++
	}
	return r.sum, r.finish(ctx)
}

type run struct {
	Config
	sum Summary
	own []byte // the archive's descriptor
	has bool   // the copy has it too
}

// descriptor makes sure that what the copy has is of this archive.
func (r *run) descriptor(ctx context.Context) error {
	var err error
	if r.own, err = read(ctx, r.From, evidence.DescriptorKey, maxFile); err != nil {
		return err
	}
	d, err := evidence.DecodeDescriptor(r.own)
	if err != nil {
		return err //nolint:wrapcheck // names the file
	}
	r.sum.Archive = d.Archive
	there, err := read(ctx, r.To, evidence.DescriptorKey, maxFile)
	if errors.Is(err, storage.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if r.has = bytes.Equal(there, r.own); !r.has {
		return fmt.Errorf("%w: its %s is another", ErrDiverged, evidence.DescriptorKey)
	}
	return nil
}

// finish puts the descriptor, which makes a whole copy an archive.
func (r *run) finish(ctx context.Context) error {
	if r.has || r.DryRun || !r.sum.Complete() {
		return nil
	}
	return r.put(ctx, evidence.DescriptorKey, r.own, "")
}

// chain copies one chain: objects, then its files, then its head.
func (r *run) chain(ctx context.Context, id evidence.ChainID) error {
	reader, err := verify.ReadChain(ctx, r.From, id, r.Verify)
	if err != nil {
		return err //nolint:wrapcheck // says what was found
	}
	head, signed := reader.Head()
	pointer, err := r.follows(ctx, reader)
	if err != nil {
		return err
	}
	problems := len(r.sum.Problems)
	if err := r.objects(ctx, reader); err != nil {
		return err
	}
	if len(r.sum.Problems) > problems {
		return nil // its head would claim what is not there
	}
	if err := r.files(ctx, id, head.Size); err != nil {
		return err
	}
	if r.DryRun || len(r.sum.Problems) > problems || bytes.Equal(pointer, signed) {
		return nil
	}
	replaces := ""
	if pointer != nil {
		replaces = digest(pointer)
	}
	return r.put(ctx, id.CheckpointKey(), signed, replaces)
}

// follows returns the copy's checkpoint, nil if it has none, and holds it to
// the chain that is copied: it has to be an earlier state of that.
func (r *run) follows(ctx context.Context, reader *verify.ChainReader) ([]byte, error) {
	id := reader.ID()
	b, err := read(ctx, r.To, id.CheckpointKey(), evidence.MaxCheckpoint)
	if errors.Is(err, storage.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	at, err := evidence.ParseCheckpoint(b, evidence.Origin(r.sum.Archive, id))
	if err != nil {
		return nil, fmt.Errorf("%w: its checkpoint of chain %s: %w", ErrDiverged, id, err)
	}
	head, _ := reader.Head()
	if at.Size > head.Size {
		return nil, fmt.Errorf("%w: it has %d entries of chain %s, the archive only %d: one of them was rolled back", ErrDiverged, at.Size, id, head.Size)
	}
	root, err := reader.RootAt(ctx, at.Size)
	if err != nil {
		return nil, err //nolint:wrapcheck // says what it did
	}
	if root != at.Root {
		return nil, fmt.Errorf("%w: its first %d entries of chain %s are others", ErrDiverged, at.Size, id)
	}
	return b, nil
}

// objects copies those that entries name and nothing has given up.
func (r *run) objects(ctx context.Context, reader *verify.ChainReader) error {
	id := reader.ID()
	have, err := sizes(ctx, r.To, evidence.LogsPrefix+id.Zone+"/")
	if err != nil {
		return err
	}
	p := Progress{Chain: id}
	for e, err := range reader.Entries(ctx) {
		if err != nil {
			return err //nolint:wrapcheck // names the chain
		}
		switch {
		case e.Object == nil:
		case reader.Expired(e.Seq):
			r.sum.Expired++
		default:
			p.Total += e.Object.Bytes
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(r.Workers)
	results := make(chan result)
	collected := make(chan struct{})
	go func() { // ends when the workers have
		defer close(collected)
		for res := range results {
			r.take(res)
			p.Done += res.object.Bytes
			r.Progress(p)
		}
	}()
	err = r.each(ctx, reader, have, func(o evidence.Object, there bool) {
		g.Go(func() error {
			res, err := r.object(ctx, o, there)
			if err == nil {
				results <- res
			}
			return err
		})
	})
	err = errors.Join(err, g.Wait())
	close(results)
	<-collected
	return err
}

// each yields the objects to be looked at, and whether the copy has one of
// their key and size.
func (r *run) each(ctx context.Context, reader *verify.ChainReader, have map[string]int64, look func(o evidence.Object, there bool)) error {
	for e, err := range reader.Entries(ctx) {
		if err != nil {
			return err //nolint:wrapcheck // names the chain
		}
		if e.Object != nil && !reader.Expired(e.Seq) {
			size, there := have[e.Object.Key]
			look(*e.Object, there && size == e.Object.Bytes)
		}
	}
	return nil
}

// result is what has become of an object.
type result struct {
	object  evidence.Object
	present bool
	problem string
}

func (r *run) take(res result) {
	switch {
	case res.problem != "":
		r.problem(res.object.Key, res.problem)
	case res.present:
		r.sum.Present++
	default:
		r.sum.Objects++
		r.sum.Bytes += res.object.Bytes
	}
}

func (r *run) problem(key, text string) {
	r.Log.Warn("copy lacks a part", "key", key, "problem", text)
	if len(r.sum.Problems) == maxProblems {
		r.sum.More++
		return
	}
	r.sum.Problems = append(r.sum.Problems, Problem{Key: key, Text: text})
}

// object copies one object, or compares the one that is there.
func (r *run) object(ctx context.Context, o evidence.Object, there bool) (result, error) {
	res := result{object: o, present: there}
	switch {
	case there && !r.Deep, r.DryRun && !there:
		return res, nil
	case there:
		return r.compare(ctx, res)
	}
	body, err := r.From.Get(ctx, o.Key, 0, -1)
	if errors.Is(err, storage.ErrNotFound) {
		res.problem = "is not in the archive that is copied"
		return res, nil
	}
	if err != nil {
		return res, fmt.Errorf("read %s: %w", o.Key, err)
	}
	// The store itself refuses other bytes than those that were sealed.
	_, err = r.To.Put(ctx, storage.PutRequest{
		Key: o.Key, Size: o.Bytes, SHA256: o.SHA256.String(), RetainUntil: r.retainUntil(o.Key),
	}, body)
	err = errors.Join(err, body.Close())
	switch {
	case errors.Is(err, storage.ErrCorrupt):
		res.problem = "has not the bytes that were sealed, in the archive that is copied"
	case errors.Is(err, storage.ErrExists):
		return r.compare(ctx, res)
	case err != nil:
		return res, fmt.Errorf("copy %s: %w", o.Key, err)
	}
	return res, nil
}

func (r *run) retainUntil(key string) time.Time {
	return evidence.RetainUntil(key, r.Now(), r.Retain)
}

// compare reads what the copy has under an object's key.
func (r *run) compare(ctx context.Context, res result) (result, error) {
	body, err := r.To.Get(ctx, res.object.Key, 0, -1)
	if err != nil {
		return res, fmt.Errorf("read copy of %s: %w", res.object.Key, err)
	}
	h := sha256.New()
	n, err := io.Copy(h, body)
	if err = errors.Join(err, body.Close()); err != nil {
		return res, fmt.Errorf("read copy of %s: %w", res.object.Key, err)
	}
	res.present = true
	if n != res.object.Bytes || evidence.Digest(h.Sum(nil)) != res.object.SHA256 {
		res.problem = "the copy holds other bytes under this key"
	}
	return res, nil
}
