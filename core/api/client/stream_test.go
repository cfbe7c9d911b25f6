package client_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"github.com/fabriziosalmi/rainlogs/core/api"
	"github.com/fabriziosalmi/rainlogs/core/api/client"
	"github.com/fabriziosalmi/rainlogs/core/api/client/gen"
)

func packed(t *testing.T, text string, opts ...zstd.EOption) string {
	t.Helper()
	w, err := zstd.NewWriter(nil, append([]zstd.EOption{zstd.WithEncoderConcurrency(1)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	return string(w.EncodeAll([]byte(text), nil))
}

// A download ends well only if it is what was sealed.
func TestDownload(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("{\"a\":1}\n", 20_000)
	sum := sha256.Sum256([]byte(text))
	sealed := hex.EncodeToString(sum[:])
	whole := packed(t, text)
	skippable := "\x50\x2a\x4d\x18\x04\x00\x00\x00abcd" // as the seek table behind the frames
	for name, c := range map[string]struct {
		coding, body string
		sum          string
		want         error // nil: text
	}{
		"as stored":      {"zstd", whole + skippable, sealed, nil},
		"two frames":     {"zstd", packed(t, text[:8]) + packed(t, text[8:]), sealed, nil},
		"plain":          {"", text, sealed, nil},
		"empty":          {"", "", hex.EncodeToString(sha256.New().Sum(nil)), nil},
		"altered":        {"zstd", packed(t, strings.Replace(text, "1", "2", 1)), sealed, client.ErrAltered},
		"cut off":        {"zstd", whole[:len(whole)/2], sealed, io.ErrUnexpectedEOF},
		"cut off, plain": {"", text[:len(text)/2], sealed, client.ErrAltered},
		"too long":       {"", text + "x", sealed, client.ErrAltered},
		"huge window":    {"zstd", hugeWindow, sealed, zstd.ErrWindowSizeExceeded},
		"no digest":      {"zstd", whole, "", client.ErrAnswer},
		"another coding": {"br", whole, sealed, client.ErrAnswer},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			closed := 0
			cl := asked(t, func(r *http.Request) (*http.Response, error) {
				if got := r.Header.Get("Accept-Encoding"); !strings.HasPrefix(got, "zstd") {
					t.Errorf("accepts %q", got)
				}
				res := answer(200, "application/x-ndjson", c.body, "X-Content-Sha256", c.sum, "Content-Encoding", c.coding)
				res.Body = counted{res.Body, &closed}
				return res, nil
			})
			d, err := cl.Download(t.Context(), "job")
			var got []byte
			if err == nil {
				got, err = io.ReadAll(d)
				if _, again := d.Read(make([]byte, 1)); errors.Is(again, io.EOF) != (err == nil) {
					t.Errorf("read once more: %v after %v", again, err)
				}
				err = errors.Join(err, d.Close(), d.Close())
			}
			if c.want != nil && !errors.Is(err, c.want) || c.want == nil && (err != nil || string(got) != text && c.body != "") {
				t.Errorf("%d bytes, %v, want %v", len(got), err, c.want)
			}
			if closed != 1 {
				t.Errorf("the answer was closed %d times", closed)
			}
		})
	}
}

// hugeWindow is a frame whose header asks for a window of 128 MiB (RFC 8878, 3.1.1.1.2).
const hugeWindow = "\x28\xb5\x2f\xfd\x00\x88\x01\x00\x00"

type counted struct {
	io.ReadCloser
	closed *int
}

func (c counted) Close() error { *c.closed++; return c.ReadCloser.Close() }

func TestFollow(t *testing.T) {
	t.Parallel()
	stream := ": here\n\nevent: zone\ndata: {\"id\":\"a\",\"name\":\"a.eu\"}\n\nevent: chain\r\ndata: {\"id\":\"a\",\r\ndata: \"size\":7}\r\n\r\n" +
		"event: newer\ndata: 1\n\nevent: removed\ndata:{\"id\":\"a\",\"dataset\":\"d\"}\n\nevent: zone\ndata: {\"id\":\"cut"
	cl := asked(t, func(*http.Request) (*http.Response, error) {
		return answer(200, "text/event-stream; charset=utf-8", stream), nil
	})
	var got []client.Change
	for c, err := range cl.Follow(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, c)
	}
	want := []client.Change{{Zone: &gen.Zone{Id: "a", Name: "a.eu"}}, {Chain: &gen.Grown{Id: "a", Size: 7}}, {Removed: &gen.Removed{Id: "a", Dataset: "d"}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	const progress = "event: progress\ndata: {\"stage\":\"entries\",\"done\":1,\"total\":2,\"findings\":0}\n\n"
	for name, c := range map[string]struct {
		stream string
		done   int
		check  func(v *gen.Verification, err error) bool
	}{
		"a report": {progress + progress + "event: report\ndata: {\"intact\":true,\"entries\":3}\n\n", 2, func(v *gen.Verification, err error) bool {
			return err == nil && v.Intact && v.Entries == 3
		}},
		"a problem": {progress + "event: problem\ndata: {\"status\":503,\"code\":\"unavailable\",\"detail\":\"later\"}\n\n", 1, func(_ *gen.Verification, err error) bool {
			var p *api.Problem
			return errors.As(err, &p) && p.Code == api.CodeUnavailable
		}},
		"cut off":      {progress + "event: report\ndata: {\"intact\":true}\n", 1, func(_ *gen.Verification, err error) bool { return errors.Is(err, client.ErrCut) }},
		"empty":        {"", 0, func(_ *gen.Verification, err error) bool { return errors.Is(err, client.ErrCut) }},
		"not JSON":     {"event: report\ndata: {\n\n", 0, func(_ *gen.Verification, err error) bool { return errors.Is(err, client.ErrAnswer) }},
		"without ends": {"data: " + strings.Repeat("x", 17<<20), 0, func(_ *gen.Verification, err error) bool { return errors.Is(err, client.ErrTooLarge) }},
		"many lines":   {strings.Repeat("data: "+strings.Repeat("x", 1<<20)+"\n", 17), 0, func(_ *gen.Verification, err error) bool { return errors.Is(err, client.ErrTooLarge) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			done := 0
			cl := asked(t, func(*http.Request) (*http.Response, error) { return answer(200, "text/event-stream", c.stream), nil })
			if v, err := cl.Verify(t.Context(), client.Zone{ID: "z"}, "", func(gen.Progress) { done++ }); !c.check(v, err) || done != c.done {
				t.Errorf("%+v, %v after %d steps", v, err, done)
			}
		})
	}
}
