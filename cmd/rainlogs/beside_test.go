package main

import (
	"bufio"
	"os"
	"strings"
	"testing"

	"github.com/fabriziosalmi/rainlogs/plugins/source/logpull/logpulltest"
)

// TestCollectorBuildsColumns: what was sealed has columns without anybody having asked.
func TestCollectorBuildsColumns(t *testing.T) {
	t.Parallel()
	s := newSite(t, traffic(t, 20_000), logpulltest.Faults{})
	s.ok("zone", "add", zoneID, "--name", "shop.example.eu")
	from, to := hours(1)
	s.ok("pull", "shop.example.eu", "--from", stamp(from), "--to", stamp(to))
	s.ok("zone", "pause", "shop.example.eu") // nothing more is sealed: what there is, is counted
	s.configure("server: {listen: 127.0.0.1:0}")

	cmd := s.command("collector", "--log-format", "json")
	logged, err := cmd.StderrPipe()
	must(t, err)
	must(t, cmd.Start())
	lines, built := bufio.NewScanner(logged), false
	var all strings.Builder
	for !built && lines.Scan() {
		built = strings.Contains(lines.Text(), `"columns built","objects":12`)
		all.WriteString(lines.Text() + "\n")
	}
	must(t, cmd.Process.Signal(os.Interrupt))
	for lines.Scan() { // so that it never waits for a reader
	}
	_ = cmd.Wait()
	if !built {
		t.Fatalf("columns were not built:\n%s", all.String())
	}
	if out := s.ok("index", "--json"); !strings.Contains(out, `"present": 12`) {
		t.Errorf("index: %s", out)
	}
}
