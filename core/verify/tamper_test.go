package verify_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/verify"
	"github.com/fabriziosalmi/rainlogs/core/verify/verifytest"
)

var (
	key1, key2, stranger = verifytest.NewKey(1), verifytest.NewKey(2), verifytest.NewKey(9)
	pinned               = key1.Public(verifytest.UUID)
	chain1               = evidence.ChainID{Zone: fmt.Sprintf("%032x", 1), Dataset: "http_requests"}
)

// sample is an archive with two chains. Of the first: fields, six windows with
// lines, an empty one, a gap, a second generation, an expired object.
func sample() *verifytest.Archive { return sampleBy(key1, 0) }

// sampleBy is signed by a key, and holds so many lines more in its third window.
func sampleBy(key verifytest.Key, more int) *verifytest.Archive {
	a := verifytest.New(key)
	c := a.Chain(1, key)
	for i := range 6 {
		n := 20 + i
		if i == 2 {
			n += more
		}
		c.Log(i, n) // entries 1 to 6
	}
	c.Log(6, 0)                  // 7
	c.Gap(7, evidence.GapTooOld) // 8
	w := verifytest.Window(8)    // 9: its key was taken by another's bytes
	taken := evidence.ObjectKey(c.ID, w, 1)
	a.Files[taken] = []byte("another's")
	e, object := c.LogEntry(w, verifytest.Lines(w, 5), 2)
	e.Object.Displaced = []evidence.Displaced{{Key: taken, Bytes: 9}}
	a.Files[e.Object.Key] = object
	c.Add(e)
	gone := c.Log(9, 5) // 10
	c.Expire(10)        // 11
	delete(a.Files, gone)
	b := a.Chain(2, key)
	b.Log(0, 10)
	b.Log(1, 10)
	return a
}

// objects are the first chain's, by window.
func objects(a *verifytest.Archive) []string { return a.Keys(fmt.Sprintf("logs/%032x/", 1)) }

func chainKey(rest string) string { return fmt.Sprintf("chain/%032x/http_requests/%s", 1, rest) }

func known(t *testing.T, store verify.Store) verify.Known {
	t.Helper()
	k := verify.Known{Dir: t.TempDir()}
	if r := run(t, store, verify.Options{Known: k}); !r.Intact {
		t.Fatalf("untouched: %+v", r.Findings)
	}
	return k
}

