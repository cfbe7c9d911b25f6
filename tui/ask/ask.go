// Package ask is how screens ask their data: one question of a kind at a time,
// of which the latest alone counts, with progress and an end at any time.
package ask

import (
	"context"
	"time"

	tea "charm.land/bubbletea/v2"
)

// Question is a kind of question. The zero value has asked nothing.
type Question struct {
	number  int
	waiting bool
	cancel  context.CancelFunc
}

// Begin gives up the question before, and numbers a new one.
func (q *Question) Begin() (context.Context, int) {
	q.Stop()
	ctx, cancel := context.WithCancel(context.Background())
	q.number, q.waiting, q.cancel = q.number+1, true, cancel
	return ctx, q.number
}

// Stop gives the question up: its answer will not be taken. It reports whether
// there was one.
func (q *Question) Stop() bool {
	if !q.waiting {
		return false
	}
	q.cancel()
	q.waiting = false
	return true
}

// Take reports whether an answer is the one that is waited for, which it is then no longer.
func (q *Question) Take(number int) bool {
	if !q.Is(number) {
		return false
	}
	q.Stop()
	return true
}

// Waiting reports whether an answer is waited for.
func (q *Question) Waiting() bool { return q.waiting }

// Is reports whether the answer to this one is waited for.
func (q *Question) Is(number int) bool { return q.waiting && number == q.number }

// Progress is on the way to an answer.
type Progress[P any] struct {
	Question *Question
	Number   int
	At       P

	feed <-chan P
}

// pace is how often progress is heard of.
const pace = 100 * time.Millisecond

// Follow asks a question that tells how far it is: the first command of the
// batch asks it, the second hears a Progress, whose Next hears the next one.
// Both end with f, which ends with its context. What is told while nobody
// listens is replaced by what is told next; progress must not be called concurrently.
func Follow[P any](q *Question, f func(ctx context.Context, number int, progress func(P)) tea.Msg) tea.Cmd {
	ctx, number := q.Begin()
	feed := make(chan P, 1)
	answer := func() tea.Msg {
		defer close(feed)
		return f(ctx, number, func(p P) {
			select { // what nobody has heard yet is old
			case <-feed:
			default:
			}
			select {
			case feed <- p:
			default:
			}
		})
	}
	return tea.Batch(answer, hear(Progress[P]{Question: q, Number: number, feed: feed}, 0))
}

// Next hears of the next progress; none comes after the answer.
func (p Progress[P]) Next() tea.Cmd { return hear(p, pace) }

func hear[P any](p Progress[P], after time.Duration) tea.Cmd {
	return tea.Tick(after, func(time.Time) tea.Msg {
		at, ok := <-p.feed
		if !ok {
			return nil
		}
		p.At = at
		return p
	})
}
