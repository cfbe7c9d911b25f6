package publish

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/apache/iceberg-go"
	"github.com/google/uuid"

	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// What of the past a table keeps: for engines that are reading it.
const (
	keepSnapshots = 10
	keepMetadata  = 10
	keepFor       = 24 * time.Hour
)

// commit writes a snapshot with what was made and without what is gone, and
// makes it the table's current one.
func (r *run) commit(ctx context.Context, t *table, add []*made, gone []*published) error {
	next, err := r.next(t)
	if err != nil {
		return err
	}
	w := r.writer(t, next)
	fresh := make(map[origin]*published, len(add))
	for _, m := range add {
		o := originOf(m.entry).hour()
		d, err := w.dataFile(m.key, o, m.rows, m.size, m.stats)
		if err != nil {
			return err
		}
		fresh[o] = &published{key: m.key, origin: o, entry: iceberg.NewManifestEntry(iceberg.EntryStatusADDED, nil, nil, nil, d), fresh: true}
	}
	manifests, err := r.manifests(ctx, w, t, fresh, gone)
	if err != nil {
		return err
	}
	s := snapshot{ID: w.id, Parent: w.parent, Sequence: w.sequence, Timestamp: next.LastUpdated, Schema: next.CurrentSchema}
	if s.ManifestList, err = w.list(ctx, manifests); err != nil {
		return err
	}
	maps.Copy(t.held.files, fresh)
	s.Summary = summary(t, fresh, gone)
	for _, c := range r.Chains {
		next.Properties[chainProperty+c.ID.Zone] = strconv.Itoa(len(c.Entries))
	}
	next.add(s, len(gone) > 0 || next.Location != location(t.meta))
	if err := r.objects.commit(ctx, r.Dataset, next, t.version); err != nil {
		return err
	}
	t.meta, t.version, r.Anew = next, t.version+1, false
	r.sum.Added += len(add)
	for _, m := range add {
		r.sum.AddedRows, r.sum.Bytes = r.sum.AddedRows+m.rows, r.sum.Bytes+m.size
	}
	if err := r.point(ctx, r.Dataset, t.version); err != nil {
		r.Log.Warn("the table's version hint could not be written; the next run does it", "dataset", r.Dataset, "error", err)
	}
	return nil
}

// next is the table's metadata, still without the snapshot to come.
func (r *run) next(t *table) (*metadata, error) {
	now := r.Now().UnixMilli()
	v := t.columns
	if t.meta == nil {
		id, err := uuid.NewRandom()
		if err != nil {
			return nil, fmt.Errorf("name table: %w", err)
		}
		return &metadata{
			FormatVersion: 2, UUID: id.String(), Location: r.location(), LastUpdated: now, LastColumn: v.last,
			Schemas: []*iceberg.Schema{iceberg.NewSchema(0, v.fields...)}, Specs: []iceberg.PartitionSpec{v.partition()}, LastPartition: hourField,
			SortOrders: []sortOrder{{Fields: []struct{}{}}}, Properties: map[string]string{
				archiveProperty: r.Archive, "gc.enabled": "false", "write.format.default": "parquet", "write.metadata.previous-versions-max": strconv.Itoa(keepMetadata),
			},
			Refs: map[string]ref{}, MetadataLog: []metadataLog{}, Statistics: []struct{}{}, PartitionStats: []struct{}{},
		}, nil
	}
	m := *t.meta
	m.Snapshots, m.SnapshotLog, m.Schemas = slices.Clone(m.Snapshots), slices.Clone(m.SnapshotLog), slices.Clone(m.Schemas)
	m.Location, m.Properties = r.location(), maps.Clone(m.Properties)
	m.MetadataLog = append(slices.Clone(m.MetadataLog), metadataLog{m.LastUpdated, r.Location + "/" + metadataKey(r.Dataset, t.version)})
	m.MetadataLog = m.MetadataLog[max(0, len(m.MetadataLog)-keepMetadata):]
	if m.Location != t.meta.Location {
		m.MetadataLog = []metadataLog{}
	}
	m.LastUpdated = max(now, m.LastUpdated+1)
	if v.grown {
		for _, s := range m.Schemas {
			m.CurrentSchema = max(m.CurrentSchema, s.ID+1)
		}
		m.Schemas, m.LastColumn = append(m.Schemas, iceberg.NewSchema(m.CurrentSchema, v.fields...)), v.last
	}
	return &m, nil
}

func location(m *metadata) string {
	if m == nil {
		return ""
	}
	return m.Location
}

