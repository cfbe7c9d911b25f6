package investigate

import (
	"context"
	"sync/atomic"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/fabriziosalmi/rainlogs/tui/inquiry"
)

// askPrepare has the records of the view's range made quick to ask, once.
func (s *Screen) askPrepare() tea.Cmd {
	v := s.view
	v.Filters = nil
	for _, done := range s.prepared {
		if holds(done, v) {
			return nil
		}
	}
	if s.waiting(ofPrepare) && holds(s.preparing, v) {
		return nil
	}
	s.preparing, s.progress = v, progress{}
	data, far := s.cfg.Data, &farness{}
	cmd := s.ask(ofPrepare, func(ctx context.Context) (any, error) {
		return v, data.Prepare(ctx, v, far.set)
	})
	return tea.Batch(cmd, s.watch(s.questions[ofPrepare].seq, far))
}

// holds reports whether what was prepared for one view serves another.
func holds(done, v inquiry.View) bool {
	wide := done
	wide.From, wide.To = v.From, v.To
	return wide.Equal(v) && !done.From.After(v.From) && !done.To.Before(v.To)
}

// farness is how far Prepare is, told by it and read by watch.
type farness struct{ done, total atomic.Int64 }

func (f *farness) set(done, total int64) {
	f.done.Store(done)
	f.total.Store(total)
}

// watch looks after a moment how far Prepare is.
func (s *Screen) watch(seq int, far *farness) tea.Cmd {
	return tea.Tick(s.cfg.Pause, func(time.Time) tea.Msg {
		return progress{seq, far.done.Load(), far.total.Load(), far}
	})
}
