package pluginhost

import (
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// processAttributes puts the plugin in a process group of its own, so that a
// Ctrl-C meant for the host does not reach it, and lets the kernel kill it
// with the thread that started it (see runner.run for that thread).
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// awaitExit returns when the process has ended but is not reaped yet: its id,
// which is its group's too, cannot have been given to another by then.
func awaitExit(cmd *exec.Cmd) (reaped bool, err error) {
	var info unix.Siginfo
	for {
		err := unix.Waitid(unix.P_PID, cmd.Process.Pid, &info, unix.WEXITED|unix.WNOWAIT, nil)
		if err != unix.EINTR {
			return false, nil
		}
	}
}
