//go:build unix

package pluginhost

import (
	"os"
	"syscall"
)

func ownerOf(fi os.FileInfo) (int, bool) {
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return int(st.Uid), true
}

// killGroup kills what is in the process group led by pid.
func killGroup(pid int) {
	if pid <= 1 {
		return // 0 and 1 would mean other groups altogether
	}
	_ = syscall.Kill(-pid, syscall.SIGKILL) // an empty group is a dead one
}
