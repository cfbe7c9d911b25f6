package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/collector"
	"github.com/fabriziosalmi/rainlogs/cmd/internal/daemonlog"
	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/health"
	screens "github.com/fabriziosalmi/rainlogs/tui/screen/collector"
)

// askingPatience is how long a daemon may take to answer.
const askingPatience = 2 * time.Second

// askDaemon asks the daemon how it is, and for the budgets of requests if it answers.
func askDaemon(ctx context.Context, listen string) (daemon screens.Daemon, budgets []screens.Fact) {
	if listen == "" {
		return screens.Daemon{Level: screens.Quiet, Text: "whether one runs is not known: server.listen is empty"}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, askingPatience)
	defer cancel()
	report, err := collector.AskHealth(ctx, listen)
	if err != nil {
		return screens.Daemon{Level: screens.Warn, Text: "none answers at " + listen + " (rainlogs collector starts one)", Facts: []screens.Fact{{Name: "asked", Value: err.Error(), Level: screens.Warn}}}, nil
	}
	levels := map[health.Status]screens.Level{health.OK: screens.Good, health.Degraded: screens.Warn, health.Failing: screens.Bad}
	words := map[health.Status]string{health.OK: "does its work", health.Degraded: "does its work, but not all is well", health.Failing: "does not do its work"}
	out := screens.Daemon{Level: levels[report.Status], Text: words[report.Status] + ", at " + listen}
	for _, name := range slices.Sorted(maps.Keys(report.Checks)) {
		c := report.Checks[name]
		if c.Status != health.OK {
			out.Text += "; " + name + ": " + oneLine(c.Detail)
		}
		out.Facts = append(out.Facts, screens.Fact{Name: name, Value: string(c.Status) + " " + oneLine(c.Detail), Level: levels[c.Status]})
	}
	return out, askBudgets(ctx, listen)
}

// askBudgets is what the daemon tells of the budgets of requests: of all zones and of all credentials together.
func askBudgets(ctx context.Context, listen string) []screens.Fact {
	found, err := collector.AskBudgets(ctx, listen)
	if err != nil {
		return []screens.Fact{{Name: "budgets", Value: "not known: " + err.Error()}}
	}
	if len(found) == 0 {
		return []screens.Fact{{Name: "budgets", Value: "left: no request had to wait since the collector was started"}}
	}
	var out []screens.Fact
	for _, b := range found {
		value := "left in each"
		if b.Shut > 0 {
			value = fmt.Sprintf("spent for %s, in the one that is spent longest", max(b.Shut, time.Second).Round(time.Second))
		}
		value += fmt.Sprintf("; waits since the collector was started: %d, %s in all", b.Waits, b.Waited.Round(time.Second))
		name := map[string]string{"zone": "zone budgets", "credential": "token budgets"}[b.Kind]
		out = append(out, screens.Fact{Name: cmp.Or(name, b.Kind+" budget"), Value: value})
	}
	return out
}

// Log reads the end of the collector's log.
func (o *overseer) Log(ctx context.Context) (lines []screens.LogLine, from string, err error) {
	cfg, err := site.LoadConfig(quiet(o.env, io.Discard), o.g) // the catalog may be what is wrong
	if err != nil {
		return nil, "", advised(err)
	}
	source := cfg.TUI.Log
	found, err := daemonlog.Tail(ctx, source)
	switch {
	case errors.Is(err, daemonlog.ErrOff):
		return nil, "", fmt.Errorf("%w → tui.log says where it goes: journal:UNIT, or file:PATH", err)
	case err != nil:
		return nil, "", fmt.Errorf("%w → the collector writes it to its standard error; tui.log says where that goes: journal:UNIT, or file:PATH", err)
	}
	levels := map[string]screens.Level{"WARN": screens.Warn, "ERROR": screens.Bad, "DEBUG": screens.Quiet}
	for _, l := range found {
		lines = append(lines, screens.LogLine{At: l.At, Name: l.Level, Level: levels[l.Level], Text: l.Text})
	}
	return lines, daemonlog.Describe(source), nil
}
