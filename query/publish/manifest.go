package publish

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/apache/iceberg-go"
	"golang.org/x/sync/errgroup"
)

// published is a file of the table.
type published struct {
	key    string
	origin origin
	entry  iceberg.ManifestEntry
	fresh  bool // added by this run
}

func (p *published) day() string { return p.origin.window.Format(dateLayout) }

// manifest is a manifest of the current snapshot with its live files.
type manifest struct {
	file  iceberg.ManifestFile
	files []*published
}

// contents is what the current snapshot holds.
type contents struct {
	manifests []manifest
	files     map[origin]*published // by origin, the window cut to its hour
}

// contentsOf reads a table's manifests.
func (s objects) contentsOf(ctx context.Context, dataset string, m *metadata) (*contents, error) {
	c := &contents{files: map[origin]*published{}}
	if m == nil {
		return c, nil
	}
	key, err := keyOf(m, m.current().ManifestList)
	if err != nil {
		return nil, err
	}
	b, err := s.read(ctx, root(dataset)+key, maxManifest)
	if err != nil {
		return nil, err
	}
	list, err := iceberg.ReadManifestList(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w: %w", key, ErrForeign, err)
	}
	c.manifests = make([]manifest, len(list))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(8)
	for i, file := range list {
		group.Go(func() (err error) {
			c.manifests[i], err = s.manifest(ctx, dataset, m, file)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for _, one := range c.manifests {
		for _, f := range one.files {
			if c.files[f.origin] != nil {
				return nil, fmt.Errorf("table has %s twice: %w", f.key, ErrForeign)
			}
			c.files[f.origin] = f
		}
	}
	return c, nil
}

func (s objects) manifest(ctx context.Context, dataset string, m *metadata, file iceberg.ManifestFile) (manifest, error) {
	one := manifest{file: file}
	key, err := keyOf(m, file.FilePath())
	if err != nil {
		return one, err
	}
	b, err := s.read(ctx, root(dataset)+key, maxManifest)
	if err != nil {
		return one, err
	}
	entries, err := readManifest(file, b)
	if err != nil {
		return one, fmt.Errorf("read %s: %w: %w", key, ErrForeign, err)
	}
	for _, e := range entries {
		name, err := keyOf(m, e.DataFile().FilePath())
		if err != nil {
			return one, err
		}
		o, ok := parseKey(dataset, root(dataset)+name)
		if !ok || e.DataFile().ContentType() != iceberg.EntryContentData {
			return one, fmt.Errorf("table has %.300q: %w", name, ErrForeign)
		}
		one.files = append(one.files, &published{key: root(dataset) + name, origin: o, entry: e})
	}
	return one, nil
}

// readManifest returns the live entries. The bytes are from a store, and the
// library below panics on some that are none.
func readManifest(file iceberg.ManifestFile, b []byte) (_ []iceberg.ManifestEntry, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return iceberg.ReadManifest(file, bytes.NewReader(b), true)
}

// keyOf returns a path's key below the table's root.
func keyOf(m *metadata, path string) (string, error) {
	key, ok := strings.CutPrefix(path, m.Location+"/")
	if !ok {
		return "", fmt.Errorf("%.300q is not below %.300q: %w", path, m.Location, ErrForeign)
	}
	return key, nil
}

// writer writes the manifests of one snapshot.
type writer struct {
	objects
	dataset  string
	location string // of the table
	schema   *iceberg.Schema
	spec     iceberg.PartitionSpec
	id       int64 // of the snapshot
	sequence int64
	parent   *int64
}

// day writes a day's manifest: what was there, what is new and what is gone.
func (w *writer) day(ctx context.Context, day string, files, gone []*published) (iceberg.ManifestFile, error) {
	var b bytes.Buffer
	m, err := iceberg.NewManifestWriter(2, &b, w.spec, w.schema, w.id)
	if err != nil {
		return nil, fmt.Errorf("write manifest of %s: %w", day, err)
	}
	slices.SortFunc(files, func(a, b *published) int { return strings.Compare(a.key, b.key) })
	for _, f := range files {
		add := m.Existing
		if f.fresh {
			add = m.Add
		}
		if err := w.enter(f, add); err != nil {
			return nil, fmt.Errorf("write manifest of %s: %w", day, err)
		}
	}
	for _, f := range gone {
		if err := w.enter(f, m.Delete); err != nil {
			return nil, fmt.Errorf("write manifest of %s: %w", day, err)
		}
	}
	if err := m.Close(); err != nil {
		return nil, fmt.Errorf("write manifest of %s: %w", day, err)
	}
	key := fmt.Sprintf("%s%s-%s.m.avro", tablePrefix(w.dataset), day, digest(b.Bytes())[:32])
	if err := w.put(ctx, key, b.Bytes(), nil); err != nil {
		return nil, err
	}
	file, err := m.ToManifestFile(w.uri(key), int64(b.Len()))
	if err != nil {
		return nil, fmt.Errorf("write manifest of %s: %w", day, err)
	}
	return file, nil
}

func (w *writer) enter(f *published, add func(iceberg.ManifestEntry) error) error {
	d, err := w.relocated(f)
	if err != nil {
		return err
	}
	e := iceberg.NewManifestEntry(iceberg.EntryStatusADDED, nil, nil, nil, d)
	if !f.fresh {
		id, sequence := f.entry.SnapshotID(), f.entry.SequenceNum()
		e = iceberg.NewManifestEntry(iceberg.EntryStatusEXISTING, &id, &sequence, f.entry.FileSequenceNum(), d)
	}
	return add(e)
}

// list writes the snapshot's list of manifests and returns where it is.
func (w *writer) list(ctx context.Context, manifests []iceberg.ManifestFile) (string, error) {
	var b bytes.Buffer
	if err := iceberg.WriteManifestList(2, &b, w.id, w.parent, &w.sequence, 0, manifests); err != nil {
		return "", fmt.Errorf("write list of manifests: %w", err)
	}
	key := fmt.Sprintf("%ssnap-%d-%s.avro", tablePrefix(w.dataset), w.id, digest(b.Bytes())[:32])
	return w.uri(key), w.put(ctx, key, b.Bytes(), nil)
}

func (w *writer) uri(key string) string {
	return w.location + "/" + strings.TrimPrefix(key, root(w.dataset))
}

// relocated is a file as this table names it: an archive may have moved.
func (w *writer) relocated(f *published) (iceberg.DataFile, error) {
	d := f.entry.DataFile()
	if d.FilePath() == w.uri(f.key) {
		return d, nil
	}
	return w.dataFile(f.key, f.origin, d.Count(), d.FileSizeBytes(),
		stats{d.ValueCounts(), d.NullValueCounts(), d.LowerBoundValues(), d.UpperBoundValues()})
}

func (w *writer) dataFile(key string, o origin, rows, size int64, st stats) (iceberg.DataFile, error) {
	hour := int32(o.window.Unix() / int64(time.Hour/time.Second))
	b, err := iceberg.NewDataFileBuilder(w.spec, iceberg.EntryContentData, w.uri(key), iceberg.ParquetFile,
		map[int]any{zoneField: o.zone, hourField: hour}, nil, nil, rows, size)
	if err != nil {
		return nil, fmt.Errorf("describe %s: %w", key, err)
	}
	return b.ValueCounts(st.values).NullValueCounts(st.nulls).LowerBoundValues(st.lower).UpperBoundValues(st.upper).Build(), nil
}
