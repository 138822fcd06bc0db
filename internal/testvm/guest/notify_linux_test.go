package guest

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/internal/testchild"
)

// linux/seccomp.h. The requests are the same on all architectures: _IOWR is
// the one direction on whose bits they agree.
const (
	notifRecv = 0xc0502100
	notifSend = 0xc0182101
)

type notification struct {
	ID         uint64
	PID, Flags uint32
	NR         int32
	Arch       uint32
	IP         uint64
	Args       [6]uint64
}

type response struct {
	ID    uint64
	Val   int64
	Error int32
	Flags uint32
}

func ioctl(f *os.File, request uintptr, p unsafe.Pointer) error {
	for {
		_, _, e := unix.Syscall(unix.SYS_IOCTL, f.Fd(), request, uintptr(p))
		if e == 0 {
			return nil
		}
		if e != unix.EINTR {
			return e
		}
	}
}

// What the supervisor answers to getpriority depends on its second argument.
const (
	askError    = 0x7ffffff1
	askValue    = 0x7ffffff2
	valueGiven  = 33
	askContinue = 0 // this process: what the kernel says
)

// answer answers calls until it cannot: a signal may take a caller out of its
// call, even when the response was taken already, and then it is made again.
func answer(listener *os.File, native *arch.Info) error {
	for {
		if err := answerOnce(listener, native); err != nil && !errors.Is(err, unix.ENOENT) {
			return err
		}
	}
}

// answerOnce receives one notification, checks that it is the call that was
// made, and responds.
func answerOnce(listener *os.File, native *arch.Info) error {
	var n notification
	if err := ioctl(listener, notifRecv, unsafe.Pointer(&n)); err != nil {
		return fmt.Errorf("receive: %w", err)
	}
	if n.NR != unix.SYS_GETPRIORITY || n.Arch != uint32(native.ID) || n.Args[0] != unix.PRIO_PROCESS || n.PID == 0 {
		return fmt.Errorf("received %+v, want getpriority on %#x", n, uint32(native.ID))
	}
	r := response{ID: n.ID}
	switch n.Args[1] {
	case askError:
		r.Error = -int32(denied)
	case askValue:
		r.Val = valueGiven
	case askContinue:
		r.Flags = unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE
	default:
		return fmt.Errorf("received argument %#x", n.Args[1])
	}
	if err := ioctl(listener, notifSend, unsafe.Pointer(&r)); err != nil {
		return fmt.Errorf("respond: %w", err)
	}
	return nil
}

var supervise = testchild.New("supervise", func(in []byte) ([]byte, error) {
	native, err := arch.GetInfo("")
	if err != nil {
		return nil, err
	}
	ask := func(who uintptr) (uintptr, unix.Errno) { // lets other goroutines run meanwhile
		r, _, e := unix.Syscall(unix.SYS_GETPRIORITY, unix.PRIO_PROCESS, who, 0)
		return r, e
	}
	before, e := ask(askContinue)
	if e != 0 {
		return nil, fmt.Errorf("getpriority without a filter: %w", e)
	}
	f := denylist(seccomp.SyscallGroup{Action: seccomp.ActionUserNotify, Names: []string{"getpriority"}})
	f.Flag = seccomp.FilterFlag(in[0])
	losesValues := in[1] != 0
	listener, err := seccomp.LoadListener(f)
	if err != nil {
		return nil, err
	}
	failed := make(chan error, 1)
	go func() {
		failed <- answer(listener, native)
		listener.Close() // else the call waits for ever
	}()
	for _, want := range []struct {
		who, value uintptr
		errno      unix.Errno
	}{{askError, ^uintptr(0), denied}, {askValue, valueGiven, 0}, {askContinue, before, 0}} {
		value, errno := ask(want.who)
		select {
		case err := <-failed:
			return nil, fmt.Errorf("getpriority(0, %#x): %w", want.who, err)
		default:
		}
		if want.who == askValue && losesValues {
			want.value = 0
		}
		if value != want.value || errno != want.errno {
			return nil, fmt.Errorf("getpriority(0, %#x): %d, %v, want %d, %v", want.who, value, errno, want.value, want.errno)
		}
	}
	return nil, nil
})

// TestNotify has a supervisor answer calls: with an error, with a value, and
// by letting the kernel make them.
func TestNotify(t *testing.T) {
	inGuest(t)
	v, _ := kernel(t)
	flags := []seccomp.FilterFlag{0}
	// Where a filter kept a call from being made, these return its error, and 0
	// where it has none (arch/powerpc/kernel/syscall.c: system_call_exception).
	losesValues := byte(0)
	if runtime.GOARCH == "ppc64le" && v.Compare(arch.Version{Major: 7}) >= 0 {
		losesValues = 1
	}
	if v.Compare(arch.Version{Major: 5, Minor: 19}) >= 0 {
		flags = append(flags, seccomp.FilterFlagWaitKillableRecv)
	}
	for _, f := range flags {
		t.Run(fmt.Sprint(f), func(t *testing.T) { supervise.Run(t, []byte{byte(f), losesValues}) })
	}
}
