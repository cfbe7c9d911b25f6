package server

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/fabriziosalmi/rainlogs/core/api"
	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/chain"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

const (
	ndjson = "application/x-ndjson"
	// chunk is written within chunkTime, or the client is too slow to be served.
	chunk     = 64 << 10
	chunkTime = 30 * time.Second
	// maxWindow bounds a frame's window, and so a download's memory. The
	// collector writes frames of 1 MiB, of 9 where a line is as long.
	maxWindow = 16 << 20
	// unpacked bounds the downloads that are unpacked here, each of which takes
	// 1.6 MiB; one customer has half of them.
	unpacked = 400
)

// errNotSealed: the bytes that came are not those that were sealed.
var errNotSealed = errors.New("object is not what was sealed")

func (s *Server) downloadRoute() {
	op := operation(http.MethodGet, "/v1/jobs/{id}/download", "downloadJob", "A window's records as they were received, compared with what was sealed", http.StatusOK)
	op.Responses = map[string]*huma.Response{"200": {
		Description: "NDJSON. An answer that is not whole ends by a connection that is cut off.",
		Content:     map[string]*huma.MediaType{ndjson: {Schema: &huma.Schema{Type: huma.TypeString}}},
		Headers: map[string]*huma.Param{
			"Repr-Digest":      {Description: "SHA-256 of the bytes as they are sent (RFC 9530); not with gzip", Schema: &huma.Schema{Type: huma.TypeString}},
			"X-Content-Sha256": {Description: "SHA-256 of the records, as sealed, in hexadecimal", Schema: &huma.Schema{Type: huma.TypeString}},
		},
	}}
	add(s, op, access{roles: readers, streams: true}, s.download)
}

type downloadOf struct {
	JobRef
	Accept string `header:"Accept-Encoding" maxLength:"1000" doc:"zstd (as stored), gzip or identity"`
}

func (s *Server) download(ctx context.Context, q *request, in *downloadOf) (*huma.StreamResponse, error) {
	w, err := q.job(ctx, in.JobRef)
	if err != nil {
		return nil, err
	}
	coding := negotiate(in.Accept)
	if coding == "" {
		return nil, api.NewProblem(http.StatusNotAcceptable, api.CodeNotAcceptable, "Accept-Encoding allows none of zstd, gzip and identity")
	}
	e, err := q.sealed(ctx, w)
	if err != nil {
		return nil, err
	}
	give := func() {}
	if coding != "zstd" {
		if give = s.unpacking.take(q.caller.Customer); give == nil {
			return nil, limited(chunkTime)
		}
	}
	answered := false
	defer func() {
		if !answered {
			give()
		}
	}()
	var object io.ReadCloser = http.NoBody
	if e.Object != nil {
		object, err = q.gen.Lookup.Store.Get(ctx, e.Object.Key, 0, -1)
		if errors.Is(err, storage.ErrNotFound) {
			s.cfg.Log.ErrorContext(ctx, "object of a sealed window is missing", "request", q.id, "key", e.Object.Key)
			return nil, api.NewProblem(http.StatusBadGateway, api.CodeDamaged, "the archive lacks the window's object: verify it")
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", catalog.ErrUnavailable, err)
		}
	}
	d := &download{entry: e, object: object, coding: coding}
	answered = true
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		_, w := humago.Unwrap(hc)
		defer give()
		defer object.Close()
		if err := d.serve(ctx, w); err != nil {
			s.cfg.Log.WarnContext(ctx, "download is not whole", "request", q.id, "seq", e.Seq, "chain", e.Chain().String(), "error", err)
			panic(http.ErrAbortHandler) // a body that ends well would be a lie
		}
	}}, nil
}

// sealed is the entry of a window whose records are to be had.
func (q *request) sealed(ctx context.Context, w catalog.Window) (*evidence.Entry, error) {
	switch {
	case w.State != catalog.Sealed:
		return nil, api.NewProblem(http.StatusConflict, api.CodeNotSealed, "the window is "+string(w.State)+", not sealed")
	case w.Object == catalog.Removed:
		return nil, api.NewProblem(http.StatusGone, api.CodeExpired, "the window's records were removed under the retention policy")
	}
	entries, err := q.gen.Lookup.At(ctx, w.Chain, []int64{w.Seq})
	if errors.Is(err, chain.ErrDamaged) {
		return nil, errors.Join(api.NewProblem(http.StatusBadGateway, api.CodeDamaged, "the window's entry is not the one that was signed: verify the archive"), err)
	}
	if errors.Is(err, storage.ErrUnavailable) {
		return nil, fmt.Errorf("%w: %w", catalog.ErrUnavailable, err)
	}
	if err != nil {
		return nil, err //nolint:wrapcheck // says what it did
	}
	e := entries[0]
	switch {
	case e.Kind != evidence.KindLog || e.Window == nil || *e.Window != w.Window || e.Content == nil:
		return nil, api.NewProblem(http.StatusBadGateway, api.CodeDamaged, "the window's entry is about something else: rebuild the catalog")
	case e.Object != nil && e.Object.Encryption != nil:
		return nil, api.NewProblem(http.StatusConflict, api.CodeConflict, "the window's object is encrypted")
	}
	return e, nil
}

