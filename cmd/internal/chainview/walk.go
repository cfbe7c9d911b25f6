package chainview

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/verify"
	"github.com/fabriziosalmi/rainlogs/tui/screen/chain"
)

// book is a chain that was read.
type book struct {
	id    evidence.ChainID
	head  evidence.Checkpoint
	rows  []row
	sound bool // the entries are those that the head signs
	whole bool // none was lost

	once   sync.Once
	hashes []tlog.Hash // as tlog stores them, made of the rows when a proof is asked for
}

// row is what is kept of an entry.
type row struct {
	kind             evidence.Kind
	state            chain.State
	start, end, seal int64 // Unix seconds, seal in milliseconds
	lines, bytes     int64
	text             string
	leaf             tlog.Hash
}

// walk collects rows while the verifier reads.
type walk struct {
	rows      []row
	lost      bool
	bytes     int64
	handovers []chain.Handover
}

func (k *walk) take(w verify.Walked) {
	if w.Seq < int64(len(k.rows)) { // the chain is read once more
		*k = walk{}
	}
	k.skip(w.Seq)
	r := row{state: chain.Unreadable, leaf: w.Leaf}
	if w.Entry == nil {
		r.text = w.Err.Error()
	} else {
		k.enter(&r, w.Entry)
	}
	k.rows = append(k.rows, r)
}

// skip notes entries that could not be read.
func (k *walk) skip(to int64) {
	for int64(len(k.rows)) < to {
		k.lost = true
		k.rows = append(k.rows, row{state: chain.Unreadable, text: "its bundle cannot be read"})
	}
}

// end notes those that are lost at the end of a chain.
func (k *walk) end(size int64) {
	const most = 1 << 24 // a damaged checkpoint may claim any number
	k.skip(min(size, most))
}

func (k *walk) enter(r *row, e *evidence.Entry) {
	r.kind, r.seal = e.Kind, e.SealedAt.UnixMilli()
	if e.Window != nil {
		r.start, r.end = e.Window.Start.Unix(), e.Window.End.Unix()
	}
	switch e.Kind {
	case evidence.KindLog:
		k.enterLog(r, e)
	case evidence.KindGap:
		r.state, r.text = chain.Gap, e.Gap.Reason
	case evidence.KindObservation:
		r.state, r.text = chain.Observation, e.Observation.Topic
	case evidence.KindExpiry:
		r.state, r.text = chain.Expiry, fmt.Sprintf("%d objects, %s", len(e.Expiry.Seqs), e.Expiry.Policy)
		for _, seq := range e.Expiry.Seqs {
			if seq >= 0 && seq < int64(len(k.rows)) && k.rows[seq].state == chain.Sealed {
				k.rows[seq].state = chain.Expired
			}
		}
	case evidence.KindHold:
		r.state, r.text = chain.Hold, "lifted "+e.Hold.ID
		if e.Hold.Placed {
			r.text = "placed " + e.Hold.ID
		}
	case evidence.KindKey:
		r.state, r.text = chain.Key, "new key "+keyID(e.Key.VKey)
		k.handovers = append(k.handovers, chain.Handover{Seq: int64(len(k.rows)), At: e.SealedAt, Key: e.Key.VKey})
	default:
		r.state = chain.Other
	}
}

func (k *walk) enterLog(r *row, e *evidence.Entry) {
	r.state, r.lines = chain.Empty, e.Content.Lines
	if e.Object != nil {
		r.state, r.bytes = chain.Sealed, e.Object.Bytes
		k.bytes += e.Object.Bytes
	}
	if !e.Source.Complete {
		r.text = "partial"
	}
}

// keyID is the part of a verifier key that tells keys apart at a glance.
func keyID(vkey string) string {
	if parts := strings.SplitN(vkey, "+", 3); len(parts) == 3 {
		return parts[1]
	}
	return vkey
}

// fill hands the walk to the screen.
func (k *walk) fill(out *chain.Book) {
	out.Entries, out.Starts = make([]chain.State, len(k.rows)), make([]int64, len(k.rows))
	for i := range k.rows {
		out.Entries[i], out.Starts[i] = k.rows[i].state, k.rows[i].start
	}
	out.Bytes, out.Head.Handovers = k.bytes, k.handovers
}

// maxTokens bounds what is listed of timestamp tokens.
const maxTokens = 100_000

// around finds what lies beside a chain's checkpoint.
func (v *View) around(ctx context.Context, id evidence.ChainID, out *chain.Book) error {
	if out.Head.Size > 0 {
		info, err := v.cfg.Store.Stat(ctx, id.CheckpointAt(out.Head.Size))
		if err == nil {
			out.Head.Published = info.Modified
		} else if ctx.Err() != nil {
			return ctx.Err() //nolint:wrapcheck // the person's own stop
		} // else the verifier says so, if it matters
	}
	prefix := id.Prefix() + "timestamps/"
	for info, err := range v.cfg.Store.List(ctx, prefix, "") {
		if err != nil {
			return fmt.Errorf("list timestamps: %w", err)
		}
		var size int64
		if _, err := fmt.Sscanf(strings.TrimPrefix(info.Key, prefix), "%d.tsr", &size); err == nil && id.TimestampAt(size) == info.Key {
			out.Head.Timestamps = append(out.Head.Timestamps, size)
		}
		if len(out.Head.Timestamps) == maxTokens {
			break
		}
	}
	return nil
}

// note is the checkpoint of a damaged chain as it stands in the store, "" if it cannot be had.
func (v *View) note(ctx context.Context, id evidence.ChainID) string {
	body, err := v.cfg.Store.Get(ctx, id.CheckpointKey(), 0, evidence.MaxCheckpoint)
	if err != nil {
		return ""
	}
	b, err := io.ReadAll(io.LimitReader(body, evidence.MaxCheckpoint))
	if closeErr := body.Close(); err != nil || closeErr != nil {
		return ""
	}
	return string(b)
}

var errNotOpen = errors.New("the chain was not read yet")

func (v *View) book(id chain.ID) (*book, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if b := v.books[fromID(id)]; b != nil {
		return b, nil
	}
	return nil, errNotOpen
}

// Rows returns entries by their seqs.
func (v *View) Rows(_ context.Context, id chain.ID, seqs []int64) ([]chain.Row, error) {
	b, err := v.book(id)
	if err != nil {
		return nil, err
	}
	out := make([]chain.Row, 0, len(seqs))
	for _, seq := range seqs {
		if seq < 0 || seq >= int64(len(b.rows)) {
			return nil, fmt.Errorf("there is no entry %d", seq)
		}
		r := &b.rows[seq]
		row := chain.Row{Seq: seq, Kind: string(r.kind), State: r.state, Lines: r.lines, Bytes: r.bytes, Text: r.text}
		if r.start != 0 || r.end != 0 {
			row.From, row.To = time.Unix(r.start, 0).UTC(), time.Unix(r.end, 0).UTC()
		}
		if r.seal != 0 {
			row.SealedAt = time.UnixMilli(r.seal).UTC()
		}
		out = append(out, row)
	}
	return out, nil
}
