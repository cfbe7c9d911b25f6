package site

import (
	"time"

	"github.com/schollz/progressbar/v3"
)

// Bar is a progress bar with rate and estimate on a terminal, and nothing
// elsewhere.
type Bar struct{ b *progressbar.ProgressBar }

// NewBar starts a bar; total < 0 is unknown. asBytes shows sizes.
func NewBar(env *Env, g *Globals, what string, total int64, asBytes bool) Bar {
	if !env.Terminal || g.NoProgress || env.Getenv("TERM") == "dumb" {
		return Bar{}
	}
	options := []progressbar.Option{
		progressbar.OptionSetWriter(env.Err), progressbar.OptionSetDescription(what),
		progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetPredictTime(true),
		progressbar.OptionThrottle(100 * time.Millisecond), progressbar.OptionClearOnFinish(),
		progressbar.OptionSetWidth(30), progressbar.OptionFullWidth(),
		progressbar.OptionEnableColorCodes(env.Getenv("NO_COLOR") == ""),
	}
	if asBytes {
		options = append(options, progressbar.OptionShowBytes(true))
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

// Done takes the bar away.
func (p Bar) Done() {
	if p.b != nil {
		_ = p.b.Finish() // as above
	}
}
