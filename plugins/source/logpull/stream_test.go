package logpull_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fabriziosalmi/rainlogs/plugins/source/logpull"
	"github.com/fabriziosalmi/rainlogs/sdk/source"
)

// peer is the service's end of a connection.
type peer struct {
	io.Writer
	ctx context.Context
}

// pause waits, unless the connection goes first.
func (p peer) pause(d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-p.ctx.Done():
		return context.Cause(p.ctx)
	}
}

// trickle is a network whose answers come piece by piece. As with a real
// connection, a cancelled request breaks the pipe.
func trickle(wait time.Duration, write func(peer) error) transport {
	return func(r *http.Request) (*http.Response, error) {
		if err := (peer{ctx: r.Context()}).pause(wait); err != nil {
			return nil, err
		}
		in, out := io.Pipe()
		context.AfterFunc(r.Context(), func() { _ = in.CloseWithError(context.Cause(r.Context())) })
		go func() { _ = out.CloseWithError(write(peer{out, r.Context()})) }()
		res := answer(200, "")
		res.ContentLength, res.TransferEncoding, res.Body = -1, []string{"chunked"}, in
		return res, nil
	}
}

func record(i int) string {
	return fmt.Sprintf(`{"EdgeStartTimestamp":%d,"RayID":"%016x"}`+"\n", start.UnixNano(), i)
}

// every writes n records with a pause before each.
func every(pause time.Duration, n int) func(peer) error {
	return func(w peer) error {
		for i := range n {
			if err := w.pause(pause); err != nil {
				return err
			}
			if _, err := io.WriteString(w, record(i)); err != nil {
				return err
			}
		}
		return nil
	}
}

func TestTimeouts(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name    string
		network transport
		class   source.Class // "" for success
		says    string
		after   time.Duration
	}{
		{"slow but alive", trickle(29*time.Second, every(29*time.Second, 20)), "", "", 609 * time.Second},
		{"no answer", trickle(time.Hour, every(0, 1)), source.ClassSplit, "no answer within 35s", 35 * time.Second},
		{"silent from the start", trickle(0, every(31*time.Second, 1)), source.ClassSplit, "no byte came for 30s", 30 * time.Second},
		{"silent in the middle", trickle(0, func(w peer) error {
			return errors.Join(every(0, 5000)(w), every(31*time.Second, 1)(w))
		}), source.ClassSplit, "no byte came for 30s", 30 * time.Second},
		{"never done", trickle(0, every(20*time.Second, 1000)), source.ClassSplit, "not at its end after 11m0s", 11 * time.Minute},
		{"cut", trickle(0, func(w peer) error {
			return errors.Join(every(0, 5000)(w), io.ErrUnexpectedEOF)
		}), source.ClassSplit, "cut", 0},
		{"cut at once", trickle(0, func(peer) error { return io.ErrUnexpectedEOF }), source.ClassSplit, "cut", 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				begun := time.Now()
				_, _, err := read(t.Context(), open(t, row.network), window(start, time.Minute))
				if took := time.Since(begun); took != row.after {
					t.Errorf("took %s, want %s", took, row.after)
				}
				if row.class == "" {
					if err != nil {
						t.Error(err)
					}
					return
				}
				if e := classed(t, err); e.Class != row.class || !strings.Contains(e.Error(), row.says) {
					t.Errorf("class %s: %v; want %s: %s", e.Class, e, row.class, row.says)
				}
			})
		})
	}
}

// TestSlowReaderIsNotIdle: time that the host takes is not the service's.
func TestSlowReaderIsNotIdle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		st, err := open(t, trickle(0, every(0, 300))).Pull(t.Context(), window(start, time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		var all bytes.Buffer
		for err == nil {
			time.Sleep(5 * time.Second)
			_, err = io.CopyN(&all, st.Body, 1000)
		}
		if !errors.Is(err, io.EOF) || strings.Count(all.String(), "\n") != 300 {
			t.Errorf("%d records, %v", strings.Count(all.String(), "\n"), err)
		}
		_ = st.Body.Close() // at its end
	})
}

