package client

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/fabriziosalmi/rainlogs/core/api/client/gen"
)

// maxWindow bounds what a frame of an object may have a reader keep; those of the
// collector have 1 MiB, 9 where a line is as long.
const maxWindow = 16 << 20

// ErrAltered: the records that came are not those that were sealed.
var ErrAltered = errors.New("the records are not those that were sealed")

// Download is the records of a window, NDJSON as they were received. What was read is
// whole, and what was sealed by the server's word, only once Read has returned io.EOF.
type Download struct {
	// SHA256 is that of the records, as sealed.
	SHA256 string

	in     io.Reader
	unpack io.Closer // nil if there is nothing to unpack
	body   io.Closer
	hash   hash.Hash
	end    error // what Read has ended with
}

// Download asks for the records of a window. They come compressed as they are
// stored, and are unpacked here.
func (c *Client) Download(ctx context.Context, job string) (*Download, error) {
	coding := "zstd, identity;q=0.1"
	res, err := c.streams.DownloadJob(ctx, job, &gen.DownloadJobParams{AcceptEncoding: &coding})
	if err != nil {
		return nil, fmt.Errorf("download %s: %w", job, err)
	}
	d, err := newDownload(res)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("download %s: %w", job, err), res.Body.Close())
	}
	return d, nil
}

func newDownload(res *http.Response) (*Download, error) {
	d := &Download{SHA256: res.Header.Get("X-Content-Sha256"), in: res.Body, body: res.Body, hash: sha256.New()}
	if len(d.SHA256) != 2*sha256.Size {
		return nil, ErrAnswer
	}
	switch coding := res.Header.Get("Content-Encoding"); coding {
	case "", "identity":
	case "zstd":
		r, err := zstd.NewReader(res.Body, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, fmt.Errorf("unpack: %w", err)
		}
		rc := r.IOReadCloser()
		d.in, d.unpack = rc, rc
	case "gzip": // a proxy's: it was not asked for
		r, err := gzip.NewReader(res.Body)
		if err != nil {
			return nil, fmt.Errorf("unpack: %w", err)
		}
		d.in, d.unpack = r, r
	default:
		return nil, fmt.Errorf("%w: content coding %.40q", ErrAnswer, coding)
	}
	return d, nil
}

// Read implements io.Reader. At the end it compares; ErrAltered.
func (d *Download) Read(p []byte) (int, error) {
	if d.end != nil {
		return 0, d.end
	}
	n, err := d.in.Read(p)
	_, _ = d.hash.Write(p[:n]) // a hash never fails
	switch {
	case err == nil:
		return n, nil
	case !errors.Is(err, io.EOF):
		d.end = fmt.Errorf("read records: %w", err)
	case hex.EncodeToString(d.hash.Sum(nil)) != d.SHA256:
		d.end = ErrAltered
	default:
		d.end = io.EOF
	}
	return n, d.end
}

// Close implements io.Closer. It ends the request, read or not.
func (d *Download) Close() error {
	var err error
	if d.unpack != nil {
		err = d.unpack.Close()
	}
	return errors.Join(err, d.body.Close())
}
