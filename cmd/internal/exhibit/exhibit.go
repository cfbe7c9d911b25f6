package exhibit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/query/dataset"
	"github.com/fabriziosalmi/rainlogs/tui/inquiry"
)

// Chain is a chain that the caller has verified up to a signed checkpoint.
type Chain struct {
	ID      evidence.ChainID
	Entries []*evidence.Entry // all that the checkpoint is over
	Head    evidence.Checkpoint
	Signed  []byte // the checkpoint's note
	VKey    string
	Trust   string // "pinned", "remembered" or "unpinned"
}

// Request says what is handed out.
type Request struct {
	Store     dataset.Objects
	Archive   string // id
	Chains    []Chain
	Bookmarks []inquiry.Bookmark // in the order in which they are written
	CaseName  string
	CaseTitle string
	CaseHead  string // SHA-256 of the last line of Journal
	Journal   []byte // case.jsonl
	Who       string
	Program   string
	Now       time.Time
	TempDir   string
	// Progress is called as records are read.
	Progress func(done, total int64)
}

// Result is what was written.
type Result struct {
	Folder  string
	Records int
	Left    []Left // records that could not be had
	SHA256  string // of SHA256SUMS
}

// Left is a record that is not in the bundle.
type Left struct {
	Link    string `json:"link"`
	Problem string `json:"problem"`
	Damaged bool   `json:"damaged"` // the archive is not what was sealed
}

// record is one that was found.
type record struct {
	mark   inquiry.Bookmark
	entry  *evidence.Entry
	line   []byte
	leaf   int64 // in the content's tree
	proof  tlog.RecordProof
	number int // in the bundle, 1 for the first
}

// trees are the chains, each with the hashes of its tree.
type trees map[evidence.ChainID]*tree

type tree struct {
	Chain
	hashes hashes
}

// hashes are stored as tlog orders them.
type hashes []tlog.Hash

// ReadHashes implements tlog.HashReader.
func (h hashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		if x < 0 || x >= int64(len(h)) {
			return nil, fmt.Errorf("hash %d of %d", x, len(h))
		}
		out[i] = h[x]
	}
	return out, nil
}

// add appends a leaf.
func (h *hashes) add(n int64, leaf tlog.Hash) error {
	more, err := tlog.StoredHashesForRecordHash(n, leaf, *h)
	if err != nil {
		return fmt.Errorf("hash leaf %d: %w", n, err)
	}
	*h = append(*h, more...)
	return nil
}

// plant computes the trees, and compares their roots with the signed ones.
func plant(chains []Chain) (trees, error) {
	out := trees{}
	for _, c := range chains {
		t := &tree{Chain: c}
		for i, e := range c.Entries {
			b, err := evidence.Encode(e)
			if err != nil {
				return nil, fmt.Errorf("entry %d of %s: %w", i, c.ID, err)
			}
			if err := t.hashes.add(int64(i), tlog.RecordHash(b)); err != nil {
				return nil, err
			}
		}
		root, err := tlog.TreeHash(c.Head.Size, t.hashes)
		if err != nil || int64(len(c.Entries)) != c.Head.Size || root != c.Head.Root {
			return nil, fmt.Errorf("chain %s: its %d entries are not those of the signed checkpoint of %d: %w", c.ID, len(c.Entries), c.Head.Size, errors.Join(err, errRoot))
		}
		out[c.ID] = t
	}
	return out, nil
}

var errRoot = errors.New("the roots differ")

