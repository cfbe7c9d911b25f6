package logpulltest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/plugins/source/logpull/logpulltest"
)

var allFields = logpulltest.Projection{Fields: logpulltest.Names(logpulltest.LogpullFields())}

func collect(r logpulltest.Records, start, end time.Time, p logpulltest.Projection) (lines []string) {
	for _, line := range r.Window(start, end, p) {
		lines = append(lines, string(line))
	}
	return lines
}

// checkType says what is wrong with a value of a field.
func checkType(f logpulltest.Field, raw json.RawMessage) error {
	var err error
	switch f.Type {
	case logpulltest.TypeInt, logpulltest.TypeTimestamp:
		var v int64
		err = json.Unmarshal(raw, &v)
	case logpulltest.TypeFloat:
		var v float64
		err = json.Unmarshal(raw, &v)
	case logpulltest.TypeString:
		var v string
		err = json.Unmarshal(raw, &v)
	case logpulltest.TypeBool:
		var v bool
		err = json.Unmarshal(raw, &v)
	case logpulltest.TypeObject:
		var v map[string]any
		err = json.Unmarshal(raw, &v)
	case logpulltest.TypeStringArray:
		var v []string
		err = json.Unmarshal(raw, &v)
	case logpulltest.TypeIntArray:
		var v []int64
		err = json.Unmarshal(raw, &v)
	case logpulltest.TypeObjectArray:
		var v []map[string]any
		err = json.Unmarshal(raw, &v)
	default:
		return fmt.Errorf("unknown type %q", f.Type)
	}
	if err == nil && string(raw) == "null" {
		err = fmt.Errorf("null")
	}
	return err
}

// TestTypes holds every member of every record against the table, and asks
// that nearly every member takes more than one value.
func TestTypes(t *testing.T) {
	t.Parallel()
	g := generator(t, logpulltest.GeneratorConfig{Seed: 7, RecordsPerDay: 1_500_000, Incident: &logpulltest.IncidentConfig{Start: now, Duration: 10 * time.Minute, Intensity: 2}})
	fields := map[string]logpulltest.Field{}
	for _, f := range logpulltest.LogpullFields() {
		fields[f.Name] = f
	}
	values := map[string]map[string]bool{}
	records := 0
	for received, line := range g.Window(now, now.Add(10*time.Minute), allFields) {
		var rec map[string]json.RawMessage
		if err := json.Unmarshal(line, &rec); err != nil || !utf8.Valid(line) || bytes.ContainsAny(line, "\n\r") {
			t.Fatalf("bad line (%v): %s", err, line)
		}
		if len(rec) != len(fields) {
			t.Fatalf("%d members, want %d", len(rec), len(fields))
		}
		for name, raw := range rec {
			if err := checkType(fields[name], raw); err != nil {
				t.Fatalf("%s (%s) is %s: %v", name, fields[name].Type, raw, err)
			}
			if values[name] == nil {
				values[name] = map[string]bool{}
			}
			if len(values[name]) < 3 {
				values[name][string(raw)] = true
			}
		}
		checkRecord(t, received, line)
		records++
	}
	if records < 9_000 {
		t.Errorf("only %d records", records)
	}
	var constant []string
	for name, v := range values {
		if len(v) == 1 {
			constant = append(constant, name)
		}
	}
	slices.Sort(constant)
	want := []string{
		"ClientMTLSAuthCertFingerprint", "Cookies", "EdgeCFConnectingO2O", "OriginRequestHeaderSendDurationMs",
		"PayPerCrawlStatus", "RequestHeaders", "ResponseHeaders", "Subrequests", "WAFFlags", "ZoneName",
	}
	if diff := cmp.Diff(want, constant); diff != "" {
		t.Errorf("members of one value only (-want +got):\n%s", diff)
	}
}

