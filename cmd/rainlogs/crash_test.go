package main

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// TestCrash kills the collecting process with SIGKILL at random moments while
// the emulator injects faults, then lets it finish: every window sealed
// exactly once, every line there exactly once, nothing left in the spool.
// RAINLOGS_CRASHES sets the number of kills (make crash: 200).
func TestCrash(t *testing.T) {
	t.Parallel()
	kills := 8
	if n, err := strconv.Atoi(os.Getenv("RAINLOGS_CRASHES")); err == nil {
		kills = n
	}
	s := newSite(t, traffic(t, 30_000), weather(11))
	s.configure(`collector: {window: 1m, lag: 5m, concurrency: 4}`)
	s.ok("zone", "add", zoneID, "--name", "shop.example.eu", "--force")
	const step = 6 * time.Minute
	from := time.Now().UTC().Truncate(time.Minute).Add(-time.Duration(kills+3)*step - 10*time.Minute)
	to := from
	rng := rand.New(rand.NewPCG(3, uint64(kills)))
	died := 0
	for range kills {
		to = to.Add(step)
		cmd := s.command("pull", "shop.example.eu", "--from", stamp(from), "--to", stamp(to))
		must(t, cmd.Start())
		timer := time.AfterFunc(time.Duration(60+rng.IntN(500))*time.Millisecond, func() { _ = cmd.Process.Kill() })
		if err := cmd.Wait(); err != nil {
			died++
		}
		timer.Stop()
	}
	t.Logf("%d of %d runs were killed before their end", died, kills)
	if died < kills/4 {
		t.Errorf("only %d of %d runs were killed", died, kills)
	}
	for try := 0; s.run("pull", "shop.example.eu", "--from", stamp(from), "--to", stamp(to)).code != 0; try++ {
		if try == 20 {
			t.Fatal("the range is never complete")
		}
	}
	t.Logf("%d lines over %s", s.checkLines(from, to), to.Sub(from))
	s.ok("coverage", "--from", stamp(from), "--to", stamp(to), "--require-complete")
	if code, findings, _ := s.report(); code != 0 {
		t.Errorf("verify: exit %d, %v", code, findings)
	}
	files, err := os.ReadDir(filepath.Join(s.dir, "spool"))
	must(t, err)
	for _, f := range files {
		if f.Name() != ".lock" {
			t.Errorf("left in the spool: %s", f.Name())
		}
	}
}
