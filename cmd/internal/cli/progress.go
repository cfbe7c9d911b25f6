package cli

import (
	"time"

	"github.com/schollz/progressbar/v3"
)

// bar is a progress bar with rate and estimate on a terminal, and nothing
// elsewhere.
type bar struct{ b *progressbar.ProgressBar }

// newBar starts a bar; total < 0 is unknown. asBytes shows sizes.
func newBar(env *Env, g *globals, what string, total int64, asBytes bool) bar {
	if !env.Terminal || g.noProgress || env.Getenv("TERM") == "dumb" {
		return bar{}
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

func (p bar) done() {
	if p.b != nil {
		_ = p.b.Finish() // as above
	}
}
