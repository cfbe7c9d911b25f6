//go:build !linux

package pgtest

import (
	"os"
	"syscall"
)

// supported: elsewhere no server is sure to end with a killed test binary.
const supported = false

type owner struct{}

func findOwner() (owner, error)                  { return owner{}, nil }
func (o owner) own(string) error                 { return nil }
func (o owner) attributes() *syscall.SysProcAttr { return nil }
func (m Mode) signal() os.Signal                 { return os.Kill }
