package logpulltest_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/plugins/source/logpull/logpulltest"
)

// finding is what an analyst can find out from the records alone.
type finding struct {
	Requests, BytesOut int64
	ByStatus           map[int]int64
	Clients            []string
	First, Last        time.Time
}

// hunt finds each phase by what an analyst would look for.
func hunt(t *testing.T, g *logpulltest.Generator, from, to time.Time, keep func(start time.Time) bool) map[logpulltest.Phase]*finding {
	t.Helper()
	found := map[logpulltest.Phase]*finding{}
	fields := []string{"ClientIP", "ClientASN", "ClientRequestMethod", "ClientRequestPath", "ClientRequestUserAgent", "EdgeResponseStatus", "EdgeResponseBytes", "WAFSQLiAttackScore", "EdgeStartTimestamp"}
	for _, line := range g.Window(from, to, logpulltest.Projection{Fields: fields}) {
		var r struct {
			ClientIP, ClientRequestMethod, ClientRequestPath, ClientRequestUserAgent string
			ClientASN, EdgeResponseStatus, WAFSQLiAttackScore                        int
			EdgeResponseBytes, EdgeStartTimestamp                                    int64
		}
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatal(err)
		}
		start := time.Unix(0, r.EdgeStartTimestamp).UTC()
		var phase logpulltest.Phase
		switch {
		case strings.Contains(r.ClientRequestUserAgent, "zgrab"):
			phase = logpulltest.PhaseScan
		case r.ClientASN == 64496 && r.ClientRequestMethod == "POST" && r.ClientRequestPath == "/login":
			phase = logpulltest.PhaseStuffing
		case r.WAFSQLiAttackScore > 0 && r.WAFSQLiAttackScore < 20:
			phase = logpulltest.PhaseInjection
		case r.ClientRequestPath == "/api/export":
			phase = logpulltest.PhaseExport
		default:
			continue
		}
		if !keep(start) {
			continue
		}
		f := found[phase]
		if f == nil {
			f = &finding{ByStatus: map[int]int64{}, First: start, Last: start}
			found[phase] = f
		}
		f.Requests++
		f.BytesOut += r.EdgeResponseBytes
		f.ByStatus[r.EdgeResponseStatus]++
		if start.Before(f.First) {
			f.First = start
		}
		if start.After(f.Last) {
			f.Last = start
		}
		if !slices.Contains(f.Clients, r.ClientIP) {
			f.Clients = append(f.Clients, r.ClientIP)
		}
	}
	for _, f := range found {
		slices.Sort(f.Clients)
	}
	return found
}

func check(t *testing.T, found map[logpulltest.Phase]*finding, truth logpulltest.Incident) {
	t.Helper()
	for _, p := range truth.Phases {
		got := found[p.Phase]
		if got == nil {
			got = &finding{ByStatus: map[int]int64{}}
		}
		want := &finding{p.Requests, p.BytesOut, p.ByStatus, p.Clients, p.First, p.Last}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%v (-truth +found):\n%s", p.Phase, diff)
		}
	}
}

// TestIncidentCanBeFound: what the records say is what the truth says.
func TestIncidentCanBeFound(t *testing.T) {
	t.Parallel()
	start := now.Add(-6 * time.Hour)
	g := generator(t, logpulltest.GeneratorConfig{Seed: 11, RecordsPerDay: 30_000, Incident: &logpulltest.IncidentConfig{Start: start}})
	from, to := start.Add(-time.Hour), start.Add(6*time.Hour)
	truth := g.IncidentReceived(from, to)
	check(t, hunt(t, g, from, to, func(time.Time) bool { return true }), truth)

	scan, stuff, inject, export := truth.Of(logpulltest.PhaseScan), truth.Of(logpulltest.PhaseStuffing), truth.Of(logpulltest.PhaseInjection), truth.Of(logpulltest.PhaseExport)
	for what, ok := range map[string]bool{
		"scan: one client, nearly all 404":               len(scan.Clients) == 1 && scan.ByStatus[404] > scan.Requests*9/10 && scan.Requests > 2000,
		"stuffing: many clients, some get in":            len(stuff.Clients) > 200 && stuff.ByStatus[401] > stuff.Requests*7/10 && stuff.ByStatus[403] > 0 && stuff.ByStatus[200] > 20 && stuff.ByStatus[200] < stuff.Requests/20,
		"injection: errors, then larger answers":         inject.ByStatus[500] > 50 && inject.ByStatus[200] > 50 && inject.BytesOut/inject.ByStatus[200] > 180_000,
		"export: the injector takes gigabytes":           cmp.Equal(export.Clients, inject.Clients) && export.BytesOut > 5<<30 && export.ByStatus[200] == export.Requests,
		"the phases follow each other":                   scan.First.Before(stuff.First) && stuff.First.Before(inject.First) && inject.First.Before(export.First),
		"the incident lasts about as long as configured": export.Last.Sub(scan.First) > 4*time.Hour+50*time.Minute && export.Last.Sub(scan.First) < 5*time.Hour+10*time.Minute,
	} {
		if !ok {
			t.Errorf("not so: %s\n%+v", what, truth)
		}
	}
}

// TestIncidentInARange cuts by receive time and by event time.
func TestIncidentInARange(t *testing.T) {
	t.Parallel()
	start := now.Add(-6 * time.Hour)
	g := generator(t, logpulltest.GeneratorConfig{Seed: 11, RecordsPerDay: 20_000, Incident: &logpulltest.IncidentConfig{Start: start, Duration: 2 * time.Hour}})
	from, to := start.Add(21*time.Minute+7*time.Second), start.Add(90*time.Minute)
	check(t, hunt(t, g, from, to, func(time.Time) bool { return true }), g.IncidentReceived(from, to))
	inside := func(at time.Time) bool { return !at.Before(from) && at.Before(to) }
	byEvent := g.IncidentBetween(from, to)
	check(t, hunt(t, g, start, start.Add(3*time.Hour), inside), byEvent)
	if a, b := byEvent.Of(logpulltest.PhaseScan), g.IncidentReceived(from, to).Of(logpulltest.PhaseScan); a.Requests == b.Requests {
		t.Error("event time and receive time cut at the same place")
	}
	none := generator(t, logpulltest.GeneratorConfig{})
	if got := none.IncidentReceived(from, to); len(got.Phases) != 0 {
		t.Errorf("an incident where none was planted: %+v", got)
	}
}