// collect reads the records, and says which of them cannot be had.
func (r Request) collect(ctx context.Context) (found []*record, left []Left, err error) {
	var sets []*dataset.Dataset
	defer func() {
		for _, d := range sets {
			err = errors.Join(err, d.Close())
		}
	}()
	objects := map[inquiry.Ref]*dataset.Object{} // by the record's address without its line
	for _, c := range r.Chains {
		d, err := dataset.Open(ctx, r.Store, []dataset.Chain{{ID: c.ID, Entries: c.Entries}}, dataset.Options{TempDir: r.TempDir})
		if err != nil {
			return nil, nil, fmt.Errorf("open chain %s: %w", c.ID, err)
		}
		sets = append(sets, d)
		for _, o := range d.Objects() {
			objects[inquiry.Ref{Archive: r.Archive, Zone: c.ID.Zone, Dataset: c.ID.Dataset, Seq: o.Entry.Seq}] = o
		}
	}
	byObject := map[*dataset.Object][]*record{}
	var order []*dataset.Object
	for _, m := range r.Bookmarks {
		at := m.Ref
		at.Line = 0
		o := objects[at]
		if problem := r.unknown(m.Ref, o); problem != "" {
			left = append(left, Left{Link: m.Ref.Permalink(), Problem: problem})
			continue
		}
		if byObject[o] == nil {
			order = append(order, o)
		}
		byObject[o] = append(byObject[o], &record{mark: m, entry: o.Entry, leaf: m.Ref.Line - 1})
	}
	done, total := int64(0), int64(len(r.Bookmarks)-len(left))
	for _, o := range order {
		wanted := byObject[o]
		var damage *dataset.DamageError
		switch err := read(ctx, o, wanted); {
		case errors.As(err, &damage):
			for _, rec := range wanted {
				left = append(left, Left{Link: rec.mark.Ref.Permalink(), Problem: damage.Error(), Damaged: true})
			}
		case err != nil:
			return nil, nil, err
		default:
			found = append(found, wanted...)
		}
		if done += int64(len(wanted)); r.Progress != nil {
			r.Progress(done, total)
		}
	}
	return r.number(found), left, nil
}

// unknown says why there is no such record.
func (r Request) unknown(ref inquiry.Ref, o *dataset.Object) string {
	switch {
	case ref.Archive != r.Archive:
		return "it is a record of another archive"
	case o == nil:
		return "the chain has no object of that entry, or the retention policy has removed it"
	case ref.Line > o.Entry.Content.Lines:
		return fmt.Sprintf("the object has %d lines", o.Entry.Content.Lines)
	}
	return ""
}

// number puts records into the order of the bookmarks.
func (r Request) number(found []*record) []*record {
	place := map[inquiry.Ref]int{}
	for i, m := range r.Bookmarks {
		place[m.Ref] = i
	}
	slices.SortFunc(found, func(a, b *record) int { return place[a.mark.Ref] - place[b.mark.Ref] })
	for i, rec := range found {
		rec.number = i + 1
	}
	return found
}

// read reads an object to its end: the lines that are wanted, and the hashes of
// all of them, which prove those.
func read(ctx context.Context, o *dataset.Object, wanted []*record) error {
	reader := dataset.NewReader()
	defer reader.Close()
	if err := reader.Reset(ctx, o); err != nil {
		return err //nolint:wrapcheck // names the object
	}
	at := map[int64]*record{}
	for _, rec := range wanted {
		at[rec.leaf] = rec
	}
	var h hashes
	for n := int64(0); n < o.Entry.Content.Lines; n++ {
		line, err := reader.Next()
		if err != nil {
			return err //nolint:wrapcheck // names the object; the end is compared with what was sealed
		}
		if err := h.add(n, tlog.RecordHash(line.Text)); err != nil {
			return err
		}
		if rec := at[n]; rec != nil {
			rec.line = slices.Clone(line.Text)
		}
	}
	root, err := tlog.TreeHash(o.Entry.Content.Lines, h)
	if err != nil {
		return fmt.Errorf("hash the lines of %s: %w", o.Entry.Object.Key, err)
	}
	if evidence.Digest(root) != o.Entry.Content.MerkleRoot {
		return &dataset.DamageError{Chain: o.Entry.Chain(), Seq: o.Entry.Seq, Key: o.Entry.Object.Key, Problem: "its lines do not have the root that was sealed"}
	}
	for _, rec := range wanted {
		if rec.proof, err = tlog.ProveRecord(o.Entry.Content.Lines, rec.leaf, h); err != nil {
			return fmt.Errorf("prove line %d of %s: %w", rec.mark.Ref.Line, o.Entry.Object.Key, err)
		}
	}
	return nil
}
