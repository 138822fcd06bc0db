package oracle_test

import (
	"fmt"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/elastic/go-seccomp-bpf/cbpf"
)

// A probe is a system call to be made under a filter, and what came of it.
type probe struct {
	frame  [7]uint32 // for the gate to the other ABI: number and arguments
	gate   bool
	made   bool
	nr     uintptr
	args   [6]uintptr
	result uintptr // errno
}

// exitMark is the last argument of the one call that filters under test do not
// decide: the exit_group that ends the process.
const exitMark = 0x5eccc0de

// exitable lets the marked exit_group pass and leaves the rest to the program,
// unchanged and with the accumulator zero as at the start.
func exitable(program []bpf.RawInstruction, bigEndian bool) []bpf.RawInstruction {
	words := (&cbpf.Data{Args: [6]uint64{5: exitMark}}).Words(bigEndian)
	low := uint32(0)
	for words[low] != exitMark {
		low++
	}
	return append([]bpf.RawInstruction{
		{Op: 0x20, K: 0}, // LD [nr]
		{Op: 0x15, K: unix.SYS_EXIT_GROUP, Jf: 3},
		{Op: 0x20, K: 4 * low},
		{Op: 0x15, K: exitMark, Jf: 1},
		{Op: 0x06, K: cbpf.RetAllow},
		{Op: 0x00}, // LD 0
	}, program...)
}

// forkAndProbe makes a copy of the process that has this thread alone. The copy
// installs the filter, if there is one, makes the calls, and leaves the results in
// memory it shares with the original. It makes raw system calls only: the Go
// runtime of the copy is in no state to run.
//
//go:norace
//go:nosplit
func forkAndProbe(fprog *unix.SockFprog, probes []probe) (pid uintptr, errno syscall.Errno) {
	if runtime.GOARCH == "s390x" { // the stack comes first
		pid, _, errno = syscall.RawSyscall6(unix.SYS_CLONE, 0, uintptr(unix.SIGCHLD), 0, 0, 0, 0)
	} else {
		pid, _, errno = syscall.RawSyscall6(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
	}
	if errno != 0 || pid != 0 {
		return pid, errno
	}
	faultsEnd()
	status := uintptr(0)
	if fprog != nil {
		_, _, errno = syscall.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, uintptr(unsafe.Pointer(fprog)))
		status = uintptr(errno)
	}
	for i := range probes {
		p := &probes[i]
		if status != 0 {
			break
		}
		if p.gate {
			p.result = uintptr(-throughGate(&p.frame))
		} else {
			r, _, errno := syscall.RawSyscall6(p.nr, p.args[0], p.args[1], p.args[2], p.args[3], p.args[4], p.args[5])
			p.result = uintptr(errno)
			if errno == 0 {
				p.result = -r
			}
		}
		p.made = true
	}
	for {
		syscall.RawSyscall6(unix.SYS_EXIT_GROUP, status, 0, 0, 0, 0, exitMark)
	}
}

// runInKernel makes the probes under a program, none if it is empty.
func runInKernel(program []bpf.RawInstruction, probes []probe) error {
	var fprog *unix.SockFprog
	if len(program) > 0 {
		fprog = &unix.SockFprog{Len: uint16(len(program)), Filter: (*unix.SockFilter)(unsafe.Pointer(&program[0]))}
	}
	pid, errno := forkAndProbe(fprog, probes)
	if errno != 0 {
		return fmt.Errorf("forking: %w", errno)
	}
	var status unix.WaitStatus
	for {
		if _, err := unix.Wait4(int(pid), &status, 0, nil); err == nil {
			break
		} else if err != unix.EINTR {
			return fmt.Errorf("waiting: %w", err)
		}
	}
	runtime.KeepAlive(program)
	made := 0
	for made < len(probes) && probes[made].made {
		made++
	}
	switch {
	case status.Exited() && status.ExitStatus() != 0:
		return fmt.Errorf("loading the filter: %w", syscall.Errno(status.ExitStatus()))
	case !status.Exited() || made < len(probes):
		return fmt.Errorf("the process ended with status %#x after %d of %d calls", status, made, len(probes))
	}
	return nil
}

// sharedProbes makes room for probes in memory that forks share.
func sharedProbes(n int) ([]probe, error) {
	b, err := unix.Mmap(-1, 0, n*int(unsafe.Sizeof(probe{})), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_ANON)
	if err != nil {
		return nil, fmt.Errorf("mapping shared memory: %w", err)
	}
	return unsafe.Slice((*probe)(unsafe.Pointer(&b[0])), n), nil
}
