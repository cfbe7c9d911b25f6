// Package conformance is what the suites sdk/source/sourcetest and
// sdk/storage/storagetest need of the test that runs them. A *testing.T has
// it all, and so the suites run under go test; so does `rainlogs plugin test`,
// which runs them over the binary of a stranger.
package conformance

import "context"

// T is one case under way. The methods are those of *testing.T.
type T interface { //nolint:interfacebloat // all are *testing.T's own
	Helper()
	// Context ends when the case has, before what Cleanup was given runs.
	Context() context.Context
	Cleanup(func())
	Error(args ...any)
	Errorf(format string, args ...any)
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	Skip(args ...any)
}

// Runner is a T that runs cases of its own kind: *testing.T is a
// Runner[*testing.T]. Cases may run at once where Parallel says so.
type Runner[R any] interface {
	T
	Parallel()
	Run(name string, run func(R)) bool
}
