package guest

import (
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/internal/testchild"
)

func getpriority() (uintptr, unix.Errno) {
	r, _, e := unix.RawSyscall(unix.SYS_GETPRIORITY, unix.PRIO_PROCESS, 0, 0)
	return r, e
}

// kill_thread ends the thread that makes the call, and no other.
var killThread = testchild.New("kill thread", func([]byte) ([]byte, error) {
	loaded := make(chan error)
	tid := make(chan int)
	go func() {
		runtime.LockOSThread()
		f := denylist(seccomp.SyscallGroup{Action: seccomp.ActionKillThread, Names: []string{"getpriority"}})
		f.Flag = 0 // this thread only
		loaded <- seccomp.LoadFilter(f)
		tid <- unix.Gettid()
		// Syscall, not RawSyscall: the runtime is to go on without the thread.
		_, _, _ = unix.Syscall(unix.SYS_GETPRIORITY, unix.PRIO_PROCESS, 0, 0)
	}()
	if err := <-loaded; err != nil {
		return nil, err
	}
	task := fmt.Sprint("/proc/self/task/", <-tid)
	for range 500 {
		if _, err := os.Stat(task); os.IsNotExist(err) {
			if _, e := getpriority(); e != 0 {
				return nil, fmt.Errorf("another thread's getpriority: %w", e)
			}
			return nil, nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return nil, fmt.Errorf("%s is still there", task)
})

func TestKillThread(t *testing.T) {
	inGuest(t)
	killThread.Run(t, nil)
}

// log and allow let the call happen, as does a filter with every flag that
// says nothing about what happens.
var permitted = testchild.New("permitted", func(in []byte) ([]byte, error) {
	before, e := getpriority()
	if e != 0 {
		return nil, e
	}
	action := seccomp.ActionAllow
	if in[0] != 0 {
		action = seccomp.ActionLog
	}
	f := denylist(seccomp.SyscallGroup{Action: action, Names: []string{"getpriority"}})
	f.Policy.DefaultAction = seccomp.ActionAllow
	f.Flag = seccomp.FilterFlag(in[1])
	if err := seccomp.LoadFilter(f); err != nil {
		return nil, err
	}
	if after, e := getpriority(); e != 0 || after != before {
		return nil, fmt.Errorf("getpriority: %d, %v, want %d", after, e, before)
	}
	return nil, nil
})

func TestPermittingActions(t *testing.T) {
	inGuest(t)
	for _, action := range []byte{0, 1} {
		for _, flags := range []seccomp.FilterFlag{
			0, seccomp.FilterFlagTSync, seccomp.FilterFlagLog, seccomp.FilterFlagSpecAllow,
			seccomp.FilterFlagTSync | seccomp.FilterFlagTSyncESRCH,
			seccomp.FilterFlagTSync | seccomp.FilterFlagLog | seccomp.FilterFlagSpecAllow,
		} {
			permitted.Run(t, []byte{action, byte(flags)})
		}
	}
}
