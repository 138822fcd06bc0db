package seccomp

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/internal/testchild"
)

// deny is a filter that gives getpriority, which nothing else here uses, an
// action.
func deny(action Action, flags FilterFlag) Filter {
	return Filter{NoNewPrivs: true, Flag: flags, Policy: Policy{
		DefaultAction: ActionAllow,
		Syscalls:      []SyscallGroup{{Action: action, Names: []string{"getpriority"}}},
	}}
}

func getpriority() (uintptr, unix.Errno) {
	r, _, errno := unix.RawSyscall(unix.SYS_GETPRIORITY, unix.PRIO_PROCESS, 0, 0)
	return r, errno
}

// threads runs n goroutines locked to threads of their own, each of which
// calls f when the returned function is called, which waits for all.
func threads(n int, f func(i int)) (run func()) {
	var ready, done sync.WaitGroup
	start := make(chan struct{})
	ready.Add(n)
	done.Add(n)
	for i := range n {
		go func() {
			defer done.Done()
			runtime.LockOSThread()
			ready.Done()
			<-start
			f(i)
		}()
	}
	ready.Wait()
	return func() { close(start); done.Wait() }
}

var loadAllThreads = testchild.New("load on all threads", func([]byte) ([]byte, error) {
	const n = 50
	errnos := make([]unix.Errno, n)
	run := threads(n, func(i int) { _, errnos[i] = getpriority() })
	if err := LoadFilter(deny(ErrnoName("ENOTNAM"), FilterFlagTSync)); err != nil {
		return nil, err
	}
	states, err := taskStates()
	if err != nil {
		return nil, err
	}
	run()
	for i, errno := range errnos {
		if errno != unix.ENOTNAM {
			return nil, fmt.Errorf("thread %d: errno %v, want ENOTNAM", i, errno)
		}
	}
	if len(states) < n {
		return nil, fmt.Errorf("only %d threads: %v", len(states), states)
	}
	for tid, state := range states {
		if !strings.Contains(state, "NoNewPrivs:1") || !strings.Contains(state, "Seccomp:2") {
			return nil, fmt.Errorf("thread %d is %s", tid, state)
		}
	}
	return nil, nil
})

func TestLoadOnAllThreads(t *testing.T) { loadAllThreads.Run(t, nil) }

var loadThisThread = testchild.New("load on this thread", func([]byte) ([]byte, error) {
	others, err := taskStates() // which differ from the default where this process runs under a filter
	if err != nil {
		return nil, err
	}
	unconfined := others[os.Getpid()]
	tid := make(chan int)
	loaded := make(chan error)
	hold := make(chan struct{})
	go func() { // not locked by itself
		err := LoadFilter(deny(ErrnoName("ENOTNAM"), 0))
		id := unix.Gettid()
		for range 100 {
			runtime.Gosched()
			if _, errno := getpriority(); errno != unix.ENOTNAM || unix.Gettid() != id {
				err = fmt.Errorf("the goroutine has left its thread: errno %v", errno)
			}
		}
		loaded <- err
		tid <- id
		<-hold
	}()
	if err := <-loaded; err != nil {
		return nil, err
	}
	confined := <-tid
	defer close(hold)
	run := threads(50, func(int) {}) // new threads, which must not inherit the filter
	states, err := taskStates()
	run()
	if err != nil {
		return nil, err
	}
	for tid, state := range states {
		if (state != unconfined) != (tid == confined) {
			return nil, fmt.Errorf("thread %d is %s, %s before, and the filter was loaded on %d", tid, state, unconfined, confined)
		}
	}
	return nil, nil
})

func TestLoadOnThisThread(t *testing.T) { loadThisThread.Run(t, nil) }

func taskStates() (map[int]string, error) {
	dirs, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return nil, err
	}
	states := map[int]string{}
	for _, dir := range dirs {
		var tid int
		if _, err := fmt.Sscan(dir.Name(), &tid); err != nil {
			return nil, err
		}
		status, err := os.ReadFile("/proc/self/task/" + dir.Name() + "/status")
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ESRCH) {
			continue // the thread has ended
		}
		if err != nil {
			return nil, err
		}
		states[tid] = statusLines(string(status))
	}
	return states, nil
}

