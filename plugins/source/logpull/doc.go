// Package logpull is a source plugin for Cloudflare's Logpull REST API: the
// HTTP requests of a zone, by windows of the time at which Cloudflare received
// the record (developers.cloudflare.com/logs/logpull/).
//
// # What a Pull promises
//
// Body is the service's answer byte for byte, compressed as it came. It ends
// with io.EOF only when the HTTP message was whole; a cut connection, 30 s
// without a byte and a connection that outlives its time are ClassSplit, since
// a window too heavy for the service is their usual cause. An empty answer is
// normal and complete.
//
// HTTP 200 is not success. Two failures in disguise are found here, in the
// first 4 KiB of the (decompressed) answer: an error in Cloudflare's JSON
// wrapper, and an answer that does not begin like a record. The third is left
// to the host, which decompresses all of it: a last line that is one of
// FailureLines, and a gzip stream that ends early.
//
// # What is asked for
//
// start and end in whole Unix seconds, timestamps=unixnano and an explicit
// list of fields, always. Never count, sample or CVE-2021-44228: the first two
// make a window random, the third changes what was logged.
//
// # Budgets
//
// The documented limits are 15 requests a minute and zone, 180 a minute and
// user, 1,200 in five minutes for the whole API, and an hour's closure for more
// than 12 timeouts in an hour. They are kept by sliding windows that count a
// request from before it is sent until its answer has been seen to begin plus
// the period, so that a service that counts strictly, whenever it counts, has
// no reason to refuse. All Pulls and Probes of a Source share them. A Pull waits
// for its turn for at most 45 s; a longer wait is ClassRetry with After.
//
// # Secrets
//
// The token is sent in one header, over https, to the configured host alone:
// redirects are refused, and no error holds the token even if the service
// echoes it.
package logpull
