package site

import (
	"time"

	"github.com/schollz/progressbar/v3"
)

// Bar is a progress bar with rate and estimate on a terminal, and nothing
// elsewhere.
type Bar struct{ b *progressbar.ProgressBar }

// InBytes is the unit of a bar that shows sizes.
const InBytes = "B"

// NewBar starts a bar over units; total < 0 is unknown.
func NewBar(env *Env, g *Globals, what string, total int64, units string) Bar {
	if !env.Terminal || g.NoProgress || env.Getenv("TERM") == "dumb" {
		return Bar{}
	}
	options := []progressbar.Option{
		progressbar.OptionSetWriter(env.Err), progressbar.OptionSetDescription(what),
		progressbar.OptionShowCount(), progressbar.OptionSetPredictTime(true),
		progressbar.OptionThrottle(100 * time.Millisecond), progressbar.OptionClearOnFinish(),
		progressbar.OptionSetWidth(30), progressbar.OptionFullWidth(),
		progressbar.OptionEnableColorCodes(env.Getenv("NO_COLOR") == ""),
	}
	if units == InBytes {
		options = append(options, progressbar.OptionShowBytes(true))
	} else {
		options = append(options, progressbar.OptionShowIts(), progressbar.OptionSetItsString(units))
	}
	return Bar{progressbar.NewOptions64(total, options...)}
}

// Set moves the bar to n; a total of 0 or less leaves the total as it is.
func (p Bar) Set(n, total int64) {
	if p.b == nil {
		return
	}
	if total > 0 && total != p.b.GetMax64() {
		p.b.ChangeMax64(total)
	}
	_ = p.b.Set64(n) // a bar that cannot be drawn stops nothing
}

// Clear makes room for a line of text; the next Set draws the bar below it.
func (p Bar) Clear() {
	if p.b != nil {
		_ = p.b.Clear() // as above
	}
}

// Done takes the bar away.
func (p Bar) Done() {
	if p.b != nil {
		_ = p.b.Finish() // as above
		_ = p.b.Exit()   // nothing is drawn from here on
	}
}
