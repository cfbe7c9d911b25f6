package evidence

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Version is the format's version, the entries' "v".
const Version = 1

// MaxEntry is the longest entry in bytes: an entry bundle's lengths are 16
// bits wide (C2SP tlog-tiles, "Log entries").
const MaxEntry = 65535

// The errors of reading an archive that are not damage.
var (
	// ErrNewer: the archive was written by a later format version.
	ErrNewer = errors.New("archive format is newer than this program reads (upgrade rainlogs)")
	// ErrTooLarge: an entry would be longer than MaxEntry.
	ErrTooLarge = errors.New("entry is longer than 65535 bytes")
)

// Digest is a SHA-256, written as 64 lower-case hex digits.
type Digest [32]byte

func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// MarshalText writes lower-case hex.
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads 64 lower-case hex digits.
func (d *Digest) UnmarshalText(b []byte) error {
	parsed, err := ParseDigest(string(b))
	*d = parsed
	return err
}

// ParseDigest reads 64 lower-case hex digits.
func ParseDigest(s string) (Digest, error) {
	var d Digest
	if len(s) != 64 {
		return d, fmt.Errorf("digest %.80q is not 64 hex digits", s)
	}
	if _, err := hex.Decode(d[:], []byte(s)); err != nil || d.String() != s {
		return Digest{}, fmt.Errorf("digest %.80q is not lower-case hex", s)
	}
	return d, nil
}

// Kind says what an entry states.
type Kind string

// The kinds of version 1. A reader reports an unknown kind and goes on.
const (
	KindLog         Kind = "log"         // the window was collected, with or without lines
	KindGap         Kind = "gap"         // the window can never be collected
	KindObservation Kind = "observation" // what the source or the store said of itself
	KindExpiry      Kind = "expiry"      // objects removed by the retention policy
	KindHold        Kind = "hold"        // a legal hold placed or lifted
	KindKey         Kind = "key"         // a new signing key takes over
)

// Entry is one leaf of a chain. Common members first, then those of its kind; the others are nil.
type Entry struct {
	V         int       `json:"v"`
	Archive   string    `json:"archive"` // the archive's UUID
	Zone      string    `json:"zone"`
	Dataset   string    `json:"dataset"`
	Seq       int64     `json:"seq"`  // 0-based leaf index
	Prev      Digest    `json:"prev"` // SHA-256 of the entry before, zeros for seq 0
	Kind      Kind      `json:"kind"`
	SealedAt  time.Time `json:"sealed_at"` // the collector's clock, UTC, milliseconds
	Collector Collector `json:"collector"`

	Window      *Window      `json:"window,omitempty"`  // log, gap, hold
	Object      *Object      `json:"object,omitempty"`  // log with lines
	Content     *Content     `json:"content,omitempty"` // log
	Source      *Source      `json:"source,omitempty"`  // log
	Gap         *Gap         `json:"gap,omitempty"`
	Observation *Observation `json:"observation,omitempty"`
	Expiry      *Expiry      `json:"expiry,omitempty"`
	Hold        *Hold        `json:"hold,omitempty"`
	Key         *Key         `json:"key,omitempty"`
}

// Collector names the program that sealed an entry, never a person.
type Collector struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Host    string `json:"host"`
}

// Object is where a window's records are and what their stored bytes are.
type Object struct {
	Key    string `json:"key"`
	Bytes  int64  `json:"bytes"`
	SHA256 Digest `json:"sha256"` // over the bytes as stored: what sha256sum prints
	// Encryption is nil for plain objects.
	Encryption *Encryption `json:"encryption,omitempty"`
	// Stores names the stores of a set that held the object when it was
	// sealed, as the collector's config calls them; nil for an archive in a single store.
	Stores []string `json:"stores,omitempty"`
	// Displaced names objects that were found under this window's earlier
	// keys and hold other bytes: explained, and not evidence.
	Displaced []Displaced `json:"displaced,omitempty"`
}

// Encryption says how the stored bytes are sealed: the object is an age file whose
// recipient key belongs to the zone and period, so that destroying that key
// erases every copy. Reserved; not written by this version.
type Encryption struct {
	Scheme     string   `json:"scheme"` // "age/1"
	Period     string   `json:"period"` // "2026-11"
	Recipients []string `json:"recipients"`
}

// Displaced is an object that the collector found and did not write.
type Displaced struct {
	Key    string `json:"key"`
	Bytes  int64  `json:"bytes"`
	SHA256 Digest `json:"sha256"`
}

