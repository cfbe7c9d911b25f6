//go:build !linux

package background_test

import "testing"

func nice(*testing.T) int { return 0 }
