package worker

import (
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// attributes puts the worker in a process group of its own, so that a Ctrl-C
// meant for the session does not reach it, and lets the kernel tell it when
// the thread that started it ends (see process.run). Not SIGKILL: it has a folder to remove.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}

// awaitExit returns when the process has ended but is not reaped yet: its id,
// which is its group's too, cannot have been given to another by then.
func awaitExit(cmd *exec.Cmd) (reaped bool, err error) {
	var info unix.Siginfo
	for {
		err := unix.Waitid(unix.P_PID, cmd.Process.Pid, &info, unix.WEXITED|unix.WNOWAIT, nil)
		if err != unix.EINTR { //nolint:errorlint // a bare errno
			return false, nil
		}
	}
}

func duplicate(from, to int) error { return unix.Dup3(from, to, 0) }

// lower gives the process group led by pid a lower priority, as far as the system lets us: all threads that it
// has by now, and with them those that they make.
func lower(pid, nice int) { _ = unix.Setpriority(unix.PRIO_PGRP, pid, nice) }
