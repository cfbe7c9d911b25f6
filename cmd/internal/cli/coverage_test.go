package cli

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/cmd/internal/site"
	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/verify"
)

// ledger covers what its chains say, with windows that are yet to be collected.
type ledger struct {
	chains []verify.Chain
	yet    map[evidence.ChainID]int64
}

func (l ledger) covered([]string, verifyOptions) ([]verify.Chain, error) { return l.chains, nil }
func (l ledger) open() map[evidence.ChainID]int64                        { return l.yet }
func (l ledger) names() map[evidence.ChainID]string {
	return map[evidence.ChainID]string{{Zone: "a"}: "shop.example.eu"}
}

// TestTellOpen tells of planned windows where something is missing, and nowhere else.
func TestTellOpen(t *testing.T) {
	t.Parallel()
	missing := tiling(t, "2026-11-21 00:00:00", "missing", "2026-11-21 01:00:00", "collected", "2026-11-21 02:00:00")
	whole := tiling(t, "2026-11-21 00:00:00", "collected", "2026-11-21 02:00:00")
	gap := tiling(t, "2026-11-21 00:00:00", "gap too_old", "2026-11-21 02:00:00")
	l := ledger{yet: map[evidence.ChainID]int64{{Zone: "a"}: 1200, {Zone: "b"}: 3, {Zone: "c"}: 4, {Zone: "d"}: 5}}
	for zone, segments := range map[string][]verify.Segment{"a": missing, "b": whole, "c": gap, "e": missing} {
		c := verify.Chain{ID: evidence.ChainID{Zone: zone}}
		c.Report.Segments, c.Report.Complete = segments, zone == "b"
		l.chains = append(l.chains, c)
	}
	var out, told strings.Builder
	if err := runCoverage(&site.Env{Out: &out, Err: &told}, l, nil, verifyOptions{}); err != nil {
		t.Fatal(err)
	}
	want := "shop.example.eu: 1,200 windows are planned and not collected yet; what is missing may be among them\n"
	if diff := cmp.Diff(want, told.String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if !strings.Contains(out.String(), "missing") {
		t.Errorf("table: %s", &out)
	}
}
