//go:build linux && !(386 || arm || mips || mipsle)

package seccomp

import "golang.org/x/sys/unix"

const (
	mmapNumber  = unix.SYS_MMAP
	fcntlNumber = unix.SYS_FCNTL
)
