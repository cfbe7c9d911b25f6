//go:build unix && !linux

package worker

import (
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// attributes puts the worker in a process group of its own. There is no
// Pdeathsig here: a worker whose parent was killed ends with its input.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// awaitExit returns when the process has ended and is reaped.
func awaitExit(cmd *exec.Cmd) (reaped bool, err error) { return true, cmd.Wait() }

func duplicate(from, to int) error { return unix.Dup2(from, to) }

func lower(int, int) {} // as the system shares it
