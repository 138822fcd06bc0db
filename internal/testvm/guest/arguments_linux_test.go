package guest

import (
	"fmt"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/internal/testchild"
)

// getpriority(int which, int who): the kernel looks at the low halves only.
var signedInt = testchild.New("signed int", func([]byte) ([]byte, error) {
	if err := seccomp.LoadFilter(denylist(denyWhen("getpriority",
		seccomp.Condition{Argument: 1, Operation: seccomp.SignedLessThan, Value: 0}))); err != nil {
		return nil, err
	}
	negative := []uint64{0xffffffff, 0x80000000, 0xffffffff_ffffffff, 0x7fffffff_ffffffff, 0x00000001_80000000}
	other := []uint64{0, 1, 0x7fffffff, 0xffffffff_00000000, 0x80000000_00000001}
	for _, who := range negative {
		if _, _, e := unix.RawSyscall(unix.SYS_GETPRIORITY, unix.PRIO_PROCESS, uintptr(who), 0); e != denied {
			return nil, fmt.Errorf("getpriority(0, %#x): %v, want it denied", who, e)
		}
	}
	for _, who := range other {
		if _, _, e := unix.RawSyscall(unix.SYS_GETPRIORITY, unix.PRIO_PROCESS, uintptr(who), 0); e == denied {
			return nil, fmt.Errorf("getpriority(0, %#x) was denied", who)
		}
	}
	return nil, nil
})

func TestSignedInt(t *testing.T) {
	inGuest(t)
	signedInt.Run(t, nil)
}

// lseek's offset is a long: 64 bits in one register where registers have them,
// in the order of the machine's bytes.
var longArgument = testchild.New("long argument", func([]byte) ([]byte, error) {
	const limit = 0x00000003_00000005
	if err := seccomp.LoadFilter(denylist(denyWhen("lseek",
		seccomp.Condition{Argument: 1, Operation: seccomp.GreaterThan, Value: limit}))); err != nil {
		return nil, err
	}
	for off, want := range map[uint64]unix.Errno{
		limit: unix.EBADF, limit + 1: denied, limit - 1: unix.EBADF,
		0x00000005_00000003: denied, 0x00000002_ffffffff: unix.EBADF, 0xffffffff: unix.EBADF,
		0x00000004_00000000: denied, 0x80000000_00000000: denied, 0xffffffff_ffffffff: denied, 0: unix.EBADF,
	} {
		if _, _, e := unix.RawSyscall(unix.SYS_LSEEK, ^uintptr(0), uintptr(off), 0); e != want {
			return nil, fmt.Errorf("lseek(-1, %#x): %v, want %v", off, e, want)
		}
	}
	return nil, nil
})

// TestLongArgument is about 64-bit registers; a 32-bit ABI can never pass the limit.
func TestLongArgument(t *testing.T) {
	inGuest(t)
	if !wide {
		t.Skip("registers have 32 bits: see TestRegisterPair")
	}
	longArgument.Run(t, nil)
}

// pairAt is the first of the two registers that hold pread64's offset on a
// 32-bit ABI: aligned to an even one on ARM and MIPS o32.
func pairAt() uint32 {
	if runtime.GOARCH == "386" {
		return 3
	}
	return 4
}

var registerPair = testchild.New("register pair", func([]byte) ([]byte, error) {
	low := pairAt() // the low half comes first: Go has no 32-bit big-endian port in the matrix
	if err := seccomp.LoadFilter(denylist(denyWhen("pread64",
		seccomp.Condition{Argument: low, Operation: seccomp.Equal, Value: 0x9000},
		seccomp.Condition{Argument: low + 1, Operation: seccomp.Equal, Value: 0},
	))); err != nil {
		return nil, err
	}
	for off, want := range map[int64]error{0x9000: denied, 0x9001: unix.EBADF, 0x1_00009000: unix.EBADF, 0x9000 << 32: unix.EBADF, 0: unix.EBADF} {
		if _, err := unix.Pread(-1, []byte{0}, off); err != want {
			return nil, fmt.Errorf("pread64(-1, 1 byte, %#x): %v, want %v", off, err, want)
		}
	}
	return nil, nil
})

// TestRegisterPair compares a 64-bit argument that a 32-bit ABI passes in two registers.
func TestRegisterPair(t *testing.T) {
	inGuest(t)
	if wide {
		t.Skip("registers have 64 bits: see TestLongArgument")
	}
	registerPair.Run(t, nil)
}

// noSuchCall is a number no kernel has.
const noSuchCall = 0xffff

var enosys = testchild.New("ENOSYS", func([]byte) ([]byte, error) {
	_, _, kernels := unix.RawSyscall(noSuchCall, 0, 0, 0)
	f := denylist(seccomp.SyscallGroup{Action: seccomp.ErrnoName("ENOSYS"), Names: []string{"getpriority"}})
	if err := seccomp.LoadFilter(f); err != nil {
		return nil, err
	}
	if _, _, e := unix.RawSyscall(unix.SYS_GETPRIORITY, 0, 0, 0); e != kernels || e != unix.ENOSYS {
		return nil, fmt.Errorf("the filter's ENOSYS is %d, the kernel's is %d, the Go library's is %d", e, kernels, unix.ENOSYS)
	}
	return nil, nil
})

// TestENOSYS: the number differs on MIPS.
func TestENOSYS(t *testing.T) {
	inGuest(t)
	enosys.Run(t, nil)
}
