package sqlite_test

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/catalog/sqlite"
)

// filled returns the path and the bytes of a closed catalog with a thousand windows.
func filled(t *testing.T) (string, []byte) {
	t.Helper()
	path := newPath(t)
	c, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(
		c.PutZone(t.Context(), catalog.Zone{ID: chain.Zone, Dataset: chain.Dataset, Name: "example.com"}),
		c.Plan(t.Context(), chain, minutes(0, 1000)),
		c.Commit(t.Context(), catalog.Commit{Head: catalog.Head{Chain: chain, Size: 1}}),
		c.Close())
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return path, b
}

// tryOpen writes b as a catalog, opens it and reads it through.
func tryOpen(t *testing.T, path string, b []byte) error {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := sqlite.Open(t.Context(), path)
	if err != nil {
		return err
	}
	_, errWindows := c.Windows(t.Context(), chain, epoch, epoch.AddDate(1, 0, 0))
	_, errZones := c.ListZones(t.Context())
	return errors.Join(errWindows, errZones, c.Close())
}

func TestDamaged(t *testing.T) {
	t.Parallel()
	path, good := filled(t)
	const page = 4096
	if len(good) < 8*page {
		t.Fatalf("file has %d bytes only", len(good))
	}
	overwrite := func(at int, with []byte) []byte {
		b := bytes.Clone(good)
		copy(b[at:], with)
		return b
	}
	cases := map[string][]byte{
		"text":             []byte("this is not a database, not by far\n"),
		"other magic":      overwrite(0, []byte("SQLite format 4")),
		"zeros":            make([]byte, len(good)),
		"zeros of a page":  make([]byte, page),
		"header only":      good[:100],
		"half a header":    good[:50],
		"one page":         good[:page],
		"half":             good[:len(good)/2/page*page],
		"inside a page":    good[:len(good)-page/2],
		"last page gone":   good[:len(good)-page],
		"page size 3":      overwrite(16, []byte{0, 3}),
		"schema page":      overwrite(100, bytes.Repeat([]byte{0xff}, page-100)),
		"pages of garbage": overwrite(2*page, bytes.Repeat([]byte{0xa5}, len(good)-2*page)),
		"pages of zeros":   overwrite(2*page, make([]byte, len(good)-2*page)),
	}
	for name, b := range cases {
		if err := tryOpen(t, path, b); !errors.Is(err, catalog.ErrCorrupt) {
			t.Errorf("%s: error is %v, want %v", name, err, catalog.ErrCorrupt)
		}
	}
	if err := tryOpen(t, path, good); err != nil {
		t.Errorf("undamaged: %v", err)
	}
}

// Damage anywhere either does no harm that SQLite can see or is ErrCorrupt:
// never a panic, and never an error without a name.
func TestDamagedAnywhere(t *testing.T) {
	t.Parallel()
	withoutDetector(t)
	path, good := filled(t)
	rng := rand.New(rand.NewPCG(2, 7)) //nolint:gosec // deterministic on purpose
	found := 0
	for i := range 150 {
		b := bytes.Clone(good)
		at := rng.IntN(len(b))
		for j := at; j < min(at+1+rng.IntN(64), len(b)); j++ {
			b[j] = byte(rng.Uint32())
		}
		err := tryOpen(t, path, b)
		switch {
		case errors.Is(err, catalog.ErrCorrupt):
			found++
		case errors.Is(err, catalog.ErrNewer) || err == nil:
		default:
			t.Errorf("round %d, byte %d: %v", i, at, err)
		}
	}
	if found < 20 {
		t.Errorf("only %d of 150 damages were found, not some 28", found)
	}
}

// withoutDetector skips what opens hundreds of files one after the other: SQLite is C turned into Go, and takes
// minutes for that under the race detector, which has nothing to find where nothing goes on at once.
func withoutDetector(t *testing.T) {
	t.Helper()
	if raceEnabled {
		t.Skip("one file after the other: there is no race to find")
	}
}

// alter runs statements on the file as another program would.
func alter(t *testing.T, path string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range statements {
		if _, err := db.ExecContext(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestAltered(t *testing.T) {
	t.Parallel()
	withoutDetector(t)
	for name, c := range map[string]struct {
		statement string
		want      error
	}{
		"newer schema":       {"INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)", catalog.ErrNewer},
		"table dropped":      {"DROP TABLE pending", catalog.ErrCorrupt},
		"column dropped":     {"ALTER TABLE zones DROP COLUMN added_ms", catalog.ErrCorrupt},
		"versions emptied":   {"DELETE FROM goose_db_version", catalog.ErrCorrupt},
		"versions forgotten": {"DROP TABLE goose_db_version", catalog.ErrCorrupt},
		"version taken back": {"DELETE FROM goose_db_version WHERE version_id > 0", catalog.ErrCorrupt},
	} {
		path, _ := filled(t)
		alter(t, path, c.statement)
		for range 2 { // a refusal leaves the file as it is
			got, err := sqlite.Open(t.Context(), path)
			if err == nil {
				t.Errorf("%s: opened: %v", name, got.Close())
			} else if !errors.Is(err, c.want) {
				t.Errorf("%s: error is %v, want %v", name, err, c.want)
			}
		}
	}
}

func TestForeignDatabase(t *testing.T) {
	t.Parallel()
	for _, statement := range []string{"CREATE TABLE songs (title TEXT)", "PRAGMA application_id = 77"} {
		path := newPath(t)
		alter(t, path, statement)
		before, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		_, err = sqlite.Open(t.Context(), path)
		if err == nil || errors.Is(err, catalog.ErrCorrupt) {
			t.Errorf("after %q: error is %v, want one that is not %q", statement, err, catalog.ErrCorrupt)
		}
		if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
			t.Errorf("after %q: another program's file was changed (%v)", statement, err)
		}
	}
}

// A file that a crash left empty, before its schema was made, becomes a catalog.
func TestEmptyFile(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := open(t, path).Plan(t.Context(), chain, minutes(0, 1)); err != nil {
		t.Error(err)
	}
}

// A large file is not checked whole at Open; its damage is found where it is read.
func TestDamagedLargeFile(t *testing.T) {
	t.Parallel()
	path, _ := filled(t)
	alter(t, path,
		"CREATE TABLE ballast (b BLOB)",
		fmt.Sprintf("INSERT INTO ballast VALUES (zeroblob(%d))", 12<<20),
		"PRAGMA wal_checkpoint(TRUNCATE)")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := 4 * 4096; i < 64*4096; i++ { // the pages of the tables, before the ballast
		b[i] = 0xa5
	}
	if err := tryOpen(t, path, b); !errors.Is(err, catalog.ErrCorrupt) {
		t.Errorf("error is %v, want %v", err, catalog.ErrCorrupt)
	}
}
