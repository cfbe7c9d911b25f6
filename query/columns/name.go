package columns

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"strings"
	"sync"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/query/schema"
)

// version is that of what is in a file. It changes with whatever makes
// another file of the same object.
const version = 1

// It is Parquet, and not called so: DuckDB takes a name that ends in .parquet
// for a table, and a question could name a file instead of the view over it.
const suffix = ".columns"

// prefix names what an entry's columns are derived from: a file that any of
// it has changed under is not found and, not being used, evicted.
//
//	<zone>/<dataset>/<2 hex digits>/<SHA-256 of the object>-<seq>-<16 hex digits of the rest>.
func prefix(e *evidence.Entry) (dir, name string) {
	rest := sha256.New()
	fmt.Fprintf(rest, "%d\n%s\n%s\n%s\n%d\n%d\n", version, registry(e.Dataset), e.Object.Key, e.Source.Timestamps, e.Content.Lines, e.Content.Bytes)
	sum := e.Object.SHA256.String()
	return filepath.Join(e.Zone, e.Dataset, sum[:2]), fmt.Sprintf("%s-%d-%s.", sum, e.Seq, hex.EncodeToString(rest.Sum(nil)[:8]))
}

// registries are the digests of the datasets' tables of fields.
var registries sync.Map // dataset to evidence.Digest

func registry(dataset string) evidence.Digest {
	if d, ok := registries.Load(dataset); ok {
		return d.(evidence.Digest)
	}
	h := sha256.New()
	for _, f := range schema.Columns(dataset, nil, Reserved()) {
		fmt.Fprintf(h, "%s:%s,", f.Name, f.Type)
	}
	d := evidence.Digest(h.Sum(nil))
	registries.Store(dataset, d)
	return d
}

// digestOf returns the digest that the name of a file with this prefix ends in.
func digestOf(name, prefix string) (d evidence.Digest, ok bool) {
	name, isOurs := strings.CutPrefix(name, prefix)
	name, isFile := strings.CutSuffix(name, suffix)
	if !isOurs || !isFile {
		return d, false
	}
	d, err := evidence.ParseDigest(name)
	return d, err == nil
}
