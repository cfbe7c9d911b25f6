package storagetest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/fabriziosalmi/rainlogs/sdk/conformance"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

func testRanges(t conformance.T, s storage.Storage) {
	content := noise(7, 600_000) // more than two frames
	mustPut(t, s, "ranged", content)
	size := int64(len(content))
	for _, r := range []struct{ offset, length int64 }{
		{0, -1}, {0, 0}, {0, 1}, {0, size}, {0, size + 1}, {1, -1}, {1, 262_144}, {262_143, 2},
		{262_144, 262_144}, {size - 1, -1}, {size - 1, 1}, {size - 1, 100}, {size, -1}, {size, 1},
		{size + 1, -1}, {size + 1_000_000, 10}, {1, 1<<63 - 1},
	} {
		have, err := read(contextFor(t), s, "ranged", r.offset, r.length)
		if err != nil {
			t.Errorf("get from %d, %d bytes: %v", r.offset, r.length, err)
			continue
		}
		from := min(r.offset, size)
		to := size
		if r.length >= 0 && r.length < size-from {
			to = from + r.length
		}
		if !bytes.Equal(have, content[from:to]) {
			t.Errorf("get from %d, %d bytes: %d bytes that are not those", r.offset, r.length, len(have))
		}
	}
}

func testNotFound(t conformance.T, s storage.Storage) {
	wantAbsent(t, s, "never/was")
	if err := s.Delete(contextFor(t), "never/was"); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("delete: %v, want ErrNotFound", err)
	}
	if keys := list(t, s, "", ""); len(keys) != 0 {
		t.Errorf("list of an empty storage: %q", keys)
	}
}

func testDelete(t conformance.T, s storage.Storage) {
	mustPut(t, s, "d/one", []byte("1"))
	mustPut(t, s, "d/two", []byte("2"))
	if err := s.Delete(contextFor(t), "d/one"); err != nil {
		t.Fatal(err)
	}
	wantAbsent(t, s, "d/one")
	wantContent(t, s, "d/two", []byte("2"))
	if err := s.Delete(contextFor(t), "d/one"); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("delete again: %v, want ErrNotFound", err)
	}
	mustPut(t, s, "d/one", []byte("anew"))
	wantContent(t, s, "d/one", []byte("anew"))
}

func testInvalidKeys(t conformance.T, s storage.Storage) {
	content := []byte("x")
	for _, key := range []string{
		"", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/./b", ".hidden", "a/.hidden", ".tmp/x",
		"a b", "a\x00b", "a\nb", `a\b`, "a:b", "ä", "a\xffb", "a%2e", "~", "a*", "a?b",
		strings.Repeat("a/", storage.MaxKey/2) + "a", // MaxKey + 1 bytes
	} {
		if _, err := s.Put(contextFor(t), request(key, content), bytes.NewReader(content)); !errors.Is(err, storage.ErrInvalidKey) {
			t.Errorf("put %.60q: %v, want ErrInvalidKey", key, err)
		}
		if _, err := read(contextFor(t), s, key, 0, -1); !errors.Is(err, storage.ErrInvalidKey) {
			t.Errorf("get %.60q: %v, want ErrInvalidKey", key, err)
		}
		if _, err := s.Stat(contextFor(t), key); !errors.Is(err, storage.ErrInvalidKey) {
			t.Errorf("stat %.60q: %v, want ErrInvalidKey", key, err)
		}
		if err := s.Delete(contextFor(t), key); !errors.Is(err, storage.ErrInvalidKey) {
			t.Errorf("delete %.60q: %v, want ErrInvalidKey", key, err)
		}
	}
	if keys := list(t, s, "", ""); len(keys) != 0 {
		t.Errorf("invalid keys left %q behind", keys)
	}
}

func testLongestKey(t conformance.T, s storage.Storage) {
	key := strings.Repeat(strings.Repeat("k", 63)+"/", 8)
	key = key[:storage.MaxKey-1] + "k"
	if !storage.ValidKey(key) || len(key) != storage.MaxKey {
		t.Fatalf("bad test key of %d bytes", len(key))
	}
	mustPut(t, s, key, []byte("long name"))
	wantContent(t, s, key, []byte("long name"))
	if keys := list(t, s, "", ""); !slices.Equal(keys, []string{key}) {
		t.Errorf("list: %q", keys)
	}
}

