package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// pace is an open loop: requests are due at their times, however long those
// before take.
type pace struct {
	per, workers int
	long         time.Duration
	// ask makes what one worker asks with, and what ends that.
	ask func() (ask func(i int) error, end func(), err error)
	err error // the first
}

// paced is how an open loop went. Times are sorted.
type paced struct {
	took    []time.Duration // since a request was due, until it was answered
	began   []time.Duration // until it was asked: what the client itself is late
	failed  int
	elapsed time.Duration
}

// of is the time within which a share of them were.
func of(times []time.Duration, share float64) time.Duration {
	return times[min(len(times)-1, int(float64(len(times))*share))]
}

func (p *pace) run(ctx context.Context) paced {
	var out paced
	total := int(p.long.Seconds() * float64(p.per))
	due := make(chan int, total)
	began := time.Now()
	at := func(i int) time.Time { return began.Add(time.Duration(i) * time.Second / time.Duration(p.per)) }
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range p.workers {
		wg.Go(func() {
			ask, end, err := p.ask()
			if err != nil {
				ask = func(int) error { return err }
			} else {
				defer end()
			}
			for i := range due {
				late := time.Since(at(i))
				err := ask(i)
				took := time.Since(at(i))
				mu.Lock()
				if err == nil {
					out.took, out.began = append(out.took, took), append(out.began, late)
				} else if out.failed++; p.err == nil {
					p.err = err
				}
				mu.Unlock()
			}
		})
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for i := 0; i < total && ctx.Err() == nil; <-tick.C {
		for ; i < total && !at(i).After(time.Now()); i++ {
			due <- i
		}
	}
	close(due)
	wg.Wait()
	slices.Sort(out.took)
	slices.Sort(out.began)
	out.elapsed = time.Since(began)
	return out
}

// asker asks over one connection, with as little work as there can be: it has
// the machine's other core alone.
func (l *load) asker(what string) (ask func(i int) error, end func(), err error) {
	c, err := net.Dial("tcp", strings.TrimPrefix(l.api.base, "http://"))
	if err != nil {
		return nil, nil, err
	}
	r := bufio.NewReader(c)
	return func(i int) error {
		_ = c.SetDeadline(time.Now().Add(30 * time.Second))
		if _, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n", l.path(what, i), l.key); err != nil {
			return err
		}
		res, err := http.ReadResponse(r, nil)
		if err != nil {
			return err
		}
		defer res.Body.Close()
		if _, err := io.Copy(io.Discard, res.Body); err != nil {
			return err
		}
		if res.StatusCode != http.StatusOK {
			return fmt.Errorf("%s: status %d", l.path(what, i), res.StatusCode)
		}
		return nil
	}, func() { _ = c.Close() }, nil
}

// crowd are clients with an answer open.
type crowd struct {
	*load
	ctx    context.Context //nolint:containedctx // of all of them
	client *http.Client
	bodies []io.ReadCloser
}

func newCrowd(ctx context.Context, l *load, n int) *crowd {
	return &crowd{load: l, ctx: ctx, client: &http.Client{Transport: &http.Transport{DisableCompression: true}}, bodies: make([]io.ReadCloser, n)}
}

// open has each read some of it, and wait then.
func (c *crowd) open(path, coding string) {
	c.Helper()
	var wg sync.WaitGroup
	for i := range c.bodies {
		wg.Go(func() {
			req, err := http.NewRequestWithContext(c.ctx, "GET", c.api.base+path, nil)
			if err != nil {
				c.Error(err)
				return
			}
			req.Header.Set("Authorization", "Bearer "+c.key)
			req.Header.Set("Accept-Encoding", coding)
			res, err := c.client.Do(req)
			if err != nil {
				c.Error(err)
				return
			}
			c.bodies[i] = res.Body
			if n, err := io.CopyN(io.Discard, res.Body, 100<<10); err != nil {
				c.Errorf("status %d: %d bytes: %v", res.StatusCode, n, err)
			}
		})
	}
	wg.Wait()
}

