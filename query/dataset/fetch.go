package dataset

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// DamageError is an object that is not what its entry has sealed.
type DamageError struct {
	Chain   evidence.ChainID `json:"-"`
	Seq     int64            `json:"seq"`
	Key     string           `json:"object"`
	Problem string           `json:"problem"`
}

func (e *DamageError) Error() string {
	return fmt.Sprintf("entry %d of %s: object %s: %s", e.Seq, e.Chain, e.Key, e.Problem)
}

const chunkSize = 1 << 20

// ErrEncrypted: an object is encrypted, which this version does not read.
var ErrEncrypted = errors.New("object is encrypted and this version cannot read it")

// folder returns the private folder for fetched objects, made when first needed.
func (d *Dataset) folder() (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dir == "" {
		dir, err := os.MkdirTemp(d.opts.TempDir, "rainlogs-objects-") // 0700
		if err != nil {
			return "", fmt.Errorf("make folder for fetched objects: %w", err)
		}
		d.dir = dir
	}
	return d.dir, nil
}

// open returns a file that holds the object, and a reader of it that must be
// read to its end: for a fetched object that is what writes the file. An
// object that the store names no readable file for is fetched.
func (d *Dataset) open(ctx context.Context, e *evidence.Entry) (string, io.ReadCloser, error) {
	if p, ok := d.store.(LocalPather); ok {
		if path, err := p.LocalPath(ctx, e.Object.Key); err == nil {
			if f, err := os.Open(path); err == nil {
				return path, f, nil
			}
		}
	}
	dir, err := d.folder()
	if err != nil {
		return "", nil, err
	}
	body, err := d.store.Get(ctx, e.Object.Key, 0, -1)
	if err != nil {
		return "", nil, err
	}
	path := filepath.Join(dir, fmt.Sprintf("%s-%d.zst", e.Zone, e.Seq))
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600) // a check that was cut short left one
	if err != nil {
		return "", nil, errors.Join(err, body.Close())
	}
	return path, &fetch{io.TeeReader(body, f), body, f}, nil
}

// fetch is a body that writes the file as it is read.
type fetch struct {
	io.Reader
	body, file io.Closer
}

func (f *fetch) Close() error { return errors.Join(f.body.Close(), f.file.Close()) }

// checksum reads an object to its end and compares it with its entry. It
// returns the digest of each chunk.
func checksum(ctx context.Context, src io.Reader, e *evidence.Entry) ([]evidence.Digest, error) {
	whole := sha256.New()
	var sums []evidence.Digest
	var size int64
	buf := make([]byte, chunkSize)
	for {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("check object %s: %w", e.Object.Key, err)
		}
		n, err := io.ReadFull(src, buf)
		size += int64(n)
		if size > e.Object.Bytes {
			return nil, damage(e, fmt.Sprintf("has more bytes than the %d sealed", e.Object.Bytes))
		}
		if n > 0 {
			_, _ = whole.Write(buf[:n]) // a hash never fails
			sums = append(sums, sha256.Sum256(buf[:n]))
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read object %s of entry %d: %w", e.Object.Key, e.Seq, err)
		}
	}
	if size != e.Object.Bytes {
		return nil, damage(e, fmt.Sprintf("has %d bytes, sealed were %d", size, e.Object.Bytes))
	}
	if sum := evidence.Digest(whole.Sum(nil)); sum != e.Object.SHA256 {
		return nil, damage(e, fmt.Sprintf("SHA-256 is %s, sealed was %s", sum, e.Object.SHA256))
	}
	return sums, nil
}

func damage(e *evidence.Entry, problem string) *DamageError {
	return &DamageError{e.Chain(), e.Seq, e.Object.Key, problem}
}
