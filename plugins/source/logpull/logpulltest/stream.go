package logpulltest

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"iter"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"
)

var gzipWriters = sync.Pool{New: func() any {
	z, err := gzip.NewWriterLevel(nil, gzip.BestSpeed)
	if err != nil {
		panic(err) // only for a level out of range
	}
	return z
}}

// body is an answer's stream of lines, compressed if the client takes gzip.
type body struct {
	http    *http.ResponseController
	w       io.Writer
	gz      *gzip.Writer // nil: plain
	buf     *bufio.Writer
	between bool // line ends go between lines only
	lines   int64
	bytes   int64 // before compression
	err     error
}

func newBody(w http.ResponseWriter, r *http.Request, noFinalNewline bool) *body {
	b := &body{http: http.NewResponseController(w), w: w, between: noFinalNewline}
	w.Header().Set("Content-Type", "application/json")
	if acceptsGzip(r.Header) {
		w.Header().Set("Content-Encoding", "gzip")
		gz, _ := gzipWriters.Get().(*gzip.Writer) // the pool holds nothing else
		gz.Reset(w)
		b.gz, b.w = gz, gz
	}
	b.buf = bufio.NewWriterSize(b.w, 128<<10)
	return b
}

func acceptsGzip(h http.Header) bool {
	for _, value := range h.Values("Accept-Encoding") {
		for part := range strings.SplitSeq(value, ",") {
			coding, params, _ := strings.Cut(part, ";")
			coding, params = strings.TrimSpace(coding), strings.ReplaceAll(params, " ", "")
			if strings.EqualFold(coding, "gzip") && strings.TrimRight(params, ".0") != "q=" {
				return true
			}
		}
	}
	return false
}

// line writes one line; its errors stay and come out of close.
func (b *body) line(line []byte) {
	if b.between && b.lines > 0 {
		b.keep(b.buf.WriteByte('\n'))
	}
	n, err := b.buf.Write(line)
	b.keep(err)
	b.bytes += int64(n) + 1
	b.lines++
	if !b.between {
		b.keep(b.buf.WriteByte('\n'))
	}
}

func (b *body) keep(err error) {
	if b.err == nil && err != nil {
		b.err = err
	}
}

// flush sends out what there is.
func (b *body) flush() {
	b.keep(b.buf.Flush())
	if b.gz != nil {
		b.keep(b.gz.Flush())
	}
	if err := b.http.Flush(); !errors.Is(err, http.ErrNotSupported) {
		b.keep(err)
	}
}

// close ends the stream as it should be.
func (b *body) close() error {
	b.keep(b.buf.Flush())
	if b.gz != nil {
		b.keep(b.gz.Close())
	}
	b.release()
	return b.err
}

// release gives the compressor back without ending the stream.
func (b *body) release() {
	if b.gz != nil {
		b.gz.Reset(io.Discard)
		gzipWriters.Put(b.gz)
		b.gz = nil
	}
}

// stream sends the records. It holds no more than a buffer of them.
func (e *Emulator) stream(w http.ResponseWriter, r *http.Request, c *call, q query, f Fault) {
	out := newBody(w, r, e.cfg.NoFinalNewline)
	defer out.release()
	defer func() { c.Served.Lines, c.Served.Bytes = out.lines, out.bytes }()
	spoils := f.Kind == FaultCut || f.Kind == FaultTruncatedGzip || f.Kind == FaultStreamError
	pauses := 0
	for line := range e.pick(c, q, f.Kind == FaultUnordered || e.cfg.Shuffle) {
		if spoils && out.lines >= int64(f.Lines) || out.err != nil {
			break
		}
		if limit := e.cfg.Limits.ResponseBytes; limit >= 0 && out.bytes+int64(len(line)) > limit {
			f.Kind, spoils = FaultStreamError, true
			break
		}
		if f.Kind == FaultSlow && pauses < f.Pauses {
			pauses++
			out.flush()
			out.keep(e.cfg.Wait(r.Context(), f.Pause))
		}
		if out.lines%1024 == 0 {
			e.checkConnection(c, out)
		}
		out.line(line)
	}
	if spoils {
		e.spoil(out, f.Kind)
		return
	}
	if c.Complete = out.close() == nil; c.Complete {
		e.mu.Lock()
		c.zone.reads = append(c.zone.reads, [2]int64{q.start, q.end})
		e.mu.Unlock()
	}
}

