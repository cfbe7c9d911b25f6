package verify

import (
	"cmp"
	"encoding/json"
	"maps"
	"math/bits"
	"slices"
	"strings"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// bitset is a set of seqs.
type bitset []uint64

func (b *bitset) set(n int64) {
	for int64(len(*b)) <= n/64 {
		*b = append(*b, 0)
	}
	(*b)[n/64] |= 1 << (n % 64)
}

func (b bitset) has(n int64) bool {
	return n >= 0 && n/64 < int64(len(b)) && b[n/64]&(1<<(n%64)) != 0
}

func (b bitset) count() int {
	n := 0
	for _, word := range b {
		n += bits.OnesCount64(word)
	}
	return n
}

// objectIndex knows which object keys a chain's entries name. A key is a pure
// function of window and generation, so that some bytes stand for it.
type objectIndex struct {
	ids       []objectID
	displaced map[string]bool
	sorted    bool
}

type objectID struct {
	start, end int64 // Unix seconds
	generation int
	seq        int64 // the entry
}

// add takes a log entry with an object; evidence.Decode has held its key to its window.
func (x *objectIndex) add(e *evidence.Entry, seq int64) {
	id := objectID{e.Window.Start.Unix(), e.Window.End.Unix(), 1, seq}
	if !strings.HasSuffix(e.Object.Key, "Z.ndjson.zst") {
		if _, _, generation, err := evidence.ParseObjectKey(e.Object.Key); err == nil {
			id.generation = generation
		}
	}
	x.ids, x.sorted = append(x.ids, id), false
	x.displace(e.Object.Displaced)
}

func (x *objectIndex) displace(objects []evidence.Displaced) {
	for _, d := range objects {
		if x.displaced == nil {
			x.displaced = map[string]bool{}
		}
		x.displaced[d.Key] = true
	}
}

// displacedBy are the objects that an observation explains: nothing if it is of
// another topic, or says nothing that can be read.
func displacedBy(e *evidence.Entry) []evidence.Displaced {
	var v evidence.DisplacedValue
	if e.Observation == nil || e.Observation.Topic != evidence.TopicDisplaced || json.Unmarshal(e.Observation.Value, &v) != nil {
		return nil
	}
	return v.Objects
}

func (x *objectIndex) clone() objectIndex {
	return objectIndex{slices.Clone(x.ids), maps.Clone(x.displaced), x.sorted}
}

func compareIDs(a, b objectID) int {
	return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.end, b.end), cmp.Compare(a.generation, b.generation))
}

func (x *objectIndex) sort() {
	slices.SortFunc(x.ids, compareIDs)
	x.sorted = true
}

// find returns the entry whose object a window's key of that generation is.
func (x *objectIndex) find(w evidence.Window, generation int) (seq int64, found bool) {
	if !x.sorted {
		x.sort()
	}
	i, found := slices.BinarySearchFunc(x.ids, objectID{start: w.Start.Unix(), end: w.End.Unix(), generation: generation}, compareIDs)
	if !found {
		return -1, false
	}
	return x.ids[i].seq, true
}

// has reports whether an entry explains the key of this chain's object.
func (x *objectIndex) has(key string, w evidence.Window, generation int) bool {
	_, found := x.find(w, generation)
	return found || x.displaced[key]
}
