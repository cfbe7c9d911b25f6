//go:build unix

package cli

import (
	"os"
	"syscall"
)

// keepOwner gives a file the owner of the one that it is to replace: root may
// change a config that the collector's user must still read.
func keepOwner(f *os.File, of os.FileInfo) error {
	st, ok := of.Sys().(*syscall.Stat_t)
	if !ok || os.Geteuid() != 0 {
		return nil
	}
	return f.Chown(int(st.Uid), int(st.Gid)) //nolint:wrapcheck // by the caller
}
