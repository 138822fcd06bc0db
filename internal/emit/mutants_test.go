package emit

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"golang.org/x/net/bpf"

	"github.com/elastic/go-seccomp-bpf/cbpf"
	"github.com/elastic/go-seccomp-bpf/internal/decision"
)

// TestProofFindsMutants changes one instruction of programs that are right.
// Either the proof finds the change, and a call on which the interpreter
// agrees that it is one, or no call near what the Spec compares shows any.
func TestProofFindsMutants(t *testing.T) {
	seed := newSeed(t)
	found, same, refused := 0, 0, 0
	space := decision.NewSpace(0)
	for i := range 150 {
		r := rand.New(rand.NewPCG(seed, uint64(i)))
		m := &specMaker{Rand: r}
		spec := m.next()
		result, err := Compile(spec, Options{Objective: Objective(i % 4)})
		var tooLong *TooLongError
		if errors.As(err, &tooLong) {
			continue
		}
		if err != nil {
			t.Fatalf("seed %d, spec %d: %v", seed, i, err)
		}
		for range 20 {
			mutant := mutate(r, result.Program)
			if mutant.Validate() != nil {
				refused++
				continue
			}
			space.Reset(0)
			want, err := space.FromSpec(spec)
			if err != nil {
				t.Fatal(err)
			}
			var mismatch *MismatchError
			switch err := prove(space, want, mutant, spec.BigEndian); {
			case errors.As(err, &mismatch):
				found++
				if err := confirm(spec, mutant, &mismatch.Witness); err != nil {
					t.Fatalf("seed %d, spec %d: %v\n%v", seed, i, err, mutant)
				}
			case err != nil:
				t.Fatalf("seed %d, spec %d: %v", seed, i, err)
			default:
				same++
				for range 2000 {
					d := m.probe()
					words := d.Words(spec.BigEndian)
					if have, _ := mutant.Run(&words); have != decide(spec, d) {
						t.Fatalf("seed %d, spec %d: the proof passes a program that returns %#x for %+v\n%v", seed, i, have, d, mutant)
					}
				}
			}
		}
	}
	t.Logf("%d mutants told apart, %d decide alike, %d are no programs", found, same, refused)
	if found < 1000 {
		t.Errorf("only %d mutants were told apart", found)
	}
}

// confirm has the interpreter and the naive reading look at a witness.
func confirm(spec *decision.Spec, mutant cbpf.Program, w *decision.Witness) error {
	d := &cbpf.Data{Arch: w.Arch(), NR: w.NR(), IP: w.IP()}
	for i := range d.Args {
		d.Args[i] = w.Arg(i)
	}
	words := d.Words(spec.BigEndian)
	have, _ := mutant.Run(&words)
	if want := decide(spec, d); have == want || have != w.B || want != w.A {
		return fmt.Errorf("the witness %+v is none: the spec says %#x, the program returns %#x, the proof %#x and %#x", d, want, have, w.A, w.B)
	}
	return nil
}

// mutate changes a jump, a constant, an operation, or drops or swaps
// instructions.
func mutate(r *rand.Rand, program []bpf.RawInstruction) cbpf.Program {
	p := slices.Clone(program)
	i := r.IntN(len(p))
	in := &p[i]
	switch r.IntN(8) {
	case 0:
		in.K ^= 1 << r.IntN(32)
	case 1:
		in.K += 2*r.Uint32N(2) - 1
	case 2:
		in.Jt, in.Jf = in.Jf, in.Jt
	case 3:
		in.Jt += uint8(2*r.IntN(2) - 1)
	case 4:
		in.Jf += uint8(2*r.IntN(2) - 1)
	case 5:
		if in.Op&7 == 5 {
			in.Op = []uint16{0x15, 0x25, 0x35, 0x45}[r.IntN(4)]
		} else if in.Op == 0x20 {
			in.K = r.Uint32N(16) * 4
		}
	case 6:
		in.Op, in.K, in.Jt, in.Jf = 0x06, cbpf.RetAllow, 0, 0
	case 7:
		if j := i + 1; j < len(p) {
			p[i], p[j] = p[j], p[i]
		}
	}
	return p
}
