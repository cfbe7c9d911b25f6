package sourcetest

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing/iotest"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/fabriziosalmi/rainlogs/sdk/conformance"
	"github.com/fabriziosalmi/rainlogs/sdk/source"
)

// decode unpacks a stream's body as a host does.
func decode(st *source.Stream, body io.Reader) ([]byte, error) {
	switch st.Encoding {
	case source.Identity:
		return io.ReadAll(body)
	case source.Gzip:
		in := bufio.NewReader(body)
		if _, err := in.Peek(1); errors.Is(err, io.EOF) {
			return nil, nil // an empty window may come without a header
		}
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, err
		}
		return io.ReadAll(z)
	case source.Zstd:
		z, err := zstd.NewReader(body)
		if err != nil {
			return nil, err
		}
		defer z.Close()
		return io.ReadAll(z)
	}
	return nil, fmt.Errorf("encoding %q does not exist", st.Encoding)
}

// lines drains a stream and returns its records, sorted: their order is free.
func lines(st *source.Stream, body io.Reader) ([]string, error) {
	b, err := decode(st, body)
	if err != nil {
		return nil, err
	}
	var out []string
	for line := range bytes.Lines(b) {
		if line = bytes.TrimSpace(line); len(line) > 0 {
			out = append(out, string(line))
		}
	}
	if n := len(out); n > 0 && slices.Contains(st.FailureLines, out[n-1]) {
		return nil, fmt.Errorf("stream ended in %q", out[n-1])
	}
	slices.Sort(out)
	return out, nil
}

func open(t conformance.T, s source.Source, req source.Request) *source.Stream {
	t.Helper()
	st, err := s.Pull(contextFor(t), req)
	if err != nil {
		t.Fatalf("pull: %v", err)
	}
	t.Cleanup(func() { _ = st.Body.Close() }) // closing twice must do no harm
	return st
}

// pull returns the records of a window.
func pull(t conformance.T, s source.Source, req source.Request) ([]string, *source.Stream) {
	t.Helper()
	st := open(t, s, req)
	have, err := lines(st, st.Body)
	if err != nil {
		t.Fatalf("read %s to %s: %v", req.Start, req.End, err)
	}
	if err := st.Body.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	return have, st
}

// wantSame compares sets of records without printing them all.
func wantSame(t conformance.T, what string, have, want []string) {
	t.Helper()
	if slices.Equal(have, want) {
		return
	}
	t.Errorf("%s: %d records, want %d", what, len(have), len(want))
	for i := range min(len(have), len(want)) {
		if have[i] != want[i] {
			t.Errorf("%s: the first that differ are\n%.200s\n%.200s", what, have[i], want[i])
			return
		}
	}
}

func testStream(t conformance.T, f fixture) {
	have, st := pull(t, f.s, f.request(f.Full))
	if len(have) == 0 {
		t.Fatal("the full window has no records")
	}
	if len(st.Fields) == 0 {
		t.Error("stream does not say which fields are in force")
	}
	switch st.Timestamps {
	case source.UnixNano, source.Unix, source.RFC3339:
	default:
		t.Errorf("time format %q does not exist", st.Timestamps)
	}
	for _, line := range have {
		var record map[string]json.RawMessage
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Fatalf("%.200s is no JSON object: %v", line, err)
		}
		for name := range record {
			if !slices.Contains(st.Fields, name) {
				t.Fatalf("record has the member %q, which is not in force: %q", name, st.Fields)
			}
		}
	}
}

func testTrailer(t conformance.T, f fixture) {
	st := open(t, f.s, f.request(f.Full))
	if _, err := st.Trailer(); err == nil {
		t.Error("trailer before the body's end")
	}
	have, err := lines(st, st.Body)
	if err != nil {
		t.Fatal(err)
	}
	// A gzip reader may stop before the body's own end.
	if rest, err := io.Copy(io.Discard, st.Body); err != nil || rest != 0 {
		t.Fatalf("%d bytes behind the end of the encoding, %v", rest, err)
	}
	trailer, err := st.Trailer()
	if err != nil {
		t.Fatalf("trailer: %v", err)
	}
	if trailer.Lines != -1 && trailer.Lines != int64(len(have)) {
		t.Errorf("trailer says %d lines of %d", trailer.Lines, len(have))
	}
	if at := trailer.RetrievedAt; at.IsZero() || at.Location() != time.UTC {
		t.Errorf("retrieved at %s", at)
	}
	if n, err := st.Body.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("read behind the end: %d bytes, %v", n, err)
	}
}

func testRepeatable(t conformance.T, f fixture) {
	first, _ := pull(t, f.s, f.request(f.Full))
	second, _ := pull(t, f.s, f.request(f.Full))
	wantSame(t, "second pull", second, first)
}

func testHalfOpen(t conformance.T, f fixture) {
	whole, st := pull(t, f.s, f.request(f.Full))
	middle := f.Full.Start.Add(f.Full.End.Sub(f.Full.Start) / 2).Truncate(time.Second)
	var parts []string
	for _, w := range []Window{{f.Full.Start, middle}, {middle, f.Full.End}} {
		req := f.request(w)
		req.Fields = st.Fields
		half, _ := pull(t, f.s, req)
		if len(half) == 0 {
			t.Errorf("no records from %s to %s", w.Start, w.End)
		}
		parts = append(parts, half...)
	}
	slices.Sort(parts)
	wantSame(t, "both halves", parts, whole)
}

