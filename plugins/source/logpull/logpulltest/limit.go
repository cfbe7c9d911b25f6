package logpulltest

import (
	"fmt"
	"net/http"
	"time"
)

// Limits are the service's bounds (developers.cloudflare.com/logs/logpull/additional-details/
// and /fundamentals/api/reference/limits/). Zero is the documented value,
// negative is none: raise them openly, or live with them.
type Limits struct {
	ZonePerMinute      int           // 15, for /logs/received, its fields and /logs/rayids
	UserPerMinute      int           // 180, for the same
	UserPerFiveMinutes int           // 1,200, for the whole API; then refused for five minutes
	TimeoutsPerHour    int           // 12 per zone; then refused for an hour
	ResponseBytes      int64         // 10 GiB before compression
	Connection         time.Duration // 10 min
	// RetryAfter adds the header to Logpull's own 429s. Whether the service
	// does is not documented; it does for the whole API's limit.
	RetryAfter bool
}

func (l Limits) withDefaults() Limits {
	def := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	def(&l.ZonePerMinute, 15)
	def(&l.UserPerMinute, 180)
	def(&l.UserPerFiveMinutes, 1200)
	def(&l.TimeoutsPerHour, 12)
	if l.ResponseBytes == 0 {
		l.ResponseBytes = 10 << 30
	}
	if l.Connection == 0 {
		l.Connection = 10 * time.Minute
	}
	return l
}

// Unlimited is for tests and demonstrations that are not about limits.
func Unlimited() Limits {
	return Limits{ZonePerMinute: -1, UserPerMinute: -1, UserPerFiveMinutes: -1, TimeoutsPerHour: -1, ResponseBytes: -1, Connection: -1}
}

// sliding counts events in the time just past.
type sliding struct{ at []int64 }

// count forgets what is span or more ago, and counts the rest.
func (s *sliding) count(now int64, span time.Duration) int {
	old := 0
	for old < len(s.at) && s.at[old] <= now-int64(span) {
		old++
	}
	s.at = s.at[old:]
	return len(s.at)
}

func (s *sliding) add(now int64) { s.at = append(s.at, now) }

// wait is how long from now until an event falls out of the span.
func (s *sliding) wait(now int64, span time.Duration) time.Duration {
	if len(s.at) == 0 {
		return 0
	}
	return time.Duration(s.at[0] + int64(span) - now)
}

const fiveMinutes = 5 * time.Minute

// admitUser applies the limit of the whole API. The answer carries the
// Ratelimit headers either way.
func (e *Emulator) admitUser(w http.ResponseWriter, c *call) bool {
	limit := e.cfg.Limits.UserPerFiveMinutes
	if limit < 0 {
		return true
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	u, now := e.users[c.token.User], c.at.UnixNano()
	n := u.five.count(now, fiveMinutes)
	if n >= limit && now >= u.blocked {
		u.blocked = now + int64(fiveMinutes)
	}
	reset := u.five.wait(now, fiveMinutes)
	if now < u.blocked {
		reset = time.Duration(u.blocked - now)
		n = limit
	} else {
		u.five.add(now)
		n++
	}
	w.Header().Set("Ratelimit-Policy", fmt.Sprintf(`"default";q=%d;w=300`, limit))
	w.Header().Set("Ratelimit", fmt.Sprintf(`"default";r=%d;t=%d`, limit-n, wholeSeconds(reset)))
	if now >= u.blocked {
		return true
	}
	setRetryAfter(w, reset)
	c.refuseV4(w, "rate-api", http.StatusTooManyRequests, v4Error{Code: 971, Message: fmt.Sprintf(
		"More than %d requests per 300 seconds reached. Please wait and consider throttling your request speed", limit)})
	return false
}

// admitLogpull applies Logpull's own limits. A refused request does not count
// against them, or a client that keeps asking would never get in again.
func (e *Emulator) admitLogpull(w http.ResponseWriter, c *call) bool {
	l := e.cfg.Limits
	e.mu.Lock()
	defer e.mu.Unlock()
	z, u, now := c.zone, e.users[c.token.User], c.at.UnixNano()
	refuse := func(kind string, wait time.Duration) bool {
		if l.RetryAfter {
			setRetryAfter(w, wait)
		}
		c.refuseText(w, kind, http.StatusTooManyRequests, "Too many requests")
		return false
	}
	if now < z.punished {
		return refuse("rate-timeouts", time.Duration(z.punished-now))
	}
	if n := z.recent.count(now, time.Minute); l.ZonePerMinute >= 0 && n >= l.ZonePerMinute {
		return refuse("rate-zone", z.recent.wait(now, time.Minute))
	}
	if n := u.minute.count(now, time.Minute); l.UserPerMinute >= 0 && n >= l.UserPerMinute {
		return refuse("rate-user", u.minute.wait(now, time.Minute))
	}
	z.recent.add(now)
	u.minute.add(now)
	return true
}

// timedOut counts a request that ran into a time limit.
func (e *Emulator) timedOut(z *zoneState, at time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := at.UnixNano()
	z.timeouts.add(now)
	if limit := e.cfg.Limits.TimeoutsPerHour; limit >= 0 && z.timeouts.count(now, time.Hour) > limit {
		z.punished = now + int64(time.Hour)
		z.timeouts = sliding{}
	}
}

func wholeSeconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }

func setRetryAfter(w http.ResponseWriter, d time.Duration) {
	w.Header().Set("Retry-After", fmt.Sprint(max(1, wholeSeconds(d))))
}
