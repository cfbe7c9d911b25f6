package collector

import (
	"runtime"
	"testing"
)

// A collector has three of Go's processors on one core, unless the operator has said otherwise.
func TestUseProcs(t *testing.T) { //nolint:paralleltest // it sets what is the process's
	before := runtime.GOMAXPROCS(0)
	t.Cleanup(func() { runtime.GOMAXPROCS(before) })
	for _, c := range []struct {
		env        string
		have, want int
	}{{"", 1, 3}, {"", 2, 3}, {"", 7, 7}, {"1", 1, 1}} {
		t.Setenv("GOMAXPROCS", c.env)
		runtime.GOMAXPROCS(c.have)
		useProcs()
		if got := runtime.GOMAXPROCS(0); got != c.want {
			t.Errorf("GOMAXPROCS=%q, %d of them: %d, want %d", c.env, c.have, got, c.want)
		}
	}
}
