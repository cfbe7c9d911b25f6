//go:build unix && !linux

package pluginhost

import (
	"os/exec"
	"syscall"
)

// processAttributes puts the plugin in a process group of its own. There is
// no Pdeathsig here: a plugin whose host was killed ends with its connection.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}

// awaitExit returns when the process has ended and is reaped.
func awaitExit(cmd *exec.Cmd) (reaped bool, err error) { return true, cmd.Wait() }
