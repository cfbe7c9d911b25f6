package ledger

import (
	"slices"

	"github.com/fabriziosalmi/rainlogs/core/catalog"
)

// Group is all windows of a range that have one state and reason, as a database sums
// them up; Seconds is what they last together.
type Group struct {
	State   string
	Reason  string
	StartS  int64
	EndS    int64
	Seconds int64
	Windows int64
	Lines   int64
	Bytes   int64
}

// Stretches are groups as stretches, by start: windows never overlap, so a group that
// lasts as long as it reaches has no hole, and none of another group is within it. Where
// one has holes, only its windows tell where, and they are asked for.
func Stretches(groups []Group, windows func() ([]catalog.Window, error)) (stretches []catalog.Stretch, err error) {
	for _, g := range groups {
		if g.EndS-g.StartS != g.Seconds {
			all, err := windows()
			return joined(all), err
		}
		stretches = append(stretches, catalog.Stretch{
			Window: Span(g.StartS, g.EndS), State: catalog.State(g.State), Reason: g.Reason,
			Windows: g.Windows, Lines: g.Lines, Bytes: g.Bytes,
		})
	}
	slices.SortFunc(stretches, func(a, b catalog.Stretch) int { return a.Window.Start.Compare(b.Window.Start) })
	return stretches, nil
}

// joined makes stretches of windows that are ordered by start.
func joined(windows []catalog.Window) (stretches []catalog.Stretch) {
	for _, w := range windows {
		if n := len(stretches); n > 0 {
			last := &stretches[n-1]
			if last.State == w.State && last.Reason == w.Reason && last.Window.End.Equal(w.Window.Start) {
				last.Window.End = w.Window.End
				last.Windows, last.Lines, last.Bytes = last.Windows+1, last.Lines+w.Lines, last.Bytes+w.Bytes
				continue
			}
		}
		stretches = append(stretches, catalog.Stretch{Window: w.Window, State: w.State, Reason: w.Reason, Windows: 1, Lines: w.Lines, Bytes: w.Bytes})
	}
	return stretches
}
