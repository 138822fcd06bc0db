package emit

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/elastic/go-seccomp-bpf/cbpf"
	"github.com/elastic/go-seccomp-bpf/internal/decision"
)

// dense makes calls whose conditions mask, compare and bound the same words at
// random, which is as far from intervals and from a few bits as it gets.
func dense(r *rand.Rand, most int) *decision.Spec {
	abi := decision.ABI{Arch: 1, Default: cbpf.RetErrno | 1}
	actions := []uint32{cbpf.RetAllow, cbpf.RetErrno | 5, cbpf.RetErrno | 6, cbpf.RetKillProcess}
	for nr := range uint32(1 + r.IntN(most)) {
		c := decision.Call{NR: 3 * nr, Else: cbpf.RetErrno | uint32(1+r.IntN(2))}
		for range 1 + r.IntN(most) {
			rule := decision.Rule{Action: actions[r.IntN(4)]}
			for range 1 + r.IntN(3) {
				rule.Conds = append(rule.Conds, denseCond(r))
			}
			c.Rules = append(c.Rules, rule)
		}
		abi.Calls = append(abi.Calls, c)
	}
	return &decision.Spec{BadArch: cbpf.RetKillProcess, ABIs: []decision.ABI{abi}}
}

func denseCond(r *rand.Rand) decision.Cond {
	bits := uint8(32 + 32*r.IntN(2))
	full := ^uint64(0) >> (64 - bits)
	c := decision.Cond{Arg: uint8(r.IntN(2)), Bits: bits, Mask: full, Not: r.IntN(3) == 0}
	v := r.Uint64() & full
	if r.IntN(2) == 0 {
		v &= r.Uint64()
	}
	other := v
	switch r.IntN(4) {
	case 0:
		other = r.Uint64() & full
	case 1, 2:
		c.Mask &= r.Uint64()
		if r.IntN(2) == 0 {
			c.Mask &= r.Uint64()
		}
		v &= c.Mask
		other = v
	}
	c.Set = []decision.Interval{{Lo: min(v, other), Hi: max(v, other)}}
	return c
}

// TestDenseMasksAreBounded compiles such policies, small and large ones, and
// looks at what the search was allowed to do. The proof judges the programs.
func TestDenseMasksAreBounded(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 9))
	hurried, worst := 0, 0
	for i := range 64 {
		most := 6
		if i%16 == 0 {
			most = 20
		}
		spec := dense(r, most)
		space := decision.NewSpace(nodeLimit)
		parts, err := space.Parts(spec)
		if err != nil {
			t.Fatal(err)
		}
		c := compiler{space: space, spec: spec, parts: parts, code: newCode(), opt: Options{Objective: Objective(i % 4)}}
		program := c.compile()
		if c.code.effort.spent > effortOf/8 {
			hurried++
		}
		worst = max(worst, c.code.effort.spent)
		if c.code.effort.spent > 4*effortOf {
			t.Errorf("policy %d: %d steps for %d instructions", i, c.code.effort.spent, len(program))
		}
		if _, err := Compile(spec, Options{Objective: Objective(i % 4)}); err != nil {
			t.Errorf("policy %d: %v", i, err)
		}
	}
	t.Logf("%d policies took the share of a call or more; at most %d steps", hurried, worst)
	if hurried == 0 {
		t.Error("no policy came near the bound: the test no longer needs what it is for")
	}
}
