//go:build unix

package chaincache_test

import (
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/core/chaincache"
	"github.com/fabriziosalmi/rainlogs/core/verify"
	"github.com/fabriziosalmi/rainlogs/core/verify/verifytest"
)

// bundle is an archive of one chain, what is fetched of it, and a cache.
type bundle struct {
	t       *testing.T
	archive *verifytest.Archive
	chain   *verifytest.Chain
	dir     string
	known   string
	mu      sync.Mutex
	fetched []string // full bundles
	said    bytes.Buffer
}

// setup returns an archive of so many hourly windows.
func setup(t *testing.T, hours int) *bundle {
	t.Helper()
	b := &bundle{t: t, archive: verifytest.New(key), dir: filepath.Join(t.TempDir(), "kept"), known: t.TempDir()}
	b.chain = b.archive.Chain(1, key)
	b.chain.Lazy = true
	b.chain.Hourly(hours)
	b.chain.Seal()
	b.watch()
	return b
}

func (b *bundle) watch() {
	b.archive.Opened = func(key string) error {
		b.mu.Lock()
		defer b.mu.Unlock()
		if _, name, ok := strings.Cut(key, "/tile/entries/"); ok && !strings.Contains(name, ".p") {
			b.fetched = append(b.fetched, name)
		}
		return nil
	}
}

func (b *bundle) options() verify.Options {
	return verify.Options{Key: &pinned, Known: verify.Known{Dir: b.known}}
}

func (b *bundle) read() ([]verify.Chain, error) {
	b.fetched = nil
	c := chaincache.New(chaincache.Config{Dir: b.dir, Log: slog.New(slog.NewTextHandler(&b.said, nil))})
	return c.ReadChains(b.t.Context(), b.archive, verifytest.UUID, b.options())
}

// reads demands the chain, by so many fetched bundles.
func (b *bundle) reads(fetched int) {
	b.t.Helper()
	got, err := b.read()
	if err != nil {
		b.t.Fatal(err)
	}
	n := len(b.fetched)
	want, err := verify.ReadChains(b.t.Context(), b.archive, b.options())
	if err != nil {
		b.t.Fatal(err)
	}
	if diff := cmp.Diff(digests(want[0]), digests(got[0])); diff != "" {
		b.t.Errorf("entries differ from the store's (-want +got):\n%s", diff)
	}
	if len(got[0].Entries) != len(b.chain.Entries) || n != fetched {
		b.t.Errorf("%d entries by %d full bundles from the store, want %d by %d", len(got[0].Entries), n, len(b.chain.Entries), fetched)
	}
}

// digests tell entries apart: each holds the digest of the one before.
func digests(c verify.Chain) (out []string) {
	for _, e := range c.Entries {
		out = append(out, e.Prev.String())
	}
	return out
}

// files are what is kept.
func (b *bundle) files() (names []string) {
	b.t.Helper()
	err := filepath.WalkDir(b.dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, path)
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		b.t.Fatal(err)
	}
	return names
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestKept(t *testing.T) {
	t.Parallel()
	b := setup(t, 600)
	b.reads(2)
	b.reads(0)
	b.chain.Hourly(300)
	b.chain.Seal()
	b.reads(1)
	b.reads(0)
	if n := len(b.files()); n != 3 {
		t.Errorf("%d bundles are kept: %v", n, b.files())
	}
	if b.said.Len() > 0 {
		t.Errorf("said: %s", &b.said)
	}
	info, err := os.Stat(b.files()[0])
	must(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("a kept bundle has mode %v", info.Mode())
	}
}

// TestDamagedCopy: whatever was done to the folder, the chain is read, and what is
// kept afterwards is sound again.
func TestDamagedCopy(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		damage  func(t *testing.T, path string)
		refetch int // bundles, by the first run
	}{
		"flipped": {func(t *testing.T, path string) {
			t.Helper()
			b, err := os.ReadFile(path)
			must(t, err)
			b[len(b)/2] ^= 1
			must(t, os.WriteFile(path, b, 0o600))
		}, 2},
		"cut":   {func(t *testing.T, path string) { t.Helper(); must(t, os.Truncate(path, 1000)) }, 2},
		"empty": {func(t *testing.T, path string) { t.Helper(); must(t, os.Truncate(path, 0)) }, 1},
		"gone":  {func(t *testing.T, path string) { t.Helper(); must(t, os.Remove(path)) }, 1},
		"a link": {func(t *testing.T, path string) {
			t.Helper()
			must(t, os.Rename(path, path+"-elsewhere"))
			must(t, os.Symlink(path+"-elsewhere", path))
		}, 1},
		"a pipe": {func(t *testing.T, path string) {
			t.Helper()
			must(t, os.Remove(path))
			must(t, syscall.Mkfifo(path, 0o600))
		}, 1},
		"huge": {func(t *testing.T, path string) { t.Helper(); must(t, os.Truncate(path, 1<<29)) }, 1}, // within the limit: else the other one goes as well
		"another's": {func(t *testing.T, path string) {
			t.Helper()
			other, err := os.ReadFile(filepath.Join(filepath.Dir(path), "001"))
			must(t, err)
			must(t, os.WriteFile(path, other, 0o600))
		}, 2},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, 600)
			b.reads(2)
			c.damage(t, b.files()[0])
			b.reads(c.refetch)
			_, err := b.read()
			must(t, err)
			b.reads(0)
		})
	}
}