// TestErrorsStay: what has failed does not become an end.
func TestErrorsStay(t *testing.T) {
	t.Parallel()
	st, err := open(t, trickle(0, func(w peer) error {
		return errors.Join(every(0, 10)(w), io.ErrUnexpectedEOF)
	})).Pull(t.Context(), window(start, time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(st.Body)
	if want := strings.Count(string(b), "\n"); want != 10 {
		t.Errorf("%d records before the cut", want)
	}
	_, again := st.Body.Read(make([]byte, 10))
	if source.ClassOf(err) != source.ClassSplit || again != err || //nolint:errorlint // the very same
		!errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("first %v, then %v", err, again)
	}
	if _, err := st.Trailer(); source.ClassOf(err) != source.ClassBug {
		t.Errorf("trailer of a cut stream: %v", err)
	}
	if err := st.Body.Close(); err != nil {
		t.Error(err)
	}
}

// serve is a source on a server that answers over real connections.
func serve(t *testing.T, h http.HandlerFunc) *logpull.Source {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	s, err := logpull.New(logpull.Config{Token: token, BaseURL: srv.URL, Fields: []string{"RayID"}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// raw answers with these bytes and hangs up.
func raw(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		_, _ = io.WriteString(conn, text) // the client may be gone
		_ = conn.Close()
	}
}

func TestTruncation(t *testing.T) {
	t.Parallel()
	const head = "HTTP/1.1 200 OK\r\n"
	one := record(1)
	for _, row := range []struct {
		name, answer string
		class        source.Class // "" for a whole one
		body         string
	}{
		{"shorter than its length", head + "Content-Length: 1000\r\n\r\n" + one, source.ClassSplit, one},
		{"no last chunk", head + fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", len(one), one), source.ClassSplit, one},
		{"cut in a chunk", head + fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s", len(one)+5, one), source.ClassSplit, one},
		{"whole chunks", head + fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(one), one), "", one},
		{"no length, plain", head + "\r\n" + one, source.ClassRetry, ""},
		{"no length, gzip", head + "Content-Encoding: gzip\r\n\r\n" + zip(one), "", zip(one)},
		{"empty", head + "Content-Length: 0\r\n\r\n", "", ""},
		{"empty, gzip", head + "Content-Encoding: gzip\r\nContent-Length: 0\r\n\r\n", "", ""},
		{"failure line alone", head + "Content-Length: 22\r\n\r\nError streaming data.\n", "", "Error streaming data.\n"},
		{"no last line end", head + fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(one)-1, one), "", one[:len(one)-1]},
		{"no HTTP", "220 mail.example ESMTP\r\n", source.ClassRetry, ""},
		{"nothing", "", source.ClassRetry, ""},
		{"endless header", head + "X: " + strings.Repeat("x", 1<<20), source.ClassRetry, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			st, err := serve(t, raw(row.answer)).Pull(t.Context(), window(start, time.Minute))
			var b []byte
			if err == nil {
				defer func() { _ = st.Body.Close() }() // read to its end
				b, err = io.ReadAll(st.Body)
			}
			if row.class == "" && err != nil || row.class != "" && (err == nil || source.ClassOf(err) != row.class) {
				t.Errorf("%v, want class %q", err, row.class)
			}
			if string(b) != row.body {
				t.Errorf("body %q, want %q", b, row.body)
			}
		})
	}
}

// TestLongLinesAreUntouched: 300 KiB a line, compressed and not, byte for byte.
func TestLongLinesAreUntouched(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	for i := range 20 {
		fmt.Fprintf(&text, `{"EdgeStartTimestamp":%d,"Cookies":"%s"}`+"\r\n\n", i, strings.Repeat(fmt.Sprintf("%x", i), 300<<10))
	}
	for _, packed := range []bool{false, true} {
		body := text.String()
		if packed {
			body = zip(body)
		}
		s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			if packed {
				w.Header().Set("Content-Encoding", "gzip")
			}
			_, _ = io.WriteString(w, body) // a failure shows at the other end
		})
		b, st, err := read(t.Context(), s, window(start, time.Minute))
		if err != nil || string(b) != body {
			t.Errorf("gzip %t: %d bytes of %d, %v", packed, len(b), len(body), err)
		}
		if want := map[bool]source.Encoding{false: source.Identity, true: source.Gzip}[packed]; err == nil && st.Encoding != want {
			t.Errorf("encoding %s, want %s", st.Encoding, want)
		}
	}
}