// add makes s the current snapshot; alone, if the ones before name files that
// are no more.
func (m *metadata) add(s snapshot, alone bool) {
	m.Snapshots = append(m.Snapshots, s)
	first := max(0, len(m.Snapshots)-keepSnapshots)
	for i := range m.Snapshots {
		if alone || s.Timestamp-m.Snapshots[i].Timestamp > keepFor.Milliseconds() {
			first = max(first, min(i+1, len(m.Snapshots)-1))
		}
	}
	m.Snapshots = m.Snapshots[first:]
	if first > 0 {
		m.Snapshots[0].Parent = nil // which is no more
	}
	m.SnapshotLog = nil
	used := map[int]bool{m.CurrentSchema: true}
	for _, kept := range m.Snapshots {
		m.SnapshotLog = append(m.SnapshotLog, snapshotLog{kept.Timestamp, kept.ID})
		used[kept.Schema] = true
	}
	m.Schemas = slices.DeleteFunc(m.Schemas, func(s *iceberg.Schema) bool { return !used[s.ID] })
	m.LastSequence, m.CurrentID = s.Sequence, s.ID
	m.Refs = map[string]ref{"main": {s.ID, "branch"}}
}

func (r *run) writer(t *table, next *metadata) *writer {
	w := &writer{
		objects: r.objects, dataset: r.Dataset, location: next.Location, schema: next.schema(), spec: next.Specs[0],
		id: r.NewID(), sequence: next.LastSequence + 1,
	}
	if t.meta != nil {
		w.parent = &t.meta.CurrentID
	}
	return w
}

// manifests writes those of the days that change and returns all.
func (r *run) manifests(ctx context.Context, w *writer, t *table, fresh map[origin]*published, gone []*published) ([]iceberg.ManifestFile, error) {
	days := map[string]bool{}
	left := map[string][]*published{}
	for _, f := range gone {
		days[f.day()] = true
		if now := fresh[f.origin]; now == nil || now.key != f.key { // else it is only written again
			left[f.day()] = append(left[f.day()], f)
		}
	}
	for _, f := range fresh {
		days[f.day()] = true
	}
	files := map[string][]*published{}
	for _, f := range t.held.files {
		files[f.day()] = append(files[f.day()], f)
	}
	for _, f := range fresh {
		files[f.day()] = append(files[f.day()], f)
	}
	var out []iceberg.ManifestFile
	for _, m := range t.held.manifests {
		moved := t.meta.Location != w.location
		changed := slices.ContainsFunc(m.files, func(f *published) bool { return moved || days[f.day()] })
		for _, f := range m.files {
			days[f.day()] = days[f.day()] || changed
		}
		if len(m.files) > 0 && !changed {
			out = append(out, m.file)
		}
	}
	for _, day := range slices.Sorted(maps.Keys(days)) {
		if !days[day] || len(files[day]) == 0 && len(left[day]) == 0 {
			continue
		}
		file, err := w.day(ctx, day, files[day], left[day])
		if err != nil {
			return nil, err
		}
		out = append(out, file)
	}
	return out, nil
}

// summary is what engines show of a snapshot.
func summary(t *table, fresh map[origin]*published, gone []*published) map[string]string {
	s := map[string]int64{"total-delete-files": 0, "total-position-deletes": 0, "total-equality-deletes": 0}
	count := func(f *published, files, rows, size string) {
		d := f.entry.DataFile()
		s[files], s[rows], s[size] = s[files]+1, s[rows]+d.Count(), s[size]+d.FileSizeBytes()
	}
	for _, f := range fresh {
		count(f, "added-data-files", "added-records", "added-files-size")
	}
	for _, f := range gone {
		count(f, "deleted-data-files", "deleted-records", "removed-files-size")
	}
	s["total-data-files"], s["total-records"], s["total-files-size"] = 0, 0, 0
	for _, f := range t.held.files {
		count(f, "total-data-files", "total-records", "total-files-size")
	}
	out := map[string]string{"operation": "append"}
	switch {
	case len(gone) > 0 && len(fresh) > 0:
		out["operation"] = "overwrite"
	case len(gone) > 0:
		out["operation"] = "delete"
	}
	for k, n := range s {
		out[k] = strconv.FormatInt(n, 10)
	}
	return out
}

// remove deletes the files that have left the table.
func (r *run) remove(ctx context.Context, t *table, gone []*published) {
	for _, f := range gone {
		if now := t.held.files[f.origin]; now != nil && now.key == f.key {
			continue
		}
		r.sum.Removed++
		if err := r.Delete(ctx, f.key); err != nil && !errors.Is(err, storage.ErrNotFound) {
			r.problem(f.key, err)
		}
		delete(t.stored, f.key)
	}
}
