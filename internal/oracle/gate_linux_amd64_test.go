package oracle_test

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/elastic/go-seccomp-bpf/internal/oracle/int80"
)

const (
	hasGate = true
	// getpid by the gate's numbers: harmless, and only to see that the gate is open.
	gateGetpid = 20
)

//go:norace
//go:nosplit
func throughGate(frame *[7]uint32) uint32 { return int80.Call(frame) }

// defaultAction is a struct sigaction of the kernel with SIG_DFL.
var defaultAction [4]uintptr

// faultsEnd lets a fault end the process: the gate is one where it is closed,
// and Go's handler would wait for locks that nobody releases in a fork.
//
//go:norace
//go:nosplit
func faultsEnd() {
	syscall.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(unix.SIGSEGV), uintptr(unsafe.Pointer(&defaultAction)), 0, 8, 0, 0)
}
