//go:build !linux

package columns

import (
	"io/fs"
	"runtime"
	"time"
)

// changedAt is unknown here: size and time of writing must do.
func changedAt(fs.FileInfo) time.Time { return time.Time{} }

// othersWrite reports whether users beside the owner may write.
func othersWrite(info fs.FileInfo) bool {
	return runtime.GOOS != "windows" && info.Mode().Perm()&0o022 != 0
}
