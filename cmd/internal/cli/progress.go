package cli

import (
	"time"

	"github.com/schollz/progressbar/v3"
)

// bar is a progress bar with rate and estimate on a terminal, and nothing
// elsewhere.
type bar struct{ b *progressbar.ProgressBar }

// inBytes is the unit of a bar that shows sizes.
const inBytes = "B"

// newBar starts a bar over units; total < 0 is unknown.
func newBar(env *Env, g *globals, what string, total int64, units string) bar {
	if !env.Terminal || g.noProgress || env.Getenv("TERM") == "dumb" {
		return bar{}
	}
	options := []progressbar.Option{
		progressbar.OptionSetWriter(env.Err), progressbar.OptionSetDescription(what),
		progressbar.OptionShowCount(), progressbar.OptionSetPredictTime(true),
		progressbar.OptionThrottle(100 * time.Millisecond), progressbar.OptionClearOnFinish(),
		progressbar.OptionSetWidth(30), progressbar.OptionFullWidth(),
		progressbar.OptionEnableColorCodes(env.Getenv("NO_COLOR") == ""),
	}
	if units == inBytes {
		options = append(options, progressbar.OptionShowBytes(true))
	} else {
		options = append(options, progressbar.OptionShowIts(), progressbar.OptionSetItsString(units))
	}
	return bar{progressbar.NewOptions64(total, options...)}
}

func (p bar) set(n, total int64) {
	if p.b == nil {
		return
	}
	if total > 0 && total != p.b.GetMax64() {
		p.b.ChangeMax64(total)
	}
	_ = p.b.Set64(n) // a bar that cannot be drawn stops nothing
}

// clear makes room for a line of text; the next set draws the bar below it.
func (p bar) clear() {
	if p.b != nil {
		_ = p.b.Clear() // as above
	}
}

func (p bar) done() {
	if p.b != nil {
		_ = p.b.Finish() // as above
		_ = p.b.Exit()   // nothing is drawn from here on
	}
}
