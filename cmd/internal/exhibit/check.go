package exhibit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/casebook"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// Report is what a check has found.
type Report struct {
	Format  string   `json:"format"`
	Archive string   `json:"archive"`
	Records int      `json:"records"`
	Files   int      `json:"files"`
	Events  int      `json:"events"` // of the case's journal
	Key     string   `json:"key"`
	Pinned  bool     `json:"pinned"` // the key came from the caller, not from the bundle
	Left    []Left   `json:"left,omitempty"`
	Faults  []string `json:"faults,omitempty"`
	SHA256  string   `json:"sha256"` // of SHA256SUMS
}

// OK reports whether nothing is wrong.
func (r *Report) OK() bool { return len(r.Faults) == 0 }

func (r *Report) fault(format string, args ...any) {
	r.Faults = append(r.Faults, fmt.Sprintf(format, args...))
}

// maxFile bounds what is read of a bundle's file.
const maxFile = 1 << 30

// Check proves a bundle: its files are those of SHA256SUMS, and each line leads
// up to a signature by key; nil takes the bundle's own word for the key. An
// error means that the folder is no bundle.
func Check(dir string, key *evidence.PublicKey) (rep *Report, err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open bundle: %w", err)
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	c := &checking{root: root, key: key, rep: &Report{Pinned: key != nil}, seen: map[string]bool{}}
	text, err := c.read("provenance.json")
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, &c.p); err != nil {
		return nil, fmt.Errorf("provenance.json: %w", err)
	}
	if c.p.Format != Format {
		return nil, fmt.Errorf("bundle has format %.60q, this version reads %s", c.p.Format, Format)
	}
	c.rep.Format, c.rep.Archive, c.rep.Left = c.p.Format, c.p.Archive, c.p.Left
	if err := c.sums(); err != nil {
		return nil, err
	}
	c.journal()
	c.chains()
	c.records()
	return c.rep, nil
}

type checking struct {
	root  *os.Root
	key   *evidence.PublicKey
	p     Provenance
	rep   *Report
	seen  map[string]bool // files that SHA256SUMS names
	heads map[evidence.ChainID]evidence.Checkpoint
}

func (c *checking) read(name string) ([]byte, error) {
	f, err := c.root.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read bundle: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(b) > maxFile {
		err = fmt.Errorf("%s is larger than %d bytes", name, maxFile)
	}
	if err != nil {
		return nil, fmt.Errorf("read bundle: %w", err)
	}
	return b, nil
}

