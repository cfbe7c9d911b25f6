package server

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/klauspost/compress/gzip"

	"github.com/fabriziosalmi/rainlogs/core/api"
	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/chain"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

const (
	ndjson = "application/x-ndjson"
	// unpacked bounds the answers that are unpacked here, each of which takes
	// a goroutine, a frame as it is stored and some buffers; one customer has half of them.
	unpacked = 400
)

func (s *Server) downloadRoute() {
	op := operation(http.MethodGet, "/v1/jobs/{id}/download", "downloadJob", "A window's records as they were received, compared with what was sealed", http.StatusOK)
	text := &huma.Schema{Type: huma.TypeString}
	answer := func(description string) *huma.Response {
		return &huma.Response{
			Description: description,
			Content:     map[string]*huma.MediaType{ndjson: {Schema: text}},
			Headers: map[string]*huma.Param{
				"Repr-Digest":      {Description: "SHA-256 of all the bytes, in this coding (RFC 9530); not with gzip", Schema: text},
				"ETag":             {Description: "for If-Range; not with gzip", Schema: text},
				"X-Content-Sha256": {Description: "SHA-256 of the records, as sealed, in hexadecimal", Schema: text},
			},
		}
	}
	op.Responses = map[string]*huma.Response{
		"200": answer("NDJSON. An answer that is not whole ends by a connection that is cut off."),
		"206": answer("A part of it, which ends well only where the whole is what was sealed."),
	}
	add(s, op, access{roles: readers, streams: true, ranges: true}, s.download)
}

type downloadOf struct {
	JobRef
	Accept  string `header:"Accept-Encoding" maxLength:"1000" doc:"zstd (as stored), gzip or identity"`
	Range   string `header:"Range" maxLength:"1000" doc:"one range of bytes, of zstd or identity"`
	IfRange string `header:"If-Range" maxLength:"1000" doc:"the ETag that the range is of: with another, all is sent"`
}

func (s *Server) download(ctx context.Context, q *request, in *downloadOf) (*huma.StreamResponse, error) {
	w, err := q.job(ctx, in.JobRef)
	if err != nil {
		return nil, err
	}
	coding := negotiate(in.Accept)
	if coding == "" {
		return nil, errCoding()
	}
	e, err := q.sealed(ctx, w)
	if err != nil {
		return nil, err
	}
	d := &download{entry: e, coding: coding, lender: s.lender, object: http.NoBody}
	if !d.cut(in.Range, in.IfRange) {
		return s.notInRange(q, d.size()), nil
	}
	give := func() {}
	if coding != zstdCoding {
		if give = s.unpacking.take(q.caller.Customer); give == nil {
			return nil, limited(chunkTime)
		}
	}
	if e.Object != nil {
		if d.object, err = q.open(ctx, e.Object.Key); err != nil {
			give()
			return nil, s.missing(ctx, q, e, err)
		}
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		r, w := humago.Unwrap(hc)
		defer give()
		defer d.object.Close()
		out := newPatient(ctx, w, http.StatusOK)
		if err := d.serve(out); err != nil {
			s.broken(out, q, r, fmt.Errorf("entry %d of %s: %w", e.Seq, e.Chain(), err))
		}
	}}, nil
}

func errCoding() error {
	return api.NewProblem(http.StatusNotAcceptable, api.CodeNotAcceptable, "Accept-Encoding allows none of zstd, gzip and identity")
}

// notInRange answers as RFC 9110, 15.5.17, has it.
func (s *Server) notInRange(q *request, size int64) *huma.StreamResponse {
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		_, w := humago.Unwrap(hc)
		w.Header().Set("Content-Range", fmt.Sprintf("bytes */%d", size))
		writeProblem(w, q, api.NewProblem(http.StatusRequestedRangeNotSatisfiable, api.CodeRange, "there is nothing in this range"))
	}}
}

