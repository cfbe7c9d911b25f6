package verify_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fabriziosalmi/rainlogs/core/evidence"
	"github.com/fabriziosalmi/rainlogs/core/verify"
	"github.com/fabriziosalmi/rainlogs/core/verify/verifytest"
)

func minute(i int) time.Time { return verifytest.Epoch.Add(time.Duration(i) * time.Minute) }

// covered makes an entry over [from, to) minutes: lines > 0 collected, 0
// empty, < 0 a gap.
func covered(seq int64, from, to int, lines int64) *evidence.Entry {
	w := evidence.Window{Start: minute(from), End: minute(to)}
	e := &evidence.Entry{Seq: seq, Kind: evidence.KindLog, Window: &w, Content: &evidence.Content{Lines: lines}}
	switch {
	case lines < 0:
		e.Kind, e.Content, e.Gap = evidence.KindGap, nil, &evidence.Gap{Reason: evidence.GapTooOld}
	case lines > 0:
		e.Object = &evidence.Object{}
	}
	return e
}

func TestCoverage(t *testing.T) {
	t.Parallel()
	expiry := &evidence.Entry{Seq: 99, Kind: evidence.KindExpiry, Expiry: &evidence.Expiry{Seqs: []int64{1, 500}}}
	for name, tc := range map[string]struct {
		entries  []*evidence.Entry
		from, to time.Time
		want     []string
		complete bool
	}{
		"nothing":         {},
		"nothing, asked":  {from: minute(0), to: minute(5), want: []string{"0-5 missing w0 l0"}},
		"turned round":    {from: minute(5), to: minute(0)},
		"neighbours join": {entries: []*evidence.Entry{covered(2, 5, 10, 3), covered(1, 0, 5, 2)}, want: []string{"0-10 collected w2 l5"}, complete: true},
		"empty apart":     {entries: []*evidence.Entry{covered(1, 0, 5, 2), covered(2, 5, 10, 0)}, want: []string{"0-5 collected w1 l2", "5-10 empty w1 l0"}, complete: true},
		"a hole":          {entries: []*evidence.Entry{covered(1, 0, 5, 2), covered(2, 6, 10, 1)}, want: []string{"0-5 collected w1 l2", "5-6 missing w0 l0", "6-10 collected w1 l1"}},
		"a gap":           {entries: []*evidence.Entry{covered(1, 0, 5, 2), covered(2, 5, 10, -1)}, want: []string{"0-5 collected w1 l2", "5-10 gap too_old w1 l0"}},
		"expired":         {entries: []*evidence.Entry{covered(1, 0, 5, 2), covered(2, 5, 10, 1), expiry}, want: []string{"0-5 expired w1 l2", "5-10 collected w1 l1"}, complete: true},
		"overlap":         {entries: []*evidence.Entry{covered(1, 0, 5, 2), covered(2, 3, 10, 1)}, want: []string{"0-3 collected w1 l2", "3-5 overlapping w2 l0", "5-10 collected w1 l1"}},
		"twice":           {entries: []*evidence.Entry{covered(1, 0, 5, 2), covered(2, 0, 5, 2)}, want: []string{"0-5 overlapping w2 l0"}},
		"one inside": {entries: []*evidence.Entry{covered(1, 0, 9, 2), covered(2, 3, 5, 1)}, want: []string{
			"0-3 collected w1 l2", "3-5 overlapping w2 l0", "5-9 collected w0 l0"}},
		"cut at both ends": {entries: []*evidence.Entry{covered(1, 0, 5, 2), covered(2, 5, 10, 1), covered(3, 10, 15, 1)}, from: minute(3), to: minute(11),
			want: []string{"3-11 collected w3 l4"}, complete: true},
		"beyond both ends": {entries: []*evidence.Entry{covered(1, 0, 5, 2)}, from: minute(-3), to: minute(11).Add(1), want: []string{
			"-3-0 missing w0 l0", "0-5 collected w1 l2", "5-11 missing w0 l0"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := verify.Coverage(slices.Values(tc.entries), tc.from, tc.to)
			var text []string
			for _, s := range got {
				reason := ""
				if s.Reason != "" {
					reason = " " + s.Reason
				}
				text = append(text, fmt.Sprintf("%d-%d %s%s w%d l%d", int(s.From.Sub(verifytest.Epoch).Minutes()), int(s.To.Sub(verifytest.Epoch).Minutes()), s.State, reason, s.Windows, s.Lines))
			}
			if d := cmp.Diff(tc.want, text); d != "" {
				t.Error(d)
			}
			if verify.Complete(got) != tc.complete {
				t.Errorf("complete is %v", !tc.complete)
			}
		})
	}
}

// TestCoverageTiles: whatever the windows are, segments tile the range, and
// each minute's state is what counting says.
func TestCoverageTiles(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		var entries []*evidence.Entry
		for seq := range rng.Int64N(12) {
			from := rng.IntN(60)
			entries = append(entries, covered(seq, from, from+1+rng.IntN(15), rng.Int64N(3)-1))
		}
		from, to := rng.IntN(30)-5, 30+rng.IntN(50)
		got := verify.Coverage(slices.Values(entries), minute(from), minute(to))
		at := minute(from)
		for _, s := range got {
			if !s.From.Equal(at) || !s.To.After(s.From) {
				t.Fatalf("segment %+v does not begin at %s", s, at)
			}
			at = s.To
			for m := s.From; m.Before(s.To); m = m.Add(time.Minute) {
				want := verify.Missing
				for _, e := range entries {
					switch {
					case m.Before(e.Window.Start) || !m.Before(e.Window.End):
					case want != verify.Missing:
						want = verify.Overlapping
					case e.Kind == evidence.KindGap:
						want = verify.Gap
					case e.Object == nil:
						want = verify.Empty
					default:
						want = verify.Collected
					}
				}
				if s.State != want {
					t.Fatalf("%s is %s, want %s", m, s.State, want)
				}
			}
		}
		if !at.Equal(minute(to)) {
			t.Fatalf("segments end at %s", at)
		}
	}
}