// checkConnection cuts a connection that has been open for too long.
func (e *Emulator) checkConnection(c *call, out *body) {
	if limit := e.cfg.Limits.Connection; limit >= 0 && e.cfg.Now().Sub(c.at) > limit {
		e.timedOut(c.zone, e.cfg.Now())
		e.spoil(out, FaultCut)
	}
}

// spoil ends a stream in one of the ways in which it should not.
func (e *Emulator) spoil(out *body, kind FaultKind) {
	switch kind {
	case FaultStreamError:
		out.line([]byte(streamErrorLine))
		_ = out.close() // the stream is spoilt in any case
	case FaultTruncatedGzip:
		out.keep(out.buf.Flush())
		if out.gz == nil { // plain text can only end inside a line
			_, _ = io.WriteString(out.w, `{"ClientIP":"19`)
			return
		}
		out.keep(out.gz.Flush())
		out.release()
	default:
		out.flush()
		panic(http.ErrAbortHandler)
	}
}

// pick yields the lines of a query: all, a random part, or a random number.
func (e *Emulator) pick(c *call, q query, shuffle bool) iter.Seq[[]byte] {
	seed := hashOf(e.cfg.Seed, 's', c.Seq)
	return func(yield func([]byte) bool) {
		if c.zone.Records == nil {
			return
		}
		left, rest := 0, 0 // to choose, to choose from
		chosen := rng(hashOf(seed, 'n'))
		if q.count > 0 {
			narrow := q
			narrow.p.Fields = nil
			for range e.sampled(c, narrow, seed, shuffle) {
				rest++
			}
			left = min(q.count, rest)
		}
		for line := range e.sampled(c, q, seed, shuffle) {
			if q.count > 0 { // selection sampling: one pass, no memory
				take := float64(rest)*chosen.unit() < float64(left)
				rest--
				if !take {
					continue
				}
				left--
			}
			if q.defuse {
				line = bytes.ReplaceAll(line, []byte("${"), []byte("x{"))
			}
			if !yield(line) {
				return
			}
		}
	}
}

// sampled yields each line with the asked probability, the same for one seed.
func (e *Emulator) sampled(c *call, q query, seed uint64, shuffle bool) iter.Seq[[]byte] {
	source := e.ordered(c, q, seed, shuffle)
	if q.sample >= 1 {
		return source
	}
	return func(yield func([]byte) bool) {
		r := rng(hashOf(seed, 'p'))
		for line := range source {
			if r.unit() < q.sample && !yield(line) {
				return
			}
		}
	}
}

// ordered yields the lines in order, or in a random one: minutes shuffled, and
// lines shuffled over the width of a buffer, so that nothing large is held.
func (e *Emulator) ordered(c *call, q query, seed uint64, shuffle bool) iter.Seq[[]byte] {
	parts := [][2]int64{{q.start, q.end}}
	r := rng(hashOf(seed, 'o'))
	if shuffle {
		parts = parts[:0]
		for at := q.start; at < q.end; {
			next := min(q.end, (floorDiv(at, minuteNanos)+1)*minuteNanos)
			parts = append(parts, [2]int64{at, next})
			at = next
		}
		for i := len(parts) - 1; i > 0; i-- {
			j := r.below(i + 1)
			parts[i], parts[j] = parts[j], parts[i]
		}
	}
	all := func(yield func([]byte) bool) {
		for _, part := range parts {
			for _, line := range e.Lines(c.zone.ID, time.Unix(0, part[0]), time.Unix(0, part[1]), q.p) {
				if !yield(line) {
					return
				}
			}
		}
	}
	if !shuffle {
		return all
	}
	return func(yield func([]byte) bool) { shuffled(all, &r, yield) }
}

const shuffleWidth = 512 // lines

func shuffled(lines iter.Seq[[]byte], r *rng, yield func([]byte) bool) {
	held := make([][]byte, 0, shuffleWidth)
	for line := range lines {
		if len(held) < shuffleWidth {
			held = append(held, bytes.Clone(line))
			continue
		}
		i := r.below(shuffleWidth)
		if !yield(held[i]) {
			return
		}
		held[i] = append(held[i][:0], line...)
	}
	for len(held) > 0 {
		i, last := r.below(len(held)), len(held)-1
		if !yield(held[i]) {
			return
		}
		held[i] = held[last]
		held = held[:last]
	}
}
