package verify

import (
	"context"
	"fmt"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
)

// Chain is a chain that was verified at chain level, with its entries.
type Chain struct {
	ID       evidence.ChainID
	Entries  []*evidence.Entry
	Report   ChainReport
	KeyTrust string
	VKey     string
}

// DamagedError carries the findings that keep a chain from being used.
type DamagedError struct{ Report *Report }

func (e *DamagedError) Error() string {
	return fmt.Sprintf("chain is damaged: %s", e.Report.Findings[0].Text)
}

// ReadChains verifies chains at chain level and returns their entries; a
// *DamagedError if there is any finding. It is what a query stands on.
func ReadChains(ctx context.Context, store Store, opts Options) ([]Chain, error) {
	opts = opts.withDefaults()
	opts.Level = LevelChain
	r := &run{store: store, opts: opts, report: &Report{Level: opts.Level, CheckedAt: evidence.SealTime(opts.Now())}}
	r.keep = map[evidence.ChainID][]*evidence.Entry{}
	checks, err := r.chains(ctx)
	if err != nil {
		return nil, err
	}
	report, err := r.conclude(checks)
	if err != nil {
		return nil, err
	}
	if !report.Intact {
		return nil, &DamagedError{report}
	}
	chains := make([]Chain, len(checks))
	for i, c := range checks {
		chains[i] = Chain{ID: c.id, Entries: r.keep[c.id], Report: c.report, KeyTrust: report.KeyTrust, VKey: report.VKey}
	}
	return chains, nil
}
