// Command questions measures what questions cost, beside DuckDB by itself over the
// same sealed objects in the same minutes: a day of 24 hourly objects, and
// thirteen months of small ones. Each line is the median of several runs; on a
// shared machine CPU time is what compares.
//
//	go run ./bench/questions [-per-day 864300] [-hours 9500] [-runs 3] [-program bin/rainlogs] [-dir DIR]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
)

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// bench is one run of it.
type bench struct {
	self    string // this program
	program string // rainlogs, "" = not measured
	dir     string
	runs    int
	out     io.Writer
	perDay  int // records of the day, in the week's mean
	hours   int // of the months
}

func run(ctx context.Context, args []string, out io.Writer) (err error) {
	if len(args) > 3 && args[0] == "child" {
		runs, err := strconv.Atoi(args[1])
		if err != nil {
			return err
		}
		return child(ctx, runs, args[2:], out)
	}
	b := &bench{out: out}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.IntVar(&b.perDay, "per-day", 864_300, "records a day in the mean of a week; the day that is asked, a Wednesday, has a ninth more")
	flags.IntVar(&b.hours, "hours", 9500, "hours of the archive of small objects")
	flags.IntVar(&b.runs, "runs", 3, "runs of each measure; of questions in process, seven times as many")
	flags.StringVar(&b.program, "program", "", "the program rainlogs, to be measured as a whole")
	flags.StringVar(&b.dir, "dir", "", "keep the archives in this folder, and use them again (default: a temporary one)")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if b.self, err = os.Executable(); err != nil {
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
	return errors.Join(b.day(ctx), b.months(ctx))
}
