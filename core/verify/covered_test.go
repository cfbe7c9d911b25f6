package verify_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/verify"
	"github.com/fabriziosalmi/rainlogs/core/verify/verifytest"
	"github.com/fabriziosalmi/rainlogs/sdk/storage"
)

// versioned is an archive in a store that keeps first versions.
type versioned struct {
	*verifytest.Archive
	first *verifytest.Archive
	err   error
}

func (v *versioned) GetFirst(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	if v.err != nil {
		return nil, v.err
	}
	return v.first.Get(ctx, key, offset, length)
}

func (v *versioned) Uncover(context.Context, string, string) error { return errors.ErrUnsupported }

// covers are the ways in which a file is covered.
var covers = map[string]func(files map[string][]byte, key string){
	"deleted":     func(files map[string][]byte, key string) { delete(files, key) },
	"overwritten": func(files map[string][]byte, key string) { files[key] = []byte("forged") },
	"one bit":     func(files map[string][]byte, key string) { files[key] = bytes.Clone(files[key]); flip(files[key], 40) },
}

// TestCovered: whichever file is covered, in whichever way: if it is missed,
// it is found as covered, and nothing else is.
func TestCovered(t *testing.T) {
	t.Parallel()
	original := sample()
	found := map[string]int{}
	for i, key := range original.Keys("") {
		// The pointer is overwritten by right; of what is superseded a part will do.
		if key == evidence.DescriptorKey || strings.HasSuffix(key, "/checkpoint") || strings.HasPrefix(key, evidence.ChainsPrefix) && !strings.HasSuffix(key, "/12") && i%3 > 0 {
			continue
		}
		for how, cover := range covers {
			a := original.Clone()
			cover(a.Files, key)
			known := verify.Known{Dir: t.TempDir()}
			without := run(t, a, verify.Options{})
			with := run(t, &versioned{Archive: a, first: original}, verify.Options{Known: known})
			if without.Intact {
				intact(t, with)
				continue
			}
			sum := sha256.Sum256(original.Files[key])
			if len(with.Findings) != 1 || with.Intact || with.Covered != 1 {
				t.Errorf("%s %s: %q, without versions %q", key, how, short(with), short(without))
				continue
			}
			f := with.Findings[0]
			if f.Code != verify.CodeCovered || f.Key != key || f.SHA256 != hex.EncodeToString(sum[:]) || !strings.Contains(f.Text, key) ||
				strings.Contains(f.Text, "hidden by a mark of deletion") != (how == "deleted") {
				t.Errorf("%s %s: %+v", key, how, f)
			}
			if head, err := known.Head(verifytest.UUID, chain1); err != nil || head == nil {
				t.Errorf("%s %s: a chain that is whole is not remembered: %v", key, how, err)
			}
			parts := strings.Split(strings.TrimPrefix(key, "chain/"+chain1.String()+"/"), "/")
			found[strings.Join(parts[:min(2, len(parts)-1)], "/")]++
		}
	}
	for _, kind := range []string{"tile/0", "tile/entries", "checkpoints"} {
		if found[kind] < 5 {
			t.Errorf("%d of %s were covered: %v", found[kind], kind, found)
		}
	}
}

// TestCoveredTogether: everything at once, and a bundle and its tile that were
// forged to fit each other.
func TestCoveredTogether(t *testing.T) {
	t.Parallel()
	original, forged := sample(), sampleBy(key1, 1)
	all := original.Clone()
	for i, key := range original.Keys("") {
		if id, ok := evidence.ParseChainPrefix(key); key == evidence.DescriptorKey || ok && key == id.CheckpointKey() {
			continue
		}
		if i%2 == 0 && !strings.Contains(key, "/checkpoints/") {
			delete(all.Files, key)
		} else {
			all.Files[key] = []byte("forged")
		}
	}
	r := run(t, &versioned{Archive: all, first: original}, verify.Options{})
	for _, f := range r.Findings {
		if f.Code != verify.CodeCovered {
			t.Errorf("%+v", f)
		}
	}
	if r.Objects != 9 || r.Covered < 30 {
		t.Errorf("%d objects read, %d covered", r.Objects, r.Covered)
	}
	a := original.Clone()
	for _, key := range []string{"tile/0/000.p/12", "tile/entries/000.p/12"} {
		a.Files[chainKey(key)] = forged.Files[chainKey(key)]
	}
	r = run(t, &versioned{Archive: a, first: original}, verify.Options{})
	if d := cmp.Diff([]string{"covered 0 000.p/12", "covered 0 000.p/12"}, short(r)); d != "" {
		t.Error(d)
	}
}

