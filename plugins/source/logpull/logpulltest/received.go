package logpulltest

import (
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// query is a request for the records of a window.
type query struct {
	start, end int64 // ns since the epoch, half-open
	p          Projection
	count      int     // 0: all
	sample     float64 // 1: all
	defuse     bool    // CVE-2021-44228
}

// refusal is a documented reason not to answer.
type refusal struct{ kind, text string }

// The texts are the service's own where they are known: public clients quote
// them. "Not documented" marks those that are not.
const (
	textArguments  = "bad query parameter: query arguments are limited to: start,end,fields,count,sample,timestamps"
	textStartTime  = "bad query: error parsing start time: must be unix timestamp or rfc3339 string"
	textEndTime    = "bad query: error parsing end time: must be unix timestamp or rfc3339 string"
	textRange      = "bad query: error parsing time: invalid time range: "
	textOrder      = textRange + "start not before end"
	textEarly      = textRange + "too early: logs older than 168h0m0s are not available"
	textRecent     = textRange + "too recent: minimum delay in serving logs is 1m0s"
	textLong       = textRange + "too long: maximum query range (difference between start and end) is 1h0m0s"
	textRetention  = "Retention is not turned on. Please enable log retention"
	textCount      = "bad query: error parsing count: must be a positive integer"             // not documented
	textSample     = "bad query: error parsing sample: must be greater than 0 and at most 1"  // not documented
	textTimestamps = "bad query: error parsing timestamps: must be unix, unixnano or rfc3339" // not documented
	textField      = "bad query: error parsing fields: unknown field "                        // not documented
	textTwice      = "bad query: error parsing fields: field given twice: "                   // not documented
	textDefuse     = "bad query: error parsing CVE-2021-44228: must be true or false"         // not documented
)

// received is GET /zones/{id}/logs/received.
func (e *Emulator) received(w http.ResponseWriter, r *http.Request, c *call) {
	values := r.URL.Query()
	for name := range values {
		if !slices.Contains([]string{"start", "end", "fields", "count", "sample", "timestamps", "CVE-2021-44228"}, name) {
			c.refuseText(w, "arguments", http.StatusBadRequest, textArguments)
			return
		}
	}
	if !e.entitled(w, c) {
		return
	}
	e.mu.Lock()
	retained := c.zone.retained()
	e.mu.Unlock()
	if !retained {
		c.refuseText(w, "retention", http.StatusBadRequest, textRetention)
		return
	}
	q, refused := parseQuery(values, c.at, c.zone.names)
	c.Start, c.End = time.Unix(0, q.start).UTC(), time.Unix(0, q.end).UTC()
	if refused != nil {
		c.refuseText(w, refused.kind, http.StatusBadRequest, refused.text)
		return
	}
	e.mu.Lock()
	fault := e.nextFault(c.zone, q)
	c.Fault = fault.Kind
	e.mu.Unlock()
	if !e.answerFault(w, c, fault) {
		e.stream(w, r, c, q, fault)
	}
}

// entitled refuses zones that have no Logpull: those of lesser plans, and
// those whose Customer Metadata Boundary leaves out the US
// (developers.cloudflare.com/logs/logpull/). The body is not documented.
func (e *Emulator) entitled(w http.ResponseWriter, c *call) bool {
	switch regions := c.account.Regions; {
	case c.zone.Plan != "enterprise":
		c.refuseAuth(w, "plan", http.StatusForbidden)
	case regions != "" && !slices.Contains(strings.Split(regions, ","), "us"):
		c.refuseAuth(w, "boundary", http.StatusForbidden)
	default:
		return true
	}
	return false
}

func parseQuery(v url.Values, now time.Time, names map[string]bool) (query, *refusal) {
	q := query{sample: 1}
	var ok bool
	if q.start, ok = parseTime(v.Get("start")); !ok {
		return q, &refusal{"start-time", textStartTime}
	}
	if q.end, ok = parseTime(v.Get("end")); !ok {
		return q, &refusal{"end-time", textEndTime}
	}
	at := now.UnixNano()
	switch {
	case q.start >= q.end:
		return q, &refusal{"order", textOrder}
	case q.start < at-int64(maxAge):
		return q, &refusal{"too-early", textEarly}
	case q.end > at-int64(minLag):
		return q, &refusal{"too-recent", textRecent}
	case q.end-q.start > int64(maxWindow):
		return q, &refusal{"too-long", textLong}
	}
	var err error
	if s, given := v["count"]; given {
		if q.count, err = strconv.Atoi(s[0]); err != nil || q.count < 1 {
			return q, &refusal{"count", textCount}
		}
	}
	if s, given := v["sample"]; given {
		q.sample, err = strconv.ParseFloat(s[0], 64)
		if err != nil || math.IsNaN(q.sample) || q.sample <= 0 || q.sample > 1 {
			return q, &refusal{"sample", textSample}
		}
	}
	if s, given := v["CVE-2021-44228"]; given {
		if q.defuse, err = strconv.ParseBool(s[0]); err != nil {
			return q, &refusal{"cve", textDefuse}
		}
	}
	var refused *refusal
	q.p, refused = parseProjection(v, names)
	return q, refused
}

// parseTime reads Unix seconds, Unix nanoseconds or RFC 3339.
func parseTime(s string) (int64, bool) {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return unixNanos(n), true
	}
	at, err := time.Parse(time.RFC3339, s)
	return at.UnixNano(), err == nil && representable(at)
}

// parseProjection reads "fields" and "timestamps". Every name must exist.
func parseProjection(v url.Values, names map[string]bool) (Projection, *refusal) {
	p := Projection{Fields: DefaultFields(), Timestamps: TimeForm(v.Get("timestamps"))}
	switch p.Timestamps {
	case UnixNano, Unix, RFC3339:
	case "":
		p.Timestamps = UnixNano
	default:
		return p, &refusal{"timestamps", textTimestamps}
	}
	list := v.Get("fields")
	if list == "" {
		return p, nil
	}
	p.Fields = strings.Split(list, ",")
	seen := make(map[string]bool, len(p.Fields))
	for _, name := range p.Fields {
		if !names[name] {
			return p, &refusal{"field", fmt.Sprintf("%s%.64q", textField, name)}
		}
		if seen[name] {
			return p, &refusal{"field", fmt.Sprintf("%s%.64q", textTwice, name)}
		}
		seen[name] = true
	}
	return p, nil
}

// answerFault gives the faults that come in place of an answer.
func (e *Emulator) answerFault(w http.ResponseWriter, c *call, f Fault) bool {
	status := http.StatusTooManyRequests
	switch f.Kind {
	case FaultTooManySeconds:
		setRetryAfter(w, f.RetryAfter)
	case FaultTooManyDate:
		// A date has whole seconds: rounded up, so as not to be too early.
		at := c.at.Add(f.RetryAfter + time.Second - 1).UTC().Truncate(time.Second)
		w.Header().Set("Retry-After", at.Format(http.TimeFormat))
	case FaultTooManyBare:
	case Fault500:
		status = http.StatusInternalServerError
	case Fault502:
		status = http.StatusBadGateway
	case Fault503:
		status = http.StatusServiceUnavailable
	case Fault408:
		status = http.StatusRequestTimeout
		e.timedOut(c.zone, c.at)
	case FaultV4Error:
		c.refuseAuth(w, "fault", http.StatusOK)
		return true
	default:
		return false
	}
	c.refuseText(w, "fault", status, http.StatusText(status))
	return true
}
