package logpulltest_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fabriziosalmi/rainlogs/plugins/source/logpull/logpulltest"
)

func documented(c *logpulltest.Config) { c.Limits = logpulltest.Limits{RetryAfter: true} }

// TestZoneLimit: the sixteenth request in any sliding minute is refused, and a
// refusal does not count.
func TestZoneLimit(t *testing.T) {
	t.Parallel()
	b := setup(t, documented)
	path := window(zoneA, now.Add(-time.Hour), now.Add(-time.Hour+time.Second))
	for i := range 15 {
		if a := b.get(path); a.status != 200 {
			t.Fatalf("request %d: %d", i+1, a.status)
		}
		b.clock.Add(2 * time.Second)
	}
	for range 3 { // at 30 s
		if a := b.get(path); a.status != 429 || a.header.Get("Retry-After") != "30" {
			t.Fatalf("too many: %d, Retry-After %q", a.status, a.header.Get("Retry-After"))
		}
	}
	b.clock.Add(30*time.Second - time.Nanosecond)
	if a := b.get(path); a.status != 429 {
		t.Errorf("just inside the minute: %d", a.status)
	}
	b.clock.Add(time.Nanosecond)
	if a := b.get(path); a.status != 200 {
		t.Errorf("after the minute: %d", a.status)
	}
	if a := b.get("/zones/" + zoneA + "/logs/control/retention/flag"); a.status != 200 {
		t.Errorf("another endpoint: %d", a.status)
	}
	s := b.e.Stats()
	if s.Refusals["rate-zone"] != 4 || s.Zones[zoneA].Requests != 20 || s.Zones[zoneA].MaxPerMinute != 19 || s.Requests != 21 {
		t.Errorf("stats %+v", s)
	}
}

// TestUserLimit spreads 180 requests over twelve zones; the next is refused on
// a thirteenth, for this user only.
func TestUserLimit(t *testing.T) {
	t.Parallel()
	zone := func(i int) string { return strings.Repeat(string(rune('a'+i)), 32) }
	b := setup(t, func(c *logpulltest.Config) {
		documented(c)
		c.Limits.RetryAfter = false
		for i := range 13 {
			c.Zones = append(c.Zones, logpulltest.Zone{ID: zone(i), AccountID: account, Retention: true})
		}
	})
	get := func(i int, token string) answer {
		return b.get(window(zone(i), now.Add(-time.Hour), now.Add(-time.Hour+time.Second)), "Authorization", "Bearer "+token)
	}
	for i := range 180 {
		if a := get(i/15, reader); a.status != 200 || a.body != "" {
			t.Fatalf("request %d: %d %q", i+1, a.status, a.body)
		}
	}
	if a := get(12, reader); a.status != 429 || a.header.Get("Retry-After") != "" {
		t.Errorf("request 181: %d, Retry-After %q", a.status, a.header.Get("Retry-After"))
	}
	if a := get(12, "writer-token-0001"); a.status != 200 {
		t.Errorf("another user: %d", a.status)
	}
	if n := b.e.Stats().Refusals["rate-user"]; n != 1 {
		t.Errorf("refusals %v", b.e.Stats().Refusals)
	}
}

// TestAPILimit: one more than the limit in five minutes, on any endpoint, and
// everything is refused for five minutes.
func TestAPILimit(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *logpulltest.Config) { c.Limits = logpulltest.Limits{UserPerFiveMinutes: 20} })
	const path = "/user/tokens/verify"
	for i := range 20 {
		if a := b.get(path); a.status != 200 || a.header.Get("Ratelimit-Policy") != `"default";q=20;w=300` {
			t.Fatalf("request %d: %d %v", i+1, a.status, a.header)
		}
		b.clock.Add(time.Second)
	}
	a := b.get(path)
	if a.status != 429 || a.header.Get("Retry-After") != "300" || !strings.Contains(a.body, "More than 20 requests per 300 seconds reached") {
		t.Errorf("too many: %d %v %s", a.status, a.header, a.body)
	}
	b.clock.Add(299 * time.Second)
	if a := b.get(path); a.status != 429 || a.header.Get("Retry-After") != "1" {
		t.Errorf("near the end: %d, Retry-After %q", a.status, a.header.Get("Retry-After"))
	}
	b.clock.Add(time.Second)
	if a := b.get(path); a.status != 200 {
		t.Errorf("after five minutes: %d", a.status)
	}
}

// TestTimeoutPenalty: the thirteenth timeout in an hour closes the zone for one.
func TestTimeoutPenalty(t *testing.T) {
	t.Parallel()
	b := setup(t, documented)
	path := window(zoneA, now.Add(-time.Hour), now.Add(-time.Hour+time.Second))
	for i := range 13 {
		b.e.Queue(zoneA, logpulltest.Fault{Kind: logpulltest.Fault408})
		if a := b.get(path); a.status != 408 {
			t.Fatalf("timeout %d: %d", i+1, a.status)
		}
		if a := b.get(path); (a.status == 200) != (i < 12) {
			t.Fatalf("after %d timeouts: %d", i+1, a.status)
		}
		b.clock.Add(4 * time.Minute)
	}
	if a := b.get(path); a.status != 429 || a.header.Get("Retry-After") != "3360" {
		t.Errorf("closed: %d, Retry-After %q", a.status, a.header.Get("Retry-After"))
	}
	b.clock.Add(56 * time.Minute)
	if a := b.get(path); a.status != 200 {
		t.Errorf("an hour later: %d", a.status)
	}
}

func TestResponseAndConnectionLimits(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *logpulltest.Config) { c.Limits.ResponseBytes = 50_000 })
	a := b.get(window(zoneA, now.Add(-time.Hour), now.Add(-50*time.Minute)))
	lines := a.lines()
	if a.err != nil || lines[len(lines)-1] != "Error streaming data." || len(a.body) > 50_100 || len(a.body) < 49_000 {
		t.Errorf("response of %d bytes ends in %.60q", len(a.body), lines[len(lines)-1])
	}
	var calls atomic.Int64
	late := setup(t, func(c *logpulltest.Config) {
		c.Limits = logpulltest.Limits{}
		c.Now = func() time.Time { return now.Add(time.Duration(calls.Add(1)) * time.Minute) } // a minute each time it is asked
		c.Zones[0].Records = generator(t, logpulltest.GeneratorConfig{RecordsPerDay: 3_000_000})
	})
	if a := late.get(window(zoneA, now.Add(-time.Hour), now.Add(-50*time.Minute))); a.err == nil {
		t.Error("a connection of more than ten minutes was not cut")
	}
	if a := late.get(window(zoneA, now.Add(-time.Hour), now.Add(-time.Hour+time.Second))); a.err != nil || a.status != 200 {
		t.Errorf("a short answer: %d %v", a.status, a.err)
	}
}
