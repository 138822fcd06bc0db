package decision

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"golang.org/x/net/bpf"

	"github.com/elastic/go-seccomp-bpf/cbpf"
)

// randomProgram makes a valid program that uses every kind of instruction the
// kernel allows. Constants come from a small pool, so that tests meet.
func randomProgram(r *rand.Rand, n int, heavy bool) []bpf.RawInstruction {
	pool := []uint32{0, 1, 2, 3, 7, 31, 0x80000000, 0xffffffff, 0x7fffffff, 0xc000003e, 41, 42, 0x100}
	k := func() uint32 { return pool[r.IntN(len(pool))] }
	prog := make([]bpf.RawInstruction, 0, n)
	for i := 0; i < 16; i++ { // initialise the scratch memory
		prog = append(prog, bpf.RawInstruction{Op: 0x02, K: uint32(i)})
	}
	alu := []uint16{0x04, 0x14, 0x44, 0x54, 0x64, 0x74, 0xa4, 0x84}
	if heavy {
		alu = append(alu, 0x24, 0x34)
	}
	for len(prog) < n-2 {
		left := n - 2 - len(prog)
		off := func() uint8 { return uint8(r.IntN(min(left, 6) + 1)) }
		var in bpf.RawInstruction
		switch r.IntN(12) {
		case 0, 1, 2:
			in = bpf.RawInstruction{Op: 0x20, K: 4 * uint32(r.IntN(16))}
		case 3:
			in = bpf.RawInstruction{Op: []uint16{0x00, 0x01}[r.IntN(2)], K: k()}
		case 4:
			in = bpf.RawInstruction{Op: []uint16{0x60, 0x61, 0x02, 0x03}[r.IntN(4)], K: uint32(r.IntN(16))}
		case 5:
			in = bpf.RawInstruction{Op: []uint16{0x80, 0x81, 0x07, 0x87}[r.IntN(4)]}
		case 6, 7:
			op := alu[r.IntN(len(alu))]
			in = bpf.RawInstruction{Op: op, K: k()}
			switch {
			case op == 0x64 || op == 0x74:
				in.K &= 31
			case op == 0x34 && in.K == 0:
				in.K = 3
			case op == 0x84:
				in.K = 0
			}
			if op != 0x84 && r.IntN(6) == 0 {
				in.Op, in.K = op|8, 0
			}
		case 8:
			in = bpf.RawInstruction{Op: 0x05, K: uint32(off())}
		case 9:
			in = bpf.RawInstruction{Op: 0x06, K: k()}
			if r.IntN(3) > 0 {
				in = bpf.RawInstruction{Op: 0x15, Jt: off(), Jf: off(), K: k()}
			}
		default:
			in = bpf.RawInstruction{Op: []uint16{0x15, 0x25, 0x35, 0x45}[r.IntN(4)], Jt: off(), Jf: off(), K: k()}
			if r.IntN(6) == 0 {
				in.Op, in.K = in.Op|8, 0
			}
		}
		prog = append(prog, in)
	}
	last := bpf.RawInstruction{Op: 0x06, K: k()}
	if r.IntN(8) == 0 {
		prog = append(prog, bpf.RawInstruction{Op: 0x54, K: 7}, bpf.RawInstruction{Op: 0x16})
		return prog
	}
	return append(prog, last, last)
}

func randomWords(r *rand.Rand) (w [16]uint32) {
	pool := []uint32{0, 1, 2, 3, 7, 8, 31, 32, 0x80000000, 0xffffffff, 0x7fffffff, 0xc000003e, 41, 42, 43, 0x100}
	for i := range w {
		w[i] = pool[r.IntN(len(pool))]
		if r.IntN(4) == 0 {
			w[i] = r.Uint32()
		}
	}
	return w
}

// inOrder turns words by offset into words by diagram order.
func inOrder(byOffset [16]uint32, bigEndian bool) (w [Words]uint32) {
	for i := range w {
		w[i] = byOffset[Word(i).Offset(bigEndian)/4]
	}
	return w
}

func TestWordOffsetsAreInverse(t *testing.T) {
	for _, be := range []bool{false, true} {
		for w := Word(0); w < Words; w++ {
			if got := wordAt(w.Offset(be), be); got != w {
				t.Errorf("big endian %v: word %d is at offset %d, which is word %d", be, w, w.Offset(be), got)
			}
		}
	}
}

func TestLiftAgreesWithInterpreter(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	lifted, tooComplex := 0, 0
	space := NewSpace(0)
	for i := 0; i < 1500; i++ {
		prog := randomProgram(r, 20+r.IntN(40), i%8 == 0)
		be := i%2 == 0
		space.Reset(50_000)
		n, err := space.Lift(prog, be)
		if errors.Is(err, ErrTooComplex) {
			tooComplex++
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		lifted++
		for range 200 {
			words := randomWords(r)
			want, _ := cbpf.Program(prog).Run(&words)
			ordered := inOrder(words, be)
			if got := space.Eval(n, &ordered); got != want {
				t.Fatalf("words %#x: lifted %#x, interpreted %#x\n%v", words, got, want, prog)
			}
		}
	}
	t.Logf("%d lifted, %d over the budget", lifted, tooComplex)
	if lifted < 1000 {
		t.Errorf("only %d of 1500 programs were lifted", lifted)
	}
}

func TestDifferenceIsWitnessed(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 2))
	space, differ := NewSpace(0), 0
	for range 2000 {
		prog := randomProgram(r, 40, false)
		mutant := append([]bpf.RawInstruction(nil), prog...)
		i := 16 + r.IntN(len(prog)-17)
		if c := mutant[i].Op & 7; c == 5 && mutant[i].Op != 5 || c == 6 {
			mutant[i].K ^= 1 << r.IntN(32)
		}
		space.Reset(50_000)
		a, errA := space.Lift(prog, false)
		b, errB := space.Lift(mutant, false)
		if errA != nil || errB != nil {
			continue
		}
		w, ok := space.Difference(a, b)
		if ok != (a != b) {
			t.Fatalf("Difference says %v for nodes %d and %d", ok, a, b)
		}
		if !ok {
			continue
		}
		differ++
		var words [16]uint32
		for i, v := range w.Words {
			words[Word(i).Offset(false)/4] = v
		}
		ra, _ := cbpf.Program(prog).Run(&words)
		rb, _ := cbpf.Program(mutant).Run(&words)
		if ra != w.A || rb != w.B || ra == rb {
			t.Fatalf("witness %#x: interpreter %#x and %#x, witness says %#x and %#x", words, ra, rb, w.A, w.B)
		}
	}
	if differ < 20 {
		t.Errorf("only %d mutants differed", differ)
	}
}
