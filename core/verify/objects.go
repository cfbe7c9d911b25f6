package verify

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/sync/errgroup"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// checkObjects reads the chain's objects that are not expired.
func (c *chainCheck) checkObjects(ctx context.Context) error {
	if c.due.objects == 0 {
		return nil
	}
	return c.checkThose(ctx, func(e *evidence.Entry) bool { return !c.expired.has(e.Seq) })
}

// checkThose reads the objects asked for of the entries that are wanted,
// several at once.
func (c *chainCheck) checkThose(ctx context.Context, wanted func(e *evidence.Entry) bool) error {
	g, ctx := errgroup.WithContext(ctx)
	jobs := make(chan *evidence.Entry)
	g.Go(func() error {
		defer close(jobs)
		return c.feedObjects(ctx, wanted, jobs)
	})
	for range c.run.opts.Workers {
		g.Go(func() error {
			dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxFrameBytes))
			if err != nil {
				return fmt.Errorf("open zstd decoder: %w", err)
			}
			defer dec.Close()
			frames := newFrameReader(dec)
			for e := range jobs {
				if err := c.checkObject(ctx, e, frames); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return g.Wait()
}

func (c *chainCheck) feedObjects(ctx context.Context, wanted func(e *evidence.Entry) bool, jobs chan<- *evidence.Entry) error {
	for e, err := range c.entries(ctx) {
		if errors.Is(err, errChanged) {
			c.find(CodeBundle, -1, "", "%v", err)
			return nil
		}
		if err != nil {
			return err
		}
		if e.Kind != evidence.KindLog || e.Object == nil || e.Chain() != c.id || !wanted(e) || !c.run.asked(e) {
			continue
		}
		select {
		case jobs <- e:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// checkObject reads one object once: its stored digest and, at level content,
// its content in the same pass. If that is not what was sealed, it reads the
// first version, where the store keeps it.
func (c *chainCheck) checkObject(ctx context.Context, e *evidence.Entry, frames *frameReader) error {
	got, err := c.readObject(ctx, c.run.store, e, frames)
	if err != nil {
		return err
	}
	if !got.sealed(e) && c.run.first != nil {
		first, err := c.readObject(ctx, c.run.first, e, frames)
		if err != nil {
			return err
		}
		if first.sealed(e) {
			c.coverObject(e, got.state, first.state)
			got = first
		}
	}
	if got.err != nil && errors.Is(got.err, storage.ErrNotFound) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.missing = append(c.missing, objectRef{seq: e.Seq, key: e.Object.Key})
		return nil
	}
	if got.err != nil {
		c.findObject(CodeObjectUnreadable, e.Seq, e.Object.Key, "", got.err.Error(), "the object of entry %d, %s, cannot be read: %v", e.Seq, e.Object.Key, got.err)
		return nil
	}
	c.judgeObject(e, got)
	return nil
}

// judgeObject holds an object that was read to its entry.
func (c *chainCheck) judgeObject(e *evidence.Entry, got objectRead) {
	key := e.Object.Key
	c.run.report.count(1, got.size, got.content.Bytes)
	c.run.objectDone(c.id, got.size)
	if !got.sealed(e) {
		c.findObject(CodeObjectChanged, e.Seq, key, sizeAndHash(e.Object.Bytes, e.Object.SHA256), got.String(),
			"the object of entry %d, %s, has %s; sealed were %s", e.Seq, key, got, sizeAndHash(e.Object.Bytes, e.Object.SHA256))
	}
	switch {
	case got.frames != nil:
		c.findObject(CodeFrames, e.Seq, key, "", got.frames.Error(), "the object of entry %d, %s: %v", e.Seq, key, got.frames)
	case c.measured(e):
		c.compareContent(e, got.content)
	case c.run.opts.Level == LevelContent:
		c.run.report.encrypted()
		c.run.report.notice("entry %d: %s is encrypted, so that its stored bytes were checked and its content was not", e.Seq, key)
	}
}

// coverObject reports an object whose first version is the sealed one. One that
// is gone is reported when it is known that it was not expired meanwhile.
func (c *chainCheck) coverObject(e *evidence.Entry, present, first state) {
	if errors.Is(present.err, storage.ErrNotFound) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.missing = append(c.missing, objectRef{e.Seq, e.Object.Key, present, first})
		return
	}
	c.findCovered(fmt.Sprintf("the object of entry %d, %s,", e.Seq, e.Object.Key), e.Seq, e.Object.Key, present, first)
}

// objectRead is what an object was found to be.
type objectRead struct {
	state
	content evidence.Content
	frames  error
}

func (o objectRead) sealed(e *evidence.Entry) bool {
	return o.err == nil && o.sum == e.Object.SHA256 && o.size == e.Object.Bytes
}

// measured reports whether an object's content is looked at.
func (c *chainCheck) measured(e *evidence.Entry) bool {
	return c.run.opts.Level == LevelContent && e.Object.Encryption == nil
}

// readObject reads an object to its end. The error is for a store that cannot
// be reached; one that cannot read this object is in what is returned.
func (c *chainCheck) readObject(ctx context.Context, s Store, e *evidence.Entry, frames *frameReader) (objectRead, error) {
	broken := func(err error) (objectRead, error) {
		if !isFinding(err) {
			return objectRead{}, fmt.Errorf("read %s: %w", e.Object.Key, err)
		}
		return objectRead{state: state{err: err}}, nil
	}
	body, err := s.Get(ctx, e.Object.Key, 0, -1)
	if err != nil {
		return broken(err)
	}
	defer body.Close()
	var got objectRead
	stored := &digestReader{ctx: ctx, in: body, hash: sha256.New()}
	if c.measured(e) {
		meter := evidence.NewMeter(e.Source.Meter())
		got.frames = frames.copyTo(meter, stored, e.Content.Bytes)
		got.content = meter.Content()
	}
	if _, err := io.Copy(io.Discard, stored); err != nil {
		return broken(err)
	}
	if stored.err != nil && !errors.Is(stored.err, io.EOF) {
		return broken(stored.err)
	}
	got.size, got.sum = stored.n, evidence.Digest(stored.hash.Sum(nil))
	return got, nil
}

func sizeAndHash(n int64, d evidence.Digest) string {
	return fmt.Sprintf("%d bytes with SHA-256 %s", n, d)
}

// compareContent names each member that differs.
func (c *chainCheck) compareContent(e *evidence.Entry, got evidence.Content) {
	want := e.Content
	var wants, gots []string
	note := func(same bool, what string, want, got any) {
		if !same {
			wants, gots = append(wants, fmt.Sprintf("%s %v", what, want)), append(gots, fmt.Sprintf("%s %v", what, got))
		}
	}
	note(got.Bytes == want.Bytes, "bytes", want.Bytes, got.Bytes)
	note(got.Lines == want.Lines, "lines", want.Lines, got.Lines)
	note(got.SHA256 == want.SHA256, "sha256", want.SHA256, got.SHA256)
	note(got.MerkleRoot == want.MerkleRoot, "merkle_root", want.MerkleRoot, got.MerkleRoot)
	note(sameTime(want, got), "event times", eventTimes(want), eventTimes(&got))
	note(want.Tally == nil || sameTally(want.Tally, got.Tally), "tally", tallyText(want.Tally), tallyText(got.Tally))
	if len(wants) > 0 {
		want, got := strings.Join(wants, ", "), strings.Join(gots, ", ")
		c.findObject(CodeContent, e.Seq, e.Object.Key, want, got, "the content of entry %d's object, %s, has %s; sealed were %s", e.Seq, e.Object.Key, got, want)
	}
}

func sameTime(a *evidence.Content, b evidence.Content) bool {
	if (a.FirstEvent == nil) != (b.FirstEvent == nil) || (a.LastEvent == nil) != (b.LastEvent == nil) {
		return false
	}
	return a.FirstEvent == nil || a.LastEvent == nil || a.FirstEvent.Equal(*b.FirstEvent) && a.LastEvent.Equal(*b.LastEvent)
}

func eventTimes(c *evidence.Content) string {
	if c.FirstEvent == nil || c.LastEvent == nil {
		return "none"
	}
	return c.FirstEvent.String() + " to " + c.LastEvent.String()
}

func tallyText(t *evidence.Tally) string {
	if t == nil {
		return "none"
	}
	return fmt.Sprintf("of %d lines in %d rows of %d s from %s", t.Lines(), len(t.Rows), t.Bucket, t.From)
}

func sameTally(a, b *evidence.Tally) bool {
	if a.Bucket != b.Bucket || !a.From.Equal(b.From) || a.Untimed != b.Untimed || len(a.Rows) != len(b.Rows) {
		return false
	}
	for i := range a.Rows {
		if a.Rows[i] != b.Rows[i] {
			return false
		}
	}
	return true
}

// digestReader hashes what is read through it, ends with its context, and
// keeps the read error apart from what a decoder makes of it.
type digestReader struct {
	ctx  context.Context //nolint:containedctx // lives for one read only
	in   io.Reader
	hash hash.Hash
	n    int64
	err  error
}

func (d *digestReader) Read(p []byte) (int, error) {
	if d.err = d.ctx.Err(); d.err != nil {
		return 0, d.err
	}
	n, err := d.in.Read(p)
	_, _ = d.hash.Write(p[:n]) // a hash never fails
	d.n += int64(n)
	if err != nil {
		d.err = err
	}
	return n, err //nolint:wrapcheck // io.EOF must stay itself
}
