package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fabriziosalmi/rainlogs/plugins/source/logpull/logpulltest"
)

// counted is a number of rainlogs stats.
type counted struct{ Min, Max int64 }

// statistics are what the test reads of rainlogs stats --json.
type statistics struct {
	Step   string
	Totals struct {
		Lines   counted
		Classes map[string]counted
	}
	Buckets []struct {
		Start          time.Time
		Lines          counted
		Exact, Covered bool
	}
	Coverage struct{ Complete bool }
	Opened   int `json:"objects_opened"`
}

func (s *site) stats(args ...string) (out statistics) {
	s.t.Helper()
	must(s.t, json.Unmarshal([]byte(s.ok(append([]string{"stats", "--json"}, args...)...)), &out))
	return out
}

// TestStats compares the sealed tallies with SQL over the records, removes the
// objects, and asks again.
func TestStats(t *testing.T) {
	t.Parallel()
	s := newSite(t, traffic(t, 60_000), logpulltest.Faults{})
	from, to := hours(4)
	s.ok("zone", "add", zoneID, "--name", "shop.example.eu")
	s.ok("pull", "shop.example.eu", "--from", stamp(from), "--to", stamp(from.Add(time.Hour)))
	s.ok("pull", "shop.example.eu", "--from", stamp(from.Add(2*time.Hour)), "--to", stamp(to))
	edges := []string{"--from", stamp(from), "--to", stamp(to.Add(-20 * time.Minute))}
	asked := append([]string{"--by", "15m"}, edges...)

	got := s.stats(asked...)
	rows := strings.Split(strings.TrimSpace(s.ok(append([]string{"query", "--format", "csv",
		"SELECT time_bucket(INTERVAL 15 MINUTE, EdgeStartTimestamp)::VARCHAR, count(*) FROM logs GROUP BY 1 ORDER BY 1"}, edges...)...)), "\n")[1:]
	want := map[string]string{}
	for _, row := range rows {
		start, n, _ := strings.Cut(row, ",")
		want[start] = n
	}
	for _, b := range got.Buckets {
		n, ok := want[b.Start.Format("2006-01-02 15:04:05")]
		if !ok {
			n = "0"
		}
		if !b.Exact || b.Lines.Min != b.Lines.Max || fmt.Sprint(b.Lines.Min) != n {
			t.Errorf("bucket %v: %+v, SQL counts %s", b.Start, b, n)
		}
		if inGap := !b.Start.Before(from.Add(time.Hour)) && b.Start.Before(from.Add(2*time.Hour)); inGap && b.Covered {
			t.Errorf("bucket %v was never collected and is called covered", b.Start)
		}
	}
	if len(want) < 8 || len(got.Buckets) < len(want) || got.Coverage.Complete || got.Opened != 0 {
		t.Errorf("%d buckets, SQL has %d; coverage %+v", len(got.Buckets), len(want), got.Coverage)
	}
	sql := s.ok(append([]string{"query", "--format", "csv", "SELECT count(*), count(*) FILTER (EdgeResponseStatus // 100 = 4) FROM logs"}, edges...)...)
	if text := fmt.Sprintf("%d,%d", got.Totals.Lines.Min, got.Totals.Classes["4xx"].Max); !strings.Contains(sql, text) {
		t.Errorf("totals are %s, SQL says %s", text, sql)
	}

	s.statsForms(asked)
	must(t, os.RemoveAll(s.path("logs")))
	if again := s.stats(asked...); again.Totals.Lines != got.Totals.Lines {
		t.Errorf("without objects %+v, with them %+v", again.Totals.Lines, got.Totals.Lines)
	}
}

// statsForms looks at the other ways in which the counts are written.
func (s *site) statsForms(asked []string) {
	t := s.t
	t.Helper()
	r := s.run(append([]string{"stats"}, asked...)...)
	for _, want := range []string{"STATUS", "2xx", "####", "?"} {
		if !strings.Contains(r.stdout, want) {
			t.Errorf("table without %q:\n%s", want, r.stdout)
		}
	}
	for _, want := range []string{"no object was opened", "coverage INCOMPLETE", "chain     " + zoneID, "(pinned)"} {
		if !strings.Contains(r.stderr, want) {
			t.Errorf("footer without %q:\n%s", want, r.stderr)
		}
	}
	wide := s.command(append([]string{"stats"}, asked...)...)
	wide.Env = append(wide.Env, "NO_COLOR=", "LC_ALL=en_IE.UTF-8")
	if r := runCommand(t, wide); !strings.Contains(r.stdout, "███") {
		t.Errorf("no blocks: %s", r.stdout)
	}
	if csv := s.ok(append([]string{"stats", "--format", "csv"}, asked...)...); !strings.HasPrefix(csv, "from,to,lines,lines_max,1xx,") {
		t.Errorf("csv: %s", csv)
	}
	s.expect(4, []string{"incomplete"}, append([]string{"stats", "--require-complete"}, asked...)...)
	s.expect(2, []string{"none of auto, minute"}, "stats", "--by", "fortnight")
	s.expect(2, []string{"too fine"}, "stats", "--by", "minute", "--from", "2020-01-01", "--to", "2026-01-01")
}

// TestDamagedChain: a chain that is not what was signed ends readers with the
// code of damaged evidence, with and without what is kept of it.
func TestDamagedChain(t *testing.T) {
	t.Parallel()
	s := newSite(t, traffic(t, 2_000), logpulltest.Faults{})
	from, _ := hours(1)
	s.ok("zone", "add", zoneID, "--name", "shop.example.eu")
	s.ok("pull", "shop.example.eu", "--from", stamp(from), "--to", stamp(from.Add(time.Hour)))
	bundles, err := filepath.Glob(s.path("chain", zoneID, "http_requests", "tile", "entries", "*", "*"))
	must(t, err)
	for _, path := range bundles {
		s.edit(path, func(b []byte) []byte {
			return []byte(strings.Replace(string(b), `"topic":"fields"`, `"topic":"fieldz"`, 1))
		})
	}
	for _, args := range [][]string{{"stats"}, {"stats", "--no-cache"}, {"query", "SELECT 1"}, {"logs"}, {"coverage"}} {
		s.expect(3, []string{"chain is damaged", "rainlogs verify"}, args...)
	}
}
