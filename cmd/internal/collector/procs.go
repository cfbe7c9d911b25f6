package collector

import (
	"os"
	"runtime"
)

// leastProcs is how many of Go's processors a collector has on a single core. With
// one, the runtime looks at the network only every 10 ms while a window is being
// compressed; with two, the kernel wakes what a request waits for. A container
// that is limited to one core gets as many from Go itself.
const leastProcs = 2

// useProcs sees to leastProcs, unless the operator has said how many.
func useProcs() {
	if os.Getenv("GOMAXPROCS") == "" && runtime.GOMAXPROCS(0) < leastProcs {
		runtime.GOMAXPROCS(leastProcs)
	}
}