// checkRecord holds a record's members against each other.
func checkRecord(t *testing.T, received time.Time, line []byte) {
	t.Helper()
	var r struct {
		ClientIP, ClientRequestPath, ClientRequestURI, ParentRayID, RayID, ClientRequestSource string
		EdgeStartTimestamp, EdgeEndTimestamp                                                   int64
		EdgeResponseBytes, EdgeResponseBodyBytes, ClientSrcPort, BotScore, WAFAttackScore      int
		WorkerSubrequest                                                                       bool
		SecurityActions, SecurityRuleIDs, SecuritySources                                      []string
	}
	if err := json.Unmarshal(line, &r); err != nil {
		t.Fatal(err)
	}
	delay := received.Sub(time.Unix(0, r.EdgeStartTimestamp))
	sub := r.ParentRayID != "00"
	for what, ok := range map[string]bool{
		"address":     netip.MustParseAddr(r.ClientIP).IsValid(),
		"path":        strings.HasPrefix(r.ClientRequestURI, r.ClientRequestPath) && strings.HasPrefix(r.ClientRequestPath, "/"),
		"times":       r.EdgeStartTimestamp <= r.EdgeEndTimestamp && delay > time.Minute && delay < 13*time.Minute,
		"bytes":       r.EdgeResponseBytes > r.EdgeResponseBodyBytes && r.EdgeResponseBodyBytes >= 0,
		"port":        r.ClientSrcPort > 0 && r.ClientSrcPort < 65536,
		"scores":      r.BotScore >= 0 && r.BotScore <= 99 && r.WAFAttackScore >= 0 && r.WAFAttackScore <= 99,
		"subrequest":  r.WorkerSubrequest == sub && (r.ClientRequestSource == "edgeWorkerFetch") == sub,
		"ray":         len(r.RayID) == 16 && (len(r.ParentRayID) == 16 || !sub),
		"rule arrays": len(r.SecurityActions) == len(r.SecurityRuleIDs) && len(r.SecurityActions) == len(r.SecuritySources),
	} {
		if !ok {
			t.Fatalf("%s is wrong (received %v): %s", what, received, line)
		}
	}
}

// TestDeterminism: windows are the same whatever was asked before, in other
// instances too; another seed or zone gives others.
func TestDeterminism(t *testing.T) {
	t.Parallel()
	cfg := logpulltest.GeneratorConfig{Seed: 5, RecordsPerDay: 200_000, Incident: &logpulltest.IncidentConfig{Start: now, Duration: time.Hour}}
	one, two := generator(t, cfg), generator(t, cfg)
	whole := collect(one, now, now.Add(5*time.Minute), allFields)
	var parts []string
	for i := 4; i >= 0; i-- {
		at := now.Add(time.Duration(i) * time.Minute)
		parts = append(slices.Concat(collect(two, at, at.Add(17*time.Second), allFields), collect(two, at.Add(17*time.Second), at.Add(time.Minute), allFields)), parts...)
	}
	if diff := cmp.Diff(whole, parts); diff != "" || len(whole) < 500 {
		t.Errorf("%d records; parts backwards differ:\n%.1000s", len(whole), diff)
	}
	for _, change := range []func(*logpulltest.GeneratorConfig){
		func(c *logpulltest.GeneratorConfig) { c.Seed++ },
		func(c *logpulltest.GeneratorConfig) { c.Zone = "other.example" },
	} {
		other := cfg
		change(&other)
		if slices.Equal(whole, collect(generator(t, other), now, now.Add(5*time.Minute), allFields)) {
			t.Errorf("%+v gives the same records", other)
		}
	}
}

