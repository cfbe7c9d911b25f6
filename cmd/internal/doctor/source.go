package doctor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/collect"
	"github.com/fabriziosalmi/rainlogs/core/health"
	"github.com/fabriziosalmi/rainlogs/sdk/source"
)

// probesAtOnce is how many zones are asked about at a time.
const probesAtOnce = 4

// needed are the checks that collecting depends on. Of the others it is
// normal that a token, which can do no more than it should, does not know.
var needed = []string{"permission", "retention", "fields"}

// probes asks the source about every zone, and keeps what it says of the clock.
func (v *visit) probes(ctx context.Context) []Finding {
	var zones []catalog.Zone
	for _, z := range v.zones {
		if !z.Paused { // that is told already
			zones = append(zones, z)
		}
	}
	if v.Offline || len(zones) == 0 {
		return nil
	}
	// A collector that is at work has the same budgets.
	sources := v.w.Sources(v.w.Catalog, nil)
	var missing []Finding
	feeds := map[string]collect.Feed{}
	zones = slices.DeleteFunc(zones, func(z catalog.Zone) bool {
		name := site.SourceOf(z)
		if _, told := feeds[name]; !told {
			feed, err := sources.Named(ctx, name)
			if err != nil {
				f := failed(err, "look at sources in the config, and whether the secrets that it names are there for this user")
				f.Check = "source"
				missing = append(missing, f)
			}
			feeds[name] = feed
		}
		return feeds[name].Source == nil
	})
	found, clocks := make([]Finding, len(zones)), make([][]source.Check, len(zones))
	turns := make(chan struct{}, probesAtOnce)
	var wg sync.WaitGroup
	for i, z := range zones {
		wg.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			found[i], clocks[i] = probe(ctx, feeds[site.SourceOf(z)].Source, z)
		})
	}
	wg.Wait()
	v.clocks = slices.Concat(clocks...)
	return append(missing, found...)
}

// probe makes a zone's report one finding.
func probe(ctx context.Context, src source.Source, z catalog.Zone) (f Finding, clocks []source.Check) {
	ctx, cancel := context.WithTimeout(ctx, zoneLimit)
	defer cancel()
	report, err := src.Probe(ctx, z.SourceZone())
	var e *source.Error
	switch {
	case errors.As(err, &e) && e.Class == source.ClassRetry && e.After > 0:
		f = Finding{Status: Warn, Found: "was not asked about: " + reason(err), Remedy: fmt.Sprintf("run rainlogs doctor again in %s", e.After.Round(time.Second))}
	case err != nil:
		f = failed(err, "look at the network between this machine and the source")
	default:
		f, clocks = condense(report)
	}
	f.Subject = z.Name
	return f, clocks
}

// condense says what is wrong first, then in short what is well.
func condense(r source.Report) (f Finding, clocks []source.Check) {
	f.Status = OK
	var bad, well, unknown, remedies []string
	for _, c := range r.Checks {
		status := OK
		switch {
		case c.Name == "clock": // one machine has one clock, however many zones
			clocks = append(clocks, c)
			continue
		case c.Status == source.Fail:
			status = Fail
		case c.Status == source.Warn, c.Status == source.Unknown && slices.Contains(needed, c.Name):
			status = Warn
		case c.Status == source.Unknown:
			unknown = append(unknown, c.Name)
			continue
		}
		if status == OK {
			well = append(well, strings.TrimSpace(c.Name+" "+c.Value))
			continue
		}
		bad = append(bad, fmt.Sprintf("%s: %s", c.Name, c.Detail))
		if c.Remedy != "" && !slices.Contains(remedies, c.Remedy) {
			remedies = append(remedies, c.Remedy)
		}
		if f.Status != Fail {
			f.Status = status
		}
	}
	for _, part := range []struct {
		name string
		of   []string
	}{{"", bad}, {"ok: ", well}, {"not known: ", unknown}} {
		if len(part.of) == 0 {
			continue
		}
		if f.Found != "" {
			f.Found += "; "
		}
		sep := ", "
		if part.name == "" {
			sep = "; "
		}
		f.Found += part.name + strings.Join(part.of, sep)
	}
	f.Remedy = strings.Join(remedies, "; ")
	return f, clocks
}

// daemon asks the collector that should be running.
func (v *visit) daemon(ctx context.Context) []Finding {
	listen := v.w.Config.Server.Listen
	if listen == "" {
		return []Finding{{Status: OK, Found: "not asked: server.listen is empty"}}
	}
	report, err := v.AskHealth(ctx, dialable(listen))
	if err != nil {
		return []Finding{{
			Status: Warn, Found: "none answers at " + listen + ": " + reason(err),
			Remedy: "start rainlogsd, or rainlogs collector, if this machine is to collect by itself",
		}}
	}
	f := Finding{Status: OK, Found: "runs at " + listen + " and does its work"}
	if report.Status == health.OK {
		return []Finding{f}
	}
	var bad []string
	for name, c := range report.Checks {
		if c.Status != health.OK {
			bad = append(bad, strings.TrimSuffix(fmt.Sprintf("%s %s: %s", name, c.Status, c.Detail), ": "))
		}
	}
	slices.Sort(bad)
	f.Status, f.Found = Warn, "runs at "+listen+", with this: "+strings.Join(bad, "; ")
	if report.Status == health.Failing {
		f.Status = Fail
	}
	f.Remedy = "its log says why; docs/operations.md says what to do"
	return []Finding{f}
}

// dialable is an address to ask where one listens on all.
func dialable(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return listen
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}
