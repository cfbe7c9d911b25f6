package storagetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing/iotest"

	"github.com/fabriziosalmi/rainlogs/sdk/conformance"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

func testPutThenRead(t conformance.T, s storage.Storage) {
	content := noise(1, 10_000)
	mustPut(t, s, "a/b/c.ndjson.zst", content)
	wantContent(t, s, "a/b/c.ndjson.zst", content)
	info, err := s.Stat(contextFor(t), "a/b/c.ndjson.zst")
	if err != nil {
		t.Fatal(err)
	}
	if info.Key != "a/b/c.ndjson.zst" || info.Size != 10_000 {
		t.Errorf("stat says %s with %d bytes", info.Key, info.Size)
	}
	if info.Modified.IsZero() || info.Modified.Location() != info.Modified.UTC().Location() {
		t.Errorf("modified %v, want a time in UTC", info.Modified)
	}
}

func testEmptyObject(t conformance.T, s storage.Storage) {
	mustPut(t, s, "empty", nil)
	wantContent(t, s, "empty", nil)
	if info, err := s.Stat(contextFor(t), "empty"); err != nil || info.Size != 0 {
		t.Errorf("stat: %d bytes, %v", info.Size, err)
	}
}

func testLargeObject(t conformance.T, s storage.Storage) {
	content := noise(2, 8<<20)
	mustPut(t, s, "large", content)
	wantContent(t, s, "large", content)
}

func testOnlyIfAbsent(t conformance.T, s storage.Storage) {
	first, second := []byte("first"), []byte("second, longer")
	mustPut(t, s, "k/one", first)
	for _, content := range [][]byte{second, first} { // the same bytes again, too
		_, err := s.Put(contextFor(t), request("k/one", content), bytes.NewReader(content))
		if !errors.Is(err, storage.ErrExists) {
			t.Errorf("second put: %v, want ErrExists", err)
		}
	}
	wantContent(t, s, "k/one", first)
}

func testOneOfManyWritersWins(t conformance.T, s storage.Storage) {
	const writers = 16
	contents := make([][]byte, writers)
	errs := make([]error, writers)
	ctx := contextFor(t)
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range writers {
		contents[i] = noise(uint64(100+i), 100_000+i)
		wg.Go(func() {
			<-start
			_, errs[i] = s.Put(ctx, request("race/here", contents[i]), bytes.NewReader(contents[i]))
		})
	}
	close(start)
	wg.Wait()
	winner := -1
	for i, err := range errs {
		switch {
		case err == nil && winner >= 0:
			t.Fatalf("writers %d and %d both won", winner, i)
		case err == nil:
			winner = i
		case !errors.Is(err, storage.ErrExists):
			t.Errorf("writer %d: %v, want ErrExists", i, err)
		}
	}
	if winner < 0 {
		t.Fatal("no writer won")
	}
	wantContent(t, s, "race/here", contents[winner])
}

func testWrongBytesLeaveNoTrace(t conformance.T, s storage.Storage) {
	content := noise(3, 300_000)
	honest := request("wrong/bytes", content)
	longer, shorter, other, noDigest := honest, honest, honest, honest
	longer.Size++
	shorter.Size--
	other.SHA256 = digest([]byte("something else"))
	noDigest.SHA256 = ""
	negative := honest
	negative.Size = -1
	for name, req := range map[string]storage.PutRequest{
		"size too large": longer, "size too small": shorter, "other digest": other,
		"no digest": noDigest, "negative size": negative,
	} {
		if _, err := s.Put(contextFor(t), req, bytes.NewReader(content)); !errors.Is(err, storage.ErrCorrupt) {
			t.Errorf("%s: %v, want ErrCorrupt", name, err)
		}
		wantAbsent(t, s, req.Key)
	}
	mustPut(t, s, honest.Key, content) // nothing is in its way
}

func testBodyErrorLeavesNoTrace(t conformance.T, s storage.Storage) {
	content := noise(4, 300_000)
	broken := io.MultiReader(bytes.NewReader(content[:200_000]), iotest.ErrReader(errors.New("upstream broke")))
	if _, err := s.Put(contextFor(t), request("broken/body", content), broken); err == nil {
		t.Error("put with a failing body: no error")
	}
	wantAbsent(t, s, "broken/body")
	mustPut(t, s, "broken/body", content)
}

