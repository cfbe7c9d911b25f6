package chain

import (
	"context"
	"fmt"
	"iter"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// Entries yields the committed entries from seq from on, decoded, with their
// bytes. They are authenticated backwards: each one's hash is the next one's
// prev, and the last one's hash is in the signed tree. The entries are
// therefore held in memory before the first is yielded; it is meant for
// catching up, not for reading a chain of years.
func (l *Log) Entries(ctx context.Context, from int64) iter.Seq2[*evidence.Entry, error] {
	return func(yield func(*evidence.Entry, error) bool) {
		entries, err := l.entries(ctx, from)
		if err != nil {
			yield(nil, fmt.Errorf("read chain %s from entry %d: %w", l.id, from, err))
			return
		}
		for _, e := range entries {
			if !yield(e, nil) {
				return
			}
		}
	}
}

func (l *Log) entries(ctx context.Context, from int64) ([]*evidence.Entry, error) {
	var raw [][]byte
	for seq := from; seq < l.edge.size; {
		n := seq / evidence.BundleSize
		width := int(min(l.edge.size-n*evidence.BundleSize, evidence.BundleSize))
		bundle, err := l.readBundle(ctx, n, width)
		if err != nil {
			return nil, err
		}
		raw = append(raw, bundle[seq-n*evidence.BundleSize:]...)
		seq = (n + 1) * evidence.BundleSize
	}
	entries := make([]*evidence.Entry, len(raw))
	want := l.edge.last
	for i := len(raw) - 1; i >= 0; i-- {
		seq := from + int64(i)
		if evidence.HashEntry(raw[i]) != want {
			return nil, fmt.Errorf("%w: entry %d is not the one that entry %d follows", ErrDamaged, seq, seq+1)
		}
		e, err := evidence.Decode(raw[i])
		if err != nil {
			return nil, fmt.Errorf("%w: entry %d: %w", ErrDamaged, seq, err)
		}
		if e.Seq != seq {
			return nil, fmt.Errorf("%w: entry %d says it is %d", ErrDamaged, seq, e.Seq)
		}
		entries[i], want = e, e.Prev
	}
	return entries, nil
}
