package cbpf

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/elastic/go-seccomp-bpf/internal/testchild"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// timedCalls are made under filters and timed; they change nothing.
var timedCalls = [...]uintptr{unix.SYS_GETPID, unix.SYS_GETPPID, unix.SYS_GETUID, unix.SYS_GETGID, unix.SYS_GETTID}

// A timing is the shortest time that each call was seen to take, in ns, and
// the errno of installing the filter.
type timing struct {
	best  [len(timedCalls)]int64
	errno uintptr
}

// forkAndTime is forkAndProbe for times.
//
//go:norace
//go:nosplit
func forkAndTime(fprog *unix.SockFprog, rounds int, out *timing, ts *[2]unix.Timespec) (pid uintptr, errno syscall.Errno) {
	if pid, errno = fork(); errno != 0 || pid != 0 {
		return pid, errno
	}
	out.errno = 0
	for range stacked {
		_, _, errno = syscall.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, uintptr(unsafe.Pointer(fprog)))
		out.errno |= uintptr(errno)
	}
	for range rounds {
		for i := range timedCalls {
			syscall.RawSyscall(unix.SYS_CLOCK_GETTIME, unix.CLOCK_MONOTONIC, uintptr(unsafe.Pointer(&ts[0])), 0)
			for range 20 {
				syscall.RawSyscall(timedCalls[i], 0, 0, 0)
			}
			syscall.RawSyscall(unix.SYS_CLOCK_GETTIME, unix.CLOCK_MONOTONIC, uintptr(unsafe.Pointer(&ts[1])), 0)
			took := int64(ts[1].Sec-ts[0].Sec)*1e9 + int64(ts[1].Nsec-ts[0].Nsec)
			if took < out.best[i] {
				out.best[i] = took
			}
		}
	}
	for {
		syscall.RawSyscall(unix.SYS_EXIT_GROUP, 0, 0, 0)
	}
}

// timePrograms gives, for each program, the times of the calls under it, as
// text: one line a program. The first byte says how often to time each call.
var timePrograms = testchild.New("time programs", func(in []byte) ([]byte, error) {
	rounds := int(in[0])
	programs, err := unpackPrograms(in[1:])
	if err != nil {
		return nil, err
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return nil, err
	}
	shared, err := unix.Mmap(-1, 0, unix.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_ANON)
	if err != nil {
		return nil, err
	}
	result := (*timing)(unsafe.Pointer(&shared[0]))
	clock := (*[2]unix.Timespec)(unsafe.Pointer(&shared[1024]))
	var out []byte
	for i, p := range programs {
		*result = timing{errno: ^uintptr(0)}
		for i := range result.best {
			result.best[i] = math.MaxInt64
		}
		fprog := unix.SockFprog{Len: uint16(len(p)), Filter: (*unix.SockFilter)(unsafe.Pointer(&p[0]))}
		pid, errno := forkAndTime(&fprog, rounds, result, clock)
		if errno != 0 {
			return nil, fmt.Errorf("forking: %w", errno)
		}
		var ws unix.WaitStatus
		if _, err := unix.Wait4(int(pid), &ws, 0, nil); err != nil || ws != 0 || result.errno != 0 {
			return nil, fmt.Errorf("program %d: status %#x, %v, errno %d", i, ws, err, result.errno)
		}
		for _, ns := range result.best {
			out = fmt.Appendf(out, "%d ", ns)
		}
	}
	return out, nil
})

// bitmapArch has the architectures whose kernels answer constant calls from a
// bitmap, with their names for seccomp (SECCOMP_ARCH_NATIVE or, on
// kernels of 64 bits, SECCOMP_ARCH_COMPAT in Linux 7.0, arch/*/include/asm/seccomp.h; MIPS
// has neither).
var bitmapArch = map[string]uint32{
	"amd64":   unix.AUDIT_ARCH_X86_64,
	"arm64":   unix.AUDIT_ARCH_AARCH64,
	"loong64": unix.AUDIT_ARCH_LOONGARCH64,
	"ppc64":   unix.AUDIT_ARCH_PPC64,
	"ppc64le": unix.AUDIT_ARCH_PPC64LE,
	"riscv64": unix.AUDIT_ARCH_RISCV64,
	"s390x":   unix.AUDIT_ARCH_S390X,
	"386":     unix.AUDIT_ARCH_I386,
	"arm":     unix.AUDIT_ARCH_ARM,
}

// stacked is how often each filter is installed: a call is constant under all
// of them or under none, and one that runs them takes a multiple of the time
// even where entering the kernel is slow. The kernel takes 32768 instructions
// in all.
const stacked = 4

// slowly puts thousands of instructions without effect before a program, of
// kinds that the kernel follows when it looks for constant results: calls
// that run the filter then take several times as long as those that do not.
func slowly(tail Program) Program {
	p := make(Program, 3500, 3500+len(tail))
	for i := range p {
		p[i] = bpf.RawInstruction{Op: opJsetK}
	}
	return append(p, tail...)
}

