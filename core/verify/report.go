package verify

import (
	"fmt"
	"sync"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// Level is how deep a verification goes; each holds the ones before.
type Level string

// The levels.
const (
	LevelChain   Level = "chain"   // signatures, entries, tree
	LevelObjects Level = "objects" // stored bytes
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
	CodeDescriptor         = "descriptor"
	CodeKeyMismatch        = "key-mismatch"
	CodeCheckpointMissing  = "checkpoint-missing"
	CodeCheckpointUnsigned = "checkpoint-unsigned"
	CodeCheckpointChanged  = "checkpoint-changed"
	CodeRollback           = "rollback"
	CodeFork               = "fork"
	CodeBundle             = "bundle-damaged"
	CodeEntry              = "entry-invalid"
	CodePrev               = "prev-broken"
	CodeRoot               = "root-mismatch"
	CodeTile               = "tile-changed"
	CodeObjectMissing      = "object-missing"
	CodeObjectChanged      = "object-changed"
	CodeUnexplained        = "unexplained"
	CodeFrames             = "frames-invalid"
	CodeContent            = "content-mismatch"
)

// Finding is one thing that is not as it should be.
type Finding struct {
	Code  string `json:"code"`
	Chain string `json:"chain,omitempty"` // zone/dataset
	Seq   int64  `json:"seq"`             // the entry, -1 if none
	Key   string `json:"key,omitempty"`   // the object
	Text  string `json:"text"`
}

// maxFindings bounds what a report holds; the rest are counted.
const maxFindings = 10_000

// ChainReport is what was found of one chain.
type ChainReport struct {
	Chain      string    `json:"chain"`
	Size       int64     `json:"size"` // entries
	Root       string    `json:"root"` // base64, as in the checkpoint
	Windows    int64     `json:"windows"`
	Gaps       int64     `json:"gaps"`
	Lines      int64     `json:"lines"`
	First      time.Time `json:"first,omitzero"` // receive time covered
	Last       time.Time `json:"last,omitzero"`
	Segments   []Segment `json:"coverage"`
	Complete   bool      `json:"complete"`   // coverage without gap, hole or overlap
	Remembered int64     `json:"remembered"` // the size last seen here, -1 if none
}

// Report is the result of a verification.
type Report struct {
	Archive   string        `json:"archive"`
	Level     Level         `json:"level"`
	VKey      string        `json:"vkey"`
	KeyTrust  string        `json:"key_trust"` // "pinned", "remembered" or "unpinned"
	Chains    []ChainReport `json:"chains"`
	Entries   int64         `json:"entries"`
	Objects   int64         `json:"objects"` // checked
	Bytes     int64         `json:"bytes"`   // stored bytes read
	Content   int64         `json:"content"` // content bytes measured
	Findings  []Finding     `json:"findings"`
	More      int64         `json:"more_findings,omitempty"`
	Notices   []string      `json:"notices"`
	Intact    bool          `json:"intact"`
	Complete  bool          `json:"complete"`
	CheckedAt time.Time     `json:"checked_at"`

	mu sync.Mutex
}

// The ways in which a key came to be trusted.
const (
	TrustPinned     = "pinned"
	TrustRemembered = "remembered"
	TrustUnpinned   = "unpinned"
)

func (r *Report) find(code string, id evidence.ChainID, seq int64, key, format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.Findings) >= maxFindings {
		r.More++
		return
	}
	f := Finding{Code: code, Seq: seq, Key: key, Text: fmt.Sprintf(format, args...)}
	if id.Zone != "" {
		f.Chain = id.String()
	}
	r.Findings = append(r.Findings, f)
}

func (r *Report) notice(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.Notices) < maxFindings {
		r.Notices = append(r.Notices, fmt.Sprintf(format, args...))
	}
}

func (r *Report) count(objects, stored, content int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Objects += objects
	r.Bytes += stored
	r.Content += content
}