func testReplaces(t conformance.T, s storage.Storage) {
	v1, v2, v3 := []byte("version 1"), []byte("version two"), []byte("version three")
	replace := func(content []byte, old string) error {
		req := request("checkpoint", content)
		req.Replaces = old
		_, err := s.Put(contextFor(t), req, bytes.NewReader(content))
		return err
	}
	if err := replace(v1, digest(v2)); !errors.Is(err, storage.ErrChanged) {
		t.Errorf("replace of what is not there: %v, want ErrChanged", err)
	}
	wantAbsent(t, s, "checkpoint")
	mustPut(t, s, "checkpoint", v1)
	if err := replace(v2, digest(v1)); err != nil {
		t.Fatalf("replace version 1: %v", err)
	}
	wantContent(t, s, "checkpoint", v2)
	if err := replace(v3, digest(v1)); !errors.Is(err, storage.ErrChanged) {
		t.Errorf("replace what has been replaced: %v, want ErrChanged", err)
	}
	wrong := request("checkpoint", v3)
	wrong.Replaces, wrong.SHA256 = digest(v2), digest(v1)
	if _, err := s.Put(contextFor(t), wrong, bytes.NewReader(v3)); !errors.Is(err, storage.ErrCorrupt) {
		t.Errorf("replace with wrong bytes: %v, want ErrCorrupt", err)
	}
	wantContent(t, s, "checkpoint", v2)
	if keys := list(t, s, "", ""); len(keys) != 1 {
		t.Errorf("list: %q, want only the checkpoint", keys)
	}
}

func testOneOfManyReplacersWins(t conformance.T, s storage.Storage) {
	const writers = 16
	base := []byte("base")
	mustPut(t, s, "head", base)
	ctx := contextFor(t)
	errs := make([]error, writers)
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			content := fmt.Appendf(nil, "successor %d", i)
			req := request("head", content)
			req.Replaces = digest(base)
			_, errs[i] = s.Put(ctx, req, bytes.NewReader(content))
		})
	}
	wg.Wait()
	winner := -1
	for i, err := range errs {
		switch {
		case err == nil && winner >= 0:
			t.Fatalf("writers %d and %d both replaced the same object", winner, i)
		case err == nil:
			winner = i
		case !errors.Is(err, storage.ErrChanged):
			t.Errorf("writer %d: %v, want ErrChanged", i, err)
		}
	}
	if winner < 0 {
		t.Fatal("no writer won")
	}
	wantContent(t, s, "head", fmt.Appendf(nil, "successor %d", winner))
}

// testReaderNeverSeesPart reads while a body is half through.
func testReaderNeverSeesPart(t conformance.T, s storage.Storage) {
	content := noise(5, 1<<20)
	ctx := contextFor(t)
	body, feed := io.Pipe()
	done := make(chan error, 1)
	go func() {
		_, err := s.Put(ctx, request("slow/upload", content), body)
		_ = body.CloseWithError(errors.New("put has returned"))
		done <- err
	}()
	if _, err := feed.Write(content[:len(content)/2]); err != nil {
		t.Fatalf("feed: %v", err)
	}
	wantAbsent(t, s, "slow/upload")
	if _, err := feed.Write(content[len(content)/2:]); err != nil {
		t.Fatalf("feed: %v", err)
	}
	wantAbsent(t, s, "slow/upload") // the body has not ended yet
	_ = feed.Close()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	wantContent(t, s, "slow/upload", content)
}

func testKeyIsObjectOrPrefix(t conformance.T, s storage.Storage) {
	mustPut(t, s, "x/y", []byte("object"))
	for _, key := range []string{"x", "x/y/z"} {
		if _, err := s.Stat(contextFor(t), key); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("stat %s: %v, want ErrNotFound", key, err)
		}
		if _, err := read(contextFor(t), s, key, 0, -1); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("get %s: %v, want ErrNotFound", key, err)
		}
		if err := s.Delete(contextFor(t), key); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("delete %s: %v, want ErrNotFound", key, err)
		}
	}
	wantContent(t, s, "x/y", []byte("object"))
}

func testCancelledContext(t conformance.T, s storage.Storage) {
	content := noise(6, 1<<20)
	mustPut(t, s, "there", content)
	ctx, cancel := context.WithCancel(contextFor(t))
	body, feed := io.Pipe()
	done := make(chan error, 1)
	go func() {
		_, err := s.Put(ctx, request("given/up", content), body)
		_ = body.CloseWithError(errors.New("put has returned"))
		done <- err
	}()
	if _, err := feed.Write(content[:300_000]); err != nil {
		t.Fatalf("feed: %v", err)
	}
	cancel()
	for range 64 { // a Put need not notice before its next read, but then
		if _, err := feed.Write(make([]byte, 64<<10)); err != nil {
			break
		}
	}
	_ = feed.CloseWithError(errors.New("put reads on although its context is done"))
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("put: %v, want context.Canceled", err)
	}
	wantAbsent(t, s, "given/up")
	if _, err := read(ctx, s, "there", 0, -1); !errors.Is(err, context.Canceled) {
		t.Errorf("get: %v, want context.Canceled", err)
	}
	if _, err := s.Stat(ctx, "there"); !errors.Is(err, context.Canceled) {
		t.Errorf("stat: %v, want context.Canceled", err)
	}
	if err := s.Delete(ctx, "there"); !errors.Is(err, context.Canceled) {
		t.Errorf("delete: %v, want context.Canceled", err)
	}
	var listErr error
	for _, err := range s.List(ctx, "", "") {
		listErr = errors.Join(listErr, err)
	}
	if !errors.Is(listErr, context.Canceled) {
		t.Errorf("list: %v, want context.Canceled", listErr)
	}
	wantContent(t, s, "there", content)
}
