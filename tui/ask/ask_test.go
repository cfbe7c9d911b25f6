package ask_test

import (
	"context"
	"testing"

	tea "charm.land/bubbletea/v2"
	"go.uber.org/goleak"

	"github.com/fabriziosalmi/rainlogs/tui/ask"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestLatestAlone(t *testing.T) {
	t.Parallel()
	var q ask.Question
	first, one := q.Begin()
	second, two := q.Begin()
	if first.Err() == nil || second.Err() != nil {
		t.Error("the question before goes on, or the latest does not")
	}
	if q.Take(one) || !q.Waiting() || !q.Take(two) || q.Waiting() || q.Take(two) {
		t.Error("not the latest answer alone is taken, once")
	}
	if second.Err() == nil {
		t.Error("a context is left open")
	}
	if q.Stop() {
		t.Error("a question that was answered is stopped")
	}
}

func TestFollow(t *testing.T) {
	t.Parallel()
	var q ask.Question
	told := make(chan struct{})
	cmd := ask.Follow(&q, func(ctx context.Context, n int, progress func(int)) tea.Msg {
		progress(1)
		progress(2) // nobody has heard of the first
		close(told)
		<-ctx.Done()
		return n
	})
	batch, ok := cmd().(tea.BatchMsg)
	if !ok || len(batch) != 2 {
		t.Fatalf("%v", batch)
	}
	answer := make(chan tea.Msg)
	go func() { answer <- batch[0]() }()
	<-told
	p, ok := batch[1]().(ask.Progress[int])
	if !ok || p.At != 2 || p.Question != &q || !q.Is(p.Number) {
		t.Errorf("progress is %+v", p)
	}
	q.Stop()
	if got := <-answer; got != p.Number || q.Take(p.Number) {
		t.Errorf("answer is %v", got)
	}
	if msg := p.Next()(); msg != nil {
		t.Errorf("after the answer: %v", msg)
	}
}