// TestCoveredWideParts: bundles and tiles that are full, and those above them;
// the entries are read from where they were found.
func TestCoveredWideParts(t *testing.T) {
	t.Parallel()
	original := verifytest.New(key1)
	c := original.Chain(1, key1)
	c.Lazy = true
	for len(c.Entries) < 600 {
		c.Gap(len(c.Entries), evidence.GapTooOld)
	}
	c.Seal()
	for how, cover := range covers {
		a := original.Clone()
		for _, key := range []string{"tile/entries/000", "tile/entries/002.p/88", "tile/0/001", "tile/1/000.p/2"} {
			cover(a.Files, chainKey(key))
		}
		store := &versioned{Archive: a, first: original}
		r := run(t, store, verify.Options{})
		if d := cmp.Diff([]string{"covered -1 1/000.p/2", "covered 0 entries/000", "covered 256 0/001", "covered 512 entries/002.p"},
			coveredFiles(r)); d != "" {
			t.Errorf("%s: %s", how, d)
		}
	}
}

// coveredFiles are findings as "code seq file" by the keys' parts behind tile/.
func coveredFiles(r *verify.Report) []string {
	out := []string{}
	for _, f := range r.Findings {
		_, rest, _ := strings.Cut(f.Key, "/tile/")
		out = append(out, fmt.Sprintf("%s %d %s", f.Code, f.Seq, strings.TrimSuffix(rest, "/88")))
	}
	slices.Sort(out)
	return out
}

// TestNotCovered: a first version that is not what was sealed changes nothing.
func TestNotCovered(t *testing.T) {
	t.Parallel()
	original := sample()
	other := sampleBy(key1, 1) // its files are well formed
	for i, key := range original.Keys("") {
		if key == evidence.DescriptorKey || strings.HasSuffix(key, "/checkpoint") || strings.HasPrefix(key, evidence.ChainsPrefix) && !strings.HasSuffix(key, "/12") && i%3 > 0 {
			continue
		}
		a := original.Clone()
		delete(a.Files, key)
		want := run(t, a, verify.Options{})
		for name, first := range map[string][]byte{"garbage": []byte("x"), "another's": other.Files[key]} {
			if bytes.Equal(first, original.Files[key]) {
				continue
			}
			kept := original.Clone()
			kept.Files[key] = first
			r := run(t, &versioned{Archive: a, first: kept}, verify.Options{})
			if r.Intact != want.Intact || r.Covered != 0 {
				t.Errorf("%s, first version is %s: %q, want %q", key, name, short(r), short(want))
			}
			if strings.HasPrefix(key, evidence.LogsPrefix) && !slices.Equal(short(r), short(want)) {
				t.Errorf("%s, first version is %s: %q, want %q", key, name, short(r), short(want))
			}
		}
	}
}

// TestForkIsNotCovered: what the trusted key has signed over a checkpoint is
// the graver finding.
func TestForkIsNotCovered(t *testing.T) {
	t.Parallel()
	original := sample()
	a := original.Clone()
	a.Files[chainKey("checkpoints/5")] = sampleBy(key1, 1).Files[chainKey("checkpoints/5")]
	r := run(t, &versioned{Archive: a, first: original}, verify.Options{})
	if d := cmp.Diff([]string{"fork 4 checkpoints/5"}, short(r)); d != "" {
		t.Error(d)
	}
}

// TestFirstVersionsThatCannotBeAsked do not end a verification, but where the
// store cannot be reached.
func TestFirstVersionsThatCannotBeAsked(t *testing.T) {
	t.Parallel()
	original := sample()
	a := original.Clone()
	gone := objects(a)[2]
	delete(a.Files, gone)
	for name, test := range map[string]struct {
		err    error
		notice string
	}{
		"unsupported": {errors.ErrUnsupported, ""},
		"not found":   {storage.ErrNotFound, ""},
		"forbidden":   {fmt.Errorf("%w: ListBucketVersions", storage.ErrPermission), "does not tell"},
	} {
		r := run(t, &versioned{Archive: a, err: test.err}, verify.Options{})
		if d := cmp.Diff([]string{"object-missing 3 " + window(2)}, short(r)); d != "" || !strings.Contains(strings.Join(r.Notices, "\n"), test.notice) {
			t.Errorf("%s: %s %q", name, d, r.Notices)
		}
	}
	_, err := verify.Run(t.Context(), &versioned{Archive: a, err: storage.ErrUnavailable}, verify.Options{Key: &pinned})
	if !errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("unavailable: %v", err)
	}
}
