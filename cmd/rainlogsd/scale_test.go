package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fabriziosalmi/rainlogs/core/catalog/sqlite"
	"github.com/fabriziosalmi/rainlogs/plugins/source/logpull/logpulltest"
)

// TestScale runs a thousand zones on hourly windows (make scale; the short
// version has few) and tells what an hour costs the daemon and its plugins: the windows
// that come once in it, and the looking for what is due all the time.
func TestScale(t *testing.T) {
	t.Parallel()
	zones, idle := 20, 2*time.Second
	if n, err := strconv.Atoi(os.Getenv("RAINLOGS_SCALE")); err == nil {
		zones, idle = n, 2*time.Minute
	}
	s := newSite(t, zones, time.Hour, rates{zone: 15, user: 100_000, five: 400_000}, logpulltest.Faults{})
	s.from = time.Now().UTC().Add(-5 * time.Minute).Truncate(time.Hour).Add(-time.Hour)
	s.catalog, s.collector = "sqlite:./catalog.db", `{window: 1h, lag: 5m, concurrency: 8, schedule: "6 * * * *"}`
	cat, err := sqlite.Open(t.Context(), s.dir+"/catalog.db")
	s.must(err)
	s.addZones(cat)
	p := s.start("one")
	s.until("every zone has its window", 20*time.Minute, func() bool {
		backlog, err := cat.Backlog(t.Context())
		s.must(err)
		return len(backlog) == 0 && s.objects() >= zones
	})
	busy := p.usage(t)
	timer := time.NewTimer(idle)
	<-timer.C
	after := p.usage(t)
	s.must(cat.Close())
	if code := p.end(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d:\n%s", code, p.output)
	}
	perSecond := (after.cpu - busy.cpu).Seconds() / idle.Seconds()
	t.Logf("%d zones: an hour's windows cost %.1f s of CPU, all the rest %.2f%% of a core; together %.2f%% of a core; at most %d MiB in the daemon, %d MiB with its plugins",
		zones, busy.cpu.Seconds(), 100*perSecond, 100*(busy.cpu.Seconds()/3600+perSecond), after.daemonMiB, after.allMiB)
}

// usage is what a daemon and its plugins have used.
type usage struct {
	cpu, daemonCPU    time.Duration
	daemonMiB, allMiB int64 // the most resident at any time
}

func (p *process) usage(t *testing.T) usage {
	t.Helper()
	var u usage
	for i, pid := range append([]int{p.Process.Pid}, p.children()...) {
		cpu, mib, err := usageOf(pid)
		if err != nil {
			t.Fatal(err)
		}
		u.cpu += cpu
		u.allMiB += mib
		if i == 0 {
			u.daemonMiB, u.daemonCPU = mib, cpu
		}
	}
	return u
}

// tick is the unit of /proc's times: USER_HZ is 100 on every Linux.
const tick = 10 * time.Millisecond

// usageOf reads proc(5): fields 14 and 15 of stat, VmHWM of status.
func usageOf(pid int) (cpu time.Duration, mib int64, err error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, 0, err
	}
	fields := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+2:]))
	for _, f := range fields[11:13] {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, 0, err
		}
		cpu += time.Duration(n) * tick
	}
	if b, err = os.ReadFile(fmt.Sprintf("/proc/%d/status", pid)); err != nil {
		return 0, 0, err
	}
	for _, line := range strings.Split(string(b), "\n") {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(rest, "kB")), 10, 64)
			return cpu, kib >> 10, err
		}
	}
	return cpu, 0, nil
}
