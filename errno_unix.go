//go:build unix

package seccomp

import (
	"syscall"

	"golang.org/x/sys/unix"
)

func nativeErrnoName(e syscall.Errno) string { return unix.ErrnoName(e) }