// TestCloseEndsTheConnection: a stream closed early, or whose context ends,
// takes nothing more from the service.
func TestCloseEndsTheConnection(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"close", "cancel"} {
		gone := make(chan struct{})
		s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			defer close(gone)
			for {
				if _, err := io.WriteString(w, record(1)); err != nil {
					return
				}
			}
		})
		ctx, cancel := context.WithCancel(t.Context())
		st, err := s.Pull(ctx, window(start, time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.CopyN(io.Discard, st.Body, 100_000); err != nil {
			t.Fatal(err)
		}
		if how == "cancel" {
			cancel()
			if _, err := io.Copy(io.Discard, st.Body); !errors.Is(err, context.Canceled) {
				t.Errorf("cancelled: %v", err)
			}
		} else {
			_ = st.Body.Close() // what the test is about
		}
		<-gone
		cancel()
		_ = st.Body.Close() // again, if it was a cancel
	}
}

// TestCloseDuringRead wakes a reader that waits for bytes.
func TestCloseDuringRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		st, err := open(t, trickle(0, every(20*time.Second, 1000))).Pull(t.Context(), window(start, time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		read := make(chan error)
		go func() {
			_, err := io.Copy(io.Discard, st.Body)
			read <- err
		}()
		time.Sleep(45 * time.Second)
		if err := st.Body.Close(); err != nil {
			t.Error(err)
		}
		if err := <-read; source.ClassOf(err) != source.ClassBug {
			t.Errorf("read: %v, want class bug", err)
		}
	})
}

// TestClosedStreamIsNotAtItsEnd, though all of its bytes are here already.
func TestClosedStreamIsNotAtItsEnd(t *testing.T) {
	t.Parallel()
	st, err := open(t, constant(200, record(1)+record(2))).Pull(t.Context(), window(start, time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(io.Discard, st.Body, 10); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(st.Body.Close(), st.Body.Close()); err != nil {
		t.Error(err)
	}
	if n, err := io.Copy(io.Discard, st.Body); n != 0 || source.ClassOf(err) != source.ClassBug {
		t.Errorf("read after close: %d bytes, %v", n, err)
	}
	if _, err := st.Trailer(); source.ClassOf(err) != source.ClassBug {
		t.Errorf("trailer after close: %v", err)
	}
}

// TestRefusalBodiesAreBounded: an endless error page is left after 4 KiB.
func TestRefusalBodiesAreBounded(t *testing.T) {
	t.Parallel()
	for _, packed := range []string{"", "gzip"} {
		gone := make(chan struct{})
		s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			defer close(gone)
			w.Header().Set("Content-Encoding", packed)
			w.WriteHeader(http.StatusTeapot)
			for {
				if _, err := io.WriteString(w, strings.Repeat("no ", 1000)); err != nil {
					return
				}
			}
		})
		if _, err := s.Pull(t.Context(), window(start, time.Minute)); source.ClassOf(err) != source.ClassBlocked || len(err.Error()) > 1000 {
			t.Errorf("%.2000v", err)
		}
		<-gone
	}
}

// TestUntrustedCertificate: nothing is sent to a server that proves nothing.
func TestUntrustedCertificate(t *testing.T) {
	t.Parallel()
	var served atomic.Int32
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { served.Add(1) }))
	srv.Config.ErrorLog = log.New(io.Discard, "", 0) // it will complain of our hanging up
	srv.StartTLS()
	defer srv.Close()
	s, err := logpull.New(logpull.Config{Token: token, BaseURL: srv.URL, Fields: []string{"RayID"}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Pull(t.Context(), window(start, time.Minute))
	if e := classed(t, err); e.Class != source.ClassRetry || !strings.Contains(e.Error(), "certificate") || served.Load() != 0 {
		t.Errorf("class %s: %v; served %d", e.Class, e, served.Load())
	}
}
