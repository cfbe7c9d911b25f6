package logpull_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fabriziosalmi/rainlogs/plugins/source/logpull"
	"github.com/fabriziosalmi/rainlogs/plugins/source/logpull/logpulltest"
	"github.com/fabriziosalmi/rainlogs/sdk/source"
)

// strict is an emulator in the bubble of a test: its clock is the bubble's,
// and each request travels for up to two seconds there and two back, so that
// it counts at another time than it was sent.
func strict(t testing.TB, zones int, change func(*logpulltest.Config)) (*logpulltest.Emulator, transport) {
	t.Helper()
	cfg := logpulltest.Config{
		Accounts: []logpulltest.Account{{ID: account}},
		Tokens:   []logpulltest.Token{{ID: "reader", Value: token, Permissions: []logpulltest.Permission{logpulltest.LogsRead}}},
	}
	for i := range zones {
		cfg.Zones = append(cfg.Zones, logpulltest.Zone{ID: zoneID(i), AccountID: account, Retention: true})
	}
	if change != nil {
		change(&cfg)
	}
	e := logpulltest.New(cfg)
	var mu sync.Mutex
	rng := rand.New(rand.NewPCG(1, 2))
	travel := func() {
		mu.Lock()
		d := time.Duration(rng.Int64N(int64(2 * time.Second)))
		mu.Unlock()
		time.Sleep(d)
	}
	return e, func(r *http.Request) (*http.Response, error) {
		travel()
		rec := httptest.NewRecorder()
		e.ServeHTTP(rec, r.Clone(r.Context()))
		travel()
		res := rec.Result()
		res.ContentLength = int64(rec.Body.Len())
		return res, nil
	}
}

func zoneID(i int) string { return fmt.Sprintf("%032x", i) }

// pullAll pulls n windows of each of some zones, several at once, and does as
// it is told with what is to be tried later.
func pullAll(t testing.TB, s source.Source, zones, workers, n int) {
	var wg sync.WaitGroup
	for z := range zones {
		todo := make(chan int, n)
		for i := range n {
			todo <- i
		}
		close(todo)
		for range workers {
			wg.Go(func() {
				for i := range todo {
					req := window(time.Now().UTC().Truncate(time.Second).Add(-time.Hour+time.Duration(i)*time.Second), time.Second)
					req.Zone = zoneID(z)
					if err := patiently(t.Context(), s, req); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
	}
	wg.Wait()
}

func patiently(ctx context.Context, s source.Source, req source.Request) error {
	for range 1000 {
		_, _, err := read(ctx, s, req)
		var e *source.Error
		if err == nil || !errors.As(err, &e) || e.Class != source.ClassRetry || e.After <= 0 {
			return err
		}
		time.Sleep(e.After)
	}
	return errors.New("never got a turn")
}

func wantNoRefusal(t testing.TB, stats logpulltest.Stats) {
	t.Helper()
	for kind, n := range stats.Refusals {
		t.Errorf("%d refusals for %s", n, kind)
	}
}

// TestZoneBudget: a service that counts a sliding minute strictly never has to
// refuse, and the budget is used to the full.
func TestZoneBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e, network := strict(t, 3, nil)
		s := open(t, network, func(c *logpull.Config) { c.Fields = nil })
		begun := time.Now()
		pullAll(t, s, 3, 6, 89) // and one for the fields: six minutes' worth
		took := time.Since(begun)
		stats := e.Stats()
		wantNoRefusal(t, stats)
		for zone, z := range stats.Zones {
			if z.Requests != 90 || z.MaxPerMinute != 15 {
				t.Errorf("zone %s: %d requests, %d in a minute", zone, z.Requests, z.MaxPerMinute)
			}
		}
		if took < 5*time.Minute || took > 6*time.Minute {
			t.Errorf("90 requests a zone took %s", took)
		}
	})
}

// TestUserBudget: 180 a minute over many zones.
func TestUserBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e, network := strict(t, 20, nil)
		pullAll(t, open(t, network), 20, 2, 30)
		stats := e.Stats()
		wantNoRefusal(t, stats)
		if stats.Requests != 600 || stats.MaxPerMinute != 180 {
			t.Errorf("%d requests, %d in a minute", stats.Requests, stats.MaxPerMinute)
		}
	})
}

// TestFiveMinuteBudget: 1,200 in five minutes for the whole API.
func TestFiveMinuteBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e, network := strict(t, 1, func(c *logpulltest.Config) {
			c.Limits = logpulltest.Limits{ZonePerMinute: -1, UserPerMinute: -1}
		})
		begun := time.Now()
		pullAll(t, open(t, network, func(c *logpull.Config) {
			c.ZonePerMinute, c.UserPerMinute, c.ZoneTimeoutsPerHour = 1e6, 1e6, 1e6
		}), 1, 50, 1500)
		stats := e.Stats()
		wantNoRefusal(t, stats)
		if took := time.Since(begun); stats.MaxPer5Min != 1200 || took < 5*time.Minute || took > 7*time.Minute {
			t.Errorf("%d requests in five minutes, took %s", stats.MaxPer5Min, took)
		}
	})
}

