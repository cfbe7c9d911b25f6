package main

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/fabriziosalmi/rainlogs/core/api"
	"github.com/fabriziosalmi/rainlogs/core/catalog/sqlite"
	"github.com/fabriziosalmi/rainlogs/plugins/source/logpull/logpulltest"
)

// load is how much of it there is. Nothing that is timed is judged but in make load,
// where the daemon has one core to itself, and who asks it another.
type load struct {
	*site
	whole   bool
	per     int           // GETs a second
	long    time.Duration // of them
	object  int           // bytes of the object that is downloaded
	clients int           // who download it at once
	dawdle  time.Duration
	slow    int // clients that are slow or vanish
	// patience is how long a client hardly reads: in make load longer than the daemon waits for it.
	patience time.Duration
	daemon   *process
	api      *caller
	key      string
	job      string // of the large object
	status   string // the address of /metrics
}

// The bounds of make load.
const (
	maxP99 = 20 * time.Millisecond
	maxRSS = 256 // MiB
)

// TestLoad: the real daemon collects from the emulator while it is asked a
// great deal, sends a large object to many at once, and meets clients that are
// slow and clients that vanish (make load; the short version judges no times).
// RAINLOGS_LOAD names the parts: gets (or of them me, zone, jobs, coverage, all), zstd,
// gzip, identity, slow.
func TestLoad(t *testing.T) {
	t.Parallel()
	l := &load{per: 100, long: time.Second, object: 4 << 20, clients: 8, dawdle: time.Second, slow: 30, patience: 2 * time.Second}
	zones := 4
	parts := os.Getenv("RAINLOGS_LOAD")
	if parts != "" {
		l.whole, l.per, l.long, l.object, l.clients, l.dawdle, l.slow, zones = true, 2000, time.Minute, 1<<30, 200, 15*time.Second, 1000, 100
		l.patience = 45 * time.Second
	}
	part := func(names ...string) bool {
		return !l.whole || slices.ContainsFunc(names, func(name string) bool { return slices.Contains(strings.Split(parts, ","), name) })
	}
	if !part("zstd", "gzip", "identity", "slow") {
		l.object = 4 << 20
	}
	text := textOf(4 << 20)
	back := 3 * time.Minute
	if l.whole {
		back = 22 * time.Minute // so that a page of twenty windows is full
	}
	from := time.Now().UTC().Add(-back).Truncate(time.Minute)
	l.site = newSite(t, zones+1, time.Hour, rates{zone: 100_000, user: 100_000, five: 400_000}, logpulltest.Faults{}, func(cfg *logpulltest.Config) {
		cfg.Shuffle = false // which would hold the large window
		for i := range cfg.Zones {
			cfg.Zones[i].Records = busy{Ticks: logpulltest.Ticks{Seed: uint64(i), Every: time.Second}, each: 20, pad: 500, text: text}
		}
		// The first zone has one window, as large as the object is to be.
		cfg.Zones[0].Records = busy{Ticks: logpulltest.Ticks{Seed: 1, Every: time.Second}, each: l.object/60/600 + 1, pad: 600, text: text, from: from, to: from.Add(time.Minute)}
	})
	l.from = from
	l.catalog, l.listen = "sqlite:./catalog.db", "127.0.0.1:0"
	// Two at once, as docs/api.md advises for one core.
	l.collector = `{window: 1m, lag: 1m, concurrency: 2, tick: 1s, recheck: 5s, drain: 10s, schedule: "* * * * *"}`
	l.extra = "api: {listen: '127.0.0.1:0', requests_per_second: 1000000}\n"
	if l.whole {
		l.apart()
	}
	cat, err := sqlite.Open(t.Context(), filepath.Join(l.dir, "catalog.db"))
	l.must(err)
	l.addZones(cat)
	l.must(cat.Close())
	l.daemon = l.start("one")
	defer func() {
		if t.Failed() {
			t.Logf("%.8000s", l.daemon.output)
		}
	}()
	l.api = l.site.api(l.daemon)
	l.ready()
	gets := []string{"me", "zone", "jobs", "coverage", "all"}
	if part(append(gets, "gets")...) {
		l.caughtUp()
	}
	for _, what := range gets {
		if part("gets", what) {
			l.gets(what)
		}
	}
	for _, coding := range []string{"zstd", "gzip", "identity"} {
		if part(coding) {
			l.downloads(coding)
		}
	}
	if part("slow") {
		l.nuisances()
	}
	if code := l.daemon.end(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// apart gives the daemon and its plugins the first core, and this process the others.
func (l *load) apart() {
	l.Helper()
	taskset, err := exec.LookPath("taskset")
	l.must(err)
	l.wrap = []string{taskset, "-c", "0"}
	tasks, err := filepath.Glob("/proc/self/task/*")
	l.must(err)
	var others unix.CPUSet
	for i := 1; i < 64; i++ {
		others.Set(i)
	}
	for _, task := range tasks {
		tid, err := strconv.Atoi(filepath.Base(task))
		l.must(err)
		l.must(unix.SchedSetaffinity(tid, &others))
	}
	// One more than cores, as a collector has: the emulator's records must not keep this
	// process from seeing what is answered.
	runtime.GOMAXPROCS(runtime.NumCPU())
}

// busy makes of each tick many records, with texts in them as requests have.
type busy struct {
	logpulltest.Ticks
	each, pad int
	text      []byte
	from, to  time.Time // zero: at all times
}

func (b busy) Window(start, end time.Time, p logpulltest.Projection) iter.Seq2[time.Time, []byte] {
	return func(yield func(time.Time, []byte) bool) {
		var line []byte
		for at, tick := range b.Ticks.Window(start, end, p) {
			if !b.from.IsZero() && (at.Before(b.from) || !at.Before(b.to)) {
				continue
			}
			rng := rand.New(rand.NewPCG(b.Seed, uint64(at.Unix())))
			for range b.each {
				line = append(line[:0], tick[:len(tick)-1]...)
				line = append(line, `,"ClientRequestUserAgent":"`...)
				for len(line) < len(tick)+b.pad {
					from := rng.IntN(len(b.text) - 100)
					line = append(line, b.text[from:from+100]...)
				}
				if line = append(line, `"}`...); !yield(at, line) {
					return
				}
			}
		}
	}
}

// textOf is text as requests have it, of which records are made.
func textOf(n int) []byte {
	rng := rand.New(rand.NewPCG(3, 5))
	var b []byte
	for len(b) < n {
		b = append(b, words[rng.IntN(len(words))]...)
		b = strconv.AppendUint(b, uint64(rng.IntN(1000)), 10)
	}
	return b
}

var words = strings.Fields("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/ Safari/ /wp-login.php?id= /api/v1/orders/ /assets/app. 192.0.2. 198.51.100. https://shop.example.eu/p/ TLSv1. cache- hit- miss- GET- POST-")

var statusAddress = regexp.MustCompile(`(?:msg=|"msg":")listening"?.*?address"?[=:]"?(127\.0\.0\.1:\d+)`)

// ready waits until the large object is sealed, and makes a key.
func (l *load) ready() {
	l.Helper()
	config := []string{"--config", filepath.Join(l.dir, "one.yaml")}
	code, key, stderr := run(l.T, append(config, "api-key", "add", "--name", "load")...)
	if code != 0 {
		l.Fatalf("exit code %d: %s", code, stderr)
	}
	l.key = strings.TrimSpace(key)
	l.until("the large object is sealed", 10*time.Minute, func() bool {
		var jobs api.Jobs
		l.api.want(http.StatusOK, "GET", "/v1/zones/"+zoneID(0)+"/jobs?limit=100", l.key, nil, &jobs)
		for _, j := range jobs.Jobs {
			if j.State == "sealed" && j.Bytes >= int64(l.object) {
				l.job = j.ID
				l.Logf("the object holds %d MiB of records", j.Bytes>>20)
				return true
			}
		}
		return false
	})
	m := statusAddress.FindStringSubmatch(l.daemon.output.String())
	if m == nil {
		l.Fatal("the status address is not told")
	}
	l.status = "http://" + m[1]
}

// caughtUp waits until what is left to collect is what each minute brings: all zones'
// windows at once. Before that, collecting takes all that there is of a core.
func (l *load) caughtUp() {
	l.Helper()
	l.until("every zone to be caught up with", 10*time.Minute, func() bool {
		var b api.Backlog
		l.api.want(http.StatusOK, "GET", "/v1/backlog", l.key, nil, &b)
		return len(b.Zones) == l.zones && !slices.ContainsFunc(b.Zones, func(z api.ZoneBacklog) bool { return time.Since(z.SealedUntil) > 3*time.Minute })
	})
}

// downloads has many at once in the middle of the large object.
func (l *load) downloads(coding string) {
	l.Helper()
	l.must(os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", l.daemon.Process.Pid), []byte("5"), 0)) // the peak of before is no more
	ctx, cancel := context.WithTimeout(l.Context(), 10*time.Minute)
	defer cancel()
	crowd := newCrowd(ctx, l, l.clients)
	defer crowd.leave()
	crowd.open("/v1/jobs/"+l.job+"/download", coding)
	stalled := l.daemon.resident(l.T)
	sent := crowd.read(l.dawdle) // all of them, as fast as it goes
	after := l.daemon.usage(l.T)
	l.Logf("%s: %d downloads at once: %d MiB resident while all wait, at most %d MiB while %d MiB a second are sent; %d MiB with the plugins",
		coding, l.clients, stalled, after.daemonMiB, int64(float64(sent>>20)/l.dawdle.Seconds()), after.allMiB)
	if l.whole && after.daemonMiB > maxRSS {
		l.Errorf("%s: %d MiB resident, more than %d", coding, after.daemonMiB, maxRSS)
	}
}
