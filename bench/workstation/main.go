// Command workstation measures the workstation as its user meets it: the real program in a
// pseudo-terminal, over an archive of ten million records in range. What is timed is from a key to
// what a terminal emulator shows, its own work included.
//
//	go run ./bench/workstation -program bin/rainlogs [-records 10000000] [-dir DIR]
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

const (
	width, height = 120, 40
	patience      = time.Minute // for anything
)

// bench is one run of it.
type bench struct {
	site
	program string
	records int
	out     io.Writer
	term    *terminal
	peak    atomic.Int64 // bytes, of the program and its processes
	// watching is held while nobody may look at the memory: a look takes milliseconds from those that are timed.
	watching sync.Mutex
}

func run(args []string, out io.Writer) (err error) {
	b := &bench{out: out}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.StringVar(&b.program, "program", "bin/rainlogs", "the program")
	flags.IntVar(&b.records, "records", 10_000_000, "records of the archive, in windows of an hour of some 32,000")
	flags.StringVar(&b.dir, "dir", "", "keep the archive in this folder, and use it again (default: a temporary one)")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if b.dir == "" {
		if b.dir, err = os.MkdirTemp("", "rainlogs-bench-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(b.dir)) }()
	}
	if b.dir, err = filepath.Abs(b.dir); err != nil {
		return err
	}
	if err := b.make(b.records, max(1, b.records/32_000)); err != nil {
		return err
	}
	index := exec.Command(b.program, "index") //nolint:gosec,noctx // the program that is measured; it ends by itself
	index.Env, index.Stderr = b.env(), os.Stderr
	if err := index.Run(); err != nil {
		return fmt.Errorf("build columns: %w", err)
	}
	return b.measure()
}

// measure drives the program: once to choose the range, then what is timed.
func (b *bench) measure() error {
	// What somebody looked at in an archive that is kept is another view.
	if err := os.RemoveAll(filepath.Join(b.dir, "xdg-STATE")); err != nil {
		return fmt.Errorf("forget the session: %w", err)
	}
	if _, err := b.open(); err != nil {
		return err
	}
	err := b.do(b.term.keys("2"), b.wait("records of a day", rows), b.term.keys("T"), b.wait("the ranges", has("all there is")), b.term.keys("all\r"),
		b.wait("all records", func(text string) bool { return rows(text) && has("[all]")(text) }), b.counted(), b.close())
	if err != nil {
		return err
	}
	fmt.Fprintf(b.out, "the workstation over %d records in range, %d×%d\n", b.records, width, height)
	for _, step := range []func() error{b.starts, b.frames, b.jumps, b.refreshes} {
		if err := step(); err != nil {
			return errors.Join(err, b.term.cmd.Process.Kill())
		}
	}
	b.row("memory at most, all processes", fmt.Sprintf("%d MiB", b.peak.Load()>>20), "≤ 500 MiB")
	return b.close()
}

func (b *bench) row(what, figure, aim string) {
	fmt.Fprintf(b.out, "  %-48s %-34s %s\n", what, figure, aim)
}

// do returns the first error of steps, which have been done in turn as arguments are.
func (b *bench) do(steps ...error) error { return errors.Join(steps...) }

// open starts the program, and watches its memory until it ends.
func (b *bench) open() (began time.Time, err error) {
	began = time.Now()
	if b.term, err = start(width, height, b.env(), b.program, "tui", "--theme", "dark"); err != nil {
		return began, err
	}
	go func(t *terminal) {
		for b.watch(t) {
			<-time.After(50 * time.Millisecond)
		}
	}(b.term)
	return began, nil
}

// watch looks at the program's memory once, and reports whether it has some.
func (b *bench) watch(t *terminal) bool {
	b.watching.Lock()
	defer b.watching.Unlock()
	n := t.memory()
	b.peak.Store(max(b.peak.Load(), n))
	return n > 0
}

func (b *bench) close() error { return errors.Join(b.term.keys("\x11"), b.term.end()) }

func (b *bench) wait(what string, wanted func(string) bool) error {
	_, err := b.term.until(what, wanted, patience)
	return err
}

var (
	cursorRow = regexp.MustCompile(`▌ \d\d-\d\d \d\d:\d\d:\d\d`)
	atRow     = regexp.MustCompile(`row [\d,]+ of [\d,]+`)
	asking    = regexp.MustCompile(`(?m)^[ ▌]+[-+] \w+ +…│`)
	estimated = regexp.MustCompile(`(?m)^[ ▌]+[-+] \w+ +about│`)
)

// rows: the table has its row under the cursor.
func rows(text string) bool { return cursorRow.MatchString(text) && atRow.MatchString(text) }

// facets waits until each facet has been answered, by an estimate at least.
func (b *bench) facets() error {
	return b.wait("facets", func(text string) bool { return rows(text) && !asking.MatchString(text) })
}

// counted waits until all records are counted for each facet.
func (b *bench) counted() error {
	return b.wait("facets of all records", func(text string) bool {
		return rows(text) && !asking.MatchString(text) && !estimated.MatchString(text)
	})
}

// starts measures the first frame, and the first with records: the session is restored to all of them.
func (b *bench) starts() error {
	var frames, whole, records []time.Duration
	for range 7 {
		began, err := b.open()
		if err != nil {
			return err
		}
		at, err := b.term.until("first frame", has("opening"), patience)
		if err != nil {
			return err
		}
		frames = append(frames, at.Sub(began))
		if at, err = b.term.until("screens", has("investigate"), patience); err != nil {
			return err
		}
		whole = append(whole, at.Sub(began))
		if at, err = b.term.until("first records", func(text string) bool { return rows(text) && has("[all]")(text) }, patience); err != nil {
			return err
		}
		records = append(records, at.Sub(began))
		if err := errors.Join(b.counted(), b.close()); err != nil {
			return err
		}
	}
	b.row("first frame, from the start of the program", spread(frames), "≤ 150 ms")
	b.row("the archive open, its screens there", spread(whole), "")
	b.row("first records, from the start", spread(records), "")
	_, err := b.open()
	return errors.Join(err, b.counted())
}

// keysHeld are keys that move by a row or a page: each changes what is shown.
var keysHeld = []string{"j", "j", "j", "k", "k", "\x1b[6~", "\x1b[5~"}

// frames measures from a key to the next frame.
func (b *bench) frames() error {
	r := rand.New(rand.NewPCG(1, 1)) //nolint:gosec // the same keys each time
	var took []time.Duration
	if _, err := b.jump(int64(b.records / 2)); err != nil {
		return err
	}
	b.watching.Lock()
	defer b.watching.Unlock()
	for range 1000 {
		d, err := b.term.press(keysHeld[r.IntN(len(keysHeld))], patience)
		if err != nil {
			return err
		}
		took = append(took, d)
		<-time.After(10 * time.Millisecond) // a key that is held comes 30 times a second
	}
	b.row("key to frame", spread(took), "≤ 16 ms at p99")
	return nil
}

// jump goes to a row, and returns when it is there.
func (b *bench) jump(row int64) (time.Duration, error) {
	if err := b.do(b.term.keys("#"), b.wait("the row's number", has("row, 1 to ")), b.term.keys(strconv.FormatInt(row, 10))); err != nil {
		return 0, err
	}
	want := "row " + grouped(row) + " of "
	began := time.Now()
	if err := b.term.keys("\r"); err != nil {
		return 0, err
	}
	at, err := b.term.until("row "+grouped(row), func(text string) bool { return has(want)(text) && rows(text) }, patience)
	return at.Sub(began), err
}

// grouped is a number as it is shown: 1,234,567.
func grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func (b *bench) jumps() error {
	r := rand.New(rand.NewPCG(2, 2)) //nolint:gosec // the same rows each time
	var took []time.Duration
	for range 50 {
		d, err := b.jump(1 + r.Int64N(int64(b.records)))
		if err != nil {
			return err
		}
		took = append(took, d)
	}
	b.row("to any row, its content there", spread(took), "")
	return nil
}

// refreshes measures from the key that filters to the last facet.
func (b *bench) refreshes() error {
	var counts, first, all []time.Duration
	for _, filter := range []string{"EdgeResponseStatus>=500", "ClientCountry=it", "ClientRequestMethod!=GET", "EdgeResponseStatus<400", "ClientRequestPath*=item/7"} {
		before := total(b.term.shown())
		if err := b.do(b.term.keys("f"), b.wait("the filter", has("filter: ")), b.term.keys(filter)); err != nil {
			return err
		}
		began := time.Now()
		if err := b.term.keys("\r"); err != nil {
			return err
		}
		at, err := b.term.until("count", func(text string) bool { n := total(text); return n != "" && n != before && has(filter)(text) }, patience)
		if err != nil {
			return err
		}
		counts = append(counts, at.Sub(began))
		if err := b.facets(); err != nil {
			return err
		}
		first = append(first, time.Since(began))
		if err := b.counted(); err != nil {
			return err
		}
		all = append(all, time.Since(began))
		if err := b.do(b.term.keys("0"), b.wait("all records again", has(grouped(int64(b.records))+" records")), b.counted()); err != nil {
			return err
		}
	}
	b.row("filter to histogram", spread(counts), "≤ 1 s")
	b.row("filter to the last facet, estimated", spread(first), "≤ 1 s")
	b.row("filter to the last facet, all records counted", spread(all), "")
	return nil
}

var records = regexp.MustCompile(`([\d,]+) records`)

func total(text string) string {
	if m := records.FindStringSubmatch(text); m != nil {
		return strings.TrimSpace(m[1])
	}
	return ""
}

// spread is the median and the tail.
func spread(d []time.Duration) string {
	slices.Sort(d)
	at := func(p float64) string {
		return fmt.Sprintf("%.1f ms", float64(d[min(len(d)-1, int(p*float64(len(d))))].Microseconds())/1000)
	}
	if len(d) < 100 {
		return fmt.Sprintf("median %s, most %s", at(0.5), at(1))
	}
	return fmt.Sprintf("p50 %s, p99 %s, most %s", at(0.5), at(0.99), at(1))
}
