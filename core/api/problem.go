// Package api is what goes over the wire of RainLogs' REST API: the shapes of
// requests and answers, and the codes of problems. core/api/server serves it.
package api

import "net/http"

// Code names a problem. Codes are stable: programs go by them, people by Detail.
type Code string

// The codes.
const (
	CodeInvalid          Code = "invalid_request"       // 400, 415, 422: the request is not as the API wants it
	CodeUnauthorized     Code = "unauthorized"          // 401: no key, or one that opens nothing
	CodeForbidden        Code = "forbidden"             // 403: the key's role may not do this
	CodeSource           Code = "source_not_allowed"    // 403: the customer may not collect from this source
	CodeNotFound         Code = "not_found"             // 404: it is not there, or not yours
	CodeMethod           Code = "method_not_allowed"    // 405
	CodeNotAcceptable    Code = "not_acceptable"        // 406
	CodeTimeout          Code = "timeout"               // 408, 504
	CodeConflict         Code = "conflict"              // 409: it does not fit what is there
	CodeLastAdmin        Code = "last_admin"            // 409: no admin key would be left
	CodeNotSealed        Code = "not_sealed"            // 409: the window has no records yet, or never had
	CodeExpired          Code = "expired"               // 410: the records were removed under the retention policy
	CodeTooLarge         Code = "too_large"             // 413
	CodeRange            Code = "range_not_satisfiable" // 416: the representation has nothing in that range
	CodeRateLimited      Code = "rate_limited"          // 429: slow down, see Retry-After
	CodeInternal         Code = "internal"              // 500
	CodeDamaged          Code = "evidence_damaged"      // 502: what the archive holds is not what was sealed
	CodeUnavailable      Code = "unavailable"           // 503: come back, see Retry-After
	CodeRegistrationShut Code = "registration_closed"   // 403: customers are not made over the API here
	CodeCredentialsShut  Code = "credentials_closed"    // 403: tokens are not taken over the API here
)

// ContentType is that of a Problem (RFC 9457).
const ContentType = "application/problem+json"

// Problem is an answer that is an error, as RFC 9457 has it, with a code and
// the request's id.
type Problem struct {
	Type      string  `json:"type" format:"uri" doc:"urn:rainlogs:problem: and the code"`
	Title     string  `json:"title" doc:"the status in words"`
	Status    int     `json:"status" doc:"the HTTP status"`
	Detail    string  `json:"detail,omitempty" doc:"what is wrong, for people"`
	Code      Code    `json:"code" doc:"what is wrong, for programs; stable"`
	RequestID string  `json:"request_id" doc:"names this request in the server's log"`
	Errors    []Fault `json:"errors,omitempty" nullable:"false" doc:"what is wrong with which part of the request"`
}

// Fault is what is wrong with one part of a request. It never repeats the part.
type Fault struct {
	Location string `json:"location,omitempty" doc:"such as body.name"`
	Message  string `json:"message"`
}

// NewProblem is a problem without a request's id, which the server adds.
func NewProblem(status int, code Code, detail string) *Problem {
	return &Problem{Type: "urn:rainlogs:problem:" + string(code), Title: http.StatusText(status), Status: status, Code: code, Detail: detail}
}

// Error implements error.
func (p *Problem) Error() string { return p.Detail }

// GetStatus is the HTTP status; huma asks for it by this name.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType is the media type under which huma writes it.
func (p *Problem) ContentType(string) string { return ContentType }

// CodeOf is the code of a status that has no narrower one.
func CodeOf(status int) Code {
	switch status {
	case http.StatusUnauthorized:
		return CodeUnauthorized
	case http.StatusForbidden:
		return CodeForbidden
	case http.StatusNotFound:
		return CodeNotFound
	case http.StatusMethodNotAllowed:
		return CodeMethod
	case http.StatusNotAcceptable:
		return CodeNotAcceptable
	case http.StatusRequestTimeout, http.StatusGatewayTimeout:
		return CodeTimeout
	case http.StatusConflict:
		return CodeConflict
	case http.StatusRequestEntityTooLarge:
		return CodeTooLarge
	case http.StatusTooManyRequests:
		return CodeRateLimited
	case http.StatusServiceUnavailable:
		return CodeUnavailable
	}
	if status >= http.StatusInternalServerError {
		return CodeInternal
	}
	return CodeInvalid
}
