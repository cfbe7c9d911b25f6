package columns

import (
	"io/fs"
	"syscall"
	"time"
)

// changedAt is when anything of a file, its times included, was changed last.
func changedAt(info fs.FileInfo) time.Time {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return time.Unix(st.Ctim.Unix())
	}
	return time.Time{}
}

// othersWrite reports whether users beside the owner may write.
func othersWrite(info fs.FileInfo) bool { return info.Mode().Perm()&0o022 != 0 }
