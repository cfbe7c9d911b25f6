//go:build unix

package config

import (
	"io/fs"
	"os"
	"syscall"
)

// givenByRoot: the file is root's, and we are somebody else.
func givenByRoot(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && st.Uid == 0 && os.Geteuid() != 0
}
