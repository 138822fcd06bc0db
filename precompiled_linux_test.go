package seccomp

import (
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/internal/testchild"
)

func precompile() (*Precompiled, error) {
	p := Policy{DefaultAction: ActionAllow, Syscalls: []SyscallGroup{{Action: ErrnoName("EXDEV"), Names: []string{"getpriority"}}}}
	c, err := p.Compile(nil)
	if err != nil {
		return nil, err
	}
	return &Precompiled{ABIs: []string{c.ABIs()[0].Name}, Program: c.Raw()}, nil
}

var loadPrecompiled = testchild.New("load precompiled", func([]byte) ([]byte, error) {
	pre, err := precompile()
	if err != nil {
		return nil, err
	}
	if err := LoadFilter(Filter{NoNewPrivs: true, Precompiled: pre}); err != nil {
		return nil, err
	}
	_, _, errno := unix.RawSyscall(unix.SYS_GETPRIORITY, 0, 0, 0)
	if errno != unix.EXDEV {
		return nil, errors.New("getpriority is not refused: " + errno.Error())
	}
	return []byte("refused"), nil
})

func TestLoadPrecompiled(t *testing.T) {
	if got := loadPrecompiled.Run(t, nil); string(got) != "refused" {
		t.Errorf("%q", got)
	}
}

func TestPrecompiledErrors(t *testing.T) {
	good, err := precompile()
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		pre  Precompiled
		want string
	}{
		{Precompiled{ABIs: good.ABIs}, "precompiled filter"},
		{Precompiled{Program: good.Program}, "for which ABIs"},
		{Precompiled{ABIs: []string{"vax"}, Program: good.Program}, "vax"},
		{Precompiled{ABIs: []string{"sparc64"}, Program: good.Program}, "covers [sparc64]"},
		{Precompiled{ABIs: good.ABIs, Program: []bpf.RawInstruction{{Op: 0x15}}}, "precompiled filter"},
	} {
		err := LoadFilter(Filter{Precompiled: &test.pre})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v: error %v, want one with %q", test.pre.ABIs, err, test.want)
		}
	}
	both := Filter{Precompiled: good, Policy: Policy{DefaultAction: ActionAllow}}
	if err := LoadFilter(both); err == nil || !strings.Contains(err.Error(), "both") {
		t.Errorf("a policy and a program: %v", err)
	}
}

// loads is how often a child loads a filter.
const loads = 200

// timeLoads is how long it takes from a precompiled program to a loaded filter,
// seccomp(2) included, and how long seccomp(2) alone takes with the same
// program, in turns: the least and the median of each, in nanoseconds.
var timeLoads = testchild.New("time loads of a precompiled filter", func([]byte) ([]byte, error) {
	native, err := arch.GetInfo("")
	if err != nil {
		return nil, err
	}
	names := slices.Sorted(maps.Keys(native.SyscallNames))
	p := Policy{DefaultAction: ErrnoName("ENOSYS"), Syscalls: []SyscallGroup{{Action: ActionAllow, Names: names}}}
	for i, name := range []string{"kexec_load", "ptrace", "bpf", "init_module", "reboot", "swapon", "acct", "quotactl", "add_key"} {
		p.Syscalls = append([]SyscallGroup{{Action: Errno(syscall.Errno(i + 1)), Names: []string{name}}}, p.Syscalls...)
	}
	c, err := p.Compile(nil)
	if err != nil {
		return nil, err
	}
	f := Filter{NoNewPrivs: true, Precompiled: &Precompiled{ABIs: []string{native.Name}, Program: c.Raw()}}
	bare := sockFilter(c.program)
	fprog := unix.SockFprog{Len: uint16(len(bare)), Filter: &bare[0]}
	var times [2][]int
	for i := range 2 * loads {
		// A thread each, for the filters of one add up.
		done := make(chan error)
		go func() {
			var err error
			runtime.LockOSThread()
			if i%2 == 1 {
				err = SetNoNewPrivs()
			}
			start := time.Now()
			if i%2 == 0 {
				err = LoadFilter(f)
			} else if _, errno := seccompCall(setModeFilter, 0, unsafe.Pointer(&fprog)); errno != 0 {
				err = errno
			}
			times[i%2] = append(times[i%2], int(time.Since(start)))
			done <- err
		}()
		if err := <-done; err != nil {
			return nil, err
		}
	}
	slices.Sort(times[0])
	slices.Sort(times[1])
	return fmt.Appendf(nil, "%d %d %d %d %d", times[0][0], times[0][loads/2], times[1][0], times[1][loads/2], len(c.program)), nil
})

// BenchmarkPrecompiledLoad is the way from a precompiled program to a loaded
// filter. Nearly all of it is the kernel's, which compiles the program and tries
// it with each number for its bitmap.
func BenchmarkPrecompiledLoad(b *testing.B) {
	var least, median, bareLeast, bareMedian, length float64
	out := timeLoads.Run(b, nil)
	if _, err := fmt.Sscan(string(out), &least, &median, &bareLeast, &bareMedian, &length); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(least, "ns-least")
	b.ReportMetric(median, "ns-median")
	b.ReportMetric(bareLeast, "ns-least-in-seccomp(2)")
	b.ReportMetric(bareMedian, "ns-median-in-seccomp(2)")
	b.ReportMetric(length, "instructions")
}

// BenchmarkPrecompiled is all that stands between a precompiled program and
// seccomp(2).
func BenchmarkPrecompiled(b *testing.B) {
	pre, err := precompile()
	if err != nil {
		b.Fatal(err)
	}
	f := Filter{Precompiled: pre}
	b.ReportAllocs()
	for b.Loop() {
		c, err := f.compile()
		if err != nil {
			b.Fatal(err)
		}
		if err := c.runsHere(); err != nil {
			b.Fatal(err)
		}
	}
}
