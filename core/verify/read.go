package verify

import (
	"context"
	"fmt"
	"iter"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// DamagedError carries the findings that keep a chain from being used.
type DamagedError struct{ Report *Report }

func (e *DamagedError) Error() string {
	return fmt.Sprintf("chain is damaged: %s", e.Report.Findings[0].Text)
}

// ChainReader gives out the entries of a chain that was verified at chain level.
type ChainReader struct {
	check  *chainCheck
	report *Report
}

// ReadChain verifies one chain: the signed head, the root over all entries,
// each entry in its place, and the head that this machine remembers. What the
// entries do not need (published tiles and older checkpoints) is left to Run. A
// *DamagedError tells what was found.
func ReadChain(ctx context.Context, store Store, id evidence.ChainID, opts Options) (*ChainReader, error) {
	opts.Chains = []evidence.ChainID{id}
	readers, err := readChains(ctx, store, opts, false)
	if err != nil {
		return nil, err
	}
	return readers[0], nil
}

func readChains(ctx context.Context, store Store, opts Options, keep bool) ([]*ChainReader, error) {
	opts.Level = LevelChain
	r := newRun(store, opts)
	r.quick, r.keep = true, keep
	checks, err := r.chains(ctx)
	if err != nil {
		return nil, err
	}
	report := r.conclude(checks)
	if !report.Intact {
		return nil, &DamagedError{report}
	}
	readers := make([]*ChainReader, len(checks))
	for i, c := range checks {
		readers[i] = &ChainReader{c, report}
	}
	return readers, nil
}

// ID names the chain.
func (r *ChainReader) ID() evidence.ChainID { return r.check.id }

// Head is the signed checkpoint, and its note.
func (r *ChainReader) Head() (evidence.Checkpoint, []byte) { return r.check.head, r.check.signed }

// Report is what was found of the chain; it is intact.
func (r *ChainReader) Report() ChainReport { return r.check.report }

// Trust says which key the chain was verified by, and how that came to be trusted.
func (r *ChainReader) Trust() (vkey, trust string) { return r.report.VKey, r.report.KeyTrust }

// Entries reads the entries again, in order, in bounded memory; that they are
// the verified ones is checked on the way.
func (r *ChainReader) Entries(ctx context.Context) iter.Seq2[*evidence.Entry, error] {
	return r.check.entries(ctx)
}

// Expired reports whether an expiry entry gives up the object of an entry.
func (r *ChainReader) Expired(seq int64) bool { return r.check.expired.has(seq) }

// RootAt recomputes the tree's root over the first entries, at most all of
// them: what a checkpoint of that size has to say.
func (r *ChainReader) RootAt(ctx context.Context, size int64) (tlog.Hash, error) {
	if size < 0 || size > r.check.head.Size {
		return tlog.Hash{}, fmt.Errorf("root of %d entries: chain %s has %d", size, r.check.id, r.check.head.Size)
	}
	var t tree
	reader := r.check.reader(r.check.head.Size)
	for b := range reader.from(ctx, 0) {
		if b.err != nil {
			return tlog.Hash{}, fmt.Errorf("root of %d entries: %w", size, b.err)
		}
		for i := 0; i < len(b.leaves) && t.size < size; i++ {
			t.add(b.leaves[i].leaf, nil)
		}
		if t.size == size {
			return t.root(), nil
		}
	}
	if size == 0 {
		return t.root(), nil
	}
	return tlog.Hash{}, fmt.Errorf("root of %d entries: %w", size, ctx.Err())
}

// ReadEntry returns the bytes of an entry of a chain of size entries, as the
// store has them now. Nothing of them is verified: their leaf hash tells
// whether they are those that were.
func ReadEntry(ctx context.Context, store Store, id evidence.ChainID, size, seq int64) ([]byte, error) {
	if seq < 0 || seq >= size {
		return nil, fmt.Errorf("read entry %d: chain %s has %d", seq, id, size)
	}
	n := seq / evidence.BundleSize
	at := func(width int) string { return id.BundleKey(n, width) }
	b, width, err := readPart(ctx, store, at, int(min(size-n*evidence.BundleSize, evidence.BundleSize)), maxBundle)
	if err != nil {
		return nil, fmt.Errorf("read entry %d: %w", seq, err)
	}
	raw, err := evidence.DecodeBundle(b, width)
	if err != nil {
		return nil, fmt.Errorf("read entry %d: %s: %w", seq, at(width), err)
	}
	return raw[seq%evidence.BundleSize], nil
}

// Chain is a chain that was verified at chain level, with all its entries in memory.
type Chain struct {
	ID       evidence.ChainID
	Entries  []*evidence.Entry
	Report   ChainReport
	KeyTrust string
	VKey     string
}

// ReadChains verifies chains as ReadChain does and returns their entries: the
// very ones that were verified, read once.
func ReadChains(ctx context.Context, store Store, opts Options) ([]Chain, error) {
	readers, err := readChains(ctx, store, opts, true)
	if err != nil {
		return nil, err
	}
	chains := make([]Chain, len(readers))
	for i, r := range readers {
		vkey, trust := r.Trust()
		chains[i] = Chain{ID: r.ID(), Entries: r.check.kept, Report: r.Report(), KeyTrust: trust, VKey: vkey}
	}
	return chains, nil
}
