package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

const (
	// maxStolen is how much of a core other machines on the same host may have taken in a
	// minute that is judged, and quietMinutes how many are waited for at most. What is
	// taken from the daemon's core, nobody could answer in.
	maxStolen    = 0.1
	quietMinutes = 6
)

// path is what is asked for.
func (l *load) path(what string, i int) string {
	zone := zoneID(1 + i%(l.zones-1))
	switch what {
	case "me":
		return "/v1/me"
	case "zone":
		return "/v1/zones/" + zone
	case "jobs":
		return "/v1/zones/" + zone + "/jobs?limit=20"
	case "coverage":
		to := l.from.Add(time.Hour)
		return "/v1/zones/" + zone + "/coverage?from=" + l.from.Format(time.RFC3339) + "&to=" + to.Format(time.RFC3339)
	}
	return l.path([]string{"me", "zone", "jobs", "coverage"}[i%4], i/4)
}

// gets asks for a minute. What is judged is all of them in turns: in another minute where
// other machines took much of that one. One alone tells what it costs.
func (l *load) gets(what string) {
	l.Helper()
	for minutes := 1; ; minutes++ {
		m := l.minute(what)
		l.Logf("%s: %s", what, m)
		switch {
		case m.failed > 0:
			l.Errorf("%s: %d GETs failed, the first by %v", what, m.failed, m.err)
		case !l.whole || what != "all":
		case m.stolen > maxStolen && minutes < quietMinutes:
			continue
		case m.p99 > maxP99 || m.rate < float64(l.per)*0.99:
			l.Errorf("%s: p99 is %s at %.0f a second, not within %s at %d", what, m.p99, m.rate, maxP99, l.per)
		case m.windows == 0:
			l.Errorf("%s: nothing was collected meanwhile", what)
		}
		return
	}
}

// minute is how a minute of GETs went, and what became of the core meanwhile.
type minute struct {
	paced
	err                       error   // the first
	rate                      float64 // a second
	p99                       time.Duration
	daemon, processes, stolen float64 // of a core
	windows                   int     // that were sealed
}

func (m minute) String() string {
	if len(m.took) == 0 {
		return "none was answered"
	}
	return fmt.Sprintf("%d GETs, %.0f a second: p50 %s, p99 %s, p99.9 %s, the last %s; asked late: p99 %s; meanwhile %d windows were sealed, and the daemon took %.0f%% of its core, with its plugins %.0f%%; other machines took %.0f%% of a core",
		len(m.took), m.rate, of(m.took, 0.5), m.p99, of(m.took, 0.999), of(m.took, 1), of(m.began, 0.99),
		m.windows, 100*m.daemon, 100*m.processes, 100*m.stolen)
}

// minute asks at a steady pace, whether answers come or not: what is late, waits
// since it was due.
func (l *load) minute(what string) minute {
	l.Helper()
	if l.whole { // the windows of one minute, and not those of two
		next := time.NewTimer(time.Until(time.Now().Truncate(time.Minute).Add(time.Minute)))
		<-next.C
	}
	sealed, used, taken := l.objects(), l.daemon.usage(l.T), stolen(l.T)
	p := pace{per: l.per, long: l.long, workers: 128, ask: func() (func(int) error, func(), error) { return l.asker(what) }}
	m := minute{paced: p.run(l.Context()), err: p.err}
	if len(m.took) == 0 {
		return m
	}
	now := l.daemon.usage(l.T)
	share := func(cpu time.Duration) float64 { return cpu.Seconds() / m.elapsed.Seconds() }
	m.rate, m.p99, m.windows = float64(len(m.took))/m.elapsed.Seconds(), of(m.took, 0.99), l.objects()-sealed
	m.daemon, m.processes, m.stolen = share(now.daemonCPU-used.daemonCPU), share(now.cpu-used.cpu), share(stolen(l.T)-taken)
	return m
}

// stolen is for how long other machines on the same host had this one's processors: the
// eighth of proc(5)'s times.
func stolen(t *testing.T) time.Duration {
	t.Helper()
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(b))
	n, err := strconv.ParseInt(fields[8], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return time.Duration(n) * tick
}
