package emit

import (
	"errors"
	"sort"
	"testing"

	"github.com/elastic/go-seccomp-bpf/cbpf"
	"github.com/elastic/go-seccomp-bpf/internal/decision"
)

// switchOn is a call that returns another errno for each of n values, so that
// its program has about as many instructions, and jumps as long, as one wants;
// more calls add a few.
func switchOn(n, step, more int) *decision.Spec {
	c := decision.Call{NR: 1, Else: cbpf.RetKillProcess}
	for i := range n {
		v := uint64(i * step)
		c.Rules = append(c.Rules, decision.Rule{
			Conds:  []decision.Cond{{Arg: 1, Bits: 32, Mask: 1<<32 - 1, Set: []decision.Interval{{Lo: v, Hi: v}}}},
			Action: cbpf.RetErrno | uint32(i%4095+1),
		})
	}
	a := decision.ABI{Arch: 0xc000003e, Calls: []decision.Call{c}, Default: cbpf.RetAllow}
	for i := range more {
		a.Calls = append(a.Calls, decision.Call{NR: uint32(3 + 2*i), Else: cbpf.RetKillProcess})
	}
	return &decision.Spec{ABIs: []decision.ABI{a}, BadArch: cbpf.RetKillThread}
}

func checkSwitch(t *testing.T, spec *decision.Spec, program cbpf.Program) {
	t.Helper()
	if err := program.Validate(); err != nil {
		t.Fatal(err)
	}
	for _, rule := range spec.ABIs[0].Calls[0].Rules {
		for _, delta := range []uint64{0, 1, ^uint64(0), 1 << 32} {
			for nr := range uint32(4) {
				d := &cbpf.Data{Arch: 0xc000003e, NR: nr}
				d.Args[1] = rule.Conds[0].Set[0].Lo + delta
				words := d.Words(spec.BigEndian)
				if have, _ := program.Run(&words); have != decide(spec, d) {
					t.Fatalf("%d values: %+v: the program returns %#x, the spec says %#x", len(spec.ABIs[0].Calls[0].Rules), d, have, decide(spec, d))
				}
			}
		}
	}
}

// TestJumpsAtTheirLimit sweeps program sizes past what a conditional jump can
// reach, and looks whether the sweep met the longest jump there is.
func TestJumpsAtTheirLimit(t *testing.T) {
	longest, always := 0, 0
	for n := 110; n < 300; n += 1 + n/140*5 {
		for objective := range Size + 1 {
			spec := switchOn(n, 1+n%3, n%2)
			spec.BigEndian = n%5 == 0
			result, err := Compile(spec, Options{Objective: objective})
			if err != nil {
				t.Fatal(err)
			}
			checkSwitch(t, spec, result.Program)
			for _, in := range result.Program {
				switch {
				case in.Op == opJA:
					always++
				case in.Op&7 == 5 && max(in.Jt, in.Jf) == maxJump:
					longest++
				}
			}
		}
	}
	t.Logf("%d jumps over 255 instructions, %d long ones", longest, always)
	if longest == 0 || always == 0 {
		t.Errorf("the sweep does not reach the limit: %d jumps over 255 instructions, %d long ones", longest, always)
	}
}

// TestLengthAtItsLimit sweeps program sizes past what the kernel takes.
func TestLengthAtItsLimit(t *testing.T) {
	sizes := map[int]bool{}
	fits := sort.Search(2100, func(n int) bool { return !sized(t, n, 0, sizes) }) - 1
	for n := fits - 2; n <= fits+1; n++ {
		for more := range 6 {
			sized(t, n, more, sizes)
		}
	}
	for n := MaxInstructions - 1; n <= MaxInstructions+1; n++ {
		if !sizes[n] {
			t.Errorf("the sweep has no program of %d instructions: %v", n, sizes)
		}
	}
}

// sized notes how many instructions a switch takes and tells whether they are
// few enough. It fails the test if Compile says something else.
func sized(t *testing.T, n, more int, sizes map[int]bool) bool {
	t.Helper()
	spec := switchOn(n, 2, more)
	result, err := Compile(spec, Options{Objective: Size})
	var long *TooLongError
	switch {
	case errors.As(err, &long):
		sizes[long.Instructions] = true
		if long.Instructions <= MaxInstructions || len(long.Costs) == 0 {
			t.Fatalf("%d values are refused for %d instructions and %d costs", n, long.Instructions, len(long.Costs))
		}
		return false
	case err != nil:
		t.Fatal(err)
	}
	sizes[len(result.Program)] = true
	if len(result.Program) > MaxInstructions {
		t.Fatalf("a program of %d instructions was returned", len(result.Program))
	}
	checkSwitch(t, spec, result.Program)
	return true
}
