package cbpf

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/elastic/go-seccomp-bpf/internal/testchild"
	"golang.org/x/sys/unix"
)

// probeBase is the first system call number that probed programs decide;
// all lower ones are allowed, so that a process can make its last calls.
const probeBase = 0x8000

// probeSpan is how many numbers from probeBase on are probed. s390x keeps 16
// bits of a number (arch/s390/kernel/syscall.c: __do_syscall).
var probeSpan = map[bool]uint32{false: 1 << 30, true: 1<<16 - probeBase}[runtime.GOARCH == "s390x"]

// argBits are the bits of an argument that this process's kernel shows as they
// were passed. To 64-bit kernels, o32's arguments are signed
// (arch/mips/include/asm/syscall.h: mips_get_syscall_arg).
var argBits = ^uintptr(0) >> map[bool]int{true: 1}[runtime.GOARCH == "mips" || runtime.GOARCH == "mipsle"]

// A probe is one system call made under a filter, and what came of it.
type probe struct {
	nr     uintptr
	args   [6]uintptr
	result uintptr
	made   uintptr // 1: about to be made, 2: it returned
}

// fork makes a copy of the process that has this thread alone. The copy makes
// raw system calls only, since its Go runtime is in no state to run.
//
//go:norace
//go:nosplit
func fork() (pid uintptr, errno syscall.Errno) {
	if runtime.GOARCH == "s390x" { // the stack comes first
		pid, _, errno = syscall.RawSyscall6(unix.SYS_CLONE, 0, uintptr(unix.SIGCHLD), 0, 0, 0, 0)
	} else {
		pid, _, errno = syscall.RawSyscall6(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
	}
	return pid, errno
}

// forkAndProbe makes a copy of the process that installs the filter and makes
// the calls. The probes lie in memory shared with the original.
//
//go:norace
//go:nosplit
func forkAndProbe(fprog *unix.SockFprog, probes []probe) (pid uintptr, errno syscall.Errno) {
	if pid, errno = fork(); errno != 0 || pid != 0 {
		return pid, errno
	}
	status := uintptr(0)
	if _, _, errno = syscall.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, uintptr(unsafe.Pointer(fprog))); errno != 0 {
		status = uintptr(errno)
	} else {
		for i := range probes {
			p := &probes[i]
			p.made = 1
			p.result, _, errno = syscall.RawSyscall6(p.nr, p.args[0], p.args[1], p.args[2], p.args[3], p.args[4], p.args[5])
			if errno != 0 {
				p.result = uintptr(errno)
			} else if p.result == ^uintptr(4094) { // RawSyscall takes -4095 for a result
				p.result = 4095
			}
			p.made = 2
		}
	}
	for {
		syscall.RawSyscall(unix.SYS_EXIT_GROUP, status, 0, 0)
	}
}

// A killed system call leaves this result.
const killed = ^uintptr(0)

// runInKernel gives, for each probe, the errno it returned or killed. After a
// probe that kills, the others go to a process of their own.
func runInKernel(p Program, probes []probe) error {
	fprog := unix.SockFprog{Len: uint16(len(p)), Filter: (*unix.SockFilter)(unsafe.Pointer(&p[0]))}
	for len(probes) > 0 {
		pid, errno := forkAndProbe(&fprog, probes)
		if errno != 0 {
			return fmt.Errorf("forking: %w", errno)
		}
		var ws unix.WaitStatus
		for {
			if _, err := unix.Wait4(int(pid), &ws, 0, nil); err == nil {
				break
			} else if err != unix.EINTR {
				return fmt.Errorf("waiting: %w", err)
			}
		}
		done := 0
		for done < len(probes) && probes[done].made == 2 {
			done++
		}
		switch {
		case ws.Exited() && ws.ExitStatus() == 0 && done == len(probes):
		case ws.Signaled() && ws.Signal() == unix.SIGSYS && done < len(probes) && probes[done].made == 1:
			probes[done].result = killed
			done++
		default:
			return fmt.Errorf("the process ended with status %#x after %d of %d calls", ws, done, len(probes))
		}
		probes = probes[done:]
	}
	runtime.KeepAlive(p)
	return nil
}

// sharedProbes makes room for probes in memory that forks share.
func sharedProbes(n int) ([]probe, error) {
	b, err := unix.Mmap(-1, 0, n*int(unsafe.Sizeof(probe{})), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_ANON)
	if err != nil {
		return nil, fmt.Errorf("mapping shared memory: %w", err)
	}
	return unsafe.Slice((*probe)(unsafe.Pointer(&b[0])), n), nil
}

// errnoOf is the errno that a return value leads to, or killed: 4095 is the
// largest the kernel hands out.
func errnoOf(ret uint32) uintptr {
	if ret == 0 {
		return killed
	}
	return uintptr(min(ret&RetData, 4095))
}

// probing wraps a program such that numbers below probeBase are allowed, and
// confines its results to errnos: a constant return gets the errno action, and
// a return of A, and of each constant, is the caller's to prepare.
func probing(body Program) Program {
	p := Program{
		{Op: opLoadAbs, K: offsetNR},
		{Op: opJgeK, Jt: 1, K: probeBase},
		{Op: opRetK, K: RetAllow},
		{Op: opLoadImm}, // as at the start of a program
	}
	return append(p, body...)
}

