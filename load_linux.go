package seccomp

import (
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// SetNoNewPrivs sets the no_new_privs bit of the calling thread, which neither
// it nor what it executes can take back: setuid programs run without
// privileges. Filter.NoNewPrivs does the same in the right place.
func SetNoNewPrivs() error {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("set no_new_privs: %w", err)
	}
	return nil
}

// LoadFilter compiles the filter's policy and loads it. With FilterFlagTSync
// it is on all threads of the process when LoadFilter returns nil. Where the
// filters that a thread has already leave no room for the cheapest program
// (32768 instructions in all), the smallest is loaded.
//
// Without FilterFlagTSync it is on the calling thread only, and the calling
// goroutine stays locked to that thread, as by runtime.LockOSThread: other
// goroutines do not run under the filter, and threads that Go starts do not
// inherit it. That is for a goroutine that is about to execute another program;
// to confine a Go program, use FilterFlagTSync.
func LoadFilter(filter Filter) error {
	if filter.Flag&FilterFlagNewListener != 0 {
		return fmt.Errorf("load filter: %w", errListenerLost)
	}
	_, err := load(&filter)
	return err
}

// LoadListener is LoadFilter with FilterFlagNewListener. It returns the
// listener through which a supervisor answers the calls that ActionUserNotify
// decides on (Linux 5.0). The caller closes it; such calls fail with ENOSYS then.
// Errors reach the calls on every machine; a value other than 0 does not on
// PowerPC with Linux 7.2.
//
// Signals, which Go's runtime sends to preempt, take callers out of their calls;
// they are then made again and ask again, even after a response that the kernel
// accepted. So a supervisor answers for as long as the listener is open, not once
// a call, and takes ENOENT as no failure. FilterFlagWaitKillableRecv (Linux 5.19)
// leaves only deadly signals to a call once it was received.
func LoadListener(filter Filter) (*os.File, error) {
	filter.Flag |= FilterFlagNewListener
	fd, err := load(&filter)
	if err != nil {
		return nil, err
	}
	return os.NewFile(fd, "seccomp listener"), nil
}

// load returns what seccomp(2) does: 0 or, if asked for, a listener. It leaves
// the goroutine locked to a thread that is unlike the others.
func load(f *Filter) (uintptr, error) {
	c, err := f.compile()
	if err == nil {
		err = c.runsHere()
	}
	if err != nil {
		return 0, fmt.Errorf("load filter: %w", err)
	}
	program := sockFilter(c.program)
	fprog := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}

	runtime.LockOSThread()
	odd := false // this thread has what other threads lack
	if f.NoNewPrivs {
		had, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)
		odd = err != nil || had == 0
		if err := SetNoNewPrivs(); err != nil {
			runtime.UnlockOSThread()
			return 0, fmt.Errorf("load filter: %w", err)
		}
	}
	r, errno := seccompCall(setModeFilter, f.Flag, unsafe.Pointer(&fprog))
	if errno == unix.ENOMEM && f.Precompiled == nil {
		program, r, errno = loadSmallest(f, program)
	}
	runtime.KeepAlive(program)
	tsync := f.Flag&FilterFlagTSync != 0
	err = loadError(f, len(program), r, errno)
	if err == nil {
		odd = !tsync
	}
	if !odd {
		runtime.UnlockOSThread()
	}
	if err != nil {
		return 0, err
	}
	return r, nil
}

// loadSmallest is for a thread on which there is no room for the program beside
// the filters that it has. It loads the policy's smallest program if that is
// smaller, and returns which program was tried last, with what came of it.
func loadSmallest(f *Filter, tried []unix.SockFilter) ([]unix.SockFilter, uintptr, unix.Errno) {
	c, err := f.Policy.Compile(&CompileOptions{Objective: Size})
	if err != nil || len(c.program) >= len(tried) {
		return tried, 0, unix.ENOMEM
	}
	program := sockFilter(c.program)
	fprog := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	r, errno := seccompCall(setModeFilter, f.Flag, unsafe.Pointer(&fprog))
	return program, r, errno
}

// loadError is what the result of seccomp(2) means and what to do about it.
func loadError(f *Filter, length int, r uintptr, errno unix.Errno) error {
	const doing = "load filter: seccomp(2)"
	switch tsync := f.Flag&FilterFlagTSync != 0; {
	case errno == 0 && r != 0 && f.Flag&FilterFlagNewListener == 0:
		return &ThreadSyncError{TID: int(r)}
	case errno == 0:
		return nil
	case errno == unix.ESRCH && tsync:
		return &ThreadSyncError{}
	case errno == unix.EACCES:
		return fmt.Errorf("%s: %w: it takes no_new_privs (Filter.NoNewPrivs) or CAP_SYS_ADMIN", doing, errno)
	case errno == unix.ENOSYS:
		return fmt.Errorf("%s: %w: %w", doing, &UnsupportedError{Feature: "seccomp(2)", Since: seccompSince}, errno)
	case errno == unix.EINVAL:
		return fmt.Errorf("%s: %w: the kernel refuses a filter of %d instructions with flags %q; it may be built without CONFIG_SECCOMP_FILTER, or a flag is newer than it (Linux %s)",
			doing, errno, length, f.Flag, f.Flag.Since())
	case errno == unix.ENOMEM:
		return fmt.Errorf("%s: %w: no memory, or the filters of this process are longer than 32768 instructions in all, counting 4 more for each", doing, errno)
	case errno == unix.EBUSY:
		return fmt.Errorf("%s: %w: a filter of this process has a listener already, and there can be one only", doing, errno)
	default:
		return fmt.Errorf("%s: %w", doing, errno)
	}
}

func sockFilter(raw []bpf.RawInstruction) []unix.SockFilter {
	filter := make([]unix.SockFilter, len(raw))
	for i, in := range raw {
		filter[i] = unix.SockFilter{Code: in.Op, Jt: in.Jt, Jf: in.Jf, K: in.K}
	}
	return filter
}
