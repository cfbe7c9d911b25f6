// Package logpulltest stands in for Cloudflare: an emulator of the Logpull REST
// API and a generator of http_requests traffic for it to serve. RainLogs is
// tested and demonstrated against it, so it is made to be as strict as the
// documented service, not as friendly as a mock.
//
// # Emulator
//
// An Emulator is an http.Handler for the paths below /client/v4. What it holds
// to, and where that is written, is in developers.cloudflare.com/logs/logpull/:
//
//   - A window selects by receive time, half-open. Each record is received a few
//     minutes after its EdgeStartTimestamp, which is therefore earlier than the
//     window, often outside of it.
//   - A closed window is stable: the same set on every read. Its order is not
//     defined (Config.Shuffle, FaultUnordered).
//   - At most an hour wide, at least a minute ago, no older than 168 hours.
//   - Retention is off unless switched on, and not retroactive.
//   - Budgets of 15 requests a minute and zone, 180 a minute and user, 1,200 in
//     five minutes; more than 12 timeouts in an hour close a zone for an hour.
//   - Logpull refuses in plain text, the gateway in JSON. Texts that public
//     clients quote are used to the letter; where a text is not documented
//     (unknown field, boundary, plan), the code says so, and a client must not
//     depend on it.
//
// Checks come in this order: credential, the whole API's limit, permission and
// zone, Logpull's limits, names of arguments, plan and boundary, retention,
// values of arguments, ordered faults. A request that a Logpull limit refuses
// does not count against that limit.
//
// State is kept in memory and guarded by one lock, which is never held while
// lines are sent. The emulator starts no goroutines and needs no closing. The
// clock is Config.Now; only FaultSlow waits, by Config.Wait.
//
// # Records
//
// What is served is behind Records: a Generator, or Lines, which serves records
// made elsewhere. Emulator.Lines gives the truth about a window without a
// request, to compare an archive with.
//
// # Generator
//
// A Generator invents each minute of receive time from the seed, the zone and
// the minute, so a window is the same in whatever order windows are read. It
// plants an incident on demand and tells the truth about it (Incident).
// Addresses are drawn at random and stand for nobody; the incident's are
// reserved ones. On other processor types floating point may round otherwise,
// and the traffic then differ from that of the same seed here.
package logpulltest
