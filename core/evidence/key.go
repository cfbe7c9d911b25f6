package evidence

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// The fixed keys and prefixes of an archive.
const (
	DescriptorKey = "rainlogs.json"
	LogsPrefix    = "logs/"
	ChainsPrefix  = "chain/"
)

const keyTime = "20060102T150405Z"

var objectPattern = regexp.MustCompile(
	`^logs/([0-9a-f]{32})/(\d{4})/(\d{2})/(\d{2})/(\d{2})/([a-z][a-z0-9_]{0,63})-(\d{8}T\d{6}Z)-(\d{8}T\d{6}Z)(?:-g(\d{1,4}))?\.ndjson\.zst$`)

// ChainID names one chain: a Cloudflare zone id and a dataset.
type ChainID struct {
	Zone    string // 32 lower-case hex digits
	Dataset string // "http_requests"
}

// NewChainID checks both parts, which come from configs and from archives.
func NewChainID(zone, dataset string) (ChainID, error) {
	if !validZone(zone) {
		return ChainID{}, fmt.Errorf("zone id %.64q is not 32 lower-case hex digits", zone)
	}
	if !validDataset(dataset) {
		return ChainID{}, fmt.Errorf("dataset %.64q is not a lower-case name", dataset)
	}
	return ChainID{zone, dataset}, nil
}

// ZoneID returns the id of a zone that its source calls by anything else than
// one: the first 16 bytes of SHA-256 over "rainlogs zone", the source and the
// source's name of the zone, each behind a line feed but the first.
func ZoneID(source, name string) string {
	sum := sha256.Sum256([]byte("rainlogs zone\n" + source + "\n" + name))
	return hex.EncodeToString(sum[:16])
}

// validZone: 32 lower-case hex digits.
func validZone(s string) bool {
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return len(s) == 32
}

// validDataset: [a-z][a-z0-9_]{0,63}.
func validDataset(s string) bool {
	for i, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (i == 0 || c != '_' && (c < '0' || c > '9')) {
			return false
		}
	}
	return len(s) >= 1 && len(s) <= 64
}

func (c ChainID) String() string { return c.Zone + "/" + c.Dataset }

// Prefix returns the key prefix of the chain's files, with its slash.
func (c ChainID) Prefix() string { return ChainsPrefix + c.String() + "/" }

// CheckpointKey returns the key of the latest checkpoint, the only one ever overwritten once its bytes are committed.
func (c ChainID) CheckpointKey() string { return c.Prefix() + "checkpoint" }

// CheckpointAt returns the write-once key of the checkpoint of a tree size.
func (c ChainID) CheckpointAt(size int64) string {
	return c.Prefix() + "checkpoints/" + strconv.FormatInt(size, 10)
}

// TimestampAt returns the key of the RFC 3161 token over the checkpoint of a tree size.
func (c ChainID) TimestampAt(size int64) string {
	return c.Prefix() + "timestamps/" + strconv.FormatInt(size, 10) + ".tsr"
}

// ParseChainPrefix reads the chain that a key under chain/ belongs to.
func ParseChainPrefix(key string) (ChainID, bool) {
	parts := strings.SplitN(key, "/", 4)
	if len(parts) != 4 || parts[0] != "chain" {
		return ChainID{}, false
	}
	id, err := NewChainID(parts[1], parts[2])
	return id, err == nil
}

// Window is a half-open interval [Start, End) of receive time, UTC, in whole seconds.
type Window struct {
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
}

// NewWindow checks that the interval is not empty and made of whole seconds.
func NewWindow(start, end time.Time) (Window, error) {
	w := Window{start.UTC(), end.UTC()}
	return w, w.check()
}

func (w Window) check() error {
	switch {
	case w.Start.Nanosecond() != 0 || w.End.Nanosecond() != 0:
		return fmt.Errorf("window %s is not made of whole seconds", w)
	case !w.Start.Before(w.End):
		return fmt.Errorf("window %s is empty", w)
	case w.Start.Year() < 2000 || w.End.Year() > 9998:
		return fmt.Errorf("window %s is outside the years 2000 to 9998", w)
	}
	return nil
}

func (w Window) String() string {
	return w.Start.UTC().Format(time.RFC3339) + "/" + w.End.UTC().Format(time.RFC3339)
}

// Duration is the window's length.
func (w Window) Duration() time.Duration { return w.End.Sub(w.Start) }

// Overlaps reports whether the two share an instant.
func (w Window) Overlaps(o Window) bool {
	return w.Start.Before(o.End) && o.Start.Before(w.End)
}

// ObjectKey returns where a window's records are kept. Generation 1 is the
// rule; a later one is used only where a key was found taken by other bytes.
func ObjectKey(c ChainID, w Window, generation int) string {
	s, e := w.Start.UTC(), w.End.UTC()
	var room [192]byte // verification makes one for each entry
	b := append(append(append(room[:0], LogsPrefix...), c.Zone...), '/')
	b = s.AppendFormat(b, "2006/01/02/15/")
	b = append(append(b, c.Dataset...), '-')
	b = s.AppendFormat(b, keyTime+"-")
	b = e.AppendFormat(b, keyTime)
	if generation > 1 {
		b = strconv.AppendInt(append(b, "-g"...), int64(generation), 10)
	}
	return string(append(b, ".ndjson.zst"...))
}

// ParseObjectKey is ObjectKey's inverse; it refuses any key that ObjectKey
// would not have made.
func ParseObjectKey(key string) (ChainID, Window, int, error) {
	m := objectPattern.FindStringSubmatch(key)
	if m == nil {
		return ChainID{}, Window{}, 0, fmt.Errorf("%.200q is not the key of a log object", key)
	}
	start, err1 := time.Parse(keyTime, m[7])
	end, err2 := time.Parse(keyTime, m[8])
	w, err3 := NewWindow(start, end)
	if err1 != nil || err2 != nil || err3 != nil {
		return ChainID{}, Window{}, 0, fmt.Errorf("%.200q holds no valid window", key)
	}
	generation := 1
	if m[9] != "" {
		generation, _ = strconv.Atoi(m[9]) // at most four digits
	}
	c := ChainID{m[1], m[6]}
	if ObjectKey(c, w, generation) != key {
		return ChainID{}, Window{}, 0, fmt.Errorf("%.200q is not where its window belongs", key)
	}
	return c, w, generation, nil
}

// RetainUntil is until when a store is to lock what is written under a key,
// the zero time for not at all: an object for as long as retain from its window's
// end, and what is never replaced in a chain from when it is written. A partial
// tile is removed soon, and a pointer is moved. Stores refuse a lock that has
// ended, so there is none then.
func RetainUntil(key string, written time.Time, retain time.Duration) time.Time {
	if retain <= 0 {
		return time.Time{}
	}
	if _, w, _, err := ParseObjectKey(key); err == nil {
		if until := w.End.Add(retain); until.After(written.Add(lockMargin)) {
			return until
		}
		return time.Time{}
	}
	id, ok := ParseChainPrefix(key)
	if !ok || key == id.CheckpointKey() || strings.Contains(key, ".p/") {
		return time.Time{}
	}
	return written.Add(retain)
}

// lockMargin is what a lock must last at least: a write takes time, and a store
// has a clock of its own.
const lockMargin = time.Minute
