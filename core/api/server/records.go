package server

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/filter"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

const (
	entriesAtOnce = 64 // whose tallies take most of the memory
	flushEvery    = time.Second
)

// logs is one answer: the records of a range of event time.
type logs struct {
	*request
	chain    evidence.ChainID
	from, to time.Time
	match    *filter.Matcher
	coding   string
	lender   *lender
	now      func() time.Time
	ground   *ground

	out     *held
	coder   coder // of what is sent; nil for identity
	client  *patient
	flushed time.Time
	lines   int64 // sent
	objects int
	partial bool // the source did not claim to have given all
}

// coder is a compressing writer.
type coder interface {
	io.WriteCloser
	Flush() error
}

// windows are a chain's, by start, read from the ledger page by page.
func (q *request) windows(ctx context.Context, id evidence.ChainID, from, to time.Time) iter.Seq2[catalog.Window, error] {
	return func(yield func(catalog.Window, error) bool) {
		for at := from; at.Before(to); at = at.Add(page) {
			rows, err := q.gen.Catalog.Windows(ctx, id, at, earlier(at.Add(page), to))
			if err != nil {
				yield(catalog.Window{}, err)
				return
			}
			for _, w := range rows {
				if w.Window.Start.Before(at) && at.After(from) {
					continue // of the page before
				}
				if !yield(w, nil) {
					return
				}
			}
		}
	}
}

func (l *logs) serve(ctx context.Context, client *patient) error {
	if err := l.begin(client); err != nil {
		return err
	}
	var due []catalog.Window
	for w, err := range l.windows(ctx, l.chain, l.from.Add(-early), l.to.Add(late)) {
		if err != nil {
			return err
		}
		if w.State != catalog.Sealed || w.Object != catalog.Kept {
			continue
		}
		if due = append(due, w); len(due) == entriesAtOnce {
			if err := l.send(ctx, due); err != nil {
				return err
			}
			due = due[:0]
		}
	}
	if err := l.send(ctx, due); err != nil {
		return err
	}
	return l.end()
}

func (l *logs) begin(client *patient) (err error) {
	h := client.w.Header()
	h.Set("Content-Type", ndjson)
	h.Set("Vary", "Accept-Encoding")
	h.Set("Trailer", strings.Join([]string{tailObjects, tailLines, tailComplete}, ", "))
	h.Set(headWindows, strconv.Itoa(l.ground.windows))
	if missing := l.ground.missing; len(missing) > 0 {
		if l.ground.more > 0 {
			missing = append(missing, fmt.Sprintf("and %d more", l.ground.more))
		}
		h.Set(headIncomplete, strings.Join(missing, ", "))
	}
	l.client, l.flushed = client, l.now()
	switch l.coding {
	case "identity":
		l.out = newHeld(client, everything)
		return nil
	case "gzip":
		l.coder, err = gzip.NewWriterLevel(client, gzip.StatelessCompression)
	default: // a window of less than what zstd takes by itself: it is kept for each client
		l.coder, err = zstd.NewWriter(client, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1),
			zstd.WithWindowSize(128<<10), zstd.WithLowerEncoderMem(true))
	}
	if err != nil {
		return fmt.Errorf("open %s encoder: %w", l.coding, err)
	}
	h.Set("Content-Encoding", l.coding)
	l.out = newHeld(l.coder, everything)
	return nil
}

// send sends the records of windows.
func (l *logs) send(ctx context.Context, windows []catalog.Window) error {
	seqs := make([]int64, len(windows))
	for i, w := range windows {
		seqs[i] = w.Seq
	}
	entries, err := l.entries(ctx, l.chain, seqs)
	if err != nil {
		return err
	}
	for i, e := range entries {
		if err := recorded(e, windows[i]); err != nil {
			return err
		}
		within := e.Window.Start.Before(l.to.Add(tail)) && e.Window.End.After(l.from)
		l.partial = l.partial || within && !e.Source.Complete
		p := pick{logs: l, choice: choose(e, l.from, l.to)}
		if e.Object == nil || !p.some {
			continue
		}
		if err := l.object(ctx, e, &p); err != nil {
			return fmt.Errorf("entry %d: %w", e.Seq, err)
		}
		entries[i] = nil
	}
	return nil
}

// object sends what is asked for of an object, and holds its end back until all of it was
// found to be what was sealed.
func (l *logs) object(ctx context.Context, e *evidence.Entry, p *pick) error {
	body, err := l.open(ctx, e.Object.Key)
	if errors.Is(err, storage.ErrNotFound) {
		return fmt.Errorf("%w: it is missing: %w", errNotSealed, err)
	}
	if err != nil {
		return err
	}
	defer body.Close()
	stored := &summed{in: body, hash: sha256.New(), most: e.Object.Bytes}
	in := newFrames(l.lender, stored)
	defer in.close()
	if err := eachFrame(ctx, in, stored, e, p.take, l.out.flush); err != nil {
		return err
	}
	if err := p.finish(); err != nil {
		return err
	}
	l.objects++
	now := l.now()
	if now.Sub(l.flushed) < flushEvery {
		return nil
	}
	l.flushed = now
	return l.flush()
}

// flush sends what is there, for a client that waits for the next.
func (l *logs) flush() error {
	err := l.out.flush()
	if err == nil && l.coder != nil && l.lines > 0 {
		err = l.coder.Flush()
	}
	if err == nil && l.client.begun {
		err = errors.Join(l.client.wait(), l.client.rc.Flush())
	}
	if err != nil && !errors.Is(err, http.ErrNotSupported) {
		return fmt.Errorf("send: %w", err)
	}
	return nil
}

// end sends the rest, and what the answer stands on.
func (l *logs) end() error {
	if err := l.out.flush(); err != nil {
		return err
	}
	if l.coder != nil {
		if err := l.coder.Close(); err != nil {
			return fmt.Errorf("send: %w", err)
		}
	}
	if err := l.client.wait(); err != nil {
		return err
	}
	l.client.begin()
	h := l.client.w.Header()
	h.Set(tailObjects, strconv.Itoa(l.objects))
	h.Set(tailLines, strconv.FormatInt(l.lines, 10))
	h.Set(tailComplete, strconv.FormatBool(len(l.ground.missing) == 0 && !l.partial))
	return nil
}
