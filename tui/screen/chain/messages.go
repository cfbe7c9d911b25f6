package chain

import (
	"context"
	"time"

	tea "charm.land/bubbletea/v2"
)

// The answers. Each carries the number of its question.
type (
	listed struct {
		question int
		chains   []Chain
		err      error
	}
	opened struct {
		question int
		book     Book
		err      error
	}
	filled struct {
		question int
		first    int64
		rows     []Row
		err      error
	}
	shown struct {
		question int
		entry    Entry
		err      error
	}
	verified struct {
		question int
		job      Job
		verdict  Verdict
		err      error
	}
	// progressed is on the way; feed is where the next one comes from.
	progressed struct {
		question *asking
		number   int
		at       Progress
		feed     <-chan Progress
	}
)

// asking is a kind of question, of which the latest alone counts.
type asking struct {
	number  int
	waiting bool
	at      Progress
	cancel  context.CancelFunc
}

// begin gives up the question before and numbers a new one.
func (a *asking) begin() (context.Context, int) {
	a.stop()
	ctx, cancel := context.WithCancel(context.Background())
	a.number, a.waiting, a.cancel, a.at = a.number+1, true, cancel, Progress{}
	return ctx, a.number
}

// stop gives the question up: its answer will be dropped.
func (a *asking) stop() bool {
	if !a.waiting {
		return false
	}
	a.cancel()
	a.waiting = false
	return true
}

// take reports whether an answer is the one that is waited for.
func (a *asking) take(number int) bool {
	if !a.waiting || number != a.number {
		return false
	}
	a.cancel()
	a.waiting = false
	return true
}

// pace is how often progress is drawn.
const pace = 100 * time.Millisecond

// followed runs a question that tells how far it is: the first command asks,
// the second hears of it. f ends with its context.
func followed(a *asking, f func(ctx context.Context, number int, progress func(Progress)) tea.Msg) tea.Cmd {
	ctx, number := a.begin()
	feed := make(chan Progress, 1)
	ask := func() tea.Msg {
		defer close(feed)
		return f(ctx, number, func(p Progress) {
			select { // what nobody has looked at yet is old
			case <-feed:
			default:
			}
			select {
			case feed <- p:
			default:
			}
		})
	}
	return tea.Batch(ask, hear(progressed{question: a, number: number, feed: feed}, 0))
}

// hear waits for the next progress; none comes after the answer.
func hear(p progressed, after time.Duration) tea.Cmd {
	return tea.Tick(after, func(time.Time) tea.Msg {
		at, ok := <-p.feed
		if !ok {
			return nil
		}
		p.at = at
		return p
	})
}
