package main

import (
	"bufio"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/plugins/source/logpull/logpulltest"
)

// realLog is 10,000 requests of four days in May 2015 in Apache's combined
// format. It is not part of the repository.
const realLog = "../../../shared/data/apache_access_2015.log.gz"

var combined = regexp.MustCompile(`^(\S+) \S+ \S+ \[([^\]]+)\] "(\S+) (\S+) (\S+)" (\d{3}) (\d+|-) "((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)`)

// realRecords maps each line to the http_requests fields it has, moved by
// whole days into what Logpull still keeps, and counts them by itself.
func realRecords(t *testing.T) (records []logpulltest.Record, counts map[string]map[string]int) {
	t.Helper()
	f, err := os.Open(realLog)
	if os.IsNotExist(err) {
		t.Skipf("the real requests are not here (%s): not run", realLog)
	}
	must(t, err)
	defer f.Close()
	zr, err := gzip.NewReader(f)
	must(t, err)
	type request struct {
		at     time.Time
		fields map[string]any
	}
	var all []request
	counts = map[string]map[string]int{"ClientIP": {}, "EdgeResponseStatus": {}, "ClientRequestPath": {}}
	for scan := bufio.NewScanner(zr); scan.Scan(); {
		m := combined.FindStringSubmatch(scan.Text())
		if m == nil {
			t.Fatalf("not a combined log line: %s", scan.Text())
		}
		at, err := time.Parse("02/Jan/2006:15:04:05 -0700", m[2])
		must(t, err)
		status, err := strconv.Atoi(m[6])
		must(t, err)
		size, _ := strconv.Atoi(m[7]) // "-" is no bytes
		path, _, _ := strings.Cut(m[4], "?")
		all = append(all, request{at.UTC(), map[string]any{
			"ClientIP": m[1], "ClientRequestMethod": m[3], "ClientRequestURI": m[4], "ClientRequestPath": path,
			"ClientRequestProtocol": m[5], "EdgeResponseStatus": status, "EdgeResponseBytes": size,
			"ClientRequestReferer": m[8], "ClientRequestUserAgent": m[9],
		}})
		counts["ClientIP"][m[1]]++
		counts["EdgeResponseStatus"][m[6]]++
		counts["ClientRequestPath"][path]++
	}
	last := all[0].at
	for _, r := range all {
		if r.at.After(last) {
			last = r.at
		}
	}
	const day = 24 * time.Hour
	shift := time.Now().UTC().Add(-3 * time.Hour).Sub(last).Truncate(day)
	for n, r := range all {
		r.fields["EdgeStartTimestamp"] = r.at.Add(shift).UnixNano()
		rec := logpulltest.Record{Received: r.at.Add(shift + 3*time.Minute + time.Duration(n%60)*time.Second), Fields: map[string]json.RawMessage{}}
		for name, value := range r.fields {
			b, err := json.Marshal(value)
			must(t, err)
			rec.Fields[name] = b
		}
		records = append(records, rec)
	}
	return records, counts
}

// TestRealRequests archives the real requests in 5-minute windows and checks
// every line and every count against the file itself.
func TestRealRequests(t *testing.T) {
	t.Parallel()
	records, counts := realRecords(t)
	lines, err := logpulltest.FromRecords(records)
	must(t, err)
	s := newSite(t, lines, logpulltest.Faults{})
	first, last := lines.Span()
	from, to := first.Truncate(5*time.Minute), last.Truncate(5*time.Minute).Add(5*time.Minute)
	s.ok("zone", "add", zoneID, "--name", "shop.example.eu")
	t.Log(strings.TrimSpace(s.ok("pull", "shop.example.eu", "--from", stamp(from), "--to", stamp(to), "--window", "5m")))
	if n := s.checkLines(from, to); n != 10_000 {
		t.Errorf("%d lines, want 10000", n)
	}
	if code, findings, _ := s.report(); code != 0 {
		t.Errorf("verify: exit %d, %v", code, findings)
	}
	for field, want := range counts {
		out := s.ok("query", "--format", "csv", fmt.Sprintf("SELECT %s, count(*) FROM logs GROUP BY 1", field))
		rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
		must(t, err)
		got := map[string]int{}
		for _, row := range rows[1:] {
			got[row[0]], err = strconv.Atoi(row[1])
			must(t, err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("counts by %s differ: %.500s", field, d)
		}
	}
	s.checkForeignTools()
}
