package exhibit

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/tui/inquiry"
)

// Format names the form of a bundle.
const Format = "rainlogs-exhibit/1"

// Provenance is provenance.json.
type Provenance struct {
	Format    string    `json:"format"`
	Archive   string    `json:"archive"`
	Program   string    `json:"program"`
	WrittenAt time.Time `json:"written_at"`
	WrittenBy string    `json:"written_by"`
	Case      Case      `json:"case"`
	Chains    []Head    `json:"chains"`
	Records   []Record  `json:"records"` // in the order of records.ndjson
	Left      []Left    `json:"left,omitempty"`
}

// Case is the case that the records belong to.
type Case struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	Head  string `json:"head"` // SHA-256 of the last line of case.jsonl
}

// Head is a chain's signed checkpoint.
type Head struct {
	Zone       string    `json:"zone"`
	Dataset    string    `json:"dataset"`
	Origin     string    `json:"origin"`
	Size       int64     `json:"size"`
	Root       tlog.Hash `json:"root"` // base64
	Checkpoint string    `json:"checkpoint"`
	VKey       string    `json:"vkey"`
	Trust      string    `json:"key_trust"`
}

// Record is where a line is from.
type Record struct {
	N          int              `json:"n"`
	Link       string           `json:"link"`
	Time       time.Time        `json:"time,omitzero"` // event time
	Note       string           `json:"note,omitempty"`
	SHA256     string           `json:"sha256"` // of the line without its line feed
	Zone       string           `json:"zone"`
	Dataset    string           `json:"dataset"`
	Seq        int64            `json:"seq"`
	Line       int64            `json:"line"` // 1-based
	Window     *evidence.Window `json:"window"`
	Object     string           `json:"object"`        // key
	ObjectSum  evidence.Digest  `json:"object_sha256"` // as stored
	Entry      string           `json:"entry"`
	LineProof  tlog.RecordProof `json:"line_proof"`  // RFC 6962, under the entry's content.merkle_root
	EntryProof tlog.RecordProof `json:"entry_proof"` // under the chain's root
}

func checkpointFile(id evidence.ChainID) string {
	return "chains/" + id.Zone + "-" + id.Dataset + ".txt"
}

func entryFile(e *evidence.Entry) string {
	return fmt.Sprintf("entries/%s-%s-%d.json", e.Zone, e.Dataset, e.Seq)
}

// provenance says where everything is from.
func (r Request) provenance(found []*record, left []Left, grown trees) (Provenance, error) {
	p := Provenance{
		Format: Format, Archive: r.Archive, Program: r.Program, WrittenAt: r.Now.UTC().Truncate(time.Millisecond), WrittenBy: r.Who,
		Case: Case{r.CaseName, r.CaseTitle, r.CaseHead}, Left: left,
	}
	for _, c := range r.Chains {
		p.Chains = append(p.Chains, Head{c.ID.Zone, c.ID.Dataset, c.Head.Origin, c.Head.Size, c.Head.Root, checkpointFile(c.ID), c.VKey, c.Trust})
	}
	for _, rec := range found {
		e := rec.entry
		t := grown[e.Chain()]
		proof, err := tlog.ProveRecord(t.Head.Size, e.Seq, t.hashes)
		if err != nil {
			return p, fmt.Errorf("prove entry %d of %s: %w", e.Seq, e.Chain(), err)
		}
		sum := sha256.Sum256(rec.line)
		p.Records = append(p.Records, Record{
			N: rec.number, Link: rec.mark.Ref.Permalink(), Time: rec.mark.Time, Note: rec.mark.Note, SHA256: hex.EncodeToString(sum[:]),
			Zone: e.Zone, Dataset: e.Dataset, Seq: e.Seq, Line: rec.mark.Ref.Line, Window: e.Window, Object: e.Object.Key, ObjectSum: e.Object.SHA256,
			Entry: entryFile(e), LineProof: rec.proof, EntryProof: proof,
		})
	}
	return p, nil
}

// Needed are the chains that records are of.
func Needed(marks []inquiry.Bookmark) ([]evidence.ChainID, error) {
	var out []evidence.ChainID
	for _, m := range marks {
		id, err := evidence.NewChainID(m.Ref.Zone, m.Ref.Dataset)
		if err != nil {
			return nil, fmt.Errorf("record %s: %w", m.Ref.Permalink(), err)
		}
		if !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out, nil
}
