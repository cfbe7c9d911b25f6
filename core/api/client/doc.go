// Package client is the Go client of RainLogs' REST API, over what package gen
// has from the API's own description.
//
// # The way of a call
//
//	Client    one method an operation; answers in the shapes of gen
//	gen       path, parameters and body of the request
//	carrier   the key, problems as errors, retries, limits of time and size
//
// # Invariants
//
// The key goes to the server that was named, and to no other: redirects are
// errors. It goes over HTTPS, to this machine's own addresses, or over bare HTTP
// where somebody has said so. It is in no error and in no log.
//
// # Failure behaviour
//
// What the server refuses is an *api.Problem, whatever the operation. A GET that
// is answered by 429 or 503 is asked again when the server says, for as long as
// Config.Patience; nothing else is ever sent twice, for who cannot tell whether
// an act was done must not have it done again. A download that is not what was
// sealed is an error in the place of its end, and a verification's stream that
// ends without a report is ErrCut.
//
// # Goroutines
//
// None of its own. A stream that is not read to its end is to be closed; those
// that are iterators close themselves.
package client