// sums compares the files with SHA256SUMS, and finds those that it does not name.
func (c *checking) sums() error {
	text, err := c.read(sumsName)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(text)
	c.rep.SHA256 = hex.EncodeToString(sum[:])
	for line := range strings.Lines(string(text)) {
		want, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		if !ok {
			c.rep.fault("%s has a line that is not one: %.80q", sumsName, line)
			continue
		}
		c.seen[name] = true
		c.rep.Files++
		b, err := c.read(name)
		if err != nil {
			c.rep.fault("%v", err)
		} else if fmt.Sprintf("%x", sha256.Sum256(b)) != want {
			c.rep.fault("%s was changed: its SHA-256 is not the one in %s", name, sumsName)
		}
	}
	err = fs.WalkDir(c.root.FS(), ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && path != sumsName && !c.seen[path] {
			c.rep.fault("%s is not named in %s", path, sumsName)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("read bundle: %w", err)
	}
	return nil
}

// journal checks that the case's lines follow one another up to the one that was noted.
func (c *checking) journal() {
	raw, err := c.read("case.jsonl")
	if err != nil {
		c.rep.fault("%v", err)
		return
	}
	state, err := casebook.Replay(c.p.Case.Name, raw)
	switch {
	case err != nil:
		c.rep.fault("case.jsonl: %v", err)
	case state.Damage != nil:
		c.rep.fault("case.jsonl: %v", errors.Unwrap(state.Damage))
	case state.Head != c.p.Case.Head || state.Torn > 0:
		c.rep.fault("case.jsonl does not end with the line that provenance.json names")
	}
	c.rep.Events = len(state.Events)
}

// chains checks the signatures of the checkpoints.
func (c *checking) chains() {
	c.heads = map[evidence.ChainID]evidence.Checkpoint{}
	for _, h := range c.p.Chains {
		id, err := evidence.NewChainID(h.Zone, h.Dataset)
		if err != nil {
			c.rep.fault("provenance.json: %v", err)
			continue
		}
		head, err := c.head(id, h)
		if err != nil {
			c.rep.fault("checkpoint of %s: %v", id, err)
			continue
		}
		c.heads[id] = head
	}
}

func (c *checking) head(id evidence.ChainID, h Head) (evidence.Checkpoint, error) {
	key := c.key
	if key == nil {
		own, err := evidence.ParseVKey(h.VKey)
		if err != nil {
			return evidence.Checkpoint{}, err //nolint:wrapcheck // says what it is
		}
		key = &own
	}
	c.rep.Key = key.VKey()
	signed, err := c.read(checkpointFile(id))
	if err != nil {
		return evidence.Checkpoint{}, err
	}
	origin := evidence.Origin(c.p.Archive, id)
	v, err := key.Verifier(origin)
	if err != nil {
		return evidence.Checkpoint{}, err //nolint:wrapcheck // says what it is
	}
	return evidence.OpenCheckpoint(signed, origin, v) //nolint:wrapcheck // says what it is
}

// records leads each line up to a checkpoint.
func (c *checking) records() {
	text, err := c.read("records.ndjson")
	if err != nil {
		c.rep.fault("%v", err)
		return
	}
	for i, r := range c.p.Records {
		line, rest, whole := bytes.Cut(text, []byte("\n"))
		if !whole {
			c.rep.fault("records.ndjson has %d lines, provenance.json names %d", i, len(c.p.Records))
			return
		}
		text = rest
		if err := c.record(r, line); err != nil {
			c.rep.fault("record %d, %.200s: %v", i+1, r.Link, err)
			continue
		}
		c.rep.Records++
	}
	if len(text) > 0 {
		c.rep.fault("records.ndjson has more lines than the %d that provenance.json names", len(c.p.Records))
	}
}

func (c *checking) record(r Record, line []byte) error {
	id, err := evidence.NewChainID(r.Zone, r.Dataset)
	if err != nil {
		return err //nolint:wrapcheck // says what it is
	}
	head, ok := c.heads[id]
	if !ok {
		return errors.New("its chain has no checkpoint that holds")
	}
	raw, err := c.read(fmt.Sprintf("entries/%s-%s-%d.json", id.Zone, id.Dataset, r.Seq))
	if err != nil {
		return err
	}
	e, err := evidence.Decode(raw)
	if err != nil {
		return err //nolint:wrapcheck // says what it is
	}
	switch {
	case e.Chain() != id || e.Seq != r.Seq || e.Archive != c.p.Archive || e.Content == nil || e.Object == nil:
		return errors.New("the entry is another one")
	case e.Object.Key != r.Object || e.Object.SHA256 != r.ObjectSum:
		return errors.New("the entry has another object")
	case r.Link != fmt.Sprintf("rainlogs://%s/%s/%s/%d/%d", c.p.Archive, r.Zone, r.Dataset, r.Seq, r.Line):
		return errors.New("its address is that of another record")
	}
	if err := tlog.CheckRecord(r.LineProof, e.Content.Lines, tlog.Hash(e.Content.MerkleRoot), r.Line-1, tlog.RecordHash(line)); err != nil {
		return fmt.Errorf("the line is not line %d of what entry %d sealed: %w", r.Line, r.Seq, err)
	}
	if err := tlog.CheckRecord(r.EntryProof, head.Size, head.Root, e.Seq, tlog.RecordHash(raw)); err != nil {
		return fmt.Errorf("entry %d is not in the tree that was signed: %w", r.Seq, err)
	}
	return nil
}
