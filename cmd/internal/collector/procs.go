package collector

import (
	"os"
	"runtime"
)

// leastProcs is how many of Go's processors a collector has at least: one for the
// window that is sealed, one for a plan, and one for requests. Where all are taken, the
// runtime looks at the network only every 10 ms; where one is free, the kernel wakes
// what a request waits for, before what has a lower priority (core/background).
const leastProcs = 3

// useProcs sees to leastProcs, unless the operator has said how many.
func useProcs() {
	if os.Getenv("GOMAXPROCS") == "" && runtime.GOMAXPROCS(0) < leastProcs {
		runtime.GOMAXPROCS(leastProcs)
	}
}
