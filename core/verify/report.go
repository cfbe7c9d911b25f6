package verify

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// Level is how deep a verification goes; each holds the ones before.
type Level string

// The levels.
const (
	LevelChain   Level = "chain"   // signatures, entries, tree, published checkpoints' texts
	LevelObjects Level = "objects" // stored bytes, and each published checkpoint's signature
	LevelContent Level = "content" // decompressed bytes, lines, frames
)

// ParseLevel reads a level's name.
func ParseLevel(s string) (Level, error) {
	switch l := Level(s); l {
	case LevelChain, LevelObjects, LevelContent:
		return l, nil
	}
	return "", fmt.Errorf("level %q is not one of chain, objects, content", s)
}

// The codes of findings. They are stable.
const (
	CodeDescriptor         = "descriptor"          // rainlogs.json is not of the trusted archive
	CodeKeyMismatch        = "key-mismatch"        // another key than the trusted one, and no handover to it
	CodeKeyHandover        = "key-handover"        // a key entry without a checkpoint signed by both keys
	CodeCheckpointMissing  = "checkpoint-missing"  // no head, or not the published one of its size
	CodeCheckpointInvalid  = "checkpoint-invalid"  // cannot be read as this chain's checkpoint
	CodeCheckpointUnsigned = "checkpoint-unsigned" // not signed by the trusted key
	CodeCheckpointChanged  = "checkpoint-changed"  // a published one contradicts the entries or the head
	CodeRollback           = "rollback"            // the head was put back
	CodeFork               = "fork"                // another history than the one seen before
	CodeBundle             = "bundle-damaged"      // entries that cannot be read
	CodeEntry              = "entry-invalid"       // an entry that is not canonical, or not in its place
	CodePrev               = "prev-broken"         // an entry that does not follow the one before it
	CodeRoot               = "root-mismatch"       // the entries are not those that were signed
	CodeTile               = "tile-changed"        // a published tile or bundle that contradicts the entries
	CodeObjectMissing      = "object-missing"
	CodeObjectUnreadable   = "object-unreadable"
	CodeObjectChanged      = "object-changed"   // stored bytes
	CodeUnexplained        = "unexplained"      // a file that no entry names
	CodeFrames             = "frames-invalid"   // not exactly frames and their seek table
	CodeContent            = "content-mismatch" // decompressed bytes
	CodeHoldBroken         = "hold-broken"      // an expiry of what a legal hold covered
	CodeCovered            = "covered"          // overwritten or deleted; the store keeps the sealed bytes as the first version
)

// Finding is one thing that is not as it should be.
type Finding struct {
	Code  string `json:"code"`
	Chain string `json:"chain,omitempty"` // zone/dataset
	Seq   int64  `json:"seq"`             // the entry, -1 if none
	Key   string `json:"key,omitempty"`   // the object it is about
	Want  string `json:"want,omitempty"`  // what was sealed
	Got   string `json:"got,omitempty"`   // what is there
	Text  string `json:"text"`            // in words that can stand in a report
	// SHA256 is of the sealed bytes that are covered.
	SHA256 string `json:"sha256,omitempty"`
}

// maxFindings bounds what a report holds; the rest are counted.
const maxFindings = 10_000

// ChainReport is what was found of one chain.
type ChainReport struct {
	Chain      string    `json:"chain"`
	Size       int64     `json:"size"` // entries
	Root       string    `json:"root"` // base64, as in the checkpoint
	VKey       string    `json:"vkey"` // the key in force at the head, under the archive's name
	Windows    int64     `json:"windows"`
	Gaps       int64     `json:"gaps"`
	Expired    int64     `json:"expired"` // windows whose objects the retention policy gave up
	Lines      int64     `json:"lines"`
	First      time.Time `json:"first,omitzero"` // receive time covered
	Last       time.Time `json:"last,omitzero"`
	Segments   []Segment `json:"coverage"`
	Complete   bool      `json:"complete"`   // coverage without gap, hole or overlap
	Remembered int64     `json:"remembered"` // the size last seen here, -1 if none
	Published  int64     `json:"published"`  // checkpoints compared with the entries
}

