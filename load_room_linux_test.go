package seccomp

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"testing"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/elastic/go-seccomp-bpf/cbpf"
	"github.com/elastic/go-seccomp-bpf/internal/testchild"
)

// manyRequests allows all calls but getpriority with other than 300 values.
func manyRequests() Policy {
	p := Policy{DefaultAction: ActionAllow}
	allow := SyscallGroup{Action: ActionAllow}
	for i := range uint64(300) {
		allow.NamesWithConditions = append(allow.NamesWithConditions, NameWithConditions{Name: "getpriority",
			Conditions: ArgumentConditions{{Argument: 0, Operation: Equal, Value: 1000 + 3*i}}})
	}
	p.Syscalls = []SyscallGroup{allow, {Action: ErrnoName("EXDEV"), Names: []string{"getpriority"}}}
	return p
}

// loadWhere fills the thread's room for filters but for less than the policy's
// cheapest program takes, and loads the policy.
var loadWhere = testchild.New("load where there is little room", func([]byte) ([]byte, error) {
	policy := manyRequests()
	cheapest, err := policy.Compile(nil)
	if err != nil {
		return nil, err
	}
	smallest, err := policy.Compile(&CompileOptions{Objective: Size})
	if err != nil {
		return nil, err
	}
	large, small := cbpf.Program(cheapest.Raw()), cbpf.Program(smallest.Raw())
	if small.TranslatedLen() >= large.TranslatedLen() {
		return nil, errors.New("the smallest program is not smaller: the test no longer needs what it is for")
	}
	runtime.LockOSThread()
	if err := SetNoNewPrivs(); err != nil {
		return nil, err
	}
	if err := fill(cbpf.MaxStackCost-large.TranslatedLen()+1, cheapest.abis[0].Name); err != nil {
		return nil, err
	}
	if err := LoadFilter(Filter{Precompiled: &Precompiled{ABIs: []string{cheapest.abis[0].Name}, Program: large}}); !errors.Is(err, unix.ENOMEM) {
		return nil, fmt.Errorf("there is room for the cheapest program: %v", err)
	}
	if err := LoadFilter(Filter{Policy: policy}); err != nil {
		return nil, err
	}
	for value, want := range map[uintptr]unix.Errno{1000: unix.EINVAL, 1001: unix.EXDEV} {
		if _, _, errno := unix.RawSyscall(unix.SYS_GETPRIORITY, value, 0, 0); errno != want {
			return nil, fmt.Errorf("getpriority(%d): %v, want %v", value, errno, want)
		}
	}
	return []byte("loaded"), nil
})

// fill loads filters that allow everything until they take up so much that the
// next one has at most as much as is left.
func fill(cost int, abi string) error {
	// To the kernel a return is 2 instructions, a load 1, the start of a program 3.
	const least = 3 + 2 + 4
	for cost > 0 {
		loads := min(max(cost-least, 0), 4000)
		program := append(make(cbpf.Program, 0, loads+1), slices.Repeat(cbpf.Program{{Op: 0x20}}, loads)...)
		program = append(program, bpf.RawInstruction{Op: 0x06, K: cbpf.RetAllow})
		cost -= program.TranslatedLen() + 4
		if _, err := load(&Filter{Precompiled: &Precompiled{ABIs: []string{abi}, Program: program}}); err != nil {
			return err
		}
	}
	return nil
}

func TestLoadTheSmallestWhereThereIsNoRoom(t *testing.T) {
	if got := loadWhere.Run(t, nil); string(got) != "loaded" {
		t.Errorf("%q", got)
	}
}
