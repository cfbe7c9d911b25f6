package dataset

import (
	"context"
	"crypto/sha256"
	"io"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// Versioner is the optional power of an Objects that keeps the first version
// of what was overwritten or deleted.
type Versioner interface {
	GetFirst(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error)
}

// remedy says how damage is undone where the store keeps the sealed bytes.
func remedy(ctx context.Context, store Objects, e *evidence.Entry) string {
	v, ok := store.(Versioner)
	if !ok {
		return ""
	}
	body, err := v.GetFirst(ctx, e.Object.Key, 0, -1)
	if err != nil {
		return ""
	}
	defer body.Close() // only read from
	sum := sha256.New()
	if _, err := io.Copy(sum, io.LimitReader(body, e.Object.Bytes+1)); err != nil || evidence.Digest(sum.Sum(nil)) != e.Object.SHA256 {
		return ""
	}
	return "; the store keeps the sealed bytes as its first version: rainlogs archive uncover brings them back"
}