func run(t *testing.T, store verify.Store, opts verify.Options) *verify.Report {
	t.Helper()
	if opts.Key == nil {
		opts.Key = &pinned
	}
	r, err := verify.Run(t.Context(), store, opts)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// short are findings as "code seq file", file being the key's last two parts.
func short(r *verify.Report) []string {
	out := []string{}
	for _, f := range r.Findings {
		parts := strings.Split(f.Key, "/")
		out = append(out, fmt.Sprintf("%s %d %s", f.Code, f.Seq, strings.Join(parts[max(0, len(parts)-2):], "/")))
		if f.Text == "" || f.Key != "" && !strings.Contains(f.Text, parts[len(parts)-1]) && f.Seq < 0 {
			out = append(out, "text does not name it: "+f.Text)
		}
	}
	slices.Sort(out)
	return out
}

func flip(b []byte, at int) { b[(at+len(b))%len(b)] ^= 1 }

func frame(content string) []byte {
	enc, err := zstd.NewWriter(nil)
	if err != nil {
		panic(err)
	}
	defer enc.Close() //nolint:errcheck // nothing is written
	return enc.EncodeAll([]byte(content), nil)
}

func skippable(magic uint32, content string) []byte {
	b := binary.LittleEndian.AppendUint32(nil, magic)
	return append(binary.LittleEndian.AppendUint32(b, uint32(len(content))), content...)
}

// seekTable finds where an object's seek table begins.
func seekTable(object []byte) int {
	return bytes.LastIndex(object, binary.LittleEndian.AppendUint32(nil, 0x184D2A5E))
}

// tampering is one way to change an archive, and exactly what must be found,
// or, with atLeast, some of it.
type tampering struct {
	name    string
	change  func(a *verifytest.Archive)
	want    []string
	atLeast bool
}

// exact is a tampering of which nothing else is found.
type exact struct {
	name   string
	change func(a *verifytest.Archive)
	want   []string
}

func exactly(list []exact) []tampering {
	out := make([]tampering, len(list))
	for i, e := range list {
		slices.Sort(e.want)
		out[i] = tampering{name: e.name, change: e.change, want: e.want}
	}
	return out
}

func window(i int) string {
	w := verifytest.Window(i)
	return fmt.Sprintf("%s/http_requests-%s-%s.ndjson.zst", w.Start.Format("15"), w.Start.Format("20060102T150405Z"), w.End.Format("20060102T150405Z"))
}

func objectTamperings() []tampering {
	edit := func(i int, f func(b []byte) []byte) func(*verifytest.Archive) {
		return func(a *verifytest.Archive) { k := objects(a)[i]; a.Files[k] = f(a.Files[k]) }
	}
	changed := func(i int, codes ...string) []string {
		out := []string{fmt.Sprintf("object-changed %d %s", i+1, window(i))}
		for _, c := range codes {
			out = append(out, fmt.Sprintf("%s %d %s", c, i+1, window(i)))
		}
		slices.Sort(out)
		return out
	}
	return exactly([]exact{
		{"one byte in a frame", edit(2, func(b []byte) []byte { flip(b, 30); return b }), changed(2, "frames-invalid")},
		{"one byte in the seek table", edit(2, func(b []byte) []byte { flip(b, seekTable(b)+9); return b }), changed(2, "frames-invalid")},
		{"one byte in the seek table's checksum", edit(2, func(b []byte) []byte { flip(b, seekTable(b)+17); return b }), changed(2, "frames-invalid")},
		{"seek table cut off", edit(2, func(b []byte) []byte { return b[:seekTable(b)] }), changed(2, "frames-invalid")},
		{"cut short", edit(2, func(b []byte) []byte { return b[:40] }), changed(2, "frames-invalid")},
		{"emptied", edit(2, func([]byte) []byte { return nil }), changed(2, "frames-invalid")},
		{"bytes appended", edit(1, func(b []byte) []byte { return append(b, "x"...) }), changed(1, "frames-invalid")},
		{"frame appended", edit(1, func(b []byte) []byte { return append(b, frame("{}\n")...) }), changed(1, "frames-invalid")},
		{"frame before the seek table", edit(1, func(b []byte) []byte {
			at := seekTable(b)
			return slices.Concat(b[:at], frame("{}\n"), b[at:])
		}), changed(1, "frames-invalid")},
		{"skippable frame with content before all", edit(1, func(b []byte) []byte { return append(skippable(0x184D2A50, "secret"), b...) }), changed(1, "frames-invalid")},
		{"skippable frame with content before the table", edit(1, func(b []byte) []byte {
			at := seekTable(b)
			return slices.Concat(b[:at], skippable(0x184D2A5F, "secret"), b[at:])
		}), changed(1, "frames-invalid")},
		{"second seek table", edit(1, func(b []byte) []byte { return append(b, b[seekTable(b):]...) }), changed(1, "frames-invalid")},
		{"compressed anew, same content", edit(1, func([]byte) []byte {
			return verifytest.Pack(verifytest.Lines(verifytest.Window(1), 21), 1000)
		}), changed(1)},
		{"deleted", func(a *verifytest.Archive) { delete(a.Files, objects(a)[3]) }, []string{"object-missing 4 " + window(3)}},
		{"two neighbours deleted", func(a *verifytest.Archive) {
			o := objects(a)
			delete(a.Files, o[3])
			delete(a.Files, o[4])
		}, []string{"object-missing 4 " + window(3), "object-missing 5 " + window(4)}},
		{"replaced by a valid other", func(a *verifytest.Archive) { o := objects(a); a.Files[o[2]] = a.Files[o[5]] }, changed(2, "content-mismatch")},
		{"two swapped", func(a *verifytest.Archive) {
			o := objects(a)
			a.Files[o[2]], a.Files[o[5]] = a.Files[o[5]], a.Files[o[2]]
		}, slices.Concat(changed(2, "content-mismatch"), changed(5, "content-mismatch"))},
		{"a valid object added", func(a *verifytest.Archive) {
			w := verifytest.Window(7) // the gap's
			a.Files[evidence.ObjectKey(chain1, w, 1)] = verifytest.Pack(verifytest.Lines(w, 3), 400)
		}, []string{"unexplained -1 " + window(7)}},
		{"a second generation added", func(a *verifytest.Archive) {
			a.Files[evidence.ObjectKey(chain1, verifytest.Window(0), 2)] = []byte("x")
		}, []string{"unexplained -1 " + strings.Replace(window(0), ".ndjson", "-g2.ndjson", 1)}},
		{"a file beside the objects", func(a *verifytest.Archive) { a.Files["logs/readme"] = nil }, []string{"unexplained -1 logs/readme"}},
		{"a file beside the archive", func(a *verifytest.Archive) { a.Files["x"] = nil }, []string{"unexplained -1 x"}},
		{"an object of no chain", func(a *verifytest.Archive) {
			a.Files[strings.Replace(objects(a)[0], fmt.Sprintf("%032x", 1), fmt.Sprintf("%032x", 3), 1)] = nil
		}, []string{"unexplained -1 " + window(0)}},
	})
}
