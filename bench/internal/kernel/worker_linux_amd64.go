package kernel

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/elastic/go-seccomp-bpf/cbpf"
)

var futexWord uint32

// cycles reads the time stamp counter.
func cycles() uint64

// A job is what a worker is told, on its standard input.
type job struct {
	Program cbpf.Program // none: no filter
	Defeat  bool         // stack a filter that looks at every call, so that the bitmap is empty
	CPU     int
	Batch   int
	Loads   [][]wireCall
}

type wireCall struct {
	NR   uint32
	Args [6]uint64
}

// Worker is a worker's main function; it does not return. After its job on a
// first line, each byte of standard input names a workload to run, and the
// answer is the cycles that it took, as eight bytes.
func Worker() {
	runtime.LockOSThread() // filter, priority and CPU are this thread's
	w, err := newWorker()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	serve(w)
}

type worker struct {
	loads [][]call
	batch int
}

func newWorker() (*worker, error) {
	line, err := readLine(os.Stdin)
	if err != nil {
		return nil, fmt.Errorf("worker: its job: %w", err)
	}
	var j job
	if err := json.Unmarshal(line, &j); err != nil {
		return nil, fmt.Errorf("worker: its job: %w", err)
	}
	w := &worker{batch: j.Batch}
	for _, load := range j.Loads {
		calls := make([]call, len(load))
		for i, c := range load {
			calls[i] = call{c.NR, c.Args}
			if c.NR == futexNR {
				calls[i].args[0] = uint64(uintptr(unsafe.Pointer(&futexWord)))
			}
		}
		w.loads = append(w.loads, calls)
	}
	if err := settle(j.CPU); err != nil {
		return nil, err
	}
	rate := cyclesPerNanosecond()
	if _, err := fmt.Fprintf(os.Stdout, "%g\n", rate); err != nil {
		return nil, err
	}
	debug.SetGCPercent(-1)
	return w, confine(j)
}

// restless is how many microseconds a batch may take at a real-time priority.
const restless = 2_000_000

// settle ties the thread to the CPU and lets nothing but interrupts disturb it,
// as far as it may.
func settle(cpu int) error {
	var set unix.CPUSet
	set.Set(cpu)
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		return fmt.Errorf("worker: stay on CPU %d: %w", cpu, err)
	}
	// A thread with a real-time priority that does not come to rest is ended.
	if err := unix.Setrlimit(unix.RLIMIT_RTTIME, &unix.Rlimit{Cur: restless, Max: restless}); err != nil {
		return fmt.Errorf("worker: limit real-time: %w", err)
	}
	err := unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_FIFO, Priority: 50}, 0)
	if err != nil && !errors.Is(err, unix.EPERM) {
		return fmt.Errorf("worker: take a real-time priority: %w", err)
	}
	return nil
}

func cyclesPerNanosecond() float64 {
	start, from := time.Now(), cycles()
	for time.Since(start) < 10*time.Millisecond {
	}
	return float64(cycles()-from) / float64(time.Since(start))
}

func confine(j job) error {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("worker: set no_new_privs: %w", err)
	}
	defeat := cbpf.Program{{Op: 0x20, K: 8}, {Op: 0x06, K: cbpf.RetAllow}} // the bitmap is for filters that look at nr and arch only
	if j.Defeat {
		if err := install(defeat); err != nil {
			return err
		}
	}
	if len(j.Program) == 0 {
		return nil
	}
	return install(j.Program)
}

func install(p cbpf.Program) error {
	filter := make([]unix.SockFilter, len(p))
	for i, in := range p {
		filter[i] = unix.SockFilter{Code: in.Op, Jt: in.Jt, Jf: in.Jf, K: in.K}
	}
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	_, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, uintptr(unsafe.Pointer(&prog)))
	runtime.KeepAlive(filter)
	if errno != 0 {
		return fmt.Errorf("worker: load a filter of %d instructions: %w", len(p), errno)
	}
	return nil
}

// serve runs under the filter, which may refuse what the Go runtime needs: it
// makes no other system calls than read, write and the workloads', and like
// all that it calls never asks for more stack, which is where the scheduler
// would come in.
//
//go:nosplit
func serve(w *worker) {
	var command [1]byte
	var answer uint64
	for {
		n, _, _ := syscall.RawSyscall(syscall.SYS_READ, 0, uintptr(unsafe.Pointer(&command)), 1)
		if n != 1 || int(command[0]) >= len(w.loads) {
			syscall.RawSyscall(syscall.SYS_EXIT_GROUP, 0, 0, 0)
		}
		calls := w.loads[command[0]]
		makeCalls(calls, w.batch/4)
		start := cycles()
		makeCalls(calls, w.batch)
		answer = cycles() - start
		syscall.RawSyscall(syscall.SYS_WRITE, 1, uintptr(unsafe.Pointer(&answer)), 8)
	}
}

//go:nosplit
func makeCalls(calls []call, n int) {
	next := 0
	for range n {
		c := &calls[next]
		if next++; next == len(calls) {
			next = 0
		}
		syscall.RawSyscall6(uintptr(c.nr), uintptr(c.args[0]), uintptr(c.args[1]), uintptr(c.args[2]),
			uintptr(c.args[3]), uintptr(c.args[4]), uintptr(c.args[5]))
	}
}

// readLine reads no further than the end of the line.
func readLine(r io.Reader) ([]byte, error) {
	var line []byte
	for {
		var b [1]byte
		if _, err := io.ReadFull(r, b[:]); err != nil {
			return nil, err
		}
		if b[0] == '\n' {
			return line, nil
		}
		line = append(line, b[0])
	}
}
