package logpulltest

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"time"
)

// MaxInputLine is the longest line that FromLines takes, in bytes.
const MaxInputLine = 16 << 20

// Record is one record to serve: when it was received, and its members.
type Record struct {
	Received time.Time
	// Fields holds JSON texts by member name. A member that is missing here is
	// left out of the line; null is served as null. EdgeStartTimestamp and
	// EdgeEndTimestamp may be integers (nanoseconds, or seconds) or RFC 3339
	// strings; they are served in the form that a request asks for.
	Fields map[string]json.RawMessage
}

// Lines serves records that somebody else made.
type Lines struct {
	records []loaded
}

type loaded struct {
	received int64
	fields   map[string]json.RawMessage
	times    map[string]int64 // the timestamps, in ns
}

var _ Records = (*Lines)(nil)

// FromRecords serves these records.
func FromRecords(records []Record) (*Lines, error) {
	l := &Lines{records: make([]loaded, 0, len(records))}
	for i, rec := range records {
		if !representable(rec.Received) {
			return nil, fmt.Errorf("load record %d: receive time missing or out of range", i)
		}
		one := loaded{received: rec.Received.UnixNano(), fields: make(map[string]json.RawMessage, len(rec.Fields)), times: map[string]int64{}}
		for name, value := range rec.Fields {
			var compact bytes.Buffer
			if err := json.Compact(&compact, value); err != nil {
				return nil, fmt.Errorf("load record %d: member %q: %w", i, name, err)
			}
			one.fields[name] = compact.Bytes()
			if name != "EdgeStartTimestamp" && name != "EdgeEndTimestamp" {
				continue
			}
			if ns, ok := parseStamp(compact.Bytes()); ok {
				one.times[name] = ns
			}
		}
		l.records = append(l.records, one)
	}
	slices.SortStableFunc(l.records, func(a, b loaded) int { return cmp.Compare(a.received, b.received) })
	return l, nil
}

// FromLines serves NDJSON as Cloudflare writes it. Such lines do not say when
// they were received; delay gives that as the time after EdgeStartTimestamp,
// for the n-th line from 0. A nil delay spreads them over three to four
// minutes, always in the same way.
func FromLines(r io.Reader, delay func(n int, start time.Time) time.Duration) (*Lines, error) {
	if delay == nil {
		delay = func(n int, _ time.Time) time.Duration {
			return 3*time.Minute + time.Duration(hashOf(uint64(n))%uint64(time.Minute))
		}
	}
	var records []Record
	in := bufio.NewReaderSize(r, 64<<10)
	for n := 0; ; n++ {
		line, err := readLine(in)
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("load line %d: %w", n+1, err)
		}
		if line = bytes.TrimSpace(line); len(line) > 0 {
			var fields map[string]json.RawMessage
			if err := json.Unmarshal(line, &fields); err != nil {
				return nil, fmt.Errorf("load line %d: %w", n+1, err)
			}
			ns, ok := parseStamp(fields["EdgeStartTimestamp"])
			if !ok {
				return nil, fmt.Errorf("load line %d: no usable EdgeStartTimestamp", n+1)
			}
			start := time.Unix(0, ns).UTC()
			records = append(records, Record{Received: start.Add(delay(n, start)), Fields: fields})
		}
		if err != nil {
			return FromRecords(records)
		}
	}
}

// readLine reads to the next line end and refuses what is longer than
// MaxInputLine.
func readLine(in *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := in.ReadSlice('\n')
		if line = append(line, part...); len(line) > MaxInputLine {
			return nil, fmt.Errorf("longer than %d bytes", MaxInputLine)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err //nolint:wrapcheck // the caller names the line
		}
	}
}

// parseStamp reads a timestamp in any of Logpull's forms into nanoseconds.
func parseStamp(raw json.RawMessage) (int64, bool) {
	return parseTime(string(bytes.Trim(raw, `"`)))
}

// representable says whether nanoseconds in an int64 can hold a time.
func representable(at time.Time) bool { return at.Year() >= 1700 && at.Year() <= 2200 }

// unixNanos takes an integer for seconds or for nanoseconds by its size: as
// seconds, 1e12 would be in the year 33658.
func unixNanos(n int64) int64 {
	if n > -1e12 && n < 1e12 {
		// More seconds than nanoseconds can hold are the far future or past.
		return max(-9e9, min(9e9, n)) * int64(time.Second)
	}
	return n
}

// Len is the number of records.
func (l *Lines) Len() int { return len(l.records) }

// Span is the smallest half-open range of receive times that holds all
// records, both ends zero if there are none.
func (l *Lines) Span() (start, end time.Time) {
	if len(l.records) == 0 {
		return time.Time{}, time.Time{}
	}
	return time.Unix(0, l.records[0].received).UTC(), time.Unix(0, l.records[len(l.records)-1].received+1).UTC()
}

// Window implements Records.
func (l *Lines) Window(start, end time.Time, p Projection) iter.Seq2[time.Time, []byte] {
	return func(yield func(time.Time, []byte) bool) {
		from, to := start.UnixNano(), end.UnixNano()
		first, _ := slices.BinarySearchFunc(l.records, from, func(r loaded, at int64) int { return cmp.Compare(r.received, at) })
		var buf []byte
		for _, r := range l.records[first:] {
			if r.received >= to {
				return
			}
			buf = r.append(buf[:0], p)
			if !yield(time.Unix(0, r.received).UTC(), buf) {
				return
			}
		}
	}
}

// Ray implements Records.
func (l *Lines) Ray(ray string, p Projection) iter.Seq2[time.Time, []byte] {
	quoted := string(appendString(nil, ray))
	return func(yield func(time.Time, []byte) bool) {
		for _, r := range l.records {
			if string(r.fields["RayID"]) == quoted && !yield(time.Unix(0, r.received).UTC(), r.append(nil, p)) {
				return
			}
		}
	}
}

func (r *loaded) append(b []byte, p Projection) []byte {
	b = append(b, '{')
	for _, name := range p.Fields {
		value, ok := r.fields[name]
		if !ok {
			continue
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = append(appendString(b, name), ':')
		if ns, isTime := r.times[name]; isTime {
			b = p.Timestamps.appendTime(b, ns)
		} else {
			b = append(b, value...)
		}
	}
	return append(b, '}')
}
