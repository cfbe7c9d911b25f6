package replicate_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/replicate"
	"github.com/fabriziosalmi/rainlogs/core/verify"
	"github.com/fabriziosalmi/rainlogs/core/verify/verifytest"
	"github.com/fabriziosalmi/rainlogs/internal/s3test"
	"github.com/fabriziosalmi/rainlogs/plugins/storage/fs"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

func TestMain(m *testing.M) { s3test.Main(m) }

var key = verifytest.NewKey(1)

// bundle is an archive in a folder, and a folder for its copy.
type bundle struct {
	*testing.T
	a        *verifytest.Archive
	from, to string
	cfg      replicate.Config
}

// windows is more than a tile has room for.
const windows = 260

func setup(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{T: t, a: verifytest.New(key), from: filepath.Join(t.TempDir(), "from"), to: filepath.Join(t.TempDir(), "to")}
	c := b.a.Chain(1, key)
	for i := range windows {
		c.Log(i, 1+i%3)
	}
	d := b.a.Chain(2, key)
	expired := d.Log(0, 2)
	d.Log(1, 2)
	d.Expire(1)
	delete(b.a.Files, expired)
	b.write()
	pub := key.Public(verifytest.UUID)
	b.cfg = replicate.Config{From: b.open(b.from), To: b.open(b.to), Verify: verify.Options{Key: &pub}}
	return b
}

// write brings the archive in memory into its folder.
func (b *bundle) write() {
	b.Helper()
	if err := b.a.Write(b.from); err != nil {
		b.Fatal(err)
	}
}

func (b *bundle) open(dir string) *fs.FS {
	b.Helper()
	s, err := fs.Open(dir)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	return s
}

func (b *bundle) run() replicate.Summary {
	b.Helper()
	sum, err := replicate.Run(b.Context(), b.cfg)
	if err != nil {
		b.Fatal(err)
	}
	return sum
}

// whole demands that the copy is the archive.
func (b *bundle) whole() {
	b.Helper()
	reports := make([]*verify.Report, 2)
	for i, s := range []storage.Storage{b.cfg.From, b.cfg.To} {
		var err error
		if reports[i], err = verify.Run(b.Context(), s, b.cfg.Verify); err != nil {
			b.Fatal(err)
		}
		if !reports[i].Intact {
			b.Fatalf("%d: %+v", i, reports[i].Findings)
		}
	}
	if reports[0].Objects != reports[1].Objects || len(reports[0].Chains) != len(reports[1].Chains) {
		b.Errorf("%d and %d objects, %d and %d chains", reports[0].Objects, reports[1].Objects, len(reports[0].Chains), len(reports[1].Chains))
	}
	for i, c := range reports[0].Chains {
		if other := reports[1].Chains[i]; c.Root != other.Root || c.Size != other.Size {
			b.Errorf("chain %s: %d %s and %d %s", c.Chain, c.Size, c.Root, other.Size, other.Root)
		}
	}
}

func TestReplicate(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var last replicate.Progress
	b.cfg.Progress = func(p replicate.Progress) { last = p }
	b.cfg.DryRun = true
	dry := b.run()
	if files := b.list(b.cfg.To); len(files) != 0 {
		t.Errorf("a dry run wrote %d files", len(files))
	}
	b.cfg.DryRun = false
	sum := b.run()
	if sum.Objects != windows+1 || sum.Expired != 1 || sum.Present != 0 || !sum.Complete() || sum.Chains != 2 || dry.Objects != sum.Objects || dry.Bytes != sum.Bytes || dry.Files != sum.Files {
		t.Errorf("%+v, dry %+v", sum, dry)
	}
	if last.Done != last.Total || last.Total == 0 {
		t.Errorf("progress ended at %+v", last)
	}
	b.whole()
	if again := b.run(); again.Objects != 0 || again.Files != 0 || again.Present != windows+1 {
		t.Errorf("again: %+v", again)
	}
	// It has grown meanwhile.
	for i := range 40 {
		b.a.Chains[chain1].Log(windows+i, 1)
	}
	b.write()
	if grown := b.run(); grown.Objects != 40 || !grown.Complete() {
		t.Errorf("grown: %+v", grown)
	}
	b.whole()
	b.cfg.Deep = true
	if deep := b.run(); deep.Objects != 0 || !deep.Complete() {
		t.Errorf("deep: %+v", deep)
	}
}

var chain1 = func() evidence.ChainID {
	return verifytest.New(key).Chain(1, key).ID
}()