func codes(err error) (out []string) {
	var damaged *verify.DamagedError
	if !errors.As(err, &damaged) {
		return nil
	}
	for _, f := range damaged.Report.Findings {
		out = append(out, f.Code)
	}
	slices.Sort(out)
	return out
}

// TestFindings: what is wrong with the store is found with a cache as without one.
func TestFindings(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		tamper func(b *bundle)
		code   string
	}{
		"history rewritten": {func(b *bundle) {
			b.archive = verifytest.New(key)
			b.chain = b.archive.Chain(1, key)
			b.chain.Observe("boundary", map[string][]string{"regions": {"eu"}})
			b.chain.Lazy = true
			b.chain.Hourly(900)
			b.chain.Seal()
		}, verify.CodeFork},
		"put back": {func(b *bundle) {
			b.archive = verifytest.New(key)
			b.chain = b.archive.Chain(1, key)
			b.chain.Lazy = true
			b.chain.Hourly(300)
			b.chain.Seal()
		}, verify.CodeRollback},
		"another key's": {func(b *bundle) {
			other := verifytest.NewKey(2)
			b.chain.Keys = []verifytest.Key{other}
			b.chain.Seal()
		}, verify.CodeCheckpointUnsigned},
		"tail damaged": {func(b *bundle) {
			n := len(b.chain.Entries)
			k := b.chain.ID.BundleKey(int64(n/256), n%256)
			b.archive.Files[k][500] ^= 1
		}, verify.CodeRoot},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, 600)
			b.reads(2)
			c.tamper(b)
			b.watch()
			_, want := verify.ReadChains(t.Context(), b.archive, b.options())
			_, got := b.read()
			if diff := cmp.Diff(codes(want), codes(got)); diff != "" || !slices.Contains(codes(got), c.code) {
				t.Errorf("findings with a cache differ, want %s among them (-without +with):\n%s", c.code, diff)
			}
			if n := len(b.files()); n > 0 {
				t.Errorf("%d bundles of a damaged chain are kept", n)
			}
		})
	}
}

// TestStoreDamaged: a bundle that the store lost after it was kept is not
// missed by a reader, and is found by a verification.
func TestStoreDamaged(t *testing.T) {
	t.Parallel()
	b := setup(t, 600)
	b.reads(2)
	b.archive.Files[b.chain.ID.BundleKey(0, 256)][500] ^= 1
	if _, err := b.read(); err != nil {
		t.Errorf("read: %v", err)
	}
	r, err := verify.Run(t.Context(), b.archive, verify.Options{Level: verify.LevelChain, Key: &pinned})
	if err != nil || r.Intact {
		t.Errorf("verification: %v, intact %v", err, r.Intact)
	}
}

func TestLimit(t *testing.T) {
	t.Parallel()
	b := setup(t, 1200) // four bundles
	size := int64(len(b.archive.Files[b.chain.ID.BundleKey(3, 256)]))
	c := chaincache.New(chaincache.Config{Dir: b.dir, Limit: 2*size + size/2})
	must(t, os.MkdirAll(filepath.Join(b.dir, "other"), 0o700))
	stale := filepath.Join(b.dir, "other", "000")
	must(t, os.WriteFile(stale, make([]byte, size), 0o600))
	must(t, os.Chtimes(stale, time.Unix(1, 0), time.Unix(1, 0)))
	_, err := c.ReadChains(t.Context(), b.archive, verifytest.UUID, b.options())
	must(t, err)
	if n := len(b.files()); n != 2 || slices.Contains(b.files(), stale) {
		t.Errorf("two bundles have room: %v", b.files())
	}
}

func TestNoFolder(t *testing.T) {
	t.Parallel()
	b := setup(t, 600)
	b.dir = filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(b.dir, []byte("not a folder"), 0o600))
	b.reads(2)
	if n := strings.Count(b.said.String(), "not kept"); n != 1 {
		t.Errorf("said %d times: %s", n, &b.said)
	}
}

// TestTogether has several caches over one folder read, keep and drop at once.
func TestTogether(t *testing.T) {
	t.Parallel()
	b := setup(t, 900)
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			c := chaincache.New(chaincache.Config{Dir: b.dir})
			for range 5 {
				chains, err := c.ReadChains(t.Context(), b.archive, verifytest.UUID, verify.Options{Key: &pinned})
				if err != nil || len(chains[0].Entries) != len(b.chain.Entries) {
					t.Errorf("read: %v", err)
				}
				if i == 0 {
					if err := c.Drop(verifytest.UUID); err != nil {
						t.Logf("drop: %v", err) // a bundle was kept meanwhile
					}
				}
			}
		})
	}
	wg.Wait()
	if _, err := b.read(); err != nil {
		t.Error(err)
	}
	b.reads(0)
}
