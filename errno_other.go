//go:build !unix

package seccomp

import "syscall"

// The errno numbers of this system are not Linux's.
func nativeErrnoName(syscall.Errno) string { return "" }
