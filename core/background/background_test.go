package background_test

import (
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/fabriziosalmi/rainlogs/core/background"
)

func TestRun(t *testing.T) {
	t.Parallel()
	want := errors.New("no")
	if err := background.Run(func() error { return want }); !errors.Is(err, want) {
		t.Errorf("got %v", err)
	}
	if err := background.Run(func() error { return nil }); err != nil {
		t.Errorf("got %v", err)
	}
}

func explode() error { panic("at once") }

// TestPanic: who runs jobs hears of a panic, and where it was.
func TestPanic(t *testing.T) {
	t.Parallel()
	defer func() {
		text, _ := recover().(string)
		if !strings.HasPrefix(text, "at once\n") || !strings.Contains(text, "background_test.explode") {
			t.Errorf("the panic was told as %q", text)
		}
	}()
	_ = background.Run(explode)
	t.Error("no panic")
}

// TestPriority: the work has less of it, and nothing else does: not what it starts, and
// not what comes after it.
func TestPriority(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("priorities of threads are Linux's")
	}
	t.Parallel()
	before := nice(t)
	var during, beside int
	err := background.Run(func() error {
		during = nice(t)
		done := make(chan struct{})
		go func() {
			defer close(done)
			beside = nice(t)
		}()
		<-done
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := min(before+background.Nice, 19); during != want && during != background.Nice {
		t.Errorf("nice is %d during the work, not %d", during, want)
	}
	if beside != before {
		t.Errorf("nice is %d in what the work started, not %d", beside, before)
	}
	for range 50 { // threads are used again
		if after := nice(t); after != before {
			t.Fatalf("nice is %d after the work, not %d", after, before)
		}
		runtime.Gosched()
	}
}
