package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"syscall"
	"time"
)

// cost is what something took: medians of several runs.
type cost struct {
	Name      string
	Wall, CPU time.Duration
	RSS       int64 // bytes, the process's peak; 0 where the process did other things too
	Answer    string
}

// processors is the processor time that this process has had.
func processors() (time.Duration, error) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, err
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), nil
}

// measured gives an answer, and what ends it.
type measured func() (answer string, end func() error, err error)

// repeat runs f and returns medians: of the time to the last row. Ending an
// answer, and what rest does between two runs, count for nothing.
func repeat(name string, runs int, rest func(), f measured) (cost, error) {
	c := cost{Name: name}
	var walls, cpus []time.Duration
	for range runs {
		rest()
		before, err := processors()
		if err != nil {
			return c, err
		}
		began := time.Now()
		answer, finish, err := f()
		if err != nil {
			return c, fmt.Errorf("%s: %w", name, err)
		}
		walls = append(walls, time.Since(began))
		after, err := processors()
		if err = errors.Join(err, finish()); err != nil {
			return c, err
		}
		cpus, c.Answer = append(cpus, after-before), answer
	}
	c.Wall, c.CPU = median(walls), median(cpus)
	return c, nil
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

// spawn runs a program several times, with what each run begins from made by
// prepare, and returns medians and the largest peak.
func spawn(ctx context.Context, runs int, prepare func() error, name string, args ...string) (cost, error) {
	var c cost
	var walls, cpus []time.Duration
	for range runs {
		if err := prepare(); err != nil {
			return c, err
		}
		cmd := exec.CommandContext(ctx, name, args...)
		var said bytes.Buffer
		cmd.Stderr = &said
		began := time.Now()
		out, err := cmd.Output()
		if err != nil {
			return c, fmt.Errorf("%s %v: %w\n%s", name, args, err, &said)
		}
		walls = append(walls, time.Since(began))
		cpus = append(cpus, cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime())
		if r, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
			c.RSS = max(c.RSS, r.Maxrss<<10)
		}
		c.Answer = string(out)
	}
	c.Wall, c.CPU = median(walls), median(cpus)
	return c, nil
}

// within runs a child that measures several things in one process.
func (b *bench) within(ctx context.Context, args ...string) ([]cost, error) {
	all, err := spawn(ctx, 1, nothing, b.self, append([]string{"child", fmt.Sprint(b.runs)}, args...)...)
	if err != nil {
		return nil, err
	}
	var costs []cost
	if err := json.Unmarshal([]byte(all.Answer), &costs); err != nil {
		return nil, fmt.Errorf("read what %v measured: %w", args, err)
	}
	if len(costs) > 0 {
		costs[len(costs)-1].RSS = all.RSS
	}
	return costs, nil
}

// child runs a child whose whole process is what is measured.
func (b *bench) child(ctx context.Context, prepare func() error, args ...string) (cost, error) {
	return spawn(ctx, b.runs, prepare, b.self, append([]string{"child", "1"}, args...)...)
}

func nothing() error { return nil }
