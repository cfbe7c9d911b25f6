//go:build !unix

package sdk

import "os"

// captureStdout does nothing here: descriptors cannot be exchanged.
func captureStdout() (*os.File, error) { return os.Stdout, nil }
