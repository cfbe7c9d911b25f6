package evidence

import (
	"bytes"
	"crypto/sha256"
	"hash"
	"math"
	"time"
)

// MeterConfig says which members of a record the meter reads.
type MeterConfig struct {
	TimeField  string // "EdgeStartTimestamp"
	ClassField string // "EdgeResponseStatus", or ""
	Timestamps string // "unixnano", "unix", "rfc3339"
}

// maxScan is how much of a line is looked through for its time and status. A
// longer line is hashed and counted whole; only its members are sought here.
const maxScan = 1 << 20

// Meter measures NDJSON as it streams by, in one pass and constant memory
// whatever the lines' lengths. It never fails and never changes a byte.
type Meter struct {
	cfg          MeterConfig
	time, class  member
	content      hash.Hash
	bytes, lines int64
	tree         *lineTree
	tally        *tallyCounter
	first, last  int64  // event times, nanoseconds
	carry        []byte // the unfinished line's first maxScan bytes
	carried      bool   // an unfinished line is being carried
	lastLine     []byte // a copy of the last finished line, cut at maxTail
}

const maxTail = 4 << 10

// NewMeter returns a meter at zero bytes.
func NewMeter(cfg MeterConfig) *Meter {
	m := &Meter{
		cfg: cfg, time: newMember(cfg.TimeField),
		content: sha256.New(), tree: newLineTree(), tally: newTallyCounter(),
		first: math.MaxInt64, last: math.MinInt64,
	}
	if cfg.ClassField != "" {
		m.class = newMember(cfg.ClassField)
	}
	return m
}

// Write measures the next bytes. It always takes all of them.
func (m *Meter) Write(p []byte) (int, error) {
	n := len(p)
	_, _ = m.content.Write(p) // a hash never fails
	m.bytes += int64(n)
	for len(p) > 0 {
		i := bytes.IndexByte(p, '\n')
		if i < 0 {
			m.carryOn(p)
			break
		}
		m.finish(p[:i])
		p = p[i+1:]
	}
	return n, nil
}

func (m *Meter) carryOn(p []byte) {
	m.carried = true
	m.tree.add(p)
	if room := maxScan - len(m.carry); room > 0 {
		m.carry = append(m.carry, p[:min(room, len(p))]...)
	}
}

// finish ends a line whose remaining bytes are rest.
func (m *Meter) finish(rest []byte) {
	line := rest
	if m.carried {
		m.carryOn(rest)
		line = m.carry
	} else {
		m.tree.add(rest)
		line = line[:min(len(line), maxScan)]
	}
	m.tree.endLine()
	m.lines++
	m.count(line)
	m.lastLine = append(m.lastLine[:0], line[:min(len(line), maxTail)]...)
	m.carry, m.carried = m.carry[:0], false
}

func (m *Meter) count(line []byte) {
	class := ClassOther
	if m.cfg.ClassField != "" {
		class = statusClass(scalar(m.class.find(line)))
	}
	nanos, ok := eventTime(m.time.find(line), m.cfg.Timestamps)
	if !ok {
		m.tally.untimed[class]++
		return
	}
	m.first, m.last = min(m.first, nanos), max(m.last, nanos)
	m.tally.add(nanos, class)
}

func statusClass(text []byte) int {
	if len(text) == 3 && text[0] >= '1' && text[0] <= '5' {
		return int(text[0] - '1')
	}
	return ClassOther
}

// LastLine returns the last line, finished or not, cut to its first 4 KiB. It
// is where a producer says that a stream has failed.
func (m *Meter) LastLine() []byte {
	if m.carried {
		return m.carry[:min(len(m.carry), maxTail)]
	}
	return m.lastLine
}

// Bytes is the number of bytes so far.
func (m *Meter) Bytes() int64 { return m.bytes }

// Lines is the number of finished lines so far.
func (m *Meter) Lines() int64 { return m.lines }

// Content ends the measure: a last line without a line feed is a line too.
// The meter must not be written to afterwards.
func (m *Meter) Content() Content {
	if m.carried {
		m.finish(nil)
	}
	c := Content{
		Bytes: m.bytes, Lines: m.lines,
		MerkleRoot: m.tree.root(),
		Tally:      m.tally.tally(),
	}
	m.content.Sum(c.SHA256[:0])
	if m.first <= m.last {
		first, last := time.Unix(0, m.first).UTC(), time.Unix(0, m.last).UTC()
		c.FirstEvent, c.LastEvent = &first, &last
	}
	return c
}
