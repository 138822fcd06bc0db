package guest

import (
	"fmt"
	"runtime"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/internal/testchild"
)

// Sub-calls, by include/uapi/linux/net.h and ipc.h.
const (
	sysSocket     = 1
	sysSocketPair = 8
	ipcSemget     = 2
	ipcMsgget     = 13
	ipcShmget     = 23
)

// hasMultiplexed says which of the GOARCHes of the matrix have socketcall(2)
// and ipc(2), by their syscall tables: arch/*/kernel/syscalls/*.tbl.
var hasMultiplexed = map[string]bool{"386": true, "s390x": true, "ppc64le": true, "mipsle": true}

func multiplexer(info *arch.Info, name string) (uintptr, error) {
	nr, ok := info.Number(name)
	if !ok {
		return 0, fmt.Errorf("%s has no %s", info.Name, name)
	}
	return uintptr(nr), nil
}

var socketcall = testchild.New("socketcall", func([]byte) ([]byte, error) {
	info, err := arch.GetInfo("")
	if err != nil {
		return nil, err
	}
	nr, err := multiplexer(info, "socketcall")
	if err != nil {
		return nil, err
	}
	call := func(sub uintptr, args ...uintptr) unix.Errno {
		_, _, e := unix.RawSyscall(nr, sub, uintptr(unsafe.Pointer(&args[0])), 0)
		runtime.KeepAlive(args)
		return e
	}
	socket := func() unix.Errno { return call(sysSocket, unix.AF_UNIX, unix.SOCK_STREAM, 0) }
	if e := socket(); e != 0 {
		return nil, fmt.Errorf("socketcall(SYS_SOCKET) without a filter: %w", e)
	}
	if err := seccomp.LoadFilter(denylist(deny("socket"))); err != nil {
		return nil, err
	}
	if e := socket(); e != denied {
		return nil, fmt.Errorf("socketcall(SYS_SOCKET): errno %v, want it denied", e)
	}
	if _, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0); err != denied {
		return nil, fmt.Errorf("socket: %v, want it denied", err)
	}
	var fds [2]int32
	if e := call(sysSocketPair, unix.AF_UNIX, unix.SOCK_STREAM, 0, uintptr(unsafe.Pointer(&fds))); e != 0 {
		return nil, fmt.Errorf("socketcall(SYS_SOCKETPAIR), which no rule names: %w", e)
	}
	if wide { // the kernel reads the sub-call from an int
		args := [3]uintptr{unix.AF_UNIX, unix.SOCK_STREAM, 0}
		high := uint64(sysSocket) | 1<<63
		if _, _, e := unix.RawSyscall(nr, uintptr(high), uintptr(unsafe.Pointer(&args)), 0); e != denied {
			return nil, fmt.Errorf("socketcall(SYS_SOCKET with high bits): errno %v, want it denied", e)
		}
	}
	return nil, nil
})

func TestSocketcall(t *testing.T) {
	inGuest(t)
	if !hasMultiplexed[runtime.GOARCH] {
		t.Skip("the ABI has no socketcall")
	}
	socketcall.Run(t, nil)
}

var ipc = testchild.New("ipc", func([]byte) ([]byte, error) {
	info, err := arch.GetInfo("")
	if err != nil {
		return nil, err
	}
	nr, err := multiplexer(info, "ipc")
	if err != nil {
		return nil, err
	}
	// The upper half of the first argument is a version the kernel skips for these.
	call := func(sub uintptr, args ...uintptr) unix.Errno {
		var a [4]uintptr
		copy(a[:], args)
		_, _, e := unix.RawSyscall6(nr, sub, a[0], a[1], a[2], a[3], 0)
		return e
	}
	const create = unix.IPC_CREAT | 0o600
	get := func(sub uintptr) unix.Errno {
		if sub == ipcMsgget {
			return call(sub, unix.IPC_PRIVATE, create)
		}
		return call(sub, unix.IPC_PRIVATE, 1, create)
	}
	for _, sub := range []uintptr{ipcSemget, ipcMsgget, ipcShmget} {
		if e := get(sub); e != 0 {
			return nil, fmt.Errorf("ipc(%d) without a filter: %w", sub, e)
		}
	}
	if err := seccomp.LoadFilter(denylist(deny("semget", "shmget"))); err != nil {
		return nil, err
	}
	for sub, want := range map[uintptr]unix.Errno{
		ipcSemget: denied, ipcShmget: denied, ipcMsgget: 0,
		ipcShmget | 1<<16: denied, ipcSemget | 3<<16: denied,
	} {
		if e := get(sub); e != want {
			return nil, fmt.Errorf("ipc(%#x): errno %v, want %v", sub, e, want)
		}
	}
	return nil, nil
})

func TestIPC(t *testing.T) {
	inGuest(t)
	if !hasMultiplexed[runtime.GOARCH] {
		t.Skip("the ABI has no ipc")
	}
	ipc.Run(t, nil)
}

// TestMultiplexed compares the tables with this file's.
func TestMultiplexed(t *testing.T) {
	inGuest(t)
	info := native(t)
	for _, name := range []string{"socketcall", "ipc"} {
		if _, ok := info.Number(name); ok != hasMultiplexed[runtime.GOARCH] {
			t.Errorf("%s has %s: %v, want %v", info.Name, name, ok, hasMultiplexed[runtime.GOARCH])
		}
	}
}
