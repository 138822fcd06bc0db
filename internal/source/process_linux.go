package source

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/cbpf"
)

// Process returns the filters of the threads of a process, threads with equal
// stacks together. It stops each thread that has filters for a moment, and
// needs CAP_SYS_ADMIN (kernel/seccomp.c: get_nth_filter).
func Process(pid int) ([]Input, error) {
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", pid))
	if err != nil || len(tasks) == 0 {
		return nil, fmt.Errorf("process %d: there is none", pid)
	}
	var c collection
	for _, task := range tasks {
		tid, err := strconv.Atoi(filepath.Base(task))
		if err != nil {
			continue
		}
		mode, err := statusField(task, "Seccomp")
		switch {
		case errors.Is(err, os.ErrNotExist):
			continue // the thread has ended
		case err != nil:
			return nil, fmt.Errorf("thread %d: %w", tid, err)
		case mode != "2": // SECCOMP_MODE_FILTER
			c.unfiltered++
			continue
		}
		stack, err := filters(tid)
		if errors.Is(err, unix.ESRCH) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("process %d, thread %d: read its filters: %w", pid, tid, err)
		}
		c.add(taskName(tid), tid, stack)
	}
	if len(c.stacks) == 0 {
		return nil, fmt.Errorf("process %d (%s): none of its threads has a filter", pid, taskName(pid))
	}
	return c.inputs(fmt.Sprintf("process %d", pid))
}

func statusField(task, name string) (string, error) {
	text, err := os.ReadFile(filepath.Join(task, "status"))
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && key == name {
			return strings.TrimSpace(value), nil
		}
	}
	return "", fmt.Errorf("/proc has no %s: the kernel was built without seccomp", name)
}

func taskName(tid int) string {
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", tid))
	if err != nil {
		return "?"
	}
	return strings.TrimSpace(string(name))
}

// filters reads the filters of a thread, newest first.
func filters(tid int) ([]cbpf.Program, error) {
	runtime.LockOSThread() // the tracer is this thread
	defer runtime.UnlockOSThread()
	if err := ptrace(unix.PTRACE_SEIZE, tid, 0, 0); err != nil {
		return nil, fmt.Errorf("PTRACE_SEIZE: %w", err)
	}
	defer ptrace(unix.PTRACE_DETACH, tid, 0, 0)
	if err := ptrace(unix.PTRACE_INTERRUPT, tid, 0, 0); err != nil {
		return nil, fmt.Errorf("PTRACE_INTERRUPT: %w", err)
	}
	var status unix.WaitStatus
	if _, err := unix.Wait4(tid, &status, unix.WALL, nil); err != nil {
		return nil, fmt.Errorf("wait for the thread to stop: %w", err)
	}
	if !status.Stopped() {
		return nil, unix.ESRCH
	}
	return stoppedFilters(tid)
}

// stoppedFilters reads the filters of a stopped tracee, newest first. Index 0
// is the oldest one (kernel/seccomp.c: get_nth_filter).
func stoppedFilters(tid int) ([]cbpf.Program, error) {
	var stack []cbpf.Program
	for i := 0; ; i++ {
		p, err := nthFilter(tid, i)
		switch {
		case errors.Is(err, unix.ENOENT):
			slices.Reverse(stack)
			return stack, nil
		case errors.Is(err, unix.EACCES):
			return nil, fmt.Errorf("PTRACE_SECCOMP_GET_FILTER needs CAP_SYS_ADMIN, and a caller without filters of its own: %w", err)
		case err != nil:
			return nil, fmt.Errorf("PTRACE_SECCOMP_GET_FILTER: %w", err)
		}
		stack = append(stack, p)
	}
}

func nthFilter(tid, n int) (cbpf.Program, error) {
	count, _, errno := unix.Syscall6(unix.SYS_PTRACE, unix.PTRACE_SECCOMP_GET_FILTER, uintptr(tid), uintptr(n), 0, 0, 0)
	if errno != 0 {
		return nil, errno
	}
	p := make(cbpf.Program, count)
	if count == 0 {
		return p, nil
	}
	// bpf.RawInstruction has the layout of struct sock_filter.
	_, _, errno = unix.Syscall6(unix.SYS_PTRACE, unix.PTRACE_SECCOMP_GET_FILTER, uintptr(tid), uintptr(n), uintptr(unsafe.Pointer(&p[0])), 0, 0)
	if errno != 0 {
		return nil, errno
	}
	return p, nil
}

func ptrace(request, tid int, addr, data uintptr) error {
	if _, _, errno := unix.Syscall6(unix.SYS_PTRACE, uintptr(request), uintptr(tid), addr, data, 0, 0); errno != 0 {
		return errno
	}
	return nil
}

// A collection is the distinct stacks of some threads.
type collection struct {
	stacks     []stack
	unfiltered int
}

type stack struct {
	programs []cbpf.Program
	names    []string
	tids     []int
}

func (c *collection) add(name string, tid int, programs []cbpf.Program) {
	for i := range c.stacks {
		s := &c.stacks[i]
		if slices.EqualFunc(s.programs, programs, func(a, b cbpf.Program) bool { return slices.Equal(a, b) }) {
			s.names, s.tids = append(s.names, name), append(s.tids, tid)
			return
		}
	}
	c.stacks = append(c.stacks, stack{programs, []string{name}, []int{tid}})
}

func (c *collection) inputs(what string) ([]Input, error) {
	native, err := arch.GetInfo("")
	if err != nil {
		return nil, err
	}
	var out []Input
	for _, s := range c.stacks {
		label := fmt.Sprintf("%s: %s", what, s.who())
		if len(c.stacks) == 1 && c.unfiltered > 0 {
			threads := "threads"
			if c.unfiltered == 1 {
				threads = "thread"
			}
			label += fmt.Sprintf("; %d %s without a filter", c.unfiltered, threads)
		}
		out = append(out, Input{Label: label, Programs: s.programs, BigEndian: native.BigEndian, Native: native})
	}
	return out, nil
}

// who names the threads of a stack: "chrome 812, worker 815 to 820 (7 threads)".
func (s *stack) who() string {
	var list []string
	for i := range s.tids {
		if i == 4 && len(s.tids) > 5 {
			list = append(list, fmt.Sprintf("… %d more", len(s.tids)-i))
			break
		}
		list = append(list, fmt.Sprintf("%s %d", s.names[i], s.tids[i]))
	}
	return strings.Join(list, ", ")
}
