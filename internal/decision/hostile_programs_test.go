package decision

import (
	"maps"
	"math/rand/v2"
	"slices"

	"golang.org/x/net/bpf"

	"github.com/elastic/go-seccomp-bpf/cbpf"
)

// Instructions of the hostile programs, by what they do.
const (
	ldImm  = 0x00
	ldWord = 0x20 // A = word at K
	ldMem  = 0x60
	stMem  = 0x02
	tax    = 0x07
	addK   = 0x04
	addX   = 0x0c
	mulX   = 0x2c
	divX   = 0x3c
	orX    = 0x4c
	lshX   = 0x6c
	rshX   = 0x7c
	xorX   = 0xac
	xorK   = 0xa4
	jeqK   = 0x15
	jsetK  = 0x45
	jgtX   = 0x2d
	retAcc = 0x16
	retK   = 0x06
)

// A writer is a program that is being written.
type writer []bpf.RawInstruction

func (w *writer) add(op uint16, k uint32) { *w = append(*w, bpf.RawInstruction{Op: op, K: k}) }
func (w *writer) unless(op uint16, k uint32, f uint8) {
	*w = append(*w, bpf.RawInstruction{Op: op, K: k, Jf: f})
}

// full tells whether n more instructions and two at the end do not fit.
func (w *writer) full(n int) bool { return len(*w)+n+2 > cbpf.MaxInstructions }

// word is the offset of one of the arguments' words, a new one each 32 steps.
func word(i uint32) uint32 { return 16 + 4*(i/32%12) }

// hostile programs are valid, and made to be as complex as possible in every
// way in which a lifted program can be complex.
func hostile() map[string]writer {
	all := map[string]writer{
		"product":    {{Op: ldWord, K: 16}, {Op: tax}, {Op: ldWord, K: 24}, {Op: mulX}, {Op: retAcc}},
		"multiply":   folded(mulX),
		"divide":     folded(divX),
		"shift":      folded(lshX, rshX),
		"exclusive":  folded(xorX),
		"add":        folded(addX),
		"everything": folded(addX, mulX, xorX, lshX, orX, divX, rshX),
		"copies":     copies(),
		"memories":   memories(),
	}
	r := rand.New(rand.NewPCG(3, 4))
	maps.Copy(all, tests(r))
	maps.Copy(all, paths())
	return all
}

// folded repeats operations with X over all words.
func folded(ops ...uint16) writer {
	var w writer
	w.add(ldWord, 16)
	for i := uint32(1); !w.full(3); i++ {
		w.add(tax, 0)
		w.add(ldWord, 16+i*4%48)
		w.add(ops[int(i)%len(ops)], 0)
	}
	w.add(retAcc, 0)
	return w
}

// tests are programs of nothing but tests: of bits of all words in an order that
// shares nothing, of words with one another, and of many architectures.
func tests(r *rand.Rand) map[string]writer {
	var bits, compare, archs writer
	jump := func(w *writer, op uint16, k uint32) {
		*w = append(*w, bpf.RawInstruction{Op: op, K: k, Jt: uint8(r.IntN(4)), Jf: uint8(r.IntN(4))})
	}
	for !bits.full(8) {
		bits.add(ldWord, 4*uint32(r.IntN(16)))
		jump(&bits, jsetK, r.Uint32()&r.Uint32())
	}
	for !compare.full(9) {
		compare.add(ldWord, 16+4*uint32(r.IntN(12)))
		compare.add(tax, 0)
		compare.add(ldWord, 16+4*uint32(r.IntN(12)))
		jump(&compare, jgtX, 0)
	}
	for i := range uint32(6) {
		bits.add(retK, i)
		compare.add(retK, i)
	}
	for !archs.full(4) {
		archs.add(ldWord, 4)
		archs.unless(jeqK, r.Uint32(), 2)
		archs.add(ldWord, 16+4*uint32(r.IntN(12)))
		archs.add(retAcc, 0)
	}
	archs.add(retK, 0)
	return map[string]writer{"bits": bits, "compare": compare, "architectures": archs}
}

// paths are programs whose state differs on each of their many paths: a sum of
// constants, or words combined. Of "paths" and "complements" little matters in
// the end, so that states are many and nodes few. "sums" returns all values.
func paths() map[string]writer {
	start := writer{{Op: ldImm}, {Op: stMem}}
	states, vectors, sums := slices.Clone(start), slices.Clone(start), slices.Clone(start)
	complements := writer{{Op: ldWord, K: 60}, {Op: stMem}}
	for i := uint32(0); !states.full(6); i++ {
		for w, op := range map[*writer]uint16{&states: addK, &complements: xorK} {
			w.add(ldWord, word(i))
			w.unless(jsetK, 1<<(i%32), 3)
			w.add(ldMem, 0)
			w.add(op, 1<<(i%31)+i)
			w.add(stMem, 0)
		}
	}
	for i := uint32(0); !vectors.full(7); i++ {
		vectors.add(ldWord, word(i))
		vectors.unless(jsetK, 1<<(i%32), 5)
		vectors = append(vectors, writer{{Op: ldMem}, {Op: tax}, {Op: ldWord, K: 16 + 4*(i%12)}, {Op: xorX}, {Op: stMem}}...)
	}
	for i := range uint32(12) {
		sums = append(sums, writer{{Op: ldWord, K: 16 + 4*i}, {Op: tax}, {Op: ldMem}, {Op: addX}, {Op: stMem}}...)
	}
	whole, oneBit := writer{{Op: ldMem}, {Op: retAcc}}, writer{{Op: ldMem}, {Op: jsetK, K: 1, Jf: 1}, {Op: retK}, {Op: retK, K: 1}}
	return map[string]writer{
		"states": slices.Concat(states, whole), "paths": slices.Concat(states, oneBit), "complements": slices.Concat(complements, oneBit),
		"vectors": slices.Concat(vectors, whole), "sums": slices.Concat(sums, whole)}
}

// memories writes other constants to scratch memory on each path, and then
// looks at all of it.
func memories() writer {
	var w writer
	for i := range uint32(16) {
		w.add(stMem, i)
	}
	for i := uint32(0); !w.full(80); i++ {
		w.add(ldWord, word(i))
		w.unless(jsetK, 1<<(i%32), 2)
		w.add(ldImm, i)
		w.add(stMem, i%16)
	}
	for i := range uint32(16) {
		w.add(ldMem, i)
		w.add(jsetK, 1<<30)
	}
	w.add(retK, 0)
	return w
}

// copies puts all words into scratch memory, exchanges them in another way on
// each path, and combines them.
func copies() writer {
	r := rand.New(rand.NewPCG(5, 6))
	var w writer
	for i := range uint32(16) {
		w.add(ldWord, 4*i)
		w.add(stMem, i)
	}
	for i := uint32(0); !w.full(90); i++ {
		w.add(ldWord, word(i))
		w.unless(jsetK, 1<<(i%32), 4)
		for range 2 {
			w.add(ldMem, uint32(r.IntN(16)))
			w.add(stMem, uint32(r.IntN(16)))
		}
	}
	for i := range uint32(15) {
		w = append(w, writer{{Op: ldMem, K: i}, {Op: tax}, {Op: ldMem, K: i + 1}, {Op: xorX}, {Op: stMem, K: i + 1}}...)
	}
	w.add(ldMem, 15)
	w.add(retAcc, 0)
	return w
}
