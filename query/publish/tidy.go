package publish

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/apache/iceberg-go"

	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// tidy deletes what no table names: what a run that died has left, and what
// of the table's past is over. Another run may be about to commit what is young, unless its
// entry has expired: that goes at once.
func (r *run) tidy(ctx context.Context, t *table) error {
	if t.meta == nil {
		return nil
	}
	if err := r.point(ctx, r.Dataset, t.version); err != nil {
		return err
	}
	read := map[string]bool{}
	for _, c := range r.Chains {
		read[c.ID.Zone] = true
	}
	for key, info := range t.stored {
		o, ours := parseKey(r.Dataset, key)
		if f := t.held.files[o]; !ours || f != nil && f.key == key {
			continue
		}
		if read[o.zone] && r.live[o] == nil || r.old(info) {
			r.sweep(ctx, key)
		}
	}
	return r.tidyTable(ctx, t)
}

func (r *run) old(info storage.Info) bool { return r.Now().Sub(info.Modified) > keepFor }

func (r *run) sweep(ctx context.Context, key string) {
	err := r.Delete(ctx, key)
	switch {
	case err == nil:
		r.sum.Swept++
	case !errors.Is(err, storage.ErrNotFound):
		r.problem(key, err)
	}
}

// tidyTable deletes the manifests and the metadata that are over.
func (r *run) tidyTable(ctx context.Context, t *table) error {
	var old []string
	for info, err := range r.List(ctx, tablePrefix(r.Dataset), "") {
		if err != nil {
			return fmt.Errorf("list table: %w", err)
		}
		version, isMetadata := versionOf(info.Key, r.Dataset)
		avro := strings.HasSuffix(info.Key, ".avro")
		if r.old(info) && (avro || isMetadata && version < t.version) {
			old = append(old, info.Key)
		}
	}
	if len(old) == 0 {
		return nil
	}
	used, err := r.used(ctx, t)
	if err != nil {
		return err
	}
	for _, key := range old {
		if !used[key] {
			r.sweep(ctx, key)
		}
	}
	return nil
}

// used are the keys that the table's metadata names.
func (r *run) used(ctx context.Context, t *table) (map[string]bool, error) {
	used := map[string]bool{}
	name := func(uri string) string {
		key, _ := keyOf(t.meta, uri) // what is elsewhere is not below our prefix
		return root(r.Dataset) + key
	}
	for _, l := range t.meta.MetadataLog {
		used[name(l.File)] = true
	}
	for _, s := range t.meta.Snapshots {
		list := name(s.ManifestList)
		used[list] = true
		b, err := r.read(ctx, list, maxManifest)
		if err != nil {
			return nil, err
		}
		manifests, err := iceberg.ReadManifestList(bytes.NewReader(b))
		if err != nil {
			return nil, fmt.Errorf("read %s: %w: %w", list, ErrForeign, err)
		}
		for _, m := range manifests {
			used[name(m.FilePath())] = true
		}
	}
	return used, nil
}
