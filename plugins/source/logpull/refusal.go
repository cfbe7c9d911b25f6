package logpull

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/fabriziosalmi/rainlogs/sdk/source"
)

const (
	maxErrorBody = 4 << 10
	maxErrorText = 300 // characters of the service's own words in a message

	// Bounds on how long a 429 shuts a budget. Without a Retry-After it is the
	// period of the limits that Logpull itself sets.
	minRetryAfter     = time.Second
	maxRetryAfter     = 2 * time.Hour
	defaultRetryAfter = time.Minute
)

// Hints for the operator.
const (
	hintToken     = "make an API token with the zone permission Logs Read for this zone and set it as the source's token"
	hintForbidden = "check that the token has Logs Read for this zone, that the zone's id is right, that its plan is Enterprise (Logpull is part of no other; Logpush is part of all), and that the account's Customer Metadata Boundary does not leave out the US"
	hintRetention = "switch log retention on for the zone with a token that has Logs Write; only what comes in from then on is kept"
	hintBoundary  = "use Logpush to an endpoint in the EU: Logpull does not exist for accounts whose Customer Metadata Boundary leaves out the US"
	hintClock     = "check the clock of this machine; the lag can be set longer"
	hintBug       = "this is a fault of RainLogs: please report it with this message"
	hintFields    = "see which fields the zone has (rainlogs zone show) and name only those"
	hintUnknown   = "look the message up in Cloudflare's documentation; the window stays open until it is 168 h old"
)

// rule says what a refusal means. Texts are matched in lower case by what they
// contain: the service's wording is not a contract.
type rule struct {
	status int      // 0: any from 400 to 499
	any    []string // one of these is in the body; empty: any body
	class  source.Class
	reason string
	what   string
	hint   string
	after  time.Duration
	fields bool // the list of fields is at fault
}

// rules, the first that fits is the one. Sources: developers.cloudflare.com/logs/logpull/
// for statuses; the texts are those that public clients quote.
func rules() []rule {
	const bad = http.StatusBadRequest
	return []rule{
		{status: bad, any: []string{"too early", "logs older than"}, class: source.ClassGone, reason: source.ReasonTooOld,
			what: "Cloudflare no longer has the window"},
		{status: bad, any: []string{"too recent", "minimum delay"}, class: source.ClassRetry, after: time.Minute,
			what: "the window is too young", hint: hintClock},
		{status: bad, any: []string{"retention is not turned on", "enable log retention"}, class: source.ClassBlocked,
			reason: source.ReasonRetentionOff, what: "log retention is off for the zone", hint: hintRetention},
		{any: []string{"metadata boundary"}, class: source.ClassBlocked, reason: source.ReasonBoundary,
			what: "the account's Customer Metadata Boundary rules Logpull out", hint: hintBoundary},
		{status: bad, any: []string{"too long", "maximum query range"}, class: source.ClassBug, what: "the window is too long", hint: hintBug},
		{status: bad, any: []string{"not before end"}, class: source.ClassBug, what: "the window ends before it begins", hint: hintBug},
		{status: bad, any: []string{"error parsing time", "error parsing start time", "error parsing end time"},
			class: source.ClassBug, what: "the window's times are not understood", hint: hintBug},
		{status: bad, any: []string{"query arguments are limited"}, class: source.ClassBug, what: "the request has an unknown argument", hint: hintBug},
		{status: bad, any: []string{"code 6003", "code 6103", "code 6111"}, class: source.ClassBlocked, reason: source.ReasonCredential,
			what: "the token is malformed", hint: hintToken},
		{status: bad, any: []string{"field"}, class: source.ClassBlocked, what: "the zone does not have all fields that are asked for",
			hint: hintFields, fields: true},
		{status: http.StatusUnauthorized, class: source.ClassBlocked, reason: source.ReasonCredential,
			what: "Cloudflare does not accept the token", hint: hintToken},
		{status: http.StatusForbidden, class: source.ClassBlocked, reason: source.ReasonNotEntitled,
			what: "the token or the zone has no right to logs", hint: hintForbidden},
		{status: http.StatusNotFound, class: source.ClassBlocked, what: "there is no such zone", hint: "check the zone's id"},
		{status: http.StatusRequestTimeout, class: source.ClassSplit, reason: source.ReasonTimeout, what: "the request timed out at Cloudflare"},
		{class: source.ClassBlocked, what: "the request was refused", hint: hintUnknown},
	}
}

// refusedError is a refusal with what only this package needs of it.
type refusedError struct {
	cause  *source.Error
	status int
	fields bool
}

func (e *refusedError) Error() string { return e.cause.Error() }
func (e *refusedError) Unwrap() error { return e.cause }

