package daemon_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/catalog/sqlite"
	"github.com/fabriziosalmi/rainlogs/core/daemon"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/jobs"
	"github.com/fabriziosalmi/rainlogs/plugins/source/logpull/logpulltest"
	"github.com/fabriziosalmi/rainlogs/sdk/source"
)

// weather gives every fault that does not last a chance.
func weather(c *logpulltest.Config) {
	c.Faults = logpulltest.Faults{Seed: 5, Chance: map[logpulltest.FaultKind]float64{}, RetryAfter: time.Second, Pause: time.Millisecond, Pauses: 2}
	for _, k := range logpulltest.FaultKinds() {
		switch k {
		case logpulltest.FaultTooManyBare, // without Retry-After it is a minute's pause
			logpulltest.FaultEmpty, logpulltest.FaultLongLines: // change what the window holds
		default:
			c.Faults.Chance[k] = 0.03
		}
	}
}

func TestCollectsUnderFaults(t *testing.T) {
	t.Parallel()
	s := newSite(t, 3, 0, weather)
	s.addZones(3, 30*time.Hour)
	from := s.now().Add(-30 * time.Hour).UTC().Truncate(time.Hour)
	stop := s.start(nil)
	s.until("all is collected", s.collected(3))
	stop()
	if s.failed.Load() == 0 {
		t.Error("no fault was met")
	}
	for i := range 3 {
		_, last, err := s.cat.Bounds(t.Context(), chainOf(i))
		s.must(err)
		s.judged(i, from, last)
	}
	s.must(s.judge().Verify(t.Context()))
}

// TestOutage: a collector comes back after eight days. The live edge is current
// before the backlog is; everything that the source still has is collected, and
// what it has forgotten is a gap with its reason.
func TestOutage(t *testing.T) {
	t.Parallel()
	const away = 8 * 24 * time.Hour
	s := newSite(t, 1, -away, nil)
	s.addZones(1, 2*time.Hour)
	from := s.now().Add(-2 * time.Hour).UTC().Truncate(time.Hour)
	stop := s.start(nil)
	s.until("the days before are collected", s.collected(1))
	stop()
	_, left, err := s.cat.Bounds(t.Context(), chainOf(0))
	s.must(err)

	s.offset.Store(0)
	back := s.now()
	stop = s.start(nil)
	s.until("all is collected again", s.collected(1))
	stop()

	edge := policy().Edge(back)
	windows := s.judged(0, from, edge)
	forgotten := back.Add(-168 * time.Hour)
	var gapEnd time.Time
	live, backlogFirst, backlog := int64(0), 0, 0
	for _, w := range windows {
		switch {
		case w.Kind == evidence.KindGap:
			if w.Reason != evidence.GapTooOld || w.Start.Before(left) {
				t.Errorf("gap %s (%s)", w.Window, w.Reason)
			}
			gapEnd = w.End
		case !w.Start.Before(policy().Live(back)) && w.Start.Before(edge):
			live = max(live, w.Seq)
		}
	}
	for _, w := range windows {
		if w.Kind == evidence.KindLog && w.Start.After(forgotten) && w.Start.Before(policy().Live(back)) {
			backlog++
			if w.Seq < live {
				backlogFirst++
			}
		}
	}
	if backlog < 168 || backlogFirst > backlog/4 {
		t.Errorf("%d of %d windows of the backlog were sealed before the live edge was current", backlogFirst, backlog)
	}
	if lost := gapEnd.Sub(forgotten); lost < 0 || lost > 3*time.Minute {
		t.Errorf("the gap ends at %s, %s after what the source has forgotten", gapEnd, lost)
	}
	s.must(s.judge().Verify(t.Context()))
	t.Logf("away from %s to %s: gap to %s, %d windows of backlog, live edge current when %d of them were sealed", left, back, gapEnd, backlog, backlogFirst)
}

// TestBlockedRecovers: what an operator has to mend blocks the zone, asks for
// it now and then, and goes on by itself once it is mended.
func TestBlockedRecovers(t *testing.T) {
	t.Parallel()
	t.Run("retention", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, 1, 0, nil)
		s.emulator.SetRetention(zoneID(0), false)
		s.addZones(1, time.Hour)
		stop := s.start(nil)
		s.until("the zone is blocked", s.blocked(source.ReasonRetentionOff))
		s.emulator.SetRetention(zoneID(0), true)
		s.until("all is collected", s.collected(1))
		s.until("the zone is not blocked", s.blocked(""))
		stop()
	})
	t.Run("token", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, 1, 0, nil)
		s.addZones(1, time.Hour)
		stop := s.startAs("an-expired-token-000", nil)
		s.until("the zone is blocked", s.blocked(source.ReasonCredential))
		stop()
		if s.sealed.Load() != 0 {
			t.Error("a window was sealed with a refused token")
		}
		stop = s.start(nil)
		s.until("all is collected", s.collected(1))
		s.until("the zone is not blocked", s.blocked(""))
		stop()
	})
}

func (s *site) blocked(reason string) func() bool {
	return func() bool {
		st, err := s.cat.Standing(s.Context(), chainOf(0))
		s.must(err)
		return st.Blocked == reason
	}
}

