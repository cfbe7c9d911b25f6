package main

import (
	"bytes"
	"crypto/rand"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/fabriziosalmi/rainlogs/core/chain"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/plugins/source/logpull/logpulltest"
	"github.com/fabriziosalmi/rainlogs/plugins/storage/fs"
)

// tampering is one way to change an archive, and what must be found.
type tampering struct {
	name   string
	change func(s *site, objects []string)
	codes  []string // at least these findings
	keys   int      // at least so many of them name a file
}

func (s *site) path(parts ...string) string {
	return filepath.Join(append([]string{s.dir, "archive"}, parts...)...)
}

func (s *site) chain(parts ...string) string {
	return s.path(append([]string{"chain", zoneID, "http_requests"}, parts...)...)
}

func (s *site) edit(path string, change func([]byte) []byte) {
	s.t.Helper()
	b, err := os.ReadFile(path)
	must(s.t, err)
	changed := change(bytes.Clone(b))
	if bytes.Equal(b, changed) {
		s.t.Fatalf("%s was not changed", path)
	}
	must(s.t, os.WriteFile(path, changed, 0o644))
}

func flip(at int) func([]byte) []byte {
	return func(b []byte) []byte { b[(at+len(b))%len(b)] ^= 1; return b }
}

func frame(content string) []byte {
	enc, err := zstd.NewWriter(nil)
	if err != nil {
		panic(err)
	}
	defer enc.Close()
	return enc.EncodeAll([]byte(content), nil)
}

func tamperings(t *testing.T, older string, size int) []tampering {
	return []tampering{
		{"one byte in an object", func(s *site, o []string) { s.edit(o[3], flip(500)) }, []string{"object-changed"}, 1},
		{"object deleted", func(s *site, o []string) { must(t, os.Remove(o[3])) }, []string{"object-missing"}, 1},
		{"two neighbours deleted", func(s *site, o []string) { must(t, os.Remove(o[3])); must(t, os.Remove(o[4])) }, []string{"object-missing"}, 2},
		{"replaced by a valid other", func(s *site, o []string) {
			b, err := os.ReadFile(o[5])
			must(t, err)
			s.edit(o[3], func([]byte) []byte { return b })
		}, []string{"object-changed", "content-mismatch"}, 2},
		{"two swapped", func(s *site, o []string) {
			must(t, os.Rename(o[3], o[3]+"x"))
			must(t, os.Rename(o[4], o[3]))
			must(t, os.Rename(o[3]+"x", o[4]))
		}, []string{"object-changed"}, 2},
		{"a tile", func(s *site, _ []string) {
			s.edit(s.chain("tile", "0", "000.p", strconv.Itoa(size)), flip(40))
		}, []string{"tile-changed"}, 1},
		{"an older partial tile", func(s *site, _ []string) {
			s.edit(s.chain("tile", "0", "000.p", strconv.Itoa(size-3)), flip(40))
		}, []string{"tile-changed"}, 1},
		{"an entry", func(s *site, _ []string) {
			s.edit(s.chain("tile", "entries", "000.p", strconv.Itoa(size)), func(b []byte) []byte {
				return bytes.Replace(b, []byte(`"lines":`), []byte(`"lineS":`), 1)
			})
		}, []string{"root-mismatch", "prev-broken"}, 0},
		{"checkpoint rolled back", func(s *site, _ []string) {
			b, err := os.ReadFile(s.chain("checkpoints", strconv.Itoa(size-5)))
			must(t, err)
			s.edit(s.chain("checkpoint"), func([]byte) []byte { return b })
		}, []string{"rollback"}, 1},
		{"entries dropped from the end", func(s *site, _ []string) {
			b, err := os.ReadFile(s.chain("checkpoints", strconv.Itoa(size-5)))
			must(t, err)
			s.edit(s.chain("checkpoint"), func([]byte) []byte { return b })
			for n := size - 4; n <= size; n++ {
				must(t, os.Remove(s.chain("checkpoints", strconv.Itoa(n))))
			}
		}, []string{"rollback"}, 1},
		{"older whole state put back", func(s *site, _ []string) {
			must(t, os.RemoveAll(s.path()))
			copyTree(t, older, s.path())
		}, []string{"rollback"}, 1},
		{"unexplained object", func(s *site, o []string) {
			b, err := os.ReadFile(o[0])
			must(t, err)
			must(t, os.WriteFile(strings.Replace(o[0], ".ndjson", "-g2.ndjson", 1), b, 0o644))
		}, []string{"unexplained"}, 1},
		{"unexplained file", func(s *site, _ []string) { must(t, os.WriteFile(s.path("logs", "notes.txt"), nil, 0o644)) }, []string{"unexplained"}, 1},
		{"bytes appended", func(s *site, o []string) {
			s.edit(o[2], func(b []byte) []byte { return append(b, "junk"...) })
		}, []string{"object-changed", "frames-invalid"}, 2},
		{"frame appended", func(s *site, o []string) {
			s.edit(o[2], func(b []byte) []byte { return append(b, frame("{}\n")...) })
		}, []string{"object-changed", "frames-invalid"}, 2},
		{"skippable frame with content", func(s *site, o []string) {
			s.edit(o[2], func(b []byte) []byte {
				return append([]byte{0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 'j', 'u', 'n', 'k'}, b...)
			})
		}, []string{"object-changed", "frames-invalid"}, 2},
		{"rewritten with another key", func(s *site, _ []string) {
			k, err := chain.GenerateKey(rand.Reader, s.key().Public().Name())
			must(t, err)
			s.rewrite(k)
			s.edit(s.path("rainlogs.json"), func(b []byte) []byte {
				return bytes.Replace(b, []byte(s.key().Public().VKey()), []byte(k.Public().VKey()), 1)
			})
		}, []string{"checkpoint-unsigned", "key-mismatch"}, 2},
		{"rewritten with the stolen key", func(s *site, _ []string) { s.rewrite(s.key()) }, []string{"fork"}, 0},
	}
}