// randomErrnoProgram is a valid program that returns an errno always, unless
// it divides by zero.
func randomErrnoProgram(r *rand.Rand) Program {
	for {
		body := randomSound(r, 2+r.IntN(40), acceptedOps)
		last := len(body) - 1
		for i := range body[:last] {
			if in := &body[i]; in.Op == opRetA || (in.Op == opRetK && r.IntN(2) == 0) {
				in.Op, in.K = opXorX, 0
			} else if in.Op == opDivX && r.IntN(4) != 0 { // kills, and each kill takes a process
				in.Op = opMulX
			}
		}
		for i := range body {
			if in := &body[i]; in.Op == opRetK {
				in.K = RetErrno | in.K&RetData | 1
			}
		}
		// The end shows what A holds, 12 bits of it.
		body = append(body[:last], Program{
			{Op: opRshK, K: uint32(r.IntN(21))},
			{Op: opAndK, K: 0xfff},
			{Op: opOrK, K: RetErrno},
			{Op: opRetA},
		}...)
		if p := probing(body); p.Validate() == nil {
			return p
		}
	}
}

func randomArg(r *rand.Rand) uintptr {
	v := uintptr(someK(r))
	if r.IntN(3) == 0 {
		v = uintptr(uint64(v)<<32 | uint64(someK(r)))
	}
	return v
}

// where finds the architecture and the instruction pointer that filters see
// for the probes, by having a filter return them piecemeal as errnos.
func where() (d Data, err error) {
	p := probing(Program{
		{Op: opLoadAbs, K: offsetArgs + 4*lowHalf},
		{Op: opTAX},
		{Op: opLoadAbs, K: 0}, // set below
		{Op: opRshX},
		{Op: opAndK, K: 0xff},
		{Op: opOrK, K: RetErrno | 0x100},
		{Op: opRetA},
	})
	probes, err := sharedProbes(4)
	if err != nil {
		return d, err
	}
	words := [3]uint32{}
	for i, offset := range []uint32{offsetArch, offsetIP, offsetIP + 4} {
		p[6].K = offset
		for j := range probes {
			probes[j] = probe{nr: probeBase, args: [6]uintptr{uintptr(8 * j)}}
		}
		if err := runInKernel(p, probes); err != nil {
			return d, err
		}
		for j := range probes {
			words[i] |= uint32(probes[j].result&0xff) << (8 * j)
		}
	}
	d.Arch = words[0]
	d.IP = uint64(words[1+lowHalf]) | uint64(words[2-lowHalf])<<32
	return d, nil
}

// lowHalf is the index of the low half of a 64-bit field.
var lowHalf = uint32(native.Uint16([]byte{0, 1}) & 1)

// shiftCounts are the bits of an X that a shift by it looks at: what the
// kernel interprets, and most of what it compiles, takes five.
func shiftCounts() (uint32, error) {
	if !strings.HasPrefix(runtime.GOARCH, "ppc64") {
		return 31, nil
	}
	compiles, err := os.ReadFile("/proc/sys/net/core/bpf_jit_enable")
	if errors.Is(err, os.ErrNotExist) {
		return 31, nil
	}
	if err != nil || strings.TrimSpace(string(compiles)) == "0" {
		return 31, err
	}
	return 63, nil
}

// runAgainstKernel runs programs through Run and in the kernel. Its input is
// a list of programs, its output a report of how many decisions it compared;
// a difference is an error.
var runAgainstKernel = testchild.New("run against kernel", func(in []byte) ([]byte, error) {
	programs, err := unpackPrograms(in)
	if err != nil {
		return nil, err
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return nil, err
	}
	base, err := where()
	if err != nil {
		return nil, fmt.Errorf("finding the instruction pointer: %w", err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return nil, err
	}
	probes, err := sharedProbes(64)
	if err != nil {
		return nil, err
	}
	r := rand.New(rand.NewPCG(uint64(len(in)), uint64(in[len(in)-1])))
	counts, err := shiftCounts()
	if err != nil {
		return nil, err
	}
	kills, seen := 0, map[uintptr]bool{}
	for i, p := range programs {
		for j := range probes {
			probes[j] = probe{nr: uintptr(probeBase + someK(r)%probeSpan)}
			for k := range probes[j].args {
				probes[j].args[k] = randomArg(r) & argBits
			}
		}
		if err := runInKernel(p, probes); err != nil {
			return nil, fmt.Errorf("program %d: %w\n%v", i, err, p)
		}
		for _, probe := range probes {
			d := base
			d.NR = uint32(probe.nr)
			for k, v := range probe.args {
				d.Args[k] = uint64(v)
			}
			ret, _ := p.run(ref(d.Words(lowHalf == 1)), counts)
			if errnoOf(ret) != probe.result {
				return nil, fmt.Errorf("program %d on %+v: Run returns %#x, the kernel gives errno %d\n%v", i, d, ret, probe.result, p)
			}
			seen[probe.result] = true
			if probe.result == killed {
				kills++
			}
		}
	}
	return fmt.Appendf(nil, "%d decisions, %d killed, %d different results", len(programs)*len(probes), kills, len(seen)), nil
})

func ref[T any](v T) *T { return &v }

func TestRunAgreesWithKernel(t *testing.T) {
	r := newRand(t)
	count := 500
	if testing.Short() {
		count = 25 // for emulated machines
	}
	programs := make([]Program, count)
	for i := range programs {
		programs[i] = randomErrnoProgram(r)
	}
	out := string(runAgainstKernel.Run(t, packPrograms(programs)))
	t.Log(out)
	var decisions, kills, results int
	if _, err := fmt.Sscanf(out, "%d decisions, %d killed, %d different", &decisions, &kills, &results); err != nil {
		t.Fatal(err)
	}
	if decisions < 60*count || kills < count/100 || results < count/10 {
		t.Errorf("the programs do not exercise Run: %s", out)
	}
}
