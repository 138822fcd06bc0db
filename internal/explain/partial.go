package explain

import (
	"errors"
	"slices"

	"golang.org/x/net/bpf"

	"github.com/elastic/go-seccomp-bpf/cbpf"
	"github.com/elastic/go-seccomp-bpf/internal/decision"
	"github.com/elastic/go-seccomp-bpf/internal/symbols"
)

// Undecided stands, in the function of a partial Filter, for conditions that
// are too many to be represented. No kernel has such an action.
const Undecided uint32 = 0x7ffe0000

const (
	callNodes   = 20_000 // of one call's conditions, in a partial Filter
	partNodes   = 4_000  // of the conditions that are decided of one that is Undecided
	maxComplex  = 64     // calls that are left Undecided
	maxCases    = 4096   // architectures times ranges of numbers
	opClass     = 0x07
	classLd     = 0x00
	classLdx    = 0x01
	classSt     = 0x02
	classStx    = 0x03
	classAlu    = 0x04
	classJmp    = 0x05
	classRet    = 0x06
	classMisc   = 0x07
	opLdAbs     = 0x20
	opLdImm     = 0x00
	opJset      = 0x40
	opSourceX   = 0x08
	offsetNR    = 0
	offsetArch  = 4
	highestBits = 1 << 28 // a JSET on higher bits parts numbers in few ranges
)

// liftParts lifts a program call by call, for each architecture and range of
// numbers that it can tell apart, and leaves those calls Undecided whose
// conditions are too complex. It fails where it cannot see which numbers the
// program tells apart.
func liftParts(space *decision.Space, p cbpf.Program, bigEndian bool) (decision.Node, error) {
	archs, err := cuts32(p, offsetArch)
	if err != nil {
		return 0, err
	}
	numbers, err := cuts32(p, offsetNR)
	if err != nil {
		return 0, err
	}
	if len(archs)*len(numbers) > maxCases {
		return 0, errors.New("it tells too many numbers apart")
	}
	scratch := decision.NewSpace(callNodes)
	complex := 0
	var whole, others decision.Node
	for i, arch := range archs {
		var outcomes []decision.Outcome
		for j, nr := range numbers {
			hi := ^uint32(0)
			if j+1 < len(numbers) {
				hi = numbers[j+1] - 1
			}
			known := specialise(p, arch, nr)
			scratch.Reset(callNodes)
			var to decision.Node
			if _, err := scratch.Lift(known, bigEndian); err == nil {
				if to, err = space.Lift(known, bigEndian); err != nil {
					return 0, err
				}
			} else if complex++; complex > maxComplex || !errors.Is(err, decision.ErrTooComplex) {
				return 0, err
			} else if to, err = liftBeginning(space, scratch, known, bigEndian); err != nil {
				return 0, err
			}
			outcomes = append(outcomes, decision.Outcome{Lo: nr, Hi: hi, To: to})
		}
		n := space.Numbers(outcomes)
		switch {
		case i == 0:
			whole, others = n, n // of all architectures that no cut singles out
		case i+1 < len(archs) && archs[i+1] == arch+1:
			whole = space.Arch(arch, n, whole)
		case n != others:
			return 0, errors.New("it tells ranges of architectures apart")
		}
	}
	return whole, space.Err()
}

// liftBeginning lifts as many of a program's comparisons as fit in the budget,
// and can be put into words.
func liftBeginning(space, scratch *decision.Space, p cbpf.Program, bigEndian bool) (decision.Node, error) {
	most := 0
	for _, comparisons := range []int{1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128} {
		scratch.Reset(partNodes)
		n, err := scratch.LiftBounded(p, bigEndian, comparisons, Undecided)
		if err != nil {
			break
		}
		f := Filter{Space: scratch, Node: n, Partial: true}
		if _, _, err := f.rules(n, Undecided, plainKinds); err != nil {
			break
		}
		most = comparisons
	}
	return space.LiftBounded(p, bigEndian, most, Undecided)
}

// plainKinds knows nothing of arguments.
func plainKinds(int) symbols.Kind { return symbols.Plain }

// specialise is the program for one architecture and number.
func specialise(p cbpf.Program, arch, nr uint32) cbpf.Program {
	out := slices.Clone(p)
	for i, in := range out {
		if in.Op != opLdAbs {
			continue
		}
		switch in.K {
		case offsetNR:
			out[i] = bpf.RawInstruction{Op: opLdImm, K: nr}
		case offsetArch:
			out[i] = bpf.RawInstruction{Op: opLdImm, K: arch}
		}
	}
	return out
}

// cuts32 lists the values of a word at which a program may begin to decide
// otherwise: 0, and the neighbourhood of all constants that the word is
// compared with. It fails when the program does anything else with the word.
func cuts32(p cbpf.Program, offset uint32) ([]uint32, error) {
	holds := make([]bool, len(p)+1) // A may hold the word
	out := []uint32{0}
	for i, in := range p {
		next := holds[i]
		switch in.Op & opClass {
		case classLd:
			next = in.Op == opLdAbs && in.K == offset
		case classLdx, classRet:
		case classJmp:
			if err := jumpCuts(in, holds[i], &out); err != nil {
				return nil, err
			}
			if in.Op == 0x05 { // JA
				holds[i+1+int(in.K)] = holds[i+1+int(in.K)] || holds[i]
			} else {
				holds[i+1+int(in.Jt)] = holds[i+1+int(in.Jt)] || holds[i]
				holds[i+1+int(in.Jf)] = holds[i+1+int(in.Jf)] || holds[i]
			}
			continue
		default:
			if holds[i] {
				return nil, errors.New("it computes with the number or the architecture")
			}
		}
		if in.Op&opClass != classRet {
			holds[i+1] = holds[i+1] || next
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

func jumpCuts(in bpf.RawInstruction, holds bool, out *[]uint32) error {
	if !holds || in.Op == 0x05 {
		return nil
	}
	if in.Op&opSourceX != 0 {
		return errors.New("it compares the number or the architecture with a variable")
	}
	if in.Op&0xf0 != opJset {
		if *out = append(*out, in.K); in.K != ^uint32(0) {
			*out = append(*out, in.K+1)
		}
		return nil
	}
	if in.K%highestBits != 0 {
		return errors.New("it tests low bits of the number or the architecture")
	}
	for v := uint32(highestBits); v != 0; v += highestBits {
		*out = append(*out, v)
	}
	return nil
}
