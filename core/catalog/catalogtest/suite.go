// Package catalogtest is the conformance suite of the catalog port: each
// promise of package catalog has a case here, and every adapter passes all of
// them.
//
//	func TestConformance(t *testing.T) {
//		catalogtest.Run(t, func(t testing.TB) catalog.Catalog { … })
//	}
package catalogtest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// Open returns a new, empty catalog and closes it when the test ends.
type Open func(t testing.TB) catalog.Catalog

// Run runs the suite. Each case has a catalog of its own; cases run in parallel.
func Run(t *testing.T, open func(t testing.TB) catalog.Catalog) {
	t.Helper()
	groups := []struct {
		name  string
		cases map[string]func(b *bundle)
	}{
		{"Zones", zoneCases()},
		{"Standings", standingCases()},
		{"Plan", planCases()},
		{"Windows", windowsCases()},
		{"Update", updateCases()},
		{"Split", splitCases()},
		{"Agenda", agendaCases()},
		{"Outbox", outboxCases()},
		{"Commit", commitCases()},
		{"Retention", retentionCases()},
		{"Budgets", budgetCases()},
		{"Memory", memoryCases()},
		{"Lock", lockCases()},
		{"Solitude", solitudeCases()},
		{"Whole", wholeCases()},
	}
	for _, g := range groups {
		t.Run(g.name, func(t *testing.T) {
			t.Parallel()
			for name, run := range g.cases {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					run(&bundle{T: t, Catalog: open(t), ctx: t.Context()})
				})
			}
		})
	}
}

// bundle is what a case works with. Its must-methods end the case on an error.
type bundle struct {
	*testing.T
	catalog.Catalog
	ctx context.Context //nolint:containedctx // of one test
}

// The chains of the suite: of two zones, and of two datasets of one zone.
var (
	chainA = evidence.ChainID{Zone: strings.Repeat("a", 32), Dataset: "http_requests"}
	chainB = evidence.ChainID{Zone: strings.Repeat("b", 32), Dataset: "http_requests"}
	chainF = evidence.ChainID{Zone: strings.Repeat("a", 32), Dataset: "firewall_events"}
)

// epoch is where the suite's windows begin.
var epoch = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// sec is the instant n seconds behind epoch.
func sec(n int) time.Time { return epoch.Add(time.Duration(n) * time.Second) }

// win is the window [from, to) in seconds behind epoch.
func win(from, to int) evidence.Window { return evidence.Window{Start: sec(from), End: sec(to)} }

// tiles parts [from, to) in windows of size seconds.
func tiles(from, to, size int) []evidence.Window {
	var ws []evidence.Window
	for ; from < to; from += size {
		ws = append(ws, win(from, min(from+size, to)))
	}
	return ws
}

// planned is the row of a window that was only planned.
func planned(c evidence.ChainID, w evidence.Window) catalog.Window {
	return catalog.Window{Chain: c, Window: w, State: catalog.Planned, Seq: -1, Object: catalog.Kept}
}

func sealed(c evidence.ChainID, w evidence.Window, seq int64) catalog.Window {
	return catalog.Window{Chain: c, Window: w, State: catalog.Sealed, Seq: seq, Lines: 3, Bytes: 99, Object: catalog.Kept}
}

func lost(c evidence.ChainID, w evidence.Window, seq int64) catalog.Window {
	return catalog.Window{
		Chain: c, Window: w, State: catalog.Lost, Seq: seq,
		Reason: evidence.GapTooOld, Detail: "older than the source keeps", Object: catalog.Kept,
	}
}

func digest(b byte) evidence.Digest {
	var d evidence.Digest
	for i := range d {
		d[i] = b
	}
	return d
}

func head(c evidence.ChainID, size int64) catalog.Head {
	return catalog.Head{
		Chain: c, Size: size, LastHash: digest(byte(size)), Checkpoint: fmt.Appendf(nil, "note\n%d\n\x00\xff", size),
		FieldsSeq: 0, FieldsHash: digest(0xfe),
	}
}

func (b *bundle) ok(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b *bundle) fails(err, want error) {
	b.Helper()
	if !errors.Is(err, want) {
		b.Fatalf("error is %v, want %v", err, want)
	}
}

// refused wants an error for which the port has no name.
func (b *bundle) refused(err error) {
	b.Helper()
	if err == nil {
		b.Fatal("no error")
	}
}

func (b *bundle) equal(got, want any) {
	b.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		b.Fatalf("(-want +got):\n%s", diff)
	}
}

func (b *bundle) mustPlan(c evidence.ChainID, ws ...evidence.Window) {
	b.Helper()
	b.ok(b.Plan(b.ctx, c, ws))
}

func (b *bundle) mustCommit(m catalog.Commit) {
	b.Helper()
	b.ok(b.Commit(b.ctx, m))
}

// ledger returns all of a chain's rows.
func (b *bundle) ledger(c evidence.ChainID) []catalog.Window {
	b.Helper()
	ws, err := b.Windows(b.ctx, c, epoch.AddDate(-20, 0, 0), epoch.AddDate(100, 0, 0))
	b.ok(err)
	return ws
}

// wantLedger compares a chain's rows. Times are compared with ==, as an
// evidence.Window is elsewhere: rows come back in UTC.
func (b *bundle) wantLedger(c evidence.ChainID, want ...catalog.Window) {
	b.Helper()
	got := b.ledger(c)
	b.equal(got, want)
	for i, w := range want {
		if got[i].Window != w.Window || got[i].NextAt != w.NextAt {
			b.Fatalf("times of %s are not in UTC, or carry more than an instant", w.Window)
		}
	}
}