// open opens an object: its file, where the store has one on this machine. What
// a plugin sends is read ahead, which takes memory for as long as a client dawdles.
func (q *request) open(ctx context.Context, key string) (io.ReadCloser, error) {
	if local, ok := q.gen.Lookup.Store.(storage.LocalPather); ok {
		if path, err := local.LocalPath(ctx, key); err == nil {
			if f, err := os.Open(path); err == nil {
				return f, nil
			}
		}
	}
	return q.gen.Lookup.Store.Get(ctx, key, 0, -1) //nolint:wrapcheck // says what it did
}

// missing is what a client hears of an object that cannot be opened.
func (s *Server) missing(ctx context.Context, q *request, e *evidence.Entry, err error) error {
	if errors.Is(err, storage.ErrNotFound) {
		s.cfg.Log.ErrorContext(ctx, "object of a sealed window is missing", "request", q.id, "key", e.Object.Key)
		return api.NewProblem(http.StatusBadGateway, api.CodeDamaged, "the archive lacks the window's object: verify it")
	}
	return fmt.Errorf("%w: %w", catalog.ErrUnavailable, err)
}

// sealed is the entry of a window whose records are to be had.
func (q *request) sealed(ctx context.Context, w catalog.Window) (*evidence.Entry, error) {
	switch {
	case w.State != catalog.Sealed:
		return nil, api.NewProblem(http.StatusConflict, api.CodeNotSealed, "the window is "+string(w.State)+", not sealed")
	case w.Object == catalog.Removed:
		return nil, api.NewProblem(http.StatusGone, api.CodeExpired, "the window's records were removed under the retention policy")
	}
	entries, err := q.entries(ctx, w.Chain, []int64{w.Seq})
	if err != nil {
		return nil, err
	}
	return entries[0], recorded(entries[0], w)
}

// entries are those with these seqs, each proven by the signed chain.
func (q *request) entries(ctx context.Context, id evidence.ChainID, seqs []int64) ([]*evidence.Entry, error) {
	entries, err := q.gen.Lookup.At(ctx, id, seqs)
	if errors.Is(err, chain.ErrDamaged) {
		return nil, errors.Join(api.NewProblem(http.StatusBadGateway, api.CodeDamaged, "the window's entry is not the one that was signed: verify the archive"), err)
	}
	if errors.Is(err, storage.ErrUnavailable) {
		return nil, fmt.Errorf("%w: %w", catalog.ErrUnavailable, err)
	}
	return entries, err //nolint:wrapcheck // says what it did
}

// recorded demands of an entry that it is a window's, and that its records can be read.
func recorded(e *evidence.Entry, w catalog.Window) error {
	switch {
	case e.Kind != evidence.KindLog || e.Window == nil || *e.Window != w.Window || e.Content == nil || e.Source == nil:
		return api.NewProblem(http.StatusBadGateway, api.CodeDamaged, "the window's entry is about something else: rebuild the catalog")
	case e.Object != nil && e.Object.Encryption != nil:
		return api.NewProblem(http.StatusConflict, api.CodeConflict, "the window's object is encrypted")
	}
	return nil
}

// zstdCoding is the one in which objects are stored.
const zstdCoding = "zstd"

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
	for _, coding := range []string{zstdCoding, "gzip", "identity"} {
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
	object io.ReadCloser
	coding string
	lender *lender
	part   section
	ranged bool
}

// size is that of the representation. gzip's is not known before it is made.
func (d *download) size() int64 {
	switch {
	case d.entry.Object == nil:
		return 0
	case d.coding == zstdCoding:
		return d.entry.Object.Bytes
	}
	return d.entry.Content.Bytes
}

// digest is the representation's, but for gzip.
func (d *download) digest() evidence.Digest {
	if d.coding == zstdCoding && d.entry.Object != nil {
		return d.entry.Object.SHA256
	}
	return d.entry.Content.SHA256
}