// TestObservations: what the source says of itself is sealed when it changes,
// and a field that goes stops nothing.
func TestObservations(t *testing.T) {
	t.Parallel()
	s := newSite(t, 1, 0, nil)
	s.addZones(1, time.Hour)
	stop := s.start(nil)
	s.until("all is collected", s.collected(1))
	stop()
	topics := s.topics()
	for _, topic := range []string{evidence.TopicRetention, evidence.TopicPlan, evidence.TopicOffered, evidence.TopicFields} {
		if topics[topic] != 1 {
			t.Errorf("topic %s was sealed %d times", topic, topics[topic])
		}
	}
	fewer := logpulltest.TickFields()[:2]
	s.emulator.SetFields(zoneID(0), fewer)
	s.offset.Add(int64(20 * time.Minute)) // the daemon goes by the list that it knows
	stop = s.start(nil)
	s.until("the field's going is sealed", func() bool { return s.topics()[evidence.TopicFields] == 2 })
	s.until("all is collected", s.collected(1))
	stop()
	if topics := s.topics(); topics[evidence.TopicOffered] != 2 || topics[evidence.TopicFields] != 2 {
		t.Errorf("after a field is gone: %v", topics)
	}
	s.must(s.judge().Verify(t.Context()))
}

func (s *site) topics() map[string]int {
	s.Helper()
	out := map[string]int{}
	s.must(s.judge().Observations(s.Context(), chainOf(0), func(topic string) { out[topic]++ }))
	return out
}

func TestPausedZone(t *testing.T) {
	t.Parallel()
	s := newSite(t, 2, 0, nil)
	s.addZones(2, time.Hour)
	paused, err := s.cat.Zone(t.Context(), zoneID(1))
	s.must(err)
	paused.Paused = true
	s.must(s.cat.PutZone(t.Context(), paused))
	stop := s.start(nil)
	s.until("the other zone is collected", s.collected(1))
	if first, _, err := s.cat.Bounds(t.Context(), chainOf(1)); err != nil || !first.IsZero() {
		t.Errorf("a paused zone was planned from %s (%v)", first, err)
	}
	paused.Paused = false
	s.must(s.cat.PutZone(t.Context(), paused))
	s.offset.Add(int64(10 * time.Minute)) // its schedule comes
	s.until("both are collected", s.collected(2))
	stop()
}

// TestBeginningMovedBack collects what lies before the beginning that there
// was, and plans nothing twice.
func TestBeginningMovedBack(t *testing.T) {
	t.Parallel()
	s := newSite(t, 1, 0, nil)
	s.addZones(1, time.Hour)
	stop := s.start(nil)
	s.until("the last hour is collected", s.collected(1))
	z, err := s.cat.Zone(t.Context(), zoneID(0))
	s.must(err)
	z.From = z.From.Add(-5*time.Hour - 7*time.Minute)
	s.must(s.cat.PutZone(t.Context(), z))
	s.offset.Add(int64(10 * time.Minute)) // its schedule comes
	s.until("the hours before are planned", func() bool {
		first, _, err := s.cat.Bounds(t.Context(), chainOf(0))
		s.must(err)
		return first.Equal(z.From)
	})
	s.until("all is collected", s.collected(1))
	stop()
	_, last, err := s.cat.Bounds(t.Context(), chainOf(0))
	s.must(err)
	s.judged(0, z.From, last)
}

// TestClockSetBack plans on from the earlier time and seals nothing twice.
func TestClockSetBack(t *testing.T) {
	t.Parallel()
	s := newSite(t, 1, 0, nil)
	s.addZones(1, time.Hour)
	stop := s.start(nil)
	s.until("all is collected", s.collected(1))
	s.offset.Store(-int64(30 * time.Minute))
	stop()
	stop = s.start(nil)
	sealed := s.sealed.Load()
	s.until("a plan is made", func() bool {
		var at time.Time
		s.note("plan/last", &at)
		return at.Before(time.Now().Add(-29 * time.Minute))
	})
	s.offset.Store(int64(10 * time.Minute))
	s.until("it goes on when the clock is right again", func() bool { return s.sealed.Load() > sealed && s.collected(1)() })
	stop()
	_, last, err := s.cat.Bounds(t.Context(), chainOf(0))
	s.must(err)
	s.judged(0, last.Add(-time.Hour), last)
}

// TestOneDaemonOnAFile: the second is told so.
func TestOneDaemonOnAFile(t *testing.T) {
	t.Parallel()
	s := newSite(t, 1, 0, nil)
	s.addZones(1, time.Hour)
	stop := s.start(nil)
	other, err := sqlite.Open(t.Context(), filepath.Join(s.dir, "catalog.db"))
	s.must(err)
	defer func() { s.must(other.Close()) }()
	d, c := s.daemon(t.Context(), token, func(c *daemon.Config) { c.Catalog = other })
	if err := d.Run(t.Context(), nil); !errors.Is(err, catalog.ErrBusy) || !strings.Contains(err.Error(), "pid") {
		t.Errorf("a second daemon got %v, want ErrBusy with the holder", err)
	}
	s.must(c.Close())
	stop()
}

// TestStandIn runs a daemon whose queue never works on plans: it plans by itself.
func TestStandIn(t *testing.T) {
	t.Parallel()
	s := newSite(t, 1, 0, nil)
	s.addZones(1, time.Hour)
	stop := s.start(func(cfg *daemon.Config) {
		cfg.PlanEvery = 100 * time.Millisecond // a plan has 12 times that, enough for a slow disk
		open := cfg.OpenQueue
		cfg.OpenQueue = func(ctx context.Context, cfg jobs.Config) (*jobs.Queue, error) {
			delete(cfg.Workers, jobs.Plan)
			return open(ctx, cfg)
		}
	})
	s.until("all is collected without the queue's plans", s.collected(1))
	s.until("a plan is whole", func() bool { // one that was cut short has planned too
		at, err := daemon.Planned(t.Context(), s.cat)
		s.must(err)
		return !at.IsZero()
	})
	stop()
}
