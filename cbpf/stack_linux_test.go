package cbpf

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/elastic/go-seccomp-bpf/internal/testchild"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// allowing is a program of n instructions that runs two of them and allows;
// the others are of all kinds.
func allowing(r *rand.Rand, n int) Program {
	for {
		p := randomSound(r, n, acceptedOps)
		for i := range p { // most programs of this length read unset words
			switch in := &p[i]; in.Op {
			case opLoadMem, opLoadXMem:
				in.Op = opStore
			}
		}
		p[0] = bpf.RawInstruction{Op: opJump, K: uint32(n - 2)}
		p[n-1] = bpfReturn
		if p.Validate() == nil {
			return p
		}
	}
}

// installStack installs the programs on one thread, oldest first, until one is
// refused for want of room, and tells how many went in.
var installStack = testchild.New("install stack", func(in []byte) ([]byte, error) {
	programs, err := unpackPrograms(in)
	if err != nil {
		return nil, err
	}
	runtime.LockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return nil, err
	}
	for i, p := range programs {
		switch _, errno := load(p, 0); errno {
		case 0:
		case unix.ENOMEM:
			return fmt.Append(nil, i), nil
		default:
			return nil, fmt.Errorf("installing filter %d of %d instructions: %w", i, len(p), errno)
		}
	}
	return fmt.Append(nil, len(programs)), nil
})

// filled adds plain filters to a stack such that the whole costs exactly so
// much.
func filled(t *testing.T, stack []Program, cost int) []Program {
	t.Helper()
	stack = stack[:len(stack):len(stack)]
	for {
		missing := cost - StackCost(newestFirst(stack)...) - stackPenalty
		// A plain filter translates to 3 instructions, its own, and one more
		// for the return.
		p := make(Program, min(missing-4, MaxInstructions))
		if missing < 5 {
			t.Fatalf("a stack of %d filters has no room left", len(stack))
		}
		if left := missing - len(p) - 4; left > 0 && left < 20 {
			p = p[:len(p)-20] // leave room for the last one
		}
		for i := range p {
			p[i].Op = opTAX
		}
		p[len(p)-1] = bpfReturn
		stack = append(stack, p)
		if StackCost(newestFirst(stack)...) == cost {
			return stack
		}
	}
}

func newestFirst(oldestFirst []Program) []Program {
	r := make([]Program, len(oldestFirst))
	for i, p := range oldestFirst {
		r[len(r)-1-i] = p
	}
	return r
}

// The kernel's room is exhausted exactly where StackCost says, to the
// instruction; earlier where others use it too, or make more of a program.
func TestStackCostAgreesWithKernel(t *testing.T) {
	r := newRand(t)
	exact := alone(t)
	stacks := 3
	if testing.Short() { // for emulated machines
		stacks = 1
	}
	for range stacks {
		var stack []Program
		for {
			p := allowing(r, 500+r.IntN(3000))
			if StackCost(newestFirst(append(stack, p))...) > MaxStackCost-100 {
				break
			}
			stack = append(stack, p)
		}
		for cost, refused := range map[int]int{MaxStackCost: 0, MaxStackCost + 1: 1} {
			full := filled(t, stack, cost)
			installed, err := strconv.Atoi(string(installStack.Run(t, packPrograms(full))))
			if err != nil {
				t.Fatal(err)
			}
			if want := len(full) - refused; installed > want || exact && installed < want {
				t.Errorf("%d filters that cost %d: %d went in, want %d", len(full), cost, installed, want)
			}
		}
	}
}

// alone tells whether the kernel's room is ours alone: this process runs
// under no filter, and constants are not blinded.
func alone(t *testing.T) bool {
	harden, err := os.ReadFile("/proc/sys/net/core/bpf_jit_harden") // readable by root
	if err != nil || strings.TrimSpace(string(harden)) != "0" || !unfiltered(t) {
		t.Logf("filters of others, or blinding of constants, may take up room (bpf_jit_harden: %q, %v)", harden, err)
		return false
	}
	return true
}

// unfiltered tells whether this process runs under no filter.
func unfiltered(t *testing.T) bool {
	self, err := testchild.AboutSelf()
	if err != nil {
		t.Fatal(err)
	}
	return !self.Filtered
}