// negotiate picks a coding that the client takes, by RFC 9110, 12.5.3: the one
// with the greatest weight, zstd before gzip before identity; "" for none.
func negotiate(accept string) string {
	weights := map[string]float64{}
	for part := range strings.SplitSeq(accept, ",") {
		name, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		weight := 1.0
		if _, q, ok := strings.Cut(strings.ToLower(params), "q="); ok {
			var err error
			if weight, err = strconv.ParseFloat(strings.TrimSpace(q), 64); err != nil || !(weight >= 0) {
				weight = 0
			}
		}
		if name != "" {
			weights[strings.ToLower(strings.TrimSpace(name))] = weight
		}
	}
	rest, any := weights["*"]
	best, most := "", 0.0
	for _, coding := range []string{"zstd", "gzip", "identity"} {
		w, named := weights[coding]
		switch {
		case named:
		case any:
			w = rest
		case coding == "identity":
			w = 0.0001 // always acceptable, unless excluded
		default:
			w = 0
		}
		if w > most {
			best, most = coding, w
		}
	}
	return best
}

// download is one answer.
type download struct {
	entry  *evidence.Entry
	object io.Reader
	coding string
}

func (d *download) serve(ctx context.Context, w http.ResponseWriter) error {
	e := d.entry
	h := w.Header()
	h.Set("Content-Type", ndjson)
	h.Set("Vary", "Accept-Encoding")
	h.Set("Accept-Ranges", "none")
	h.Set("X-Content-Sha256", e.Content.SHA256.String())
	h.Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", e.Window.Start.UTC().Format("20060102T150405Z")+".ndjson"))
	if e.Object == nil {
		w.WriteHeader(http.StatusOK) // a window without records
		return nil
	}
	out := &patient{ctx: ctx, w: w, rc: http.NewResponseController(w)}
	stored := &summed{in: d.object, hash: sha256.New(), most: e.Object.Bytes}
	if d.coding == "zstd" {
		h.Set("Content-Encoding", "zstd")
		h.Set("Content-Length", strconv.FormatInt(e.Object.Bytes, 10))
		h.Set("Repr-Digest", reprDigest(e.Object.SHA256))
		return copyHeld(out, stored, func() error { return stored.is(e.Object.Bytes, e.Object.SHA256) })
	}
	unpacked, err := zstd.NewReader(stored, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		return fmt.Errorf("open zstd decoder: %w", err)
	}
	defer unpacked.Close()
	content := &summed{in: unpacked, hash: sha256.New(), most: e.Content.Bytes}
	check := func() error {
		if _, err := io.Copy(io.Discard, stored); err != nil { // the seek table
			return err //nolint:wrapcheck // the store's
		}
		return errors.Join(content.is(e.Content.Bytes, e.Content.SHA256), stored.is(e.Object.Bytes, e.Object.SHA256))
	}
	if d.coding == "identity" {
		h.Set("Content-Length", strconv.FormatInt(e.Content.Bytes, 10))
		h.Set("Repr-Digest", reprDigest(e.Content.SHA256))
		return copyHeld(out, content, check)
	}
	h.Set("Content-Encoding", "gzip")
	zw, err := gzip.NewWriterLevel(out, gzip.StatelessCompression) // a slow client holds no tables of a megabyte
	if err != nil {
		return fmt.Errorf("open gzip: %w", err)
	}
	if err := copyHeld(zw, content, check); err != nil {
		return err
	}
	return zw.Close() //nolint:wrapcheck // the client's connection
}

func reprDigest(d evidence.Digest) string {
	return "sha-256=:" + base64.StdEncoding.EncodeToString(d[:]) + ":"
}

// copyHeld copies, and keeps the end back until check has seen all of it.
func copyHeld(w io.Writer, r io.Reader, check func() error) error {
	held, next := make([]byte, 0, chunk), make([]byte, chunk)
	for {
		n, err := io.ReadFull(r, next)
		done := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !done {
			return fmt.Errorf("read object: %w", err)
		}
		if n > 0 && len(held) > 0 {
			if _, err := w.Write(held); err != nil {
				return fmt.Errorf("send: %w", err)
			}
		}
		if n > 0 {
			held, next = next[:n], held[:chunk]
		}
		if !done {
			continue
		}
		if err := check(); err != nil {
			return err
		}
		if _, err := w.Write(held); err != nil {
			return fmt.Errorf("send: %w", err)
		}
		return nil
	}
}

// summed measures what is read through it, and stops where there is too much.
type summed struct {
	in   io.Reader
	hash hash.Hash
	n    int64
	most int64
}

func (s *summed) Read(p []byte) (int, error) {
	n, err := s.in.Read(p)
	s.n += int64(n)
	_, _ = s.hash.Write(p[:n]) // a hash never fails
	if s.n > s.most {
		return n, fmt.Errorf("%w: it has more than %d bytes", errNotSealed, s.most)
	}
	return n, err //nolint:wrapcheck // io.Reader's own
}

func (s *summed) is(n int64, sum evidence.Digest) error {
	if got := evidence.Digest(s.hash.Sum(nil)); s.n != n || got != sum {
		return fmt.Errorf("%w: it has %d bytes with SHA-256 %s, sealed were %d with %s", errNotSealed, s.n, got, n, sum)
	}
	return nil
}

// patient gives a client some time for each chunk, and no more.
type patient struct {
	ctx context.Context //nolint:containedctx // io.Writer has no parameter for it
	w   io.Writer
	rc  *http.ResponseController
}

func (p *patient) Write(b []byte) (int, error) {
	if err := p.ctx.Err(); err != nil {
		return 0, err
	}
	if err := p.rc.SetWriteDeadline(time.Now().Add(chunkTime)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, fmt.Errorf("set deadline: %w", err)
	}
	return p.w.Write(b) //nolint:wrapcheck // io.Writer's own
}
