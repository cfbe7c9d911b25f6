package verify

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/sync/errgroup"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// checkObjects reads the chain's objects, several at once.
func (c *chainCheck) checkObjects(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	jobs := make(chan objectRef)
	g.Go(func() error {
		defer close(jobs)
		for _, o := range c.objects {
			if c.expired[o.seq] {
				continue
			}
			select {
			case jobs <- o:
			case <-ctx.Done():
				return nil
			}
		}
		return nil
	})
	for range c.run.opts.Workers {
		g.Go(func() error {
			dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxFrameBytes))
			if err != nil {
				return fmt.Errorf("open zstd decoder: %w", err)
			}
			defer dec.Close()
			frames := newFrameReader(dec)
			for o := range jobs {
				if err := c.checkObject(ctx, o, frames); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return g.Wait() //nolint:wrapcheck // made by this package
}

// checkObject reads one object once: its stored digest and, at level content,
// its content in the same pass.
func (c *chainCheck) checkObject(ctx context.Context, o objectRef, frames *frameReader) error {
	key := o.object.Key
	body, err := c.run.store.Get(ctx, key, 0, -1)
	if errors.Is(err, storage.ErrNotFound) {
		c.run.report.find(CodeObjectMissing, c.id, o.seq, key, "the object of entry %d, %s, is not in the store", o.seq, key)
		return nil
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", key, err)
	}
	defer body.Close() //nolint:errcheck // only read
	stored := &digestReader{in: body, hash: sha256.New()}
	var content evidence.Content
	var framesErr error
	measured := o.entry != nil && o.object.Encryption == nil
	if measured {
		meter := evidence.NewMeter(c.meterConfig(o.entry))
		framesErr = frames.copyTo(meter, stored)
		content = meter.Content()
	}
	if _, err := io.Copy(io.Discard, stored); err != nil {
		return fmt.Errorf("read %s: %w", key, err)
	}
	if stored.err != nil && !errors.Is(stored.err, io.EOF) {
		return fmt.Errorf("read %s: %w", key, stored.err)
	}
	c.run.report.count(1, stored.n, content.Bytes)
	c.run.objectDone(c.id, stored.n)
	if got := evidence.Digest(stored.hash.Sum(nil)); got != o.object.SHA256 || stored.n != o.object.Bytes {
		c.run.report.find(CodeObjectChanged, c.id, o.seq, key, "the object of entry %d, %s, has %d bytes with SHA-256 %s; sealed were %d bytes with %s",
			o.seq, key, stored.n, got, o.object.Bytes, o.object.SHA256)
	}
	switch {
	case framesErr != nil:
		c.run.report.find(CodeFrames, c.id, o.seq, key, "the object of entry %d, %s: %v", o.seq, key, framesErr)
	case measured:
		c.compareContent(o, content)
	case o.entry != nil:
		c.run.report.notice("%s is encrypted: its content was not checked", key)
	}
	return nil
}

func (c *chainCheck) meterConfig(e *evidence.Entry) evidence.MeterConfig {
	m := c.run.opts.Meter(c.id.Dataset)
	m.Timestamps = e.Source.Timestamps
	return m
}

// compareContent names each member that differs.
func (c *chainCheck) compareContent(o objectRef, got evidence.Content) {
	want := o.entry.Content
	var differ []string
	note := func(same bool, what string, want, got any) {
		if !same {
			differ = append(differ, fmt.Sprintf("%s is %v, sealed was %v", what, got, want))
		}
	}
	note(got.Bytes == want.Bytes, "bytes", want.Bytes, got.Bytes)
	note(got.Lines == want.Lines, "lines", want.Lines, got.Lines)
	note(got.SHA256 == want.SHA256, "sha256", want.SHA256, got.SHA256)
	note(got.MerkleRoot == want.MerkleRoot, "merkle_root", want.MerkleRoot, got.MerkleRoot)
	note(sameTime(want, got), "event times", eventTimes(want), eventTimes(&got))
	note(want.Tally == nil || sameTally(want.Tally, got.Tally), "tally", "another", "recomputed")
	if len(differ) > 0 {
		c.run.report.find(CodeContent, c.id, o.seq, o.object.Key, "the content of entry %d's object, %s: %s", o.seq, o.object.Key, strings.Join(differ, "; "))
	}
}

func sameTime(a *evidence.Content, b evidence.Content) bool {
	if (a.FirstEvent == nil) != (b.FirstEvent == nil) || (a.LastEvent == nil) != (b.LastEvent == nil) {
		return false
	}
	return a.FirstEvent == nil || a.FirstEvent.Equal(*b.FirstEvent) && a.LastEvent.Equal(*b.LastEvent)
}

func eventTimes(c *evidence.Content) string {
	if c.FirstEvent == nil || c.LastEvent == nil {
		return "none"
	}
	return c.FirstEvent.String() + " to " + c.LastEvent.String()
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

// digestReader hashes what is read through it and keeps the read error apart
// from what a decoder makes of it.
type digestReader struct {
	in   io.Reader
	hash interface {
		io.Writer
		Sum([]byte) []byte
	}
	n   int64
	err error
}

func (d *digestReader) Read(p []byte) (int, error) {
	n, err := d.in.Read(p)
	_, _ = d.hash.Write(p[:n]) // a hash never fails
	d.n += int64(n)
	if err != nil {
		d.err = err
	}
	return n, err //nolint:wrapcheck // io.EOF must stay itself
}
