package logpulltest

import (
	"bytes"
	"slices"
	"time"
)

// FaultKind is something that can go wrong with one request.
type FaultKind string

// The faults. The first group answers in place of the records, the second
// spoils them on their way; a request after it is served as if nothing had
// been, so a retry can succeed. The third group is no failure: the answer is
// whole, and what it changes is true of its window from then on, for every
// later read and for Emulator.Lines, since a closed window is stable. The
// weather leaves windows alone that were read before; Queue does as it is told.
const (
	FaultTooManySeconds FaultKind = "429-retry-after-seconds"
	FaultTooManyDate    FaultKind = "429-retry-after-date"
	FaultTooManyBare    FaultKind = "429"
	Fault500            FaultKind = "500"
	Fault502            FaultKind = "502"
	Fault503            FaultKind = "503"
	Fault408            FaultKind = "408" // counts towards the timeout penalty
	FaultV4Error        FaultKind = "200-success-false"

	FaultCut           FaultKind = "cut"            // the connection ends in mid-body
	FaultTruncatedGzip FaultKind = "truncated-gzip" // HTTP ends well, gzip does not
	FaultStreamError   FaultKind = "stream-error"   // 200, last line "Error streaming data."
	FaultSlow          FaultKind = "slow"           // waits between parts of a whole answer

	FaultUnordered FaultKind = "unordered"  // lines in another order, this once
	FaultEmpty     FaultKind = "empty"      // the window holds nothing, ever
	FaultLongLines FaultKind = "long-lines" // some lines of 300 KiB, always
)

// FaultKinds returns every kind.
func FaultKinds() []FaultKind {
	return []FaultKind{
		FaultTooManySeconds, FaultTooManyDate, FaultTooManyBare, Fault500, Fault502, Fault503, Fault408, FaultV4Error,
		FaultCut, FaultTruncatedGzip, FaultStreamError, FaultSlow, FaultUnordered, FaultEmpty, FaultLongLines,
	}
}

// streamErrorLine ends a stream that failed after it had begun with 200
// (developers.cloudflare.com/logs/logpull/additional-details/).
const streamErrorLine = "Error streaming data."

// longLine is how long FaultLongLines makes a line, in bytes, at least.
const longLine = 300 << 10

// Fault is one fault with its measures.
type Fault struct {
	Kind FaultKind
	// RetryAfter is what a 429 says, in whole seconds. Default 1 s.
	RetryAfter time.Duration
	// Lines is how many whole lines go out before the second group strikes; the
	// end of the records if there are fewer. Negative is none, zero is 0 to 199
	// by the seed.
	Lines int
	// Pause is how long FaultSlow waits each time, Pauses how often. Defaults
	// 20 ms and 5.
	Pause  time.Duration
	Pauses int
}

// Faults is the weather: the chance that a request for records meets a fault.
type Faults struct {
	Seed uint64
	// Chance gives a probability in [0, 1] by kind; their sum is at most 1.
	// What a request meets follows from the seed, its zone, its window and how
	// often that window was asked for before; not from other requests.
	Chance map[FaultKind]float64
	// RetryAfter, Pause and Pauses apply as in Fault.
	RetryAfter time.Duration
	Pause      time.Duration
	Pauses     int
}

// draw decides on the fault of one attempt at a window.
func (f Faults) draw(zone string, start, end int64, attempt uint64) Fault {
	r := rng(hashOf(f.Seed, 'f', hashString(zone), uint64(start), uint64(end), attempt))
	u := r.unit()
	for _, kind := range FaultKinds() { // a map's order would not be repeatable
		if u -= f.Chance[kind]; u < 0 {
			return Fault{Kind: kind, RetryAfter: f.RetryAfter, Pause: f.Pause, Pauses: f.Pauses, Lines: r.below(200)}
		}
	}
	return Fault{}
}

func (f Fault) withDefaults(seed uint64) Fault {
	if f.RetryAfter < time.Second {
		f.RetryAfter = time.Second
	}
	if f.Lines == 0 {
		f.Lines = int(seed % 200)
	}
	if f.Pause <= 0 {
		f.Pause = 20 * time.Millisecond
	}
	if f.Pauses <= 0 {
		f.Pauses = 5
	}
	return f
}

// Queue orders faults for the next requests for a zone's records, one each, in
// order, before any that the weather brings. A fault without a kind lets its
// request through. It panics for a zone that the emulator does not have.
func (e *Emulator) Queue(zone string, faults ...Fault) {
	e.mu.Lock()
	defer e.mu.Unlock()
	z := e.mustZone(zone)
	z.queue = append(z.queue, faults...)
}

// nextFault takes the fault for a request. The caller holds e.mu.
func (e *Emulator) nextFault(z *zoneState, q query) Fault {
	key := [2]int64{q.start, q.end}
	attempt := z.attempts[key]
	z.attempts[key]++
	var f Fault
	if len(z.queue) > 0 {
		f, z.queue = z.queue[0], z.queue[1:]
	} else {
		f = e.cfg.Faults.draw(z.ID, q.start, q.end, attempt)
		if f.lasting() && z.wasRead(q.start, q.end) {
			f = Fault{} // what was once read is stable
		}
	}
	if f.Kind != "" {
		e.tally.faults[f.Kind]++
		f = f.withDefaults(hashOf(e.cfg.Seed, e.seq))
	}
	if f.lasting() {
		c := condition{from: q.start, to: q.end, kind: f.Kind}
		if z.Records != nil {
			for received := range z.lines(time.Unix(0, q.start), time.Unix(0, q.end), Projection{}) {
				c.first = received.UnixNano()
				break
			}
		}
		z.conditions = append(z.conditions, c)
	}
	return f
}

// lasting says that the fault changes what its window holds.
func (f Fault) lasting() bool { return f.Kind == FaultEmpty || f.Kind == FaultLongLines }

// wasRead says whether any of a window has gone out whole before.
func (z *zoneState) wasRead(from, to int64) bool {
	return slices.ContainsFunc(z.reads, func(r [2]int64) bool { return r[0] < to && from < r[1] })
}

// condition is what a fault made true of a range of receive times.
type condition struct {
	from, to int64
	first    int64 // its first record
	kind     FaultKind
}

func conditionAt(cs []condition, at int64, kind FaultKind) bool {
	return slices.ContainsFunc(cs, func(c condition) bool { return c.kind == kind && at >= c.from && at < c.to })
}

// stretched says whether a record's line is made long: the first of its
// condition's and one in 64 of the others.
func stretched(cs []condition, at int64) bool {
	return slices.ContainsFunc(cs, func(c condition) bool {
		return c.kind == FaultLongLines && at >= c.from && at < c.to && (at == c.first || hashOf(uint64(at))%64 == 0)
	})
}

// stretch makes a line long by its user agent if it has one, else by spaces,
// which JSON allows anywhere between its parts.
func stretch(line []byte) []byte {
	const agent = `"ClientRequestUserAgent":"`
	at, fill := 1, byte(' ')
	if i := bytes.Index(line, []byte(agent)); i >= 0 {
		at, fill = i+len(agent), 'a'
	}
	out := make([]byte, 0, len(line)+longLine)
	out = append(out, line[:at]...)
	out = append(out, bytes.Repeat([]byte{fill}, longLine)...)
	return append(out, line[at:]...)
}
