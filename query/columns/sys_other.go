//go:build !linux

package columns

import (
	"io/fs"
	"os"
	"runtime"
	"time"
)

// changedAt is unknown here: size and time of writing must do.
func changedAt(fs.FileInfo) time.Time { return time.Time{} }

// usedAt is when a file was used or written last.
func usedAt(info fs.FileInfo) time.Time { return info.ModTime() }

// noteUse sets the time of writing, the one that can be read everywhere: the
// file is then read again, as after any change.
func noteUse(path string, now time.Time) error {
	return os.Chtimes(path, now, now) //nolint:wrapcheck // not reported
}

// othersWrite reports whether users beside the owner may write.
func othersWrite(info fs.FileInfo) bool {
	return runtime.GOOS != "windows" && info.Mode().Perm()&0o022 != 0
}
