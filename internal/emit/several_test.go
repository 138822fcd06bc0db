package emit

import (
	"math/rand/v2"
	"testing"

	"github.com/elastic/go-seccomp-bpf/cbpf"
	"github.com/elastic/go-seccomp-bpf/internal/decision"
)

// TestNativeCallsPayLittleForOtherABIs adds an i386 to a Spec, and an x32 to
// its x86_64, and counts what each native call executes more.
func TestNativeCallsPayLittleForOtherABIs(t *testing.T) {
	const x86, i386, most = 0xc000003e, 0x40000003, 3
	r := rand.New(rand.NewPCG(11, 12))
	for range 25 {
		native := randomABI(r, x86)
		native.Ranges = []decision.Range{
			{Lo: otherABI, Hi: 1<<31 - 1, Action: cbpf.RetErrno | 38},
			{Lo: 1<<31 | otherABI, Hi: 1<<32 - 1, Action: cbpf.RetErrno | 38}}
		both := native
		both.Ranges = nil
		for _, c := range randomABI(r, x86).Calls {
			c.NR |= otherABI
			both.Calls = append(both.Calls, c)
		}
		alone := &decision.Spec{BadArch: cbpf.RetKillProcess, ABIs: []decision.ABI{native}}
		several := &decision.Spec{BadArch: cbpf.RetKillProcess, ABIs: []decision.ABI{both, randomABI(r, i386)}}
		for o := MeanWithBitmap; o <= Mean; o++ {
			before, err := Compile(alone, Options{Objective: o})
			if err != nil {
				t.Fatal(err)
			}
			after, err := Compile(several, Options{Objective: o})
			if err != nil {
				t.Fatal(err)
			}
			for nr := range uint32(500) {
				for v := range uint64(4) {
					d := cbpf.Data{Arch: x86, NR: nr, Args: [6]uint64{v, v, v, v, v, v}}
					words := d.Words(false)
					_, m := cbpf.Program(before.Program).Run(&words)
					_, n := cbpf.Program(after.Program).Run(&words)
					if n > m+most {
						t.Errorf("objective %d: number %d executes %d instructions, %d without other ABIs", o, nr, n, m)
					}
				}
			}
		}
	}
}