// Report is the result of a verification.
type Report struct {
	Archive    string        `json:"archive"`
	Level      Level         `json:"level"`
	VKey       string        `json:"vkey"`
	KeyTrust   string        `json:"key_trust"` // "pinned", "remembered" or "unpinned"
	Chains     []ChainReport `json:"chains"`
	Entries    int64         `json:"entries"`
	ObjectsDue int64         `json:"objects_due"` // sealed in the range and there to be had
	Objects    int64         `json:"objects"`     // of these, read to their end
	BytesDue   int64         `json:"bytes_due"`
	Bytes      int64         `json:"bytes"`     // stored bytes read
	Content    int64         `json:"content"`   // content bytes measured
	Encrypted  int64         `json:"encrypted"` // objects whose content was not checked
	Findings   []Finding     `json:"findings"`
	More       int64         `json:"more_findings,omitempty"`
	Covered    int64         `json:"covered,omitempty"` // findings whose sealed bytes the store keeps
	Notices    []string      `json:"notices"`
	Intact     bool          `json:"intact"`
	Complete   bool          `json:"complete"`
	CheckedAt  time.Time     `json:"checked_at"`

	mu sync.Mutex
}

// The ways in which a key came to be trusted.
const (
	TrustPinned     = "pinned"
	TrustRemembered = "remembered"
	TrustUnpinned   = "unpinned"
)

func (r *Report) add(f Finding) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if f.Code == CodeCovered {
		r.Covered++
	}
	if len(r.Findings) >= maxFindings {
		r.More++
		return
	}
	r.Findings = append(r.Findings, f)
}

func (r *Report) found() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return int64(len(r.Findings)) + r.More
}

// find adds a finding of the archive as a whole.
func (r *Report) find(code, key, format string, args ...any) {
	r.add(Finding{Code: code, Seq: -1, Key: key, Text: fmt.Sprintf(format, args...)})
}

func (r *Report) notice(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.Notices) < maxFindings {
		r.Notices = append(r.Notices, fmt.Sprintf(format, args...))
	}
}

// said is what a report holds of findings and notices.
type said struct {
	findings      []Finding
	notices       []string
	more, covered int64
}

func (r *Report) said() said {
	r.mu.Lock()
	defer r.mu.Unlock()
	return said{slices.Clone(r.Findings), slices.Clone(r.Notices), r.More, r.Covered}
}

// resume takes back what was said since.
func (r *Report) resume(s said) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Findings, r.Notices, r.More, r.Covered = s.findings, s.notices, s.more, s.covered
}

func (r *Report) count(objects, stored, content int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Objects += objects
	r.Bytes += stored
	r.Content += content
}

func (r *Report) encrypted() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Encrypted++
}

// find adds a finding of the chain itself: its head is not remembered then.
func (c *chainCheck) find(code string, seq int64, key, format string, args ...any) {
	c.broken.Store(true)
	c.run.report.add(Finding{Code: code, Chain: c.id.String(), Seq: seq, Key: key, Text: fmt.Sprintf(format, args...)})
}

// findObject adds a finding of what the chain proves.
func (c *chainCheck) findObject(code string, seq int64, key, want, got, format string, args ...any) {
	c.run.report.add(Finding{Code: code, Chain: c.id.String(), Seq: seq, Key: key, Want: want, Got: got, Text: fmt.Sprintf(format, args...)})
}

// bundleKey names the bundle that an entry was read from.
func (c *chainCheck) bundleKey(seq int64) string {
	n := seq / evidence.BundleSize
	return c.id.BundleKey(n, int(min(c.head.Size-n*evidence.BundleSize, evidence.BundleSize)))
}
