package emit

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/elastic/go-seccomp-bpf/cbpf"
	"github.com/elastic/go-seccomp-bpf/internal/decision"
)

// requests makes a call that allows n values of its second argument.
func requests(nr uint32, n int, r *rand.Rand) decision.Call {
	set := map[uint64]bool{}
	for len(set) < n {
		set[uint64(r.Uint32())] = true
	}
	cond := decision.Cond{Arg: 1, Bits: 32, Mask: 1<<32 - 1}
	for v := range set {
		cond.Set = append(cond.Set, decision.Interval{Lo: v, Hi: v})
	}
	return decision.Call{NR: nr, Else: cbpf.RetErrno | 1, Rules: []decision.Rule{{Conds: []decision.Cond{cond}, Action: cbpf.RetAllow}}}
}

func TestManyValuesAreBoundedInTime(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{400, 1500, 5000} {
		spec := &decision.Spec{BadArch: cbpf.RetKillProcess, ABIs: []decision.ABI{{
			Arch: 0xc000003e, Default: cbpf.RetErrno | 1, Calls: []decision.Call{requests(16, n, r)}}}}
		start := time.Now()
		res, err := Compile(spec, Options{})
		took := time.Since(start)
		if n < 2000 {
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%d values: %d instructions, longest path %d, %v", n, len(res.Program), cbpf.Program(res.Program).LongestPath(), took)
			continue
		}
		var long *TooLongError
		if !errors.As(err, &long) {
			t.Fatalf("%d values: %v", n, err)
		}
		t.Logf("%v after %v; most for %+v", err, took, long.Costs)
		if long.Instructions <= MaxInstructions || len(long.Costs) != 1 || long.Costs[0].NR != 16 {
			t.Errorf("error says %+v", long)
		}
	}
}

// TestMasksOfEveryShape compiles each function of four bits spread over a word
// that is 1 up to some value and 0 above, and more; the proof judges.
func TestMasksOfEveryShape(t *testing.T) {
	for _, spread := range [][4]uint{{0, 1, 2, 3}, {0, 5, 17, 31}, {28, 29, 30, 31}, {7, 8, 20, 21}} {
		for set := range 1 << 16 {
			if set%37 != 0 && set&(set+1) != 0 {
				continue // a sample, and all runs from zero
			}
			cond := decision.Cond{Arg: 2, Bits: 64}
			for _, b := range spread {
				cond.Mask |= 1 << b
			}
			for v := range 16 {
				if set>>v&1 == 0 {
					continue
				}
				var value uint64
				for i, b := range spread {
					value |= uint64(v) >> i & 1 << b
				}
				cond.Set = append(cond.Set, decision.Interval{Lo: value, Hi: value})
			}
			spec := &decision.Spec{BadArch: cbpf.RetKillProcess, ABIs: []decision.ABI{{Arch: 1, Calls: []decision.Call{{
				NR: 9, Else: cbpf.RetErrno | 1, Rules: []decision.Rule{{Conds: []decision.Cond{cond}, Action: cbpf.RetAllow}}}}}}}
			if _, err := Compile(spec, Options{Objective: Objective(set % 4)}); err != nil {
				t.Fatalf("bits %v, values %016b: %v", spread, set, err)
			}
		}
	}
}

// TestEntangledRulesFallBackToTheirText compiles calls whose rules compare
// every argument in many ways: decided word by word they do not fit a program,
// rule after rule they do.
func TestEntangledRulesFallBackToTheirText(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	abi := decision.ABI{Arch: 1, Default: cbpf.RetErrno | 1}
	for nr := range uint32(26) {
		call := decision.Call{NR: 3 + nr, Else: cbpf.RetErrno | 1}
		for i := range 8 {
			rule := decision.Rule{Action: cbpf.RetErrno | uint32(2+i)}
			for arg := range uint8(6) {
				v := uint64(r.IntN(1 << 20))
				rule.Conds = append(rule.Conds, decision.Cond{Arg: arg, Bits: 32, Mask: 1<<32 - 1,
					Set: []decision.Interval{{Lo: v, Hi: v + uint64(r.IntN(1<<19))}}})
			}
			call.Rules = append(call.Rules, rule)
		}
		abi.Calls = append(abi.Calls, call)
	}
	res, err := Compile(&decision.Spec{BadArch: cbpf.RetKillProcess, ABIs: []decision.ABI{abi}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d instructions", len(res.Program))
	if res.Objective != Size {
		t.Errorf("objective is %d: the test no longer needs what it is for", res.Objective)
	}
}

// TestOverlappingMasksStaySmall compiles conditions on one word that are
// neither intervals nor a few bits: a dense mask beside single values.
func TestOverlappingMasksStaySmall(t *testing.T) {
	const k = 0x60a2b0d1
	full := ^uint64(0) >> 32
	cond := func(mask, v uint64, not bool) decision.Cond {
		return decision.Cond{Arg: 1, Bits: 32, Mask: mask, Set: []decision.Interval{{Lo: v, Hi: v}}, Not: not}
	}
	call := decision.Call{NR: 5, Else: cbpf.RetAllow, Rules: []decision.Rule{
		{Conds: []decision.Cond{cond(full, k, true), cond(k, 0, true)}, Action: cbpf.RetErrno | 1},
		{Conds: []decision.Cond{cond(full, 0, false)}, Action: cbpf.RetErrno | 2},
	}}
	spec := &decision.Spec{BadArch: cbpf.RetKillProcess, ABIs: []decision.ABI{{Arch: 1, Default: cbpf.RetErrno | 3, Calls: []decision.Call{call}}}}
	for o := MeanWithBitmap; o <= Size; o++ {
		res, err := Compile(spec, Options{Objective: o})
		if err != nil {
			t.Fatal(err)
		}
		// Two for the ABI, two for the number, a load, three tests, five returns.
		if n := len(res.Program); n > 13 {
			t.Errorf("objective %d: %d instructions\n%s", o, n, cbpf.Disassemble(res.Program, cbpf.DisassembleOptions{}))
		}
	}
}
