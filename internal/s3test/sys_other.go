//go:build !linux

package s3test

import "syscall"

// supported: elsewhere no server is sure to end with a killed test binary.
const supported = false

func attributes() *syscall.SysProcAttr { return nil }
func hasAttributes(string) bool        { return false }
