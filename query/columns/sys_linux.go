package columns

import (
	"io/fs"
	"os"
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

// usedAt is when a file was used or written last.
func usedAt(info fs.FileInfo) time.Time {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		if read := time.Unix(st.Atim.Unix()); read.After(info.ModTime()) {
			return read
		}
	}
	return info.ModTime()
}

// noteUse sets the time of reading alone: a change of the content still shows
// in that of writing. File systems mounted with noatime keep it too.
func noteUse(path string, now time.Time) error {
	return os.Chtimes(path, now, time.Time{}) //nolint:wrapcheck // not reported
}

// othersWrite reports whether users beside the owner may write.
func othersWrite(info fs.FileInfo) bool { return info.Mode().Perm()&0o022 != 0 }
