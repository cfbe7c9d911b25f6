package publish

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/apache/iceberg-go"

	"github.com/fabriziosalmi/rainlogs/query/dataset"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// ErrForeign: what stands in the store is no table of this archive's.
var ErrForeign = errors.New("is not a table that this program can go on with")

// errConflict: another run has committed meanwhile.
var errConflict = errors.New("another run has published meanwhile")

// ErrBehind: the table was published from a longer chain than was read.
var ErrBehind = errors.New("the table stands on more of the chain than was read here")

// chainProperty and a zone name the property with the size of the zone's chain
// that the table stands on. Who has read less of it does not know what has expired since.
const chainProperty = "rainlogs.chain."

// archiveProperty names the archive that a table is of.
const archiveProperty = "rainlogs.archive"

// metadata is a v<N>.metadata.json, format version 2:
// https://iceberg.apache.org/spec/#table-metadata-fields
type metadata struct {
	FormatVersion  int                     `json:"format-version"`
	UUID           string                  `json:"table-uuid"`
	Location       string                  `json:"location"`
	LastSequence   int64                   `json:"last-sequence-number"`
	LastUpdated    int64                   `json:"last-updated-ms"`
	LastColumn     int                     `json:"last-column-id"`
	CurrentSchema  int                     `json:"current-schema-id"`
	Schemas        []*iceberg.Schema       `json:"schemas"`
	DefaultSpec    int                     `json:"default-spec-id"`
	Specs          []iceberg.PartitionSpec `json:"partition-specs"`
	LastPartition  int                     `json:"last-partition-id"`
	DefaultSort    int                     `json:"default-sort-order-id"`
	SortOrders     []sortOrder             `json:"sort-orders"`
	Properties     map[string]string       `json:"properties"`
	CurrentID      int64                   `json:"current-snapshot-id"`
	Refs           map[string]ref          `json:"refs"`
	Snapshots      []snapshot              `json:"snapshots"`
	SnapshotLog    []snapshotLog           `json:"snapshot-log"`
	MetadataLog    []metadataLog           `json:"metadata-log"`
	Statistics     []struct{}              `json:"statistics"`
	PartitionStats []struct{}              `json:"partition-statistics"`
}

type sortOrder struct {
	ID     int        `json:"order-id"`
	Fields []struct{} `json:"fields"`
}

type ref struct {
	SnapshotID int64  `json:"snapshot-id"`
	Type       string `json:"type"`
}

type snapshot struct {
	ID           int64             `json:"snapshot-id"`
	Parent       *int64            `json:"parent-snapshot-id,omitempty"`
	Sequence     int64             `json:"sequence-number"`
	Timestamp    int64             `json:"timestamp-ms"`
	ManifestList string            `json:"manifest-list"`
	Summary      map[string]string `json:"summary"`
	Schema       int               `json:"schema-id"`
}

type snapshotLog struct {
	Timestamp int64 `json:"timestamp-ms"`
	ID        int64 `json:"snapshot-id"`
}

type metadataLog struct {
	Timestamp int64  `json:"timestamp-ms"`
	File      string `json:"metadata-file"`
}

// current returns the current snapshot, nil if there is none.
func (m *metadata) current() *snapshot {
	for i := range m.Snapshots {
		if m.Snapshots[i].ID == m.CurrentID {
			return &m.Snapshots[i]
		}
	}
	return nil
}

func (m *metadata) schema() *iceberg.Schema {
	for _, s := range m.Schemas {
		if s.ID == m.CurrentSchema {
			return s
		}
	}
	return nil
}

// check refuses what was not written here: a table that another program
// manages may have delete files, branches, another partition.
func (m *metadata) check(archive string) error {
	s := m.schema()
	switch {
	case m.FormatVersion != 2:
		return fmt.Errorf("format version %d: %w", m.FormatVersion, ErrForeign)
	case m.Properties[archiveProperty] != archive:
		return fmt.Errorf("it is of archive %.80q: %w", m.Properties[archiveProperty], ErrForeign)
	case s == nil || m.current() == nil || len(m.Specs) != 1 || m.Location == "":
		return fmt.Errorf("its metadata is not whole: %w", ErrForeign)
	}
	v := newEvolution("", s.Fields(), m.LastColumn)
	if v.last < s.HighestFieldID() || len(s.Fields()) > maxColumns || len(v.byName) != len(v.fields) {
		return fmt.Errorf("its columns contradict themselves: %w", ErrForeign)
	}
	return nil
}

