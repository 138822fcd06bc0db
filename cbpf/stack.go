package cbpf

// MaxStackCost is the room the kernel has for all filters of one thread
// together (kernel/seccomp.c: MAX_INSNS_PER_PATH); see [StackCost].
const MaxStackCost = 32768

// stackPenalty is what each filter below the newest costs beyond its length.
const stackPenalty = 4

// StackCost tells how much of [MaxStackCost] a stack of filters takes up; the
// kernel refuses a filter with ENOMEM when the stack it would be the newest of
// costs more. What counts is not the length of the programs but that of their
// translations, [Program.TranslatedLen], plus 4 for each filter other than
// the newest (kernel/seccomp.c: seccomp_attach_filter).
func StackCost(newestFirst ...Program) int {
	cost := 0
	for i, p := range newestFirst {
		cost += p.TranslatedLen()
		if i > 0 {
			cost += stackPenalty
		}
	}
	return cost
}

// TranslatedLen is the number of eBPF instructions into which the kernel
// translates a valid program (net/core/filter.c: bpf_convert_filter, as of
// Linux 6.18). Hardened kernels that blind constants
// (net.core.bpf_jit_harden) make translations longer still.
func (p Program) TranslatedLen() int {
	n := 3 // clear A, clear X, keep the context
	for _, in := range p {
		switch in.Op {
		case opRetK:
			n += 2
		case opDivX: // preceded by the test for zero
			n += 5
		case opJeqK, opJeqX, opJgtK, opJgtX, opJgeK, opJgeX, opJsetK, opJsetX:
			n += translatedJump(in.Op, in.Jt, in.Jf, in.K)
		default:
			n++
		}
	}
	return n
}

// translatedJump counts the instructions of one conditional jump: eBPF jumps
// have one target, sign-extend their constant, and exist negated for all but
// JSET.
func translatedJump(op uint16, jt, jf uint8, k uint32) int {
	n := 1
	if op&srcX == 0 && int32(k) < 0 {
		n++
	}
	negatable := op != opJsetK && op != opJsetX
	if jf != 0 && (jt != 0 || !negatable) {
		n++
	}
	return n
}

// LongestPath is the number of instructions on the longest way through a valid
// program, the return included: the most [Program.Run] can execute. Ways that
// no call takes, because two tests on them exclude each other, count as well.
func (p Program) LongestPath() int {
	longest := make([]int, len(p)+1) // from here to a return
	for i := len(p) - 1; i >= 0; i-- {
		in := p[i]
		switch in.Op {
		case opRetK, opRetA:
			longest[i] = 1
		case opJump:
			longest[i] = 1 + longest[p.clamp(i, in.K)]
		case opJeqK, opJeqX, opJgtK, opJgtX, opJgeK, opJgeX, opJsetK, opJsetX:
			longest[i] = 1 + max(longest[p.clamp(i, uint32(in.Jt))], longest[p.clamp(i, uint32(in.Jf))])
		default:
			longest[i] = 1 + longest[i+1]
		}
	}
	return longest[0]
}

// clamp gives the target of a jump at i, the end of the program when the jump
// leaves it.
func (p Program) clamp(i int, distance uint32) int {
	return int(min(uint64(i)+1+uint64(distance), uint64(len(p))))
}
