//go:build !linux

package background

// Elsewhere a priority is the whole process's.
func lower() {}

// LowerGroup does nothing.
func LowerGroup(int) {}