// Content is the measure of a window's NDJSON, over the decompressed bytes as received.
type Content struct {
	Bytes      int64      `json:"bytes"`
	Lines      int64      `json:"lines"`
	SHA256     Digest     `json:"sha256"`
	MerkleRoot Digest     `json:"merkle_root"`           // RFC 6962 over the lines without their line feeds
	FirstEvent *time.Time `json:"first_event,omitempty"` // least and greatest event time, nanoseconds; nil where no line has one
	LastEvent  *time.Time `json:"last_event,omitempty"`
	Tally      *Tally     `json:"tally,omitempty"`
}

// Source says where a window's records came from and how they were asked for.
type Source struct {
	Plugin  string `json:"plugin"`
	Version string `json:"version"`
	// FieldsSeq is the entry, an observation of topic "fields", whose value
	// is the list of fields that was asked for. The list is some 2.5 kB and
	// the same for months, so that it is sealed once and not in each entry.
	FieldsSeq   int64     `json:"fields_seq"`
	Timestamps  string    `json:"timestamps"`
	Complete    bool      `json:"complete"` // the source's own claim
	RetrievedAt time.Time `json:"retrieved_at"`
	// TimeField and ClassField are the members of a record by which the content
	// was measured. They are left out where they are those of Cloudflare's
	// http_requests; where TimeField stands, no ClassField is none.
	TimeField  string `json:"time_field,omitempty"`
	ClassField string `json:"class_field,omitempty"`
}

// The members by which the records of Cloudflare's http_requests are measured.
const (
	defaultTimeField  = "EdgeStartTimestamp"
	defaultClassField = "EdgeResponseStatus"
)

// SetMeter notes by which members of a record the content was measured.
func (s *Source) SetMeter(cfg MeterConfig) {
	s.Timestamps, s.TimeField, s.ClassField = cfg.Timestamps, "", ""
	if cfg.TimeField != defaultTimeField || cfg.ClassField != defaultClassField {
		s.TimeField, s.ClassField = cfg.TimeField, cfg.ClassField
	}
}

// Meter is how the content was measured.
func (s *Source) Meter() MeterConfig {
	if s.TimeField == "" {
		return MeterConfig{TimeField: defaultTimeField, ClassField: defaultClassField, Timestamps: s.Timestamps}
	}
	return MeterConfig{TimeField: s.TimeField, ClassField: s.ClassField, Timestamps: s.Timestamps}
}

// The reasons of a gap.
const (
	GapTooOld       = "too_old"
	GapRetentionOff = "retention_off"
	GapNotEntitled  = "not_entitled"
	GapBoundary     = "boundary"
	GapOperator     = "operator"
)

// Gap says why a window can never be collected.
type Gap struct {
	Reason string `json:"reason"`
	Detail string `json:"detail"`
}

// The topics of observations that this version writes or reads.
const (
	TopicFields    = "fields"         // value: {"names":[…]}
	TopicRetention = "retention"      // value: {"flag":true}
	TopicBoundary  = "boundary"       // value: {"regions":[…]}
	TopicPlan      = "plan"           // value: {"name":"Enterprise Website"}
	TopicDisplaced = "displaced"      // value: {"objects":[{"bytes":…,"key":…,"sha256":…}]}: left under windows' keys, explained, and no evidence
	TopicUncovered = "uncovered"      // value: {"objects":[{"found":…,"key":…,"sha256":…}]}: what lay over them was removed from a store that had kept the sealed bytes
	TopicStores    = "stores"         // value: {"stores":[…]}, of those that are not local: host, provider, law, override
	TopicOffered   = "fields_offered" // value: {"names":[…]}, all that the zone has; "fields" are those asked for
	TopicZone      = "zone"           // value: {"name":…,"source":…}: what a source calls the zone, from which its id was made
)

// Observation is what a source or store said at a time. Topics are open; a
// reader keeps those it does not know.
type Observation struct {
	Topic string          `json:"topic"`
	Value json.RawMessage `json:"value"`
}

// Expiry names the log entries whose objects the retention policy removed.
type Expiry struct {
	Seqs   []int64 `json:"seqs"`
	Policy string  `json:"policy"` // "400d"
	Reason string  `json:"reason"`
}

// Hold is a legal hold over the entry's window.
type Hold struct {
	ID     string `json:"id"`
	Placed bool   `json:"placed"` // false: lifted
	Reason string `json:"reason"`
}

// Key announces the verifier key (C2SP signed-note vkey) that signs from this
// entry's tree size on; the checkpoint of that size carries both signatures.
type Key struct {
	VKey string `json:"vkey"`
}

// Chain returns the chain the entry belongs to.
func (e *Entry) Chain() ChainID { return ChainID{e.Zone, e.Dataset} }