func (b *bundle) list(s storage.Storage) (keys []string) {
	b.Helper()
	for info, err := range s.List(b.Context(), "", "") {
		if err != nil {
			b.Fatal(err)
		}
		keys = append(keys, info.Key)
	}
	return keys
}

// failing is a store that fails at a Put.
type failing struct {
	storage.Storage
	left int
}

func (f *failing) Put(ctx context.Context, req storage.PutRequest, body io.Reader) (storage.Info, error) {
	if f.left--; f.left < 0 {
		return storage.Info{}, storage.ErrUnavailable
	}
	return f.Storage.Put(ctx, req, body)
}

// TestCutShort ends a copy after ever more files: it goes on where it ended,
// and is no archive before it is whole.
func TestCutShort(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.cfg.Workers = 1
	to := b.cfg.To
	runs := 0
	for {
		runs++
		b.cfg.To = &failing{Storage: to, left: 97}
		_, err := replicate.Run(t.Context(), b.cfg)
		if err == nil {
			break
		}
		if !errors.Is(err, storage.ErrUnavailable) {
			t.Fatal(err)
		}
		if _, err := to.Stat(t.Context(), evidence.DescriptorKey); !errors.Is(err, storage.ErrNotFound) {
			t.Fatalf("half a copy is an archive: %v", err)
		}
		if _, err := to.Stat(t.Context(), chain1.CheckpointKey()); err == nil {
			continue // the first chain is whole
		}
	}
	if runs < 4 {
		t.Errorf("%d runs were enough", runs)
	}
	b.cfg.To = to
	b.whole()
}

// TestDamaged: what is not as it was sealed is not copied, and named, and the
// copy does not claim to have it.
func TestDamaged(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var objects []string
	for _, k := range b.list(b.cfg.From) {
		if strings.HasPrefix(k, "logs/"+chain1.Zone) {
			objects = append(objects, k)
		}
	}
	spoil := func(dir, key string) {
		t.Helper()
		path := filepath.Join(dir, filepath.FromSlash(key))
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		text[len(text)/2] ^= 1
		if err := errors.Join(os.Remove(path), os.WriteFile(path, text, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	spoil(b.from, objects[3])
	if err := os.Remove(filepath.Join(b.from, filepath.FromSlash(objects[7]))); err != nil {
		t.Fatal(err)
	}
	sum := b.run()
	if len(sum.Problems) != 2 || sum.Complete() {
		t.Errorf("%+v", sum.Problems)
	}
	for _, k := range []string{evidence.DescriptorKey, chain1.CheckpointKey(), objects[3]} {
		if _, err := b.cfg.To.Stat(t.Context(), k); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("%s is in the copy: %v", k, err)
		}
	}
	b.write() // mended
	b.run()
	b.whole()
	spoil(b.to, objects[5])
	b.cfg.Deep = true
	if sum = b.run(); len(sum.Problems) != 1 || sum.Problems[0].Key != objects[5] {
		t.Errorf("deep: %+v", sum.Problems)
	}
}

func TestDiverged(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(b *bundle){
		"another archive": func(b *bundle) {
			other := verifytest.New(key)
			other.Chain(1, key).Log(0, 1)
			other.Files[evidence.DescriptorKey] = append(other.Files[evidence.DescriptorKey], '\n')
			b.Helper()
			if err := other.Write(b.to); err != nil {
				b.Fatal(err)
			}
		},
		"a longer copy": func(b *bundle) {
			b.run()
			b.a.Chains[chain1].Log(windows, 1)
			if err := b.a.Write(b.to); err != nil {
				b.Fatal(err)
			}
		},
		"another history": func(b *bundle) {
			other := verifytest.New(key)
			c := other.Chain(1, key)
			for i := range 5 {
				c.Log(i, 9)
			}
			if err := other.Write(b.to); err != nil {
				b.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			change(b)
			before := len(b.list(b.cfg.To))
			if _, err := replicate.Run(t.Context(), b.cfg); !errors.Is(err, replicate.ErrDiverged) {
				t.Errorf("got %v, want ErrDiverged", err)
			}
			if after := len(b.list(b.cfg.To)); after != before {
				t.Errorf("%d files became %d", before, after)
			}
		})
	}
	b := setup(t)
	b.a.Files[chain1.CheckpointKey()] = b.a.Files[chain1.CheckpointAt(3)]
	b.write()
	var damaged *verify.DamagedError
	if _, err := replicate.Run(t.Context(), b.cfg); !errors.As(err, &damaged) {
		t.Errorf("an archive whose checkpoint was put back: %v", err)
	}
}
