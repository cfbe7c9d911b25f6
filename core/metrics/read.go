package metrics

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// maxRead bounds what is read of a process's metrics.
const maxRead = 16 << 20

// Budget is what a process tells of the budgets of requests of a kind: of all of them together.
type Budget struct {
	Kind string        // zone, credential
	Shut time.Duration // for which one of them, the one that is shut longest, admits nothing; 0 is budget left
	// Waits is how often a request had to wait since the process's start, and Waited for how long in all.
	Waits  int64
	Waited time.Duration
}

// ReadBudgets finds the budgets in what a Handler wrote as text. A kind of which none was spent yet is not in it.
func ReadBudgets(r io.Reader) ([]Budget, error) {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	found, err := parser.TextToMetricFamilies(io.LimitReader(r, maxRead))
	if err != nil {
		return nil, fmt.Errorf("read metrics: %w", err)
	}
	return budgetsIn(found), nil
}

func budgetsIn(found map[string]*dto.MetricFamily) (out []Budget) {
	of := func(m *dto.Metric) *Budget {
		kind := ""
		for _, l := range m.GetLabel() {
			if l.GetName() == "budget" {
				kind = l.GetValue()
			}
		}
		at := slices.IndexFunc(out, func(b Budget) bool { return b.Kind == kind })
		if at < 0 {
			at, out = len(out), append(out, Budget{Kind: kind})
		}
		return &out[at]
	}
	for _, m := range found["rainlogs_budget_shut_seconds"].GetMetric() {
		of(m).Shut = seconds(m.GetGauge().GetValue())
	}
	for _, m := range found["rainlogs_budget_waits_total"].GetMetric() {
		of(m).Waits = int64(m.GetCounter().GetValue())
	}
	for _, m := range found["rainlogs_budget_wait_seconds_total"].GetMetric() {
		of(m).Waited = seconds(m.GetCounter().GetValue())
	}
	slices.SortFunc(out, func(a, b Budget) int { return cmp.Compare(b.Kind, a.Kind) }) // zone first
	return out
}

// seconds are none where that is no time, or too long for one.
func seconds(s float64) time.Duration {
	const most = 1e9
	if math.IsNaN(s) || s < 0 {
		return 0
	}
	return time.Duration(min(s, most) * float64(time.Second))
}
