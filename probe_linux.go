package seccomp

import (
	"os"
	"slices"
	"strings"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Operations of seccomp(2).
const (
	setModeStrict  = 0
	setModeFilter  = 1
	getActionAvail = 2
)

func seccompCall(op uintptr, flags FilterFlag, arg unsafe.Pointer) (uintptr, unix.Errno) {
	r, _, errno := unix.Syscall(unix.SYS_SECCOMP, op, uintptr(flags), uintptr(arg))
	return r, errno
}

// Supported returns true if the kernel has seccomp(2) with filters (Linux
// 3.17) and this process may call it.
func Supported() bool { return supported() }

// A filter is offered that is not there: a kernel with filters fails to read
// it, any other does not try.
var supported = sync.OnceValue(func() bool {
	_, errno := seccompCall(setModeFilter, 0, nil)
	return errno == unix.EFAULT
})

type probes struct {
	mu      sync.Mutex
	actions map[Action]Support
	flags   map[FilterFlag]Support
}

// asked keeps the kernel's answers.
var asked = probes{actions: map[Action]Support{}, flags: map[FilterFlag]Support{}}

func actionSupport(kind Action) Support {
	asked.mu.Lock()
	defer asked.mu.Unlock()
	s, ok := asked.actions[kind]
	if !ok {
		s = askAction(kind)
		asked.actions[kind] = s
	}
	return s
}

func flagSupport(flag FilterFlag) Support {
	asked.mu.Lock()
	defer asked.mu.Unlock()
	s, ok := asked.flags[flag]
	if !ok {
		s = askFlag(flag)
		asked.flags[flag] = s
	}
	return s
}

func askAction(kind Action) Support {
	if !supported() {
		return No
	}
	ret := uint32(kind)
	if kind == ActionKillThread {
		ret = killThreadReturn
	}
	_, errno := seccompCall(getActionAvail, 0, unsafe.Pointer(&ret))
	switch errno {
	case 0:
		return Yes
	case unix.EOPNOTSUPP:
		return No
	case unix.EINVAL: // the kernel cannot be asked, so it is older than 4.14
		if _, later := actionSince[kind]; later {
			return No
		}
		return Yes
	}
	return listedAction(kind)
}

// listedAction looks where Linux 4.14 and later also say what they have.
func listedAction(kind Action) Support {
	list, err := os.ReadFile("/proc/sys/kernel/seccomp/actions_avail")
	if err != nil {
		return Unknown
	}
	name := kind.String()
	if kind == ActionUserNotify {
		name = "user_notif"
	}
	if slices.Contains(strings.Fields(string(list)), name) {
		return Yes
	}
	return No
}

// askFlag offers a filter that is not there: flags are checked before it is read.
func askFlag(flag FilterFlag) Support {
	if flag == FilterFlagWaitKillableRecv {
		flag |= FilterFlagNewListener
	}
	_, errno := seccompCall(setModeFilter, flag, nil)
	switch errno {
	case unix.EFAULT:
		return Yes
	case unix.EINVAL, unix.ENOSYS:
		return No
	}
	return Unknown
}