// TestBelievable looks at a week's shape and a day's mix.
func TestBelievable(t *testing.T) {
	t.Parallel()
	g := generator(t, logpulltest.GeneratorConfig{Seed: 2, RecordsPerDay: 15_000, Clients: 3000})
	monday := time.Date(2026, 11, 16, 0, 0, 0, 0, time.UTC)
	week := 0
	var hours [24]int
	clients, agents := map[string]int{}, map[string]map[string]bool{}
	var v6, bots, subs, countries = 0, 0, 0, map[string]bool{}
	previous := time.Time{}
	for received, line := range g.Window(monday, monday.Add(7*24*time.Hour), logpulltest.Projection{Fields: []string{"ClientIP", "ClientCountry", "ClientASN", "ClientRequestUserAgent", "JA3Hash", "JA4", "VerifiedBotCategory", "WorkerSubrequest"}}) {
		if received.Before(previous) {
			t.Fatalf("received %v after %v", received, previous)
		}
		previous = received
		week++
		hours[received.Hour()]++
		var r struct {
			ClientIP, ClientCountry, ClientRequestUserAgent, JA3Hash, JA4, VerifiedBotCategory string
			ClientASN                                                                          int
			WorkerSubrequest                                                                   bool
		}
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatal(err)
		}
		if r.WorkerSubrequest {
			subs++
			continue
		}
		clients[r.ClientIP]++
		countries[r.ClientCountry] = true
		if agents[r.ClientIP] == nil {
			agents[r.ClientIP] = map[string]bool{}
		}
		agents[r.ClientIP][fmt.Sprint(r.ClientCountry, r.ClientASN, r.ClientRequestUserAgent, r.JA3Hash, r.JA4)] = true
		if strings.Contains(r.ClientIP, ":") {
			v6++
		}
		if r.VerifiedBotCategory != "" {
			bots++
		}
	}
	if week < 101_000 || week > 109_000 {
		t.Errorf("%d records in a week, want about 105,000", week)
	}
	if hours[14] < 3*hours[3] {
		t.Errorf("%d records at 14 h, %d at 3 h: no day and night", hours[14], hours[3])
	}
	for ip, seen := range agents {
		if len(seen) != 1 {
			t.Fatalf("client %s is not always the same: %v", ip, seen)
		}
	}
	counts := []int{}
	for _, n := range clients {
		counts = append(counts, n)
	}
	slices.SortFunc(counts, func(a, b int) int { return b - a })
	if len(counts) < 2500 || counts[0] < 4*counts[9] || counts[0] < 100*counts[len(counts)/2] {
		t.Errorf("%d clients; the first has %d, the tenth %d, the middle one %d: no Zipf law", len(counts), counts[0], counts[9], counts[len(counts)/2])
	}
	if len(countries) < 10 || v6 < week/10 || bots < week/200 || subs < week/20 || subs > week/6 {
		t.Errorf("%d countries, %d v6, %d verified bots, %d subrequests of %d", len(countries), v6, bots, subs, week)
	}
}

// TestQuietZone: small zones have windows with nothing in them.
func TestQuietZone(t *testing.T) {
	t.Parallel()
	g := generator(t, logpulltest.GeneratorConfig{Seed: 2, RecordsPerDay: 200})
	empty, records := 0, 0
	for i := range 24 * 12 {
		at := now.Add(time.Duration(i) * 5 * time.Minute)
		n := len(collect(g, at, at.Add(5*time.Minute), allFields))
		records += n
		if n == 0 {
			empty++
		}
	}
	if empty < 50 || records < 100 || records > 300 {
		t.Errorf("%d empty windows of 288, %d records", empty, records)
	}
}

func TestGeneratorConfig(t *testing.T) {
	t.Parallel()
	for _, cfg := range []logpulltest.GeneratorConfig{
		{RecordsPerDay: -1}, {Clients: 200_000}, {Zone: strings.Repeat("z", 300)},
		{Incident: &logpulltest.IncidentConfig{}}, {Incident: &logpulltest.IncidentConfig{Start: now, Duration: time.Minute}},
	} {
		if _, err := logpulltest.NewGenerator(cfg); err == nil {
			t.Errorf("%+v was taken", cfg)
		}
	}
}
