// Package source is the port through which RainLogs collects records: a
// producer that can be asked for the records of one half-open window of time.
//
// A source does not parse, sort, filter or repair records. It hands the
// producer's bytes on, says how they are encoded, and says truthfully whether
// they are complete. The host hashes, counts and keeps them.
package source

import (
	"context"
	"io"
	"time"

	"github.com/fabriziosalmi/rainlogs/sdk/probe"
)

// Source is implemented by a plugin and, on the host's side, by the client of
// a plugin process.
//
// All methods MUST be safe for concurrent use. Errors SHOULD be an *Error so
// that the host knows what to do next; any other error is taken as
// ClassRetry.
type Source interface {
	// Describe says what this source offers. It MUST NOT need the network.
	Describe(ctx context.Context) (Description, error)

	// Probe asks the producer what will work for a zone and what will not. It
	// MUST NOT change anything at the producer. A failed check is part of the
	// report, not an error; the error is for a probe that could not be made.
	Probe(ctx context.Context, zone string) (Report, error)

	// Pull opens the records of one window. It MUST be repeatable: a second
	// Pull of the same window returns the same set of records (their order
	// may differ). The caller MUST Close the returned Stream's Body. Cancelling ctx ends the
	// stream with an error.
	Pull(ctx context.Context, req Request) (*Stream, error)
}

// Description is what a source says of itself.
type Description struct {
	Datasets []Dataset
	Limits   Limits
	// Fields are what a Pull asks for that names none; empty means all that
	// the zone has.
	Fields []string
}

// Dataset is one kind of record.
type Dataset struct {
	Name string // "http_requests"
	// TimeField is the top-level member that holds the event time.
	TimeField string // "EdgeStartTimestamp"
	// ClassField is the top-level member that holds an HTTP status code, or
	// "" where the dataset has none. The host tallies by its first digit.
	ClassField string // "EdgeResponseStatus"
}

// Limits are the producer's hard bounds on a window. The zero value of a
// member means unbounded.
type Limits struct {
	MaxWindow time.Duration // end − start at most
	MinLag    time.Duration // now − end at least
	MaxAge    time.Duration // now − start at most
	// Rates bound the requests. A source keeps them by itself; the host keeps
	// them over all the processes that share a catalog. A Pull counts once in
	// each, a Probe likewise.
	Rates []Rate
}

// Scope says what a rate is counted by.
type Scope string

// The scopes of rates.
const (
	PerZone       Scope = "zone"
	PerCredential Scope = "credential"
	// TimeoutsPerZone counts only failures with ReasonTimeout: a producer may
	// shut a zone that has too many.
	TimeoutsPerZone Scope = "zone-timeouts"
)

// Rate admits at most Limit events in any period of length Per.
type Rate struct {
	Scope Scope
	Limit int
	Per   time.Duration
}

// Encoding names how a stream's bytes are compressed.
type Encoding string

// The encodings that a host understands.
const (
	Identity Encoding = "identity"
	Gzip     Encoding = "gzip"
	Zstd     Encoding = "zstd"
)

// TimeFormat names how event times are written in the records.
type TimeFormat string

// The time formats that a host understands.
const (
	UnixNano TimeFormat = "unixnano" // integer nanoseconds since the epoch
	Unix     TimeFormat = "unix"     // integer seconds since the epoch
	RFC3339  TimeFormat = "rfc3339"
)

// Request names one half-open window [Start, End) of one zone and dataset, in
// UTC and whole seconds.
type Request struct {
	Zone    string
	Dataset string
	Start   time.Time
	End     time.Time
	// Fields pins the record's members; empty means the source's own full
	// list as it stands at the time of the pull.
	Fields []string
}

// Stream is an open window. Encoding, Fields and Timestamps are known when
// Pull returns; Trailer may be called once Body has returned io.EOF.
type Stream struct {
	Encoding   Encoding
	Fields     []string // the fields in force for these records
	Timestamps TimeFormat
	// FailureLines are lines that the producer writes instead of a record, as the last line,
	// when a stream that began well has failed ("Error streaming data."). The
	// host MUST treat a stream that ends in one as failed with ClassSplit.
	FailureLines []string
	// Body yields the encoded bytes. Truncation is an error, never io.EOF,
	// as far as the source can tell.
	Body io.ReadCloser
	// Trailer says what the source knows once the body is at its end.
	Trailer func() (Trailer, error)
}

// Trailer follows a stream's last byte.
type Trailer struct {
	// Lines is the number of records the producer says there are, -1 if it does not say.
	Lines int64
	// Complete is the source's claim that the window holds all that the
	// producer has for it. False for sampled or best-effort channels.
	Complete bool
	// RetrievedAt is when the last byte came in, UTC.
	RetrievedAt time.Time
}

// Report is the answer to Probe.
type Report struct {
	Checks []Check
	// Fields is the list of record members the zone may ask for, sorted.
	Fields []string
	// ZoneName is the zone's readable name where the producer tells it.
	ZoneName string
}

// Status is a check's outcome.
type Status = probe.Status

// The outcomes of a check.
const (
	OK      = probe.OK
	Warn    = probe.Warn
	Fail    = probe.Fail
	Unknown = probe.Unknown // the producer would not say
)

// Check is one line of a probe. Names are closed per source: "token",
// "retention", "boundary", "fields". Of "clock" the Value is how far this
// machine's clock is ahead of the producer's, as time.ParseDuration reads it;
// such a check warns and never fails.
type Check = probe.Check

// OK reports whether no check failed.
func (r Report) OK() bool { return probe.Passed(r.Checks) }
