package source

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/cbpf"
)

// Command starts a command, follows its processes and threads until they have
// installed what they install, ends them, and returns the filters. It reads
// these from the arguments of seccomp(2) and prctl(2), which takes no privilege.
func Command(ctx context.Context, args []string, o CommandOptions) ([]Input, error) {
	runtime.LockOSThread() // the tracer is this thread
	defer runtime.UnlockOSThread()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = o.Stdin, o.Stdout, o.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Ptrace: true}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", args[0], err)
	}
	w := newWatcher()
	ended := make(chan struct{})
	var killer sync.WaitGroup
	killer.Go(func() { w.end(ctx, o, ended) })
	err := w.follow(cmd.Process.Pid)
	close(ended)
	killer.Wait()
	_ = cmd.Process.Release() // it has been waited for
	if err != nil {
		return nil, fmt.Errorf("follow %s: %w", args[0], err)
	}
	var c collection
	for _, t := range w.finished {
		if len(t.stack) == 0 {
			c.unfiltered++
			continue
		}
		c.add(t.name, t.tid, t.stack)
	}
	if len(c.stacks) == 0 {
		if !w.ending {
			return nil, fmt.Errorf("%s: ended without installing a filter", strings.Join(args, " "))
		}
		return nil, fmt.Errorf("%s: installed no filter within %s", strings.Join(args, " "), o.timeout())
	}
	return c.inputs(args[0])
}

// A task is a thread of the command.
type task struct {
	tid     int
	tgid    int
	name    string
	stack   []cbpf.Program // newest first
	install *installation  // what the system call it is in installs
	held    bool           // stopped until its parent's event tells whose child it is
}

// An installation is a call that installs a filter.
type installation struct {
	program cbpf.Program
	sync    bool // SECCOMP_FILTER_FLAG_TSYNC
}

type watcher struct {
	mu       sync.Mutex
	tasks    map[int]*task
	changed  time.Time // when a filter was last installed
	ending   bool
	finished []*task
}

func newWatcher() *watcher { return &watcher{tasks: map[int]*task{}} }

// end kills all tasks when it is time.
func (w *watcher) end(ctx context.Context, o CommandOptions, ended <-chan struct{}) {
	deadline := time.Now().Add(o.timeout())
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ended:
			return
		case <-ctx.Done():
			deadline = time.Now()
		case <-tick.C:
		}
		w.mu.Lock()
		settled := !w.changed.IsZero() && time.Since(w.changed) > o.settle()
		if settled || !time.Now().Before(deadline) {
			w.ending = true
			for _, t := range w.tasks {
				_ = unix.Kill(t.tgid, unix.SIGKILL)
			}
		}
		w.mu.Unlock()
	}
}

const traceOptions = unix.PTRACE_O_TRACESYSGOOD | unix.PTRACE_O_TRACEFORK | unix.PTRACE_O_TRACEVFORK |
	unix.PTRACE_O_TRACECLONE | unix.PTRACE_O_TRACEEXEC | unix.PTRACE_O_EXITKILL

// follow waits for the command's tasks until none is left.
func (w *watcher) follow(pid int) error {
	w.tasks[pid] = &task{tid: pid, tgid: pid}
	var status unix.WaitStatus
	if _, err := unix.Wait4(pid, &status, unix.WALL, nil); err != nil {
		return fmt.Errorf("wait: %w", err)
	}
	if !status.Stopped() {
		return fmt.Errorf("it ended before it was executed (status %#x)", status)
	}
	if err := ptrace(unix.PTRACE_SETOPTIONS, pid, 0, traceOptions); err != nil {
		return fmt.Errorf("PTRACE_SETOPTIONS: %w", err)
	}
	w.resume(pid, 0)
	for {
		tid, err := unix.Wait4(-1, &status, unix.WALL, nil)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.ECHILD):
			return nil
		case err != nil:
			return fmt.Errorf("wait: %w", err)
		}
		w.mu.Lock()
		w.stopped(tid, status)
		w.mu.Unlock()
	}
}

func (w *watcher) resume(tid int, signal syscall.Signal) {
	_ = ptrace(unix.PTRACE_SYSCALL, tid, 0, uintptr(signal)) // ESRCH: it was killed meanwhile
}

// stopped deals with a task that stopped or ended.
func (w *watcher) stopped(tid int, status unix.WaitStatus) {
	t := w.tasks[tid]
	if status.Exited() || status.Signaled() {
		if t != nil {
			w.finished = append(w.finished, t)
			delete(w.tasks, tid)
		}
		return
	}
	if t == nil { // a new task that stopped before its parent's event
		w.tasks[tid] = &task{tid: tid, tgid: tid, held: true}
		return
	}
	signal := status.StopSignal()
	switch {
	case signal == unix.SIGTRAP|0x80:
		w.atSyscall(t)
		signal = 0
	case signal == unix.SIGTRAP && status.TrapCause() > 0:
		w.event(t, status.TrapCause())
		signal = 0
	case signal == unix.SIGTRAP, signal == unix.SIGSTOP:
		signal = 0 // the stop that starts a task
	}
	w.resume(tid, signal)
}