// TestTimeoutsStayBelowTheLimit: Cloudflare closes a zone for an hour that has
// more than 12 timeouts in an hour. However many windows time out at once, we
// rest before.
func TestTimeoutsStayBelowTheLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e, network := strict(t, 2, nil)
		for range 40 {
			e.Queue(zoneID(0), logpulltest.Fault{Kind: logpulltest.Fault408})
		}
		s := open(t, network)
		pull := func(zone int) error {
			req := window(time.Now().UTC().Truncate(time.Second).Add(-time.Hour), time.Minute)
			req.Zone = zoneID(zone)
			_, _, err := read(t.Context(), s, req)
			return err
		}
		var wg sync.WaitGroup
		var mu sync.Mutex
		begun, classes := time.Now(), map[source.Class]int{}
		var after time.Duration
		for range 30 {
			wg.Go(func() {
				e := classed(t, pull(0))
				mu.Lock()
				defer mu.Unlock()
				classes[e.Class]++
				after = max(after, e.After)
			})
		}
		wg.Wait()
		if classes[source.ClassSplit] != 11 || classes[source.ClassRetry] != 19 {
			t.Errorf("classes %v, want 11 timeouts and 19 to come later", classes)
		}
		if rest := time.Hour - time.Since(begun); after < rest-10*time.Second || after > rest+10*time.Second {
			t.Errorf("later is after %s, want about %s", after, rest)
		}
		if err := pull(1); err != nil {
			t.Errorf("another zone: %v", err)
		}
		time.Sleep(after)
		if err := pull(0); source.ClassOf(err) != source.ClassSplit {
			t.Errorf("an hour later: %v, want the next timeout", err)
		}
		wantStats := e.Stats()
		if wantStats.Refusals["rate-timeouts"] != 0 {
			t.Errorf("the zone was closed: %v", wantStats.Refusals)
		}
	})
}

// TestIdleStreamsAreTimeouts too: the service sees them so.
func TestIdleStreamsAreTimeouts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, trickle(0, every(31*time.Second, 1)))
		for i := range 12 {
			_, _, err := read(t.Context(), s, window(start, time.Minute))
			if want := map[bool]source.Class{true: source.ClassSplit, false: source.ClassRetry}[i < 11]; source.ClassOf(err) != want {
				t.Fatalf("pull %d: %v, want class %s", i+1, err, want)
			}
		}
	})
}

// TestTooManyRequestsShutsTheZone: after a 429 nothing is sent for as long as
// the service asked; a refusal by Logpull is about one zone, one by the API
// about all.
func TestTooManyRequestsShutsTheZone(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, body string
		other      bool // the other zone goes on
	}{
		{"zone", "Too many requests", true},
		{"API", `{"success":false,"errors":[{"code":971,"message":"slow down"}]}`, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				refuse := true
				rec := &recording{next: func(*http.Request) (*http.Response, error) {
					if refuse {
						return answer(429, row.body, "Retry-After", "300"), nil
					}
					return answer(200, ""), nil
				}}
				s := open(t, rec)
				if _, _, err := read(t.Context(), s, window(start, time.Minute)); classed(t, err).After != 5*time.Minute {
					t.Fatal(err)
				}
				refuse = false
				time.Sleep(100 * time.Second)
				_, _, err := read(t.Context(), s, window(start, time.Minute))
				if e := classed(t, err); e.Class != source.ClassRetry || e.After != 200*time.Second || len(rec.paths()) != 1 {
					t.Errorf("%v after %s, %d requests", e, e.After, len(rec.paths()))
				}
				other := window(start, time.Minute)
				other.Zone = zoneB
				if _, _, err := read(t.Context(), s, other); (err == nil) != row.other {
					t.Errorf("the other zone: %v", err)
				}
				time.Sleep(160 * time.Second) // what is left is short enough to wait for
				begun := time.Now()
				if _, _, err := read(t.Context(), s, window(start, time.Minute)); err != nil || time.Since(begun) != 40*time.Second {
					t.Errorf("%v after %s", err, time.Since(begun))
				}
			})
		})
	}
}

// TestWaitingObeysItsContext, and gives nothing of the budget away.
func TestWaitingObeysItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rec := &recording{next: constant(200, "")}
		s := open(t, rec, func(c *logpull.Config) { c.ZonePerMinute = 1 })
		if _, _, err := read(t.Context(), s, window(start, time.Minute)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Second) // 40.5 s left: short enough to wait for
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		begun := time.Now()
		_, _, err := read(ctx, s, window(start, time.Minute))
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) != 10*time.Second {
			t.Errorf("%v after %s", err, time.Since(begun))
		}
		if _, _, err := read(t.Context(), s, window(start, time.Minute)); err != nil || time.Since(begun) != 40*time.Second+500*time.Millisecond {
			t.Errorf("the next: %v after %s", err, time.Since(begun))
		}
		// A wait that is too long says so at once.
		_, _, err = read(t.Context(), s, window(start, time.Minute))
		if e := classed(t, err); e.Class != source.ClassRetry || e.After != 60*time.Second+500*time.Millisecond || !strings.Contains(e.Msg, "1 requests a minute") {
			t.Errorf("%v after %s", e, e.After)
		}
		if len(rec.paths()) != 2 {
			t.Errorf("%d requests", len(rec.paths()))
		}
	})
}

// TestOpenStreamsHoldTheirShare: one that may still time out counts until it
// has ended; a place that becomes free is taken at once.
func TestOpenStreamsHoldTheirShare(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, constant(200, record(1)), func(c *logpull.Config) { c.ZoneTimeoutsPerHour = 1 })
		first, err := s.Pull(t.Context(), window(start, time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		_, err = s.Pull(t.Context(), window(start, time.Minute))
		if e := classed(t, err); e.Class != source.ClassRetry || e.After != 5*time.Second || time.Since(begun) != 45*time.Second {
			t.Errorf("%v after %s, took %s", e, e.After, time.Since(begun))
		}
		time.AfterFunc(7*time.Second, func() { _ = first.Body.Close() })
		begun = time.Now()
		if _, _, err := read(t.Context(), s, window(start, time.Minute)); err != nil || time.Since(begun) != 7*time.Second {
			t.Errorf("%v after %s", err, time.Since(begun))
		}
	})
}