// FieldsValue is the value of an observation of topic "fields".
type FieldsValue struct {
	Names []string `json:"names"`
}

// ZoneValue is the value of an observation of topic "zone".
type ZoneValue struct {
	Name   string `json:"name"`
	Source string `json:"source"` // the plugin
}

// DisplacedValue is the value of an observation of topic "displaced".
type DisplacedValue struct {
	Objects []Displaced `json:"objects"`
}

// UncoveredValue is the value of an observation of topic "uncovered".
type UncoveredValue struct {
	Objects []Uncovered `json:"objects"`
}

// Uncovered is a file that had been overwritten or deleted in a store that
// kept its first version, and is the sealed one again.
type Uncovered struct {
	Found  string `json:"found"` // in its place, in words
	Key    string `json:"key"`
	SHA256 string `json:"sha256"`
}

// Validate checks what a single entry can say wrongly by itself.
func (e *Entry) Validate() error {
	if e.V > Version {
		return fmt.Errorf("entry %d has v %d: %w", e.Seq, e.V, ErrNewer)
	}
	if e.V != Version {
		return fmt.Errorf("entry %d has v %d, want %d", e.Seq, e.V, Version)
	}
	if _, err := NewChainID(e.Zone, e.Dataset); err != nil {
		return fmt.Errorf("entry %d: %w", e.Seq, err)
	}
	if e.Seq < 0 {
		return fmt.Errorf("entry has negative seq %d", e.Seq)
	}
	if e.Window != nil {
		if err := e.Window.check(); err != nil {
			return fmt.Errorf("entry %d: %w", e.Seq, err)
		}
	}
	if err := e.validateKind(); err != nil {
		return fmt.Errorf("entry %d (%.32s): %w", e.Seq, e.Kind, err)
	}
	return nil
}

func (e *Entry) validateKind() error {
	need := func(ok bool, what string) error {
		if !ok {
			return fmt.Errorf("lacks %s", what)
		}
		return nil
	}
	switch e.Kind {
	case KindLog:
		if err := need(e.Window != nil && e.Content != nil && e.Source != nil, "window, content or source"); err != nil {
			return err
		}
		return e.validateLog()
	case KindGap:
		return need(e.Window != nil && e.Gap != nil && e.Gap.Reason != "", "window or gap")
	case KindObservation:
		return need(e.Observation != nil && e.Observation.Topic != "", "observation")
	case KindExpiry:
		return need(e.Expiry != nil, "expiry")
	case KindHold:
		return need(e.Window != nil && e.Hold != nil, "window or hold")
	case KindKey:
		return need(e.Key != nil && e.Key.VKey != "", "key")
	default:
		return nil // a later minor version's; reported by the verifier, not refused
	}
}

func (e *Entry) validateLog() error {
	c := e.Content
	if c.Lines < 0 || c.Bytes < 0 {
		return errors.New("content has a negative count")
	}
	if (e.Object == nil) != (c.Bytes == 0) {
		return errors.New("object and content disagree about whether there is content")
	}
	if e.Source.FieldsSeq < 0 || e.Source.FieldsSeq >= e.Seq {
		return fmt.Errorf("fields_seq %d is not an earlier entry", e.Source.FieldsSeq)
	}
	if e.Object == nil {
		return nil
	}
	if err := checkStores(e.Object.Stores); err != nil {
		return err
	}
	if e.Object.Key == ObjectKey(e.Chain(), *e.Window, 1) {
		return nil
	}
	chain, window, _, err := ParseObjectKey(e.Object.Key)
	if err != nil {
		return err
	}
	if chain != e.Chain() || window != *e.Window {
		return fmt.Errorf("object %s belongs to another zone, dataset or window", e.Object.Key)
	}
	return nil
}

// MaxStores is how many stores an archive may have, and an entry may name.
const MaxStores = 8

// ValidStoreName reports whether a store may be called so: [a-z0-9][a-z0-9-]{0,31}.
func ValidStoreName(s string) bool {
	for i, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && (c != '-' || i == 0) {
			return false
		}
	}
	return len(s) >= 1 && len(s) <= 32
}

func checkStores(names []string) error {
	if names != nil && (len(names) == 0 || len(names) > MaxStores) {
		return fmt.Errorf("object names %d stores, want 1 to %d", len(names), MaxStores)
	}
	for i, name := range names {
		if !ValidStoreName(name) {
			return fmt.Errorf("object names store %.64q", name)
		}
		if slices.Contains(names[:i], name) {
			return fmt.Errorf("object names store %q twice", name)
		}
	}
	return nil
}