func testPinnedFields(t conformance.T, f fixture) {
	_, st := pull(t, f.s, f.request(f.Full))
	req := f.request(f.Full)
	req.Fields = []string{st.Fields[0], st.Fields[len(st.Fields)-1]}
	req.Fields = slices.Compact(req.Fields)
	have, pinned := pull(t, f.s, req)
	if !slices.Equal(slices.Sorted(slices.Values(pinned.Fields)), slices.Sorted(slices.Values(req.Fields))) {
		t.Errorf("fields %q in force, want %q", pinned.Fields, req.Fields)
	}
	for _, line := range have {
		var record map[string]json.RawMessage
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Fatalf("%.200s: %v", line, err)
		}
		for name := range record {
			if !slices.Contains(req.Fields, name) {
				t.Fatalf("record has the member %q, which was not asked for", name)
			}
		}
	}
}

func testConcurrent(t conformance.T, f fixture) {
	want, _ := pull(t, f.s, f.request(f.Full))
	ctx := contextFor(t)
	var wg sync.WaitGroup
	have := make([][]string, 4)
	errs := make([]error, len(have))
	for i := range have {
		wg.Go(func() {
			st, err := f.s.Pull(ctx, f.request(f.Full))
			if err != nil {
				errs[i] = err
				return
			}
			have[i], errs[i] = lines(st, st.Body)
			errs[i] = errors.Join(errs[i], st.Body.Close())
		})
	}
	wg.Wait()
	for i := range have {
		if errs[i] != nil {
			t.Errorf("pull %d: %v", i, errs[i])
			continue
		}
		wantSame(t, fmt.Sprintf("pull %d of %d at once", i, len(have)), have[i], want)
	}
}

func testSmallReads(t conformance.T, f fixture) {
	want, _ := pull(t, f.s, f.request(f.Full))
	st := open(t, f.s, f.request(f.Full))
	have, err := lines(st, iotest.OneByteReader(st.Body))
	if err != nil {
		t.Fatal(err)
	}
	wantSame(t, "read byte by byte", have, want)
}

func testEmpty(t conformance.T, f fixture) {
	if f.Empty.Start.IsZero() {
		t.Skip("the harness has no empty window")
	}
	st := open(t, f.s, f.request(f.Empty))
	have, err := lines(st, st.Body)
	if err != nil || len(have) != 0 {
		t.Errorf("empty window: %d records, %v", len(have), err)
	}
	if _, err := io.Copy(io.Discard, st.Body); err != nil {
		t.Error(err)
	}
	if trailer, err := st.Trailer(); err != nil || trailer.Lines > 0 {
		t.Errorf("trailer %+v, %v", trailer, err)
	}
}

func testCancel(t conformance.T, f fixture) {
	ctx, cancel := context.WithCancel(contextFor(t))
	defer cancel()
	st, err := f.s.Pull(ctx, f.request(f.Full))
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := io.Copy(io.Discard, st.Body); !errors.Is(err, context.Canceled) {
		t.Errorf("read after cancel: %v, want context.Canceled", err)
	}
	if _, err := st.Body.Read(make([]byte, 1)); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("read again after cancel: %v", err)
	}
	if _, err := st.Trailer(); err == nil {
		t.Error("a cancelled stream has a trailer")
	}
	if err := st.Body.Close(); err != nil {
		t.Errorf("close after cancel: %v", err)
	}
	if have, _ := pull(t, f.s, f.request(f.Full)); len(have) == 0 {
		t.Error("no records in the next pull")
	}
}

func testCancelled(t conformance.T, f fixture) {
	ctx, cancel := context.WithCancel(contextFor(t))
	cancel()
	st, err := f.s.Pull(ctx, f.request(f.Full))
	if err == nil {
		_, err = io.Copy(io.Discard, st.Body)
		_ = st.Body.Close() // the read's error counts
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("pull: %v, want context.Canceled", err)
	}
	if _, err := f.s.Probe(ctx, f.Zone); !errors.Is(err, context.Canceled) {
		t.Errorf("probe: %v, want context.Canceled", err)
	}
}

// testCloseEarly is judged by goleak too, at the end of the package's tests.
func testCloseEarly(t conformance.T, f fixture) {
	for range 5 {
		st := open(t, f.s, f.request(f.Full))
		if _, err := io.ReadFull(st.Body, make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		if err := st.Body.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		if err := st.Body.Close(); err != nil {
			t.Errorf("close again: %v", err)
		}
	}
	untouched := open(t, f.s, f.request(f.Full))
	if err := untouched.Body.Close(); err != nil {
		t.Errorf("close unread: %v", err)
	}
	have, _ := pull(t, f.s, f.request(f.Full))
	again, _ := pull(t, f.s, f.request(f.Full))
	wantSame(t, "after early closes", again, have)
	if len(have) == 0 {
		t.Error("no records after early closes")
	}
}