// cut makes it the part that is asked for, and reports whether there is any of it.
func (d *download) cut(header, ifRange string) (some bool) {
	d.part = section{size: d.size()}
	if d.coding == "gzip" || d.entry.Object == nil {
		return true
	}
	var err error
	d.part, d.ranged, err = sectionOf(header, ifRange, etag(d.digest()), d.size())
	return err == nil
}

func (d *download) serve(out *patient) error {
	e := d.entry
	d.head(out.w.Header())
	if d.ranged {
		out.status = http.StatusPartialContent
	}
	if e.Object == nil {
		out.begin() // a window without records
		return nil
	}
	stored := &summed{in: d.object, hash: sha256.New(), most: e.Object.Bytes}
	switch d.coding {
	case zstdCoding:
		return asStored(newHeld(out, d.part), stored, e)
	case "identity":
		return asReceived(out.ctx, newHeld(out, d.part), newFrames(d.lender, stored), stored, e)
	}
	zw, err := gzip.NewWriterLevel(out, gzip.StatelessCompression) // a slow client holds no tables of a megabyte
	if err != nil {
		return fmt.Errorf("open gzip: %w", err)
	}
	if err := asReceived(out.ctx, newHeld(zw, d.part), newFrames(d.lender, stored), stored, e); err != nil {
		return err
	}
	return zw.Close() //nolint:wrapcheck // the client's connection
}

func (d *download) head(h http.Header) {
	e := d.entry
	h.Set("Content-Type", ndjson)
	h.Set("Vary", "Accept-Encoding")
	h.Set("X-Content-Sha256", e.Content.SHA256.String())
	h.Set("Content-Disposition", "attachment; filename="+strconv.Quote(e.Window.Start.UTC().Format("20060102T150405Z")+".ndjson"))
	if d.coding != "identity" && e.Object != nil {
		h.Set("Content-Encoding", d.coding)
	}
	if d.coding == "gzip" {
		h.Set("Accept-Ranges", "none")
		return
	}
	h.Set("Accept-Ranges", "bytes")
	h.Set("Content-Length", strconv.FormatInt(d.part.size, 10))
	h.Set("ETag", etag(d.digest()))
	h.Set("Repr-Digest", reprDigest(d.digest()))
	if d.ranged {
		h.Set("Content-Range", contentRange(d.part, d.size()))
	}
}

// asStored sends an object, or a part of it. All of it is read: the part's end is
// sent when the whole was found to be what was sealed.
func asStored(out *held, stored *summed, e *evidence.Entry) error {
	b := make([]byte, chunk)
	for {
		n, err := io.ReadFull(stored, b)
		if err := out.put(b[:n]); err != nil {
			return err
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("read object: %w", err)
		}
	}
	if err := stored.is(e.Object.Bytes, e.Object.SHA256); err != nil {
		return err
	}
	return out.flush()
}

// asReceived sends an object's content, or a part of it, as asStored does.
func asReceived(ctx context.Context, out *held, in *frames, stored *summed, e *evidence.Entry) error {
	defer in.close()
	if err := eachFrame(ctx, in, stored, e, func(b []byte) (int, error) { return out.take(b), nil }, out.flush); err != nil {
		return err
	}
	return out.flush()
}

// eachFrame hands an object's content on: take says how much of it it has taken, and
// flush makes room where that was not all. It ends well where the object is what was sealed.
func eachFrame(ctx context.Context, in *frames, stored *summed, e *evidence.Entry, take func(b []byte) (int, error), flush func() error) error {
	content := &summed{hash: sha256.New(), most: e.Content.Bytes}
	for {
		if err := in.next(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
		for at := 0; ; {
			b, err := in.content()
			if err != nil {
				return err
			}
			n, err := take(b[at:])
			if err == nil {
				err = errors.Join(content.add(b[at:at+n]), ctx.Err())
			}
			if err != nil {
				return err
			}
			if at += n; at == len(b) {
				break
			}
			in.rest()
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return errors.Join(content.is(e.Content.Bytes, e.Content.SHA256), stored.is(e.Object.Bytes, e.Object.SHA256))
}