// behind refuses to go on from a shorter chain.
func (m *metadata) behind(chains []dataset.Chain) error {
	for _, c := range chains {
		size, err := strconv.ParseInt(cmp.Or(m.Properties[chainProperty+c.ID.Zone], "0"), 10, 64)
		if err != nil || size > int64(len(c.Entries)) {
			return fmt.Errorf("zone %s, %d entries: %w", c.ID.Zone, len(c.Entries), ErrBehind)
		}
	}
	return nil
}

// The bounds of what is read of a table.
const (
	maxMetadata = 64 << 20
	maxManifest = 256 << 20
)

// objects are the small files of a table.
type objects struct{ storage.Storage }

func (s objects) read(ctx context.Context, key string, most int64) ([]byte, error) {
	body, err := s.Get(ctx, key, 0, most+1)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", key, err)
	}
	b, err := io.ReadAll(io.LimitReader(body, most+1))
	if err = errors.Join(err, body.Close()); err != nil {
		return nil, fmt.Errorf("read %s: %w", key, err)
	}
	if int64(len(b)) > most {
		return nil, fmt.Errorf("read %s: more than %d bytes: %w", key, most, ErrForeign)
	}
	return b, nil
}

// put writes an object; replaces is what is there, nil for nothing.
func (s objects) put(ctx context.Context, key string, b, replaces []byte) error {
	req := storage.PutRequest{Key: key, Size: int64(len(b)), SHA256: digest(b)}
	if replaces != nil {
		req.Replaces = digest(replaces)
	}
	if _, err := s.Put(ctx, req, bytes.NewReader(b)); err != nil {
		return fmt.Errorf("put %s: %w", key, err)
	}
	return nil
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// load returns the latest metadata and its version; nil and 0 if there is none.
func (s objects) load(ctx context.Context, dataset, archive string) (*metadata, int64, error) {
	latest, err := s.latest(ctx, dataset)
	if err != nil || latest == 0 {
		return nil, 0, err
	}
	key := metadataKey(dataset, latest)
	b, err := s.read(ctx, key, maxMetadata)
	if errors.Is(err, storage.ErrNotFound) {
		return nil, latest, fmt.Errorf("%w: %w", errConflict, err)
	}
	if err != nil {
		return nil, latest, err
	}
	var m metadata
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, latest, fmt.Errorf("read %s: %w: %w", key, ErrForeign, err)
	}
	if err := m.check(archive); err != nil {
		return nil, latest, fmt.Errorf("read %s: %w", key, err)
	}
	return &m, latest, nil
}

func (s objects) latest(ctx context.Context, dataset string) (latest int64, _ error) {
	for info, err := range s.List(ctx, tablePrefix(dataset)+"v", "") {
		if err != nil {
			return 0, fmt.Errorf("list table: %w", err)
		}
		if n, ok := versionOf(info.Key, dataset); ok {
			latest = max(latest, n)
		}
	}
	return latest, nil
}

// commit makes m the version after base, or fails with errConflict.
func (s objects) commit(ctx context.Context, dataset string, m *metadata, base int64) error {
	b, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("encode table: %w", err)
	}
	key := metadataKey(dataset, base+1)
	if err := s.put(ctx, key, b, nil); errors.Is(err, storage.ErrExists) {
		return fmt.Errorf("%w: %w", errConflict, err)
	} else if err != nil {
		return err
	}
	// A run that slept for so long that this version had been made before, and
	// removed as old, has committed to nothing.
	if hinted, _, err := s.hint(ctx, dataset); err == nil && hinted > base+1+keepMetadata {
		return errors.Join(fmt.Errorf("%w: version %d is long over", errConflict, base+1), s.Delete(ctx, key))
	}
	return nil
}

func (s objects) hint(ctx context.Context, dataset string) (int64, []byte, error) {
	b, err := s.read(ctx, tablePrefix(dataset)+hintName, 32)
	if errors.Is(err, storage.ErrNotFound) {
		return 0, nil, nil
	}
	if err != nil {
		return 0, nil, err
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
	if err != nil {
		return 0, b, nil //nolint:nilerr // written anew
	}
	return n, b, nil
}

// point moves the hint to a version, never back.
func (s objects) point(ctx context.Context, dataset string, version int64) error {
	var err error
	for range 5 {
		var at int64
		var was []byte
		if at, was, err = s.hint(ctx, dataset); err != nil || at >= version {
			return err
		}
		err = s.put(ctx, tablePrefix(dataset)+hintName, strconv.AppendInt(nil, version, 10), was)
		if !errors.Is(err, storage.ErrChanged) && !errors.Is(err, storage.ErrExists) {
			return err
		}
	}
	return err
}
