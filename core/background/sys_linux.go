package background

import "golang.org/x/sys/unix"

// lower lowers the calling thread's priority, as far as the system lets us. Linux has
// a priority for each thread.
func lower() { _ = unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), Nice) }

// LowerGroup does so for all threads of the processes of a group, and with them for
// those that they make.
func LowerGroup(pgid int) { _ = unix.Setpriority(unix.PRIO_PGRP, pgid, Nice) }
