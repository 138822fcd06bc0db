package emit

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/elastic/go-seccomp-bpf/cbpf"
	"github.com/elastic/go-seccomp-bpf/internal/decision"
)

// TestBitmapCoversEveryConstantAllow emulates seccomp_is_const_allow: what a
// Spec allows whatever the arguments must be answered without running the
// program, on every ABI and for every objective.
func TestBitmapCoversEveryConstantAllow(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 7))
	const x86, i386 = 0xc000003e, 0x40000003
	allowed := 0
	for range 60 {
		spec := &decision.Spec{BadArch: cbpf.RetKillProcess, ABIs: []decision.ABI{randomABI(r, x86), randomABI(r, i386)}}
		for o := MeanWithBitmap; o <= Size; o++ {
			res, err := Compile(spec, Options{Objective: o})
			if err != nil {
				t.Fatal(err)
			}
			for i := range spec.ABIs {
				a := &spec.ABIs[i]
				calls := map[uint32]*decision.Call{}
				for j := range a.Calls {
					calls[a.Calls[j].NR] = &a.Calls[j]
				}
				for nr := range uint32(512) {
					want := a.Default == cbpf.RetAllow
					if c := calls[nr]; c != nil {
						want = c.Rules[0].Action == cbpf.RetAllow && len(c.Rules[0].Conds) == 0
					}
					if want {
						allowed++
					}
					if got := cbpf.Program(res.Program).ConstAllow(a.Arch, nr); got != want {
						t.Fatalf("objective %d, arch %#x, number %d: constant allow is %v, want %v", o, a.Arch, nr, got, want)
					}
				}
			}
		}
	}
	if allowed < 1000 {
		t.Errorf("only %d allowed numbers were tried", allowed)
	}
}

// randomABI makes an allowlist or a denylist with some conditional calls,
// whose conditions can hold and can fail.
func randomABI(r *rand.Rand, arch uint32) decision.ABI {
	a := decision.ABI{Arch: arch, Default: cbpf.RetErrno | 1}
	action := cbpf.RetAllow
	if r.IntN(3) == 0 {
		a.Default, action = action, a.Default
	}
	density := 1 + r.IntN(6)
	for nr := range uint32(470) {
		if r.IntN(density) > 0 {
			continue
		}
		c := decision.Call{NR: nr, Else: a.Default, Rules: []decision.Rule{{Action: action}}}
		if r.IntN(6) == 0 {
			v := uint64(r.IntN(40))
			c.Rules[0].Conds = []decision.Cond{{Arg: uint8(r.IntN(6)), Bits: 64, Mask: ^uint64(0), Set: []decision.Interval{{Lo: v, Hi: v + uint64(r.IntN(3))}}}}
		}
		a.Calls = append(a.Calls, c)
	}
	return a
}
