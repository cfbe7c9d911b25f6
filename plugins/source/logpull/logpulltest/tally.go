package logpulltest

import (
	"fmt"
	"io"
	"maps"
	"time"
)

// Served is one request that the emulator has answered.
type Served struct {
	Seq        uint64
	At         time.Time
	Endpoint   string // received, fields, rayids, retention, retention-set, zone, boundary, verify, unknown
	Zone       string
	Token      string // its ID
	Start, End time.Time
	Status     int
	Refusal    string    // why it was refused, "" if it was not; "fault" for one ordered
	Fault      FaultKind // what was done to it
	Lines      int64     // records that went out, the streaming error's line included
	Bytes      int64     // before compression
	Complete   bool      // all that was asked for went out
}

// ZoneStats counts the requests to one zone's own Logpull endpoints.
type ZoneStats struct {
	Requests     int64 // answered and refused
	MaxPerMinute int   // the most in any sliding minute, refused ones included
	Lines, Bytes int64
}

// Stats is what the emulator has counted since it was made.
type Stats struct {
	Requests     int64
	MaxPer5Min   int // the most in any sliding five minutes, over all users
	Zones        map[string]ZoneStats
	Refusals     map[string]int64 // by Served.Refusal
	Faults       map[FaultKind]int64
	ServedLost   int64 // entries that Served no longer holds
	MaxPerMinute int   // Logpull requests of all zones in any sliding minute
}

// maxServed bounds the record of requests.
const maxServed = 1 << 18

type tally struct {
	served     []Served
	lost       int64
	requests   int64
	zones      map[string]*zoneTally
	refusals   map[string]int64
	faults     map[FaultKind]int64
	five, all  sliding
	max5, max1 int
}

type zoneTally struct {
	ZoneStats
	minute sliding
}

func (t *tally) init() {
	t.zones, t.refusals, t.faults = map[string]*zoneTally{}, map[string]int64{}, map[FaultKind]int64{}
}

// arrived counts a request; those to zones that nobody knows are not kept apart.
func (t *tally) arrived(c *call, known bool) {
	now := c.at.UnixNano()
	t.requests++
	t.five.add(now)
	t.max5 = max(t.max5, t.five.count(now, fiveMinutes))
	if c.Endpoint != "received" && c.Endpoint != "fields" && c.Endpoint != "rayids" {
		return
	}
	t.all.add(now)
	t.max1 = max(t.max1, t.all.count(now, time.Minute))
	if !known {
		return
	}
	z := t.zones[c.Zone]
	if z == nil {
		z = &zoneTally{}
		t.zones[c.Zone] = z
	}
	z.Requests++
	z.minute.add(now)
	z.MaxPerMinute = max(z.MaxPerMinute, z.minute.count(now, time.Minute))
}

func (t *tally) done(c *call) {
	if c.Refusal != "" {
		t.refusals[c.Refusal]++
	}
	if z := t.zones[c.Zone]; z != nil {
		z.Lines += c.Served.Lines
		z.Bytes += c.Served.Bytes
	}
	if len(t.served) == maxServed {
		half := maxServed / 2
		t.served = append(t.served[:0], t.served[half:]...)
		t.lost += int64(half)
	}
	t.served = append(t.served, c.Served)
}

// Served returns the record of all requests in the order in which they ended,
// the newest some 100,000 at least.
func (e *Emulator) Served() []Served {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]Served(nil), e.tally.served...)
}

// Stats returns the counters.
func (e *Emulator) Stats() Stats {
	e.mu.Lock()
	defer e.mu.Unlock()
	t := &e.tally
	s := Stats{
		Requests: t.requests, MaxPer5Min: t.max5, MaxPerMinute: t.max1, ServedLost: t.lost,
		Zones: map[string]ZoneStats{}, Refusals: maps.Clone(t.refusals), Faults: maps.Clone(t.faults),
	}
	for id, z := range t.zones {
		s.Zones[id] = z.ZoneStats
	}
	return s
}

// WriteWindow writes the lines of a window in their canonical order, each with
// a line end, and returns their number.
func (e *Emulator) WriteWindow(w io.Writer, zone string, start, end time.Time, p Projection) (int64, error) {
	n := int64(0)
	var buf []byte
	for _, line := range e.Lines(zone, start, end, p) {
		buf = append(append(buf[:0], line...), '\n')
		if _, err := w.Write(buf); err != nil {
			return n, fmt.Errorf("write line %d of the window: %w", n, err)
		}
		n++
	}
	return n, nil
}