// read has all of them go on for a time, and returns how much came.
func (c *crowd) read(d time.Duration) int64 {
	var n atomic.Int64
	var wg sync.WaitGroup
	over := time.Now().Add(d)
	for _, body := range c.bodies {
		wg.Go(func() {
			buf := make([]byte, 256<<10)
			for body != nil && time.Now().Before(over) {
				m, err := body.Read(buf)
				if n.Add(int64(m)); err != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	return n.Load()
}

func (c *crowd) leave() {
	for _, body := range c.bodies {
		if body != nil {
			_ = body.Close()
		}
	}
	c.client.CloseIdleConnections()
}

// nuisances are clients that send their requests byte by byte, that hardly read, and that
// vanish. When they are gone, nothing of them is left.
func (l *load) nuisances() {
	l.Helper()
	address := strings.TrimPrefix(l.api.base, "http://")
	request := "GET /v1/jobs/" + l.job + "/download HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + l.key + "\r\nAccept-Encoding: identity\r\n\r\n"
	before := l.held()
	var conns []net.Conn
	defer func() {
		for _, c := range conns {
			_ = c.Close()
		}
	}()
	for range l.slow {
		c, err := net.Dial("tcp", address)
		l.must(err)
		conns = append(conns, c)
	}
	most := l.held()
	var wg sync.WaitGroup
	ends := make([]error, len(conns))
	for i, c := range conns {
		wg.Go(func() { ends[i] = nuisance(l.Context(), c, i%3, request, l.patience) })
	}
	middle := time.NewTimer(l.dawdle)
	<-middle.C
	most = most.most(l.held())
	wg.Wait()
	for i, err := range ends {
		if err != nil {
			l.Errorf("client %d: %v", i, err)
		}
	}
	var after holding
	l.until("all of them are gone", 2*time.Minute, func() bool {
		after = l.held()
		return after.goroutines <= before.goroutines+20 && after.files <= before.files+20
	})
	l.Logf("%d slow and vanishing clients: before %s, meanwhile %s, after %s", l.slow, before, most, after)
	if l.whole { // Go collects every two minutes at the latest, and what is kept in case it is needed in twice that
		l.until("their memory to be back", 6*time.Minute, func() bool { return l.held().heap <= before.heap+16 })
	}
}

// nuisance returns once the daemon has ended the connection, at once where the
// client itself vanishes, and after a time where it hardly reads: what is under way
// to it tells it nothing of the daemon for hours.
func nuisance(ctx context.Context, c net.Conn, kind int, request string, patience time.Duration) error {
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return fmt.Errorf("connection is a %T", c)
	}
	switch kind {
	case 0: // a byte a second
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for i := range len(request) {
			if _, err := c.Write([]byte{request[i]}); err != nil {
				return nil //nolint:nilerr // cut off, as it should be
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return fmt.Errorf("it had all the time")
	case 1: // hardly reads
		_ = tcp.SetReadBuffer(4096)
		if _, err := io.WriteString(c, request); err != nil {
			return err
		}
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		enough := time.NewTimer(patience)
		defer enough.Stop()
		for b := make([]byte, 1); ; {
			if _, err := c.Read(b); err != nil {
				return nil //nolint:nilerr // cut off, as it should be
			}
			select {
			case <-tick.C:
			case <-enough.C:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	if _, err := io.WriteString(c, request); err != nil {
		return err
	}
	// Records, or that others have all the places there are.
	if _, err := io.ReadAtLeast(c, make([]byte, 4096), 100); err != nil {
		return err
	}
	_ = tcp.SetLinger(0) // it vanishes: a reset, no end
	return tcp.Close()
}

// holding is what a daemon holds.
type holding struct{ goroutines, files, heap, resident int64 }

func (h holding) String() string {
	return fmt.Sprintf("%d goroutines, %d files, %d MiB of heap, %d MiB resident", h.goroutines, h.files, h.heap, h.resident)
}

func (h holding) most(o holding) holding {
	return holding{max(h.goroutines, o.goroutines), max(h.files, o.files), max(h.heap, o.heap), max(h.resident, o.resident)}
}

// held asks the daemon what it holds.
func (l *load) held() holding {
	l.Helper()
	res, err := http.Get(l.status + "/metrics")
	l.must(err)
	defer res.Body.Close()
	values := map[string]float64{}
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		if name, value, ok := strings.Cut(lines.Text(), " "); ok {
			if v, err := strconv.ParseFloat(value, 64); err == nil {
				values[name] = v
			}
		}
	}
	return holding{
		int64(values["go_goroutines"]), int64(values["process_open_fds"]), int64(values["go_memstats_heap_inuse_bytes"]) >> 20, l.daemon.resident(l.T),
	}
}

// resident is the memory that the daemon holds now, in MiB.
func (p *process) resident(t *testing.T) int64 {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(string(b), "\n") {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(rest, "kB")), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return kib >> 10
		}
	}
	t.Fatal("no VmRSS")
	return 0
}
