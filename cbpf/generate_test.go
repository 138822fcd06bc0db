package cbpf

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"golang.org/x/net/bpf"
)

// newRand makes a source of random numbers and prints its seed; setting
// CBPF_TEST_SEED repeats a run.
func newRand(t testing.TB) *rand.Rand {
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("CBPF_TEST_SEED"); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatalf("CBPF_TEST_SEED: %v", err)
		}
	}
	t.Logf("seed: CBPF_TEST_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

// Values at which something changes: sizes, alignments, shift counts, scratch
// words, signs, actions.
var interesting = []uint32{
	0, 1, 2, 3, 4, 5, 8, 15, 16, 17, 31, 32, 33, 56, 59, 60, 61, 62, 63, 64, 65, 68, 255, 256, 4095, 4096,
	0x7fff, 0x8000, 0xffff, 0x10000, 0x7fff0000, 0x7fffffff, 0x80000000, 0x80000001, 0xfffffff0, 0xffffffff,
	0xfffff000, 0xfffff004, 0xfffffffe,
}

func someK(r *rand.Rand) uint32 {
	switch r.IntN(4) {
	case 0:
		return r.Uint32()
	case 1:
		return r.Uint32N(80)
	}
	return pick(r, interesting)
}

var acceptedOps = func() (ops []uint16) {
	for op, ok := range seccompOps {
		if ok {
			ops = append(ops, uint16(op))
		}
	}
	return ops
}()

// randomJunk is a program of arbitrary instructions.
func randomJunk(r *rand.Rand) Program {
	p := make(Program, 1+r.IntN(6))
	for i := range p {
		p[i] = bpf.RawInstruction{Op: uint16(r.IntN(0x120)), Jt: uint8(r.IntN(4)), Jf: uint8(r.IntN(4)), K: someK(r)}
		if r.IntN(2) == 0 {
			p[i].Op = pick(r, acceptedOps)
		}
	}
	if r.IntN(4) != 0 {
		p[len(p)-1].Op = pick(r, []uint16{opRetK, opRetA})
	}
	return p
}

// randomSound is a program whose every instruction is acceptable by itself and
// whose jumps stay inside; it may still read scratch words that are unset.
func randomSound(r *rand.Rand, n int, ops []uint16) Program {
	p := make(Program, n)
	for i := range p {
		in := bpf.RawInstruction{Op: pick(r, ops), K: someK(r)}
		left := n - i - 1 // instructions after this one
		if left == 0 {
			in.Op = pick(r, []uint16{opRetK, opRetA})
		}
		switch in.Op {
		case opLoadAbs:
			in.K = in.K % DataSize &^ 3
		case opDivK:
			in.K |= 1
		case opLshK, opRshK:
			in.K %= 32
		case opLoadMem, opLoadXMem, opStore, opStoreX:
			in.K %= scratchWords
			if r.IntN(2) == 0 {
				in.K %= 2
			}
		case opJump:
			in.K = r.Uint32N(uint32(min(left, 1+r.IntN(8))))
		case opJeqK, opJeqX, opJgtK, opJgtX, opJgeK, opJgeX, opJsetK, opJsetX:
			in.Jt = uint8(r.IntN(min(left, 1+r.IntN(8), 256)))
			in.Jf = uint8(r.IntN(min(left, 1+r.IntN(8), 256)))
		}
		p[i] = in
	}
	return p
}

// mutate changes one field somewhere.
func mutate(r *rand.Rand, p Program) {
	in := &p[r.IntN(len(p))]
	switch r.IntN(5) {
	case 0:
		in.Op = uint16(r.IntN(256))
	case 1:
		in.Jt = uint8(someK(r))
	case 2:
		in.Jf = uint8(someK(r))
	case 3:
		in.K = someK(r)
	case 4:
		in.Op ^= 1 << r.IntN(16)
	}
}

var scratchOps = []uint16{opLoadMem, opLoadXMem, opStore, opStoreX, opStore, opStoreX, opJump, opJeqK, opJgtX, opJsetK, opRetK, opRetA}

// randomProgram makes programs of which about half are valid.
func randomProgram(r *rand.Rand) Program {
	switch r.IntN(8) {
	case 0:
		return randomJunk(r)
	case 1, 2:
		return randomSound(r, 1+r.IntN(16), scratchOps)
	}
	n := 1 + r.IntN(24)
	if r.IntN(100) == 0 {
		n = 1 + r.IntN(MaxInstructions+8)
	}
	ops := acceptedOps
	if r.IntN(2) == 0 { // without scratch reads, most are valid
		ops = ops[:0:0]
		for _, op := range acceptedOps {
			if op != opLoadMem && op != opLoadXMem {
				ops = append(ops, op)
			}
		}
	}
	p := randomSound(r, n, ops)
	for range pick(r, []int{0, 0, 0, 1, 2}) {
		mutate(r, p)
	}
	return p
}