// The calls that the kernel answers without running a filter, told by the
// time they take, are those of which ConstAllow says so.
func TestConstAllowAgreesWithKernel(t *testing.T) {
	arch, ok := bitmapArch[runtime.GOARCH]
	if !ok {
		t.Skip("kernels of this architecture have no bitmap of constant actions")
	}
	if !kernelAtLeast(5, 11) {
		t.Skip("kernels before 5.11 have no bitmap of constant actions")
	}
	if !unfiltered(t) {
		t.Skip("this process runs under a filter whose results need not be constant")
	}
	r := newRand(t)
	programs := []Program{
		slowly(Program{bpfReturn}),
		slowly(Program{{Op: opLoadAbs, K: offsetArgs}, bpfReturn}),
	}
	random, rounds := 60, byte(6)
	if testing.Short() {
		random, rounds = 4, 2
	}
	for range random {
		tail := randomConstancy(r, arch)
		programs = append(programs, slowly(tail))
	}
	wrong, answers := 0, map[bool]int{}
	// A busy machine can make a call look slow, but not every time.
	for range 5 {
		if wrong, answers = compareTimes(t, programs, arch, rounds); wrong == 0 {
			break
		}
	}
	if wrong > 0 {
		t.Errorf("%d calls took a time that contradicts ConstAllow", wrong)
	}
	if min(answers[true], answers[false]) < random/2 {
		t.Errorf("calls allowed whatever their arguments: %v", answers)
	}
}

// randomConstancy is a program that allows, with constant results for some of
// the timed calls: a chain of tests, each of which may go to a plain return or
// to one after an instruction that the kernel does not follow.
func randomConstancy(r *rand.Rand, arch uint32) Program {
	n := 2 + r.IntN(10)
	p := make(Program, n, n+3)
	for i := range p {
		plain, other := uint8(n-i-1), uint8(n-i) // distances to the returns
		in := bpf.RawInstruction{Op: pick(r, []uint16{opJeqK, opJgeK, opJgtK, opJsetK}), K: uint32(pick(r, timedCalls[:]))}
		in.Jt, in.Jf = pick(r, []uint8{0, plain, other}), pick(r, []uint8{0, 0, plain, other})
		switch r.IntN(12) {
		case 0:
			in = bpf.RawInstruction{Op: opLoadAbs, K: offsetArch}
		case 1:
			in = bpf.RawInstruction{Op: opJump, K: uint32(min(plain, 1))}
		case 2:
			in = bpf.RawInstruction{Op: opAndK, K: pick(r, []uint32{0x7f, 0xfffffffe, arch})}
		case 3:
			in = bpf.RawInstruction{Op: pick(r, []uint16{opOrK, opLoadImm, opTAX, opLoadLen}), K: 0}
		case 4, 5:
			in = bpf.RawInstruction{Op: opLoadAbs, K: offsetNR}
		}
		p[i] = in
	}
	p[0] = bpf.RawInstruction{Op: opLoadAbs, K: offsetNR}
	return append(p, bpfReturn, bpf.RawInstruction{Op: opTAX}, bpfReturn)
}

// compareTimes counts the calls whose times contradict ConstAllow. The first
// program tells how fast calls are when the filter does not run, the second
// when it does.
func compareTimes(t *testing.T, programs []Program, arch uint32, rounds byte) (wrong int, answers map[bool]int) {
	t.Helper()
	answers = map[bool]int{}
	out := string(timePrograms.Run(t, append([]byte{rounds}, packPrograms(programs)...)))
	times := make([]float64, 0, len(programs)*len(timedCalls))
	for _, field := range strings.Fields(out) {
		ns, err := strconv.ParseFloat(field, 64)
		if err != nil {
			t.Fatal(err)
		}
		times = append(times, ns)
	}
	if len(times) != cap(times) {
		t.Fatalf("have %d times, want %d", len(times), cap(times))
	}
	fast, slow := times[0], times[len(timedCalls)]
	t.Logf("20 calls take %v ns past the filter, %v ns through it", fast, slow)
	if slow < 2*fast {
		return len(times), answers // nothing can be told
	}
	// Besides its 20 calls a time has one of clock_gettime, which may be slow.
	limit := max(math.Sqrt(fast*slow), slow/5)
	for i, p := range programs {
		for j, nr := range timedCalls {
			constant := p.ConstAllow(arch, uint32(nr))
			answers[constant]++
			if ns := times[i*len(timedCalls)+j]; constant != (ns < limit) {
				wrong++
				t.Logf("number %d: ConstAllow %v, yet 20 calls take %v ns; the program ends in\n%s", nr, constant, ns,
					Disassemble(p[3500:], DisassembleOptions{}))
			}
		}
	}
	return wrong, answers
}

// kernelAtLeast compares the running kernel's version.
func kernelAtLeast(major, minor int) bool {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return false
	}
	var a, b int
	if _, err := fmt.Sscanf(unix.ByteSliceToString(u.Release[:]), "%d.%d", &a, &b); err != nil {
		return false
	}
	return a > major || a == major && b >= minor
}