// refusal classes an answer that is not 200. It reads no more than a few KiB.
func (s *Source) refusal(x *exchange) error {
	body := s.errorBody(x)
	status, text := x.resp.StatusCode, s.describe(body)
	e := &source.Error{Op: x.req.op}
	said := fmt.Sprintf("HTTP %d", status)
	if text != "" {
		said += ": " + text
	}
	after, announced := retryAfter(x.resp.Header, time.Now())
	refused := &refusedError{cause: e, status: status}
	switch {
	case status == http.StatusTooManyRequests:
		e.Class, e.Msg, e.After = source.ClassRetry, "too many requests", after
		e.Reason = s.slowDown(x, body, after)
	case status >= 500:
		e.Class, e.Msg = source.ClassRetry, "Cloudflare has a fault of its own"
		if announced {
			e.After = after
		}
	case status == http.StatusNoContent:
		// What an earlier API said with it is not known of this one: a window
		// must not be taken for empty because of it.
		e.Class, e.Msg, e.Hint = source.ClassRetry, "an answer without content instead of records", "check that log retention is on for the zone"
	case status >= 300 && status < 400:
		e.Class, e.Msg, e.Hint = source.ClassBlocked, "the answer is a redirect, which is not followed", "check base_url: the token is sent to no other place"
	case status < 400:
		e.Class, e.Msg, e.Hint = source.ClassBlocked, "an answer of an unknown kind", hintUnknown
	default:
		r := match(status, strings.ToLower(text))
		e.Class, e.Reason, e.Msg, e.Hint, e.After = r.class, r.reason, r.what, r.hint, r.after
		refused.fields = r.fields
	}
	e.Msg += " (" + said + ")"
	return refused
}

func match(status int, text string) rule {
	var fits rule
	for _, fits = range rules() {
		if fits.status != 0 && fits.status != status {
			continue
		}
		if len(fits.any) == 0 || containsAny(text, fits.any) {
			break
		}
	}
	return fits // the last one fits everything
}

func containsAny(text string, parts []string) bool {
	for _, p := range parts {
		if strings.Contains(text, p) {
			return true
		}
	}
	return false
}

// slowDown shuts the budget that a 429 is about, and returns which that is:
// Logpull's own refusals are plain text and mean the zone; those of the whole API
// are JSON.
func (s *Source) slowDown(x *exchange, body []byte, d time.Duration) (reason string) {
	reason = source.ReasonRate
	if _, isAPI := parseWrapper(body); isAPI || x.req.shut == nil {
		s.budget.pause(s.budget.five, d)
		reason = source.ReasonRateCredential
	}
	if x.req.shut != nil {
		s.budget.pause(x.req.shut, d)
	}
	return reason
}

// retryAfter reads the header, seconds or a date, and keeps it within bounds.
// A date is compared with the service's own clock where it tells it.
func retryAfter(h http.Header, now time.Time) (d time.Duration, announced bool) {
	value := strings.TrimSpace(h.Get("Retry-After"))
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return clamp(time.Duration(seconds) * time.Second), true
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return defaultRetryAfter, false
	}
	if theirs, err := http.ParseTime(h.Get("Date")); err == nil {
		now = theirs
	}
	return clamp(at.Sub(now)), true
}

func clamp(d time.Duration) time.Duration { return min(max(d, minRetryAfter), maxRetryAfter) }

// errorBody reads the beginning of a refusal's body, unpacked. Whatever goes
// wrong with it, the status has said the main thing.
func (s *Source) errorBody(x *exchange) []byte {
	packed, _ := io.ReadAll(io.LimitReader(x, maxErrorBody))
	if !strings.Contains(strings.ToLower(x.resp.Header.Get("Content-Encoding")), "gzip") {
		return packed
	}
	plain, _ := gunzipHead(packed)
	return plain
}

// gunzipHead unpacks at most 4 KiB of the beginning of a gzip stream, and says
// whether that was all of it.
func gunzipHead(packed []byte) (plain []byte, whole bool) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, false
	}
	plain, err = io.ReadAll(io.LimitReader(z, maxErrorBody+1))
	whole = err == nil && len(plain) <= maxErrorBody
	return plain[:min(len(plain), maxErrorBody)], whole
}

// wrapper is how Cloudflare's API usually answers.
type wrapper struct {
	Success *bool     `json:"success"`
	Errors  []v4Error `json:"errors"`
}

type v4Error struct {
	Code    int       `json:"code"`
	Message string    `json:"message"`
	Chain   []v4Error `json:"error_chain"`
}

// parseWrapper finds a refusal in Cloudflare's JSON form.
func parseWrapper(body []byte) (w wrapper, ok bool) {
	err := json.Unmarshal(body, &w)
	return w, err == nil && w.Success != nil && !*w.Success
}

// describe puts the service's words in one short line that is safe to show.
func (s *Source) describe(body []byte) string {
	w, ok := parseWrapper(body)
	if !ok {
		return s.clip(string(body))
	}
	var parts []string
	for _, e := range w.Errors {
		parts = append(parts, fmt.Sprintf("code %d %s", e.Code, e.Message))
		for _, c := range e.Chain {
			parts = append(parts, fmt.Sprintf("code %d %s", c.Code, c.Message))
		}
	}
	if parts == nil {
		return "no reason given"
	}
	return s.clip(strings.Join(parts, "; "))
}

// clip makes foreign text fit for a message: no token, no control or format
// characters, no runs of blanks, not too long.
func (s *Source) clip(text string) string {
	text = s.redact(text)
	text = strings.Map(func(r rune) rune {
		if unicode.IsGraphic(r) {
			return r
		}
		return ' '
	}, strings.ToValidUTF8(text, "\uFFFD"))
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > maxErrorText {
		text = string(runes[:maxErrorText]) + "…"
	}
	return text
}

// cleanError is an error with its text made fit for a message.
type cleanError struct {
	text string
	err  error
}

func (e *cleanError) Error() string { return e.text }
func (e *cleanError) Unwrap() error { return e.err }

// clean keeps what an error is and cleans what it says: net/http quotes
// malformed answers.
func (s *Source) clean(err error) error { return &cleanError{text: s.clip(err.Error()), err: err} }