// awkward are names whose order by folder and by bytes differ: '-' and '.'
// sort before '/', digits and letters behind it.
func awkward() []string {
	return []string{
		"a", "a-b", "a-c/c", "a.b", "a0", "b/a", "b/a-", "b/a.b/c", "b/a0", "b/b/b/b/b", "b/c",
		"b-/x", "b0/x", "c=1/d=2/e", "c=1/d=2-", "c=1@x", "Z/upper", "Z_", "_", "0/0/0", "0/0-0",
		"zone/2026/11/23/x", "zone/2026/11/2/x", "zone/2026-11/x", "zone/202/x",
	}
}

func testListOrder(t conformance.T, s storage.Storage) {
	keys := awkward()
	for i, key := range keys {
		mustPut(t, s, key, noise(uint64(i), i))
	}
	slices.Sort(keys)
	prefixes := []string{"", "a", "a-", "a/", "b", "b/", "b/a", "b/a.", "b/b/b/", "c=1", "c=1/", "zone/2026", "zone/2026/11/2",
		"nothing", "nothing/here", "Z", "..", "../", "/", "b//", "a-b/c", "a-b/c/", "b/a.b/c-"}
	afters := append([]string{"", "b/", "b/a.b", "b/a/", "zzz", "c=1/d=2/", "zone/2026/11/23", "0/0/0/0", "!"}, keys...)
	for _, prefix := range prefixes {
		for _, after := range afters {
			var want []string
			for _, key := range keys {
				if strings.HasPrefix(key, prefix) && key > after {
					want = append(want, key)
				}
			}
			if have := list(t, s, prefix, after); !slices.Equal(have, want) {
				t.Errorf("list %q after %q:\nhave %q\nwant %q", prefix, after, have, want)
			}
		}
	}
	for info, err := range s.List(contextFor(t), "", "") {
		if err != nil {
			t.Fatal(err)
		}
		stat, err := s.Stat(contextFor(t), info.Key)
		if err != nil || stat.Size != info.Size || !stat.Modified.Equal(info.Modified) {
			t.Errorf("list says %+v, stat %+v, %v", info, stat, err)
		}
	}
}

func testListStops(t conformance.T, s storage.Storage) {
	for i := range 5 {
		mustPut(t, s, fmt.Sprintf("n/%d", i), nil)
	}
	seen := 0
	for _, err := range s.List(contextFor(t), "n/", "") {
		if err != nil {
			t.Fatal(err)
		}
		if seen++; seen == 2 {
			break
		}
	}
	if seen != 2 {
		t.Errorf("saw %d objects, want 2", seen)
	}
	mustPut(t, s, "n/after", nil) // nothing is held up by a listing left early
}

func testListMany(t conformance.T, s storage.Storage) {
	const n = 600 // more than two batches
	var want []string
	for i := range n {
		key := fmt.Sprintf("many/%d/%03d", i%3, i)
		mustPut(t, s, key, nil)
		want = append(want, key)
	}
	slices.Sort(want)
	if have := list(t, s, "many/", ""); !slices.Equal(have, want) {
		t.Errorf("list: %d keys, want %d in order", len(have), n)
	}
}

// testLocalPath is for storages with that power only.
func testLocalPath(t conformance.T, s storage.Storage) {
	local, ok := s.(storage.LocalPather)
	if !ok {
		t.Skip("storage has no local files")
	}
	content := noise(8, 5_000)
	mustPut(t, s, "as/file", content)
	path, err := local.LocalPath(contextFor(t), "as/file")
	if err != nil {
		t.Fatal(err)
	}
	have, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(have, content) {
		t.Errorf("file: %d bytes, %v", len(have), err)
	}
	if _, err := local.LocalPath(contextFor(t), "as/nothing"); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("local path of nothing: %v, want ErrNotFound", err)
	}
	if _, err := local.LocalPath(contextFor(t), "../as/file"); !errors.Is(err, storage.ErrInvalidKey) {
		t.Errorf("local path of an invalid key: %v, want ErrInvalidKey", err)
	}
}