var divergedThread = testchild.New("diverged thread", func([]byte) ([]byte, error) {
	tid := make(chan int)
	loaded := make(chan error)
	hold := make(chan struct{})
	defer close(hold)
	go func() {
		loaded <- LoadFilter(deny(ActionErrno, 0))
		tid <- unix.Gettid()
		<-hold
	}()
	if err := <-loaded; err != nil {
		return nil, err
	}
	diverged := <-tid
	var sync *ThreadSyncError
	if err := LoadFilter(deny(ActionErrno, FilterFlagTSync)); !errors.As(err, &sync) || sync.TID != diverged {
		return nil, fmt.Errorf("error %v, want that thread %d has diverged", err, diverged)
	}
	if err := LoadFilter(deny(ActionErrno, FilterFlagTSync|FilterFlagTSyncESRCH)); !errors.As(err, &sync) || sync.TID != 0 {
		return nil, fmt.Errorf("error %v, want that some thread has diverged", err)
	}
	if _, errno := getpriority(); errno != 0 {
		return nil, fmt.Errorf("a filter that was refused gives errno %v", errno)
	}
	return nil, nil
})

func TestThreadSyncError(t *testing.T) { divergedThread.Run(t, nil) }

var loadErrno = testchild.New("errno", func(in []byte) ([]byte, error) {
	var action Action
	if err := action.UnmarshalText(in); err != nil {
		return nil, err
	}
	if err := LoadFilter(deny(action, FilterFlagTSync)); err != nil {
		return nil, err
	}
	r, errno := getpriority()
	return fmt.Appendf(nil, "%d %d", int(r), int(errno)), nil
})

func TestErrnoActions(t *testing.T) {
	for text, want := range map[string]string{
		"errno":         fmt.Sprintf("-1 %d", int(unix.EPERM)),
		"errno(ENOSYS)": fmt.Sprintf("-1 %d", int(unix.ENOSYS)),
		"errno(4094)":   "-1 4094",
		"errno(0)":      "0 0",
		"trace":         fmt.Sprintf("-1 %d", int(unix.ENOSYS)), // no tracer
		"user_notify":   fmt.Sprintf("-1 %d", int(unix.ENOSYS)), // no listener
	} {
		if got := string(loadErrno.Run(t, []byte(text))); got != want {
			t.Errorf("%s: the call returns %s, want %s", text, got, want)
		}
	}
}

func TestKillingActions(t *testing.T) {
	for _, text := range []string{"kill_process", "trap"} {
		r := loadErrno.Exit(t, []byte(text))
		if text == "kill_process" && r.Signal != syscall.SIGSYS {
			t.Errorf("%s: child %s, want SIGSYS", text, r.Status())
		}
		if text == "trap" && (r.Returned || !strings.Contains(r.Log, "SIGSYS")) { // Go reports it and exits
			t.Errorf("%s: child %s, want it to die of SIGSYS: %s", text, r.Status(), r.Log)
		}
	}
}

var loadListener = testchild.New("listener", func([]byte) ([]byte, error) {
	// On this thread only: nobody answers.
	f := deny(ActionUserNotify, FilterFlagLog|FilterFlagSpecAllow)
	if FilterFlagWaitKillableRecv.Supported() == Yes { // TestProbes knows from which kernel on
		f.Flag |= FilterFlagWaitKillableRecv
	}
	listener, err := LoadListener(f)
	if err != nil {
		return nil, err
	}
	link, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", listener.Fd()))
	if err != nil {
		return nil, err
	}
	if _, err := LoadListener(f); !errors.Is(err, unix.EBUSY) || !strings.Contains(err.Error(), "one only") {
		return nil, fmt.Errorf("a second listener: error %v, want EBUSY", err)
	}
	if err := listener.Close(); err != nil {
		return nil, err
	}
	if _, errno := getpriority(); errno != unix.ENOSYS {
		return nil, fmt.Errorf("after the listener was closed: errno %v, want ENOSYS", errno)
	}
	return []byte(link), nil
})

func TestLoadListener(t *testing.T) {
	if link := string(loadListener.Run(t, nil)); !strings.Contains(link, "seccomp notify") {
		t.Errorf("the listener is %q", link)
	}
}

var loadUnprivileged = testchild.New("without no_new_privs", func([]byte) ([]byte, error) {
	f := deny(ActionErrno, FilterFlagTSync)
	f.NoNewPrivs = false
	if err := LoadFilter(f); !errors.Is(err, unix.EACCES) || !strings.Contains(err.Error(), "NoNewPrivs") {
		return nil, fmt.Errorf("error %v, want EACCES and what to do", err)
	}
	f.NoNewPrivs = true
	return nil, LoadFilter(f)
})

