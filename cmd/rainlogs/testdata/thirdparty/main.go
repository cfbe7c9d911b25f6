// A third party's storage plugin, as the tests of `rainlogs plugin` need one:
// a folder, under the name by which the program was started, with the faults
// that its settings order.
package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/fabriziosalmi/rainlogs/plugins/storage/fs"
	"github.com/fabriziosalmi/rainlogs/sdk"
	"github.com/fabriziosalmi/rainlogs/sdk/config"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

func main() {
	p := fs.Plugin()
	open := p.Storage
	p.Name = strings.TrimPrefix(filepath.Base(os.Args[0]), "rainlogs-storage-")
	p.Version = "0.3.0"
	p.Schema = append(p.Schema,
		config.Field{Name: "lax", Kind: config.Bool, Help: "overwrite what is there"},
		config.Field{Name: "token", Kind: config.String, Secret: true, Help: "of no use\x1b[31m"},
	)
	p.Storage = func(v config.Values) (storage.Storage, error) {
		s, err := open(config.Values{"path": v["path"]})
		if err == nil && v.Bool("lax") {
			return &lax{s}, nil
		}
		return s, err
	}
	sdk.Serve(p)
}

// lax deletes what it is asked not to overwrite.
type lax struct{ storage.Storage }

func (l *lax) Put(ctx context.Context, req storage.PutRequest, body io.Reader) (storage.Info, error) {
	if req.Replaces == "" {
		if err := l.Delete(ctx, req.Key); err != nil && !errors.Is(err, storage.ErrNotFound) {
			return storage.Info{}, err
		}
	}
	return l.Storage.Put(ctx, req, body)
}