// event deals with new tasks and with an exec.
func (w *watcher) event(t *task, cause int) {
	message, err := unix.PtraceGetEventMsg(t.tid)
	if err != nil {
		return
	}
	other := int(message)
	if cause == unix.PTRACE_EVENT_EXEC {
		// The thread that executed takes its leader's place.
		if former := w.tasks[other]; former != nil && other != t.tid {
			t.stack = former.stack
			delete(w.tasks, other)
		}
		return
	}
	child := w.tasks[other]
	held := child != nil && child.held
	w.tasks[other] = &task{tid: other, tgid: groupOf(other), stack: slices.Clone(t.stack), name: taskName(other)}
	if held {
		w.resume(other, 0)
	}
	if w.ending {
		_ = unix.Kill(w.tasks[other].tgid, unix.SIGKILL)
	}
}

func groupOf(tid int) int {
	text, err := statusField(fmt.Sprintf("/proc/%d", tid), "Tgid")
	if err != nil {
		return tid
	}
	tgid, err := strconv.Atoi(text)
	if err != nil {
		return tid
	}
	return tgid
}

// syscallInfo is struct ptrace_syscall_info, of linux/ptrace.h.
type syscallInfo struct {
	op   uint8
	_    [3]uint8
	arch uint32
	ip   uint64
	sp   uint64
	data [8]uint64 // entry: nr and arguments; exit: return value and whether it is an error
}

// atSyscall notes what a call is about to install, and that it did.
func (w *watcher) atSyscall(t *task) {
	var info syscallInfo
	_, _, errno := unix.Syscall6(unix.SYS_PTRACE, unix.PTRACE_GET_SYSCALL_INFO, uintptr(t.tid),
		unsafe.Sizeof(info), uintptr(unsafe.Pointer(&info)), 0, 0)
	if errno != 0 {
		return
	}
	switch info.op {
	case unix.PTRACE_SYSCALL_INFO_ENTRY:
		t.install = installs(t.tid, &info)
	case unix.PTRACE_SYSCALL_INFO_EXIT:
		if t.install != nil && info.data[0] == 0 || t.install != nil && !t.install.sync && uint8(info.data[1]) == 0 {
			w.installed(t)
		}
		t.install = nil
	}
}

func (w *watcher) installed(t *task) {
	t.name = taskName(t.tid)
	t.stack = append([]cbpf.Program{t.install.program}, t.stack...)
	w.changed = time.Now()
	if !t.install.sync {
		return
	}
	for _, other := range w.tasks {
		if other.tgid == t.tgid {
			other.stack = slices.Clone(t.stack)
		}
	}
}

// installs reads the program from the memory of a task that is about to
// install one; nil when it is about to do anything else.
func installs(tid int, info *syscallInfo) *installation {
	nr, args := uint32(info.data[0]), info.data[1:7]
	abi, ok := arch.OfCall(arch.AuditArch(info.arch), nr)
	if !ok {
		return nil
	}
	in := &installation{}
	name, _ := abi.SyscallName(nr)
	switch {
	case name == "seccomp" && uint32(args[0]) == unix.SECCOMP_SET_MODE_FILTER:
		in.sync = args[1]&unix.SECCOMP_FILTER_FLAG_TSYNC != 0
	case name == "prctl" && uint32(args[0]) == unix.PR_SET_SECCOMP && args[1] == unix.SECCOMP_MODE_FILTER:
	default:
		return nil
	}
	program, err := readProgram(tid, uintptr(args[2]), abi)
	if err != nil {
		return nil
	}
	in.program = program
	return in
}

// readProgram reads the struct sock_fprog at an address of a task.
func readProgram(tid int, at uintptr, abi *arch.Info) (cbpf.Program, error) {
	header := make([]byte, 16)
	if abi.WordBits == 32 || abi.Name == "x32" || abi.Name == "mips64n32" {
		header = header[:8]
	}
	if err := readMemory(tid, at, header); err != nil {
		return nil, err
	}
	var order binary.ByteOrder = binary.LittleEndian
	if abi.BigEndian {
		order = binary.BigEndian
	}
	count := int(order.Uint16(header))
	pointer := uintptr(order.Uint32(header[len(header)/2:]))
	if len(header) == 16 {
		pointer = uintptr(order.Uint64(header[8:]))
	}
	if count == 0 {
		return nil, errors.New("an empty program")
	}
	code := make([]byte, count*cbpf.InstructionSize)
	if err := readMemory(tid, pointer, code); err != nil {
		return nil, err
	}
	return cbpf.Decode(code, order)
}

func readMemory(tid int, at uintptr, into []byte) error {
	local := []unix.Iovec{{Base: &into[0]}}
	local[0].SetLen(len(into))
	n, err := unix.ProcessVMReadv(tid, local, []unix.RemoteIovec{{Base: at, Len: len(into)}}, 0)
	if err == nil && n < len(into) {
		err = errors.New("memory is not readable")
	}
	return err
}