// needsPrivileges skips a test of what no_new_privs is needed for where this
// process has it for good, as in many containers.
func needsPrivileges(t *testing.T) {
	t.Helper()
	if strings.Contains(threadStates(t)[os.Getpid()], "NoNewPrivs:1") {
		t.Skip("this process cannot lose no_new_privs")
	}
}

func TestLoadWithoutNoNewPrivs(t *testing.T) {
	needsPrivileges(t)
	var attr *syscall.SysProcAttr
	if os.Geteuid() == 0 {
		attr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	r, err := loadUnprivileged.Do(nil, testchild.Options{Attr: attr})
	if err != nil || r.Err != nil || !r.Returned {
		t.Errorf("%v %+v", err, r)
	}
}

// TestLoadRefused needs no child: nothing may be loaded.
func TestLoadRefused(t *testing.T) {
	other := "aarch64"
	if runtime.GOARCH == "arm64" {
		other = "riscv64"
	}
	elsewhere := deny(ActionErrno, 0)
	elsewhere.Policy.ABIs = []string{other}
	for part, f := range map[string]Filter{
		"add tsync_esrch":  deny(ActionErrno, FilterFlagTSync|FilterFlagNewListener|FilterFlagWaitKillableRecv),
		"add new_listener": deny(ActionErrno, FilterFlagWaitKillableRecv),
		"default_action":   {},
		"add it to abis":   elsewhere,
		"LoadListener":     deny(ActionErrno, FilterFlagNewListener),
		"unknown filter":   deny(ActionErrno, 1<<20),
	} {
		err := LoadFilter(f)
		if strings.HasPrefix(part, "add tsync") {
			_, err = LoadListener(f)
		}
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("error %v, want one with %q", err, part)
		}
	}
	for tid, state := range threadStates(t) {
		if strings.Contains(state, "NoNewPrivs:1") != strings.Contains(threadStates(t)[os.Getpid()], "NoNewPrivs:1") {
			t.Errorf("thread %d is %s", tid, state)
		}
	}
}

// TestProbes fails, rather than skips, where the kernel is new enough.
func TestProbes(t *testing.T) {
	var uts unix.Utsname
	if err := unix.Uname(&uts); err != nil {
		t.Fatal(err)
	}
	release := unix.ByteSliceToString(uts.Release[:])
	kernel, err := arch.ParseVersion(release)
	if err != nil {
		var v arch.Version
		if _, err := fmt.Sscanf(release, "%d.%d", &v.Major, &v.Minor); err != nil {
			t.Fatal(err)
		}
		kernel = v
	}
	want := func(since string) Support {
		v, err := arch.ParseVersion(since)
		if err != nil {
			t.Fatal(err)
		}
		if kernel.Compare(v) >= 0 {
			return Yes
		}
		return No
	}
	if !Supported() {
		t.Error("seccomp is not supported")
	}
	for _, n := range actionNames {
		if got := n.action.Supported(); got != want(n.action.Since()) {
			t.Errorf("Linux %s has %s: %v, want %v", release, n.name, got, want(n.action.Since()))
		}
	}
	for _, n := range filterFlagNames {
		if got := n.flag.Supported(); got != want(n.flag.Since()) {
			t.Errorf("Linux %s has %s: %v, want %v", release, n.name, got, want(n.flag.Since()))
		}
	}
	if (FilterFlagLog|1<<20).Supported() != No || Action(77).Supported() != No {
		t.Error("what does not exist is supported")
	}
}

func TestUnsupportedError(t *testing.T) {
	err := fmt.Errorf("load: %w", &UnsupportedError{Feature: "action log", Since: "4.14"})
	if !errors.Is(err, ErrNotSupported) || !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "Linux 4.14") {
		t.Errorf("%v is not what it says", err)
	}
}

var loadBenchmark = testchild.New("benchmark of loading", func([]byte) ([]byte, error) {
	r := testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			// A thread each, for the filters of one add up.
			done := make(chan error)
			go func() { done <- LoadFilter(deny(ActionErrno, 0)) }()
			if err := <-done; err != nil {
				b.Fatal(err)
			}
		}
	})
	return fmt.Appendf(nil, "%d", r.NsPerOp()), nil
})

func BenchmarkLoad(b *testing.B) {
	out := string(loadBenchmark.Run(b, nil))
	var ns float64
	if _, err := fmt.Sscan(out, &ns); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
	}
	b.ReportMetric(ns, "ns/load")
}
