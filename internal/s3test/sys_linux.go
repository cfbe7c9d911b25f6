package s3test

import (
	"syscall"

	"golang.org/x/sys/unix"
)

const supported = true

// attributes make the server end with the test binary, even a killed one.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setsid: true}
}

// hasAttributes reports whether files in dir can have extended attributes.
func hasAttributes(dir string) bool {
	return unix.Setxattr(dir, "user.rainlogs", []byte("1"), 0) == nil
}