func (s *site) key() chain.PrivateKey {
	s.t.Helper()
	b, err := os.ReadFile(filepath.Join(s.dir, "signing.key"))
	must(s.t, err)
	k, err := chain.ParsePrivateKey(string(b))
	must(s.t, err)
	return k
}

// rewrite makes the chain anew with one changed entry and all hashes and
// signatures right again.
func (s *site) rewrite(k chain.PrivateKey) {
	s.t.Helper()
	store, err := fs.Open(s.path())
	must(s.t, err)
	defer store.Close()
	archive := strings.TrimPrefix(k.Public().Name(), "rainlogs/")
	cfg := chain.Config{
		Store: store, Archive: archive, Chain: evidence.ChainID{Zone: zoneID, Dataset: "http_requests"},
		Key: s.key(), Now: time.Now, Log: slog.New(slog.DiscardHandler),
	}
	old, err := chain.Open(s.t.Context(), cfg)
	must(s.t, err)
	var entries []*evidence.Entry
	for e, err := range old.Entries(s.t.Context(), 0) {
		must(s.t, err)
		entries = append(entries, e)
	}
	must(s.t, os.RemoveAll(s.chain()))
	cfg.Key = k
	forged, err := chain.Open(s.t.Context(), cfg)
	must(s.t, err)
	for _, e := range entries {
		e.Prev = forged.LastHash()
		if e.Seq == 1 {
			e.SealedAt = e.SealedAt.Add(-time.Hour)
		}
		b, err := evidence.Encode(e)
		must(s.t, err)
		must(s.t, forged.Append(s.t.Context(), b))
	}
}

// TestTampering changes an archive in every way that a keeper of the bucket
// could, and demands that each is found, named, and exit code 3.
func TestTampering(t *testing.T) {
	t.Parallel()
	s := newSite(t, traffic(t, 20_000), logpulltest.Faults{})
	from, to := hours(2)
	s.ok("zone", "add", zoneID, "--name", "shop.example.eu")
	s.ok("pull", "shop.example.eu", "--from", stamp(from), "--to", stamp(from.Add(time.Hour)))
	older := filepath.Join(t.TempDir(), "older")
	copyTree(t, s.path(), older)
	s.ok("pull", "shop.example.eu", "--from", stamp(from), "--to", stamp(to))
	if code, findings, _ := s.report(); code != 0 {
		t.Fatalf("untouched: exit %d, %v", code, findings)
	}
	checkpoints, err := os.ReadDir(s.chain("checkpoints"))
	must(t, err)
	for _, tc := range tamperings(t, older, len(checkpoints)) {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := s.clone(t)
			objects, err := filepath.Glob(c.path("logs", zoneID, "*", "*", "*", "*", "*.zst"))
			must(t, err)
			slices.Sort(objects)
			tc.change(c, objects)
			code, findings, text := c.report()
			if code != 3 {
				t.Fatalf("exit %d, want 3\n%s", code, text)
			}
			named := 0
			for _, want := range tc.codes {
				found := false
				for _, f := range findings {
					if f.Code == want {
						found = true
						if f.Key != "" {
							named++
						}
					}
				}
				if !found {
					t.Errorf("no finding %q in %v", want, findings)
				}
			}
			if named < tc.keys {
				t.Errorf("%d findings name a file, want %d: %v", named, tc.keys, findings)
			}
		})
	}
	t.Run("moved elsewhere", func(t *testing.T) {
		t.Parallel()
		c := s.clone(t)
		if code, findings, _ := c.report(); code != 0 {
			t.Errorf("exit %d, %v", code, findings)
		}
	})
}

// clone copies a site; it shares what this machine remembers.
func (s *site) clone(t *testing.T) *site {
	t.Helper()
	c := *s
	c.t, c.dir = t, filepath.Join(t.TempDir(), "elsewhere")
	copyTree(t, s.dir, c.dir)
	must(t, os.Chmod(filepath.Join(c.dir, "signing.key"), 0o600))
	return &c
}
