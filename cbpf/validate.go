package cbpf

import (
	"fmt"

	"golang.org/x/net/bpf"
)

// DataSize is the size in bytes of struct seccomp_data: what a filter can
// read, and what its "ld len" loads.
const DataSize = 64

// scratchWords is the number of words of scratch memory (BPF_MEMWORDS).
const scratchWords = 16

// An InvalidError says why the kernel refuses a program.
type InvalidError struct {
	Index       int // of the instruction; -1 when the program's length is at fault
	Instruction bpf.RawInstruction
	Reason      string
}

func (e *InvalidError) Error() string {
	if e.Index < 0 {
		return "invalid BPF program: " + e.Reason
	}
	return fmt.Sprintf("invalid BPF program: instruction %d (%s): %s", e.Index, text(e.Instruction), e.Reason)
}

// Validate returns nil for exactly the programs that seccomp(2) accepts as
// filters, and an *[InvalidError] for all others. It does not know how much of
// the kernel's room for filters a thread has used up: see [StackCost].
func (p Program) Validate() error {
	if len(p) == 0 {
		return &InvalidError{Index: -1, Reason: "it has no instructions"}
	}
	if len(p) > MaxInstructions {
		return &InvalidError{Index: -1, Reason: fmt.Sprintf("it has %d instructions, the kernel takes at most %d", len(p), MaxInstructions)}
	}
	for i := range p {
		if reason := p.check(i); reason != "" {
			return &InvalidError{i, p[i], reason}
		}
	}
	if i := len(p) - 1; p[i].Op != opRetK && p[i].Op != opRetA {
		return &InvalidError{i, p[i], "the last instruction is not a return"}
	}
	return p.checkScratch()
}

// check says what is wrong with one instruction by itself, "" when nothing is
// (bpf_check_classic, seccomp_check_filter).
func (p Program) check(i int) string {
	in := p[i]
	switch in.Op {
	case opLoadAbs:
		if in.K >= DataSize {
			return fmt.Sprintf("the offset %d is not below %d, the size of struct seccomp_data", in.K, DataSize)
		}
		if in.K%4 != 0 {
			return fmt.Sprintf("the offset %d is not a multiple of 4", in.K)
		}
	case opDivK:
		if in.K == 0 {
			return "division by zero"
		}
	case opLshK, opRshK:
		if in.K >= 32 {
			return fmt.Sprintf("the shift count %d is not below 32", in.K)
		}
	case opLoadMem, opLoadXMem, opStore, opStoreX:
		if in.K >= scratchWords {
			return fmt.Sprintf("the scratch word %d is not below %d", in.K, scratchWords)
		}
	case opJump:
		return p.checkTarget(i, in.K)
	case opJeqK, opJeqX, opJgtK, opJgtX, opJgeK, opJgeX, opJsetK, opJsetX:
		if reason := p.checkTarget(i, uint32(in.Jt)); reason != "" {
			return reason
		}
		return p.checkTarget(i, uint32(in.Jf))
	default:
		return refusal(in.Op)
	}
	return ""
}

// checkTarget says why instruction i must not jump over n others.
func (p Program) checkTarget(i int, n uint32) string {
	if target := uint64(i) + 1 + uint64(n); target >= uint64(len(p)) {
		return fmt.Sprintf("it jumps to instruction %d, past the last (%d)", target, len(p)-1)
	}
	return ""
}

// refusal says why an instruction code is refused, "" when it is accepted.
func refusal(op uint16) string {
	switch {
	case op > 0xff || !classicOps[op]:
		return fmt.Sprintf("unknown instruction code %#04x", op)
	case !seccompOps[op]:
		return "socket filters may use this instruction, seccomp filters may not"
	}
	return ""
}

// checkScratch refuses reads of scratch words that some path leaves unset, the
// way check_load_and_stores in net/core/filter.c does: one pass, which takes
// an instruction after a jump for reachable by no path until a jump to it was
// seen, and one after a return for reachable from that return.
func (p Program) checkScratch() error {
	set := make([]uint16, len(p)) // words known to be set when a jump arrives
	for i := range set {
		set[i] = 0xffff
	}
	known := uint16(0)
	for i, in := range p {
		known &= set[i]
		switch in.Op {
		case opStore, opStoreX:
			known |= 1 << in.K
		case opLoadMem, opLoadXMem:
			if known&(1<<in.K) == 0 {
				return &InvalidError{i, in, fmt.Sprintf("the scratch word %d may be read before it is written", in.K)}
			}
		case opJump:
			set[uint32(i)+1+in.K] &= known
			known = 0xffff
		case opJeqK, opJeqX, opJgtK, opJgtX, opJgeK, opJgeX, opJsetK, opJsetX:
			set[i+1+int(in.Jt)] &= known
			set[i+1+int(in.Jf)] &= known
			known = 0xffff
		}
	}
	return nil
}

// seccompOps are the codes seccomp_check_filter lets through.
var seccompOps = [256]bool{
	opLoadAbs: true, opLoadImm: true, opLoadMem: true, opLoadLen: true,
	opLoadXImm: true, opLoadXMem: true, opLoadXLen: true, opStore: true, opStoreX: true,
	opAddK: true, opAddX: true, opSubK: true, opSubX: true, opMulK: true, opMulX: true,
	opDivK: true, opDivX: true, opOrK: true, opOrX: true, opAndK: true, opAndX: true,
	opLshK: true, opLshX: true, opRshK: true, opRshX: true, opXorK: true, opXorX: true, opNeg: true,
	opJump: true, opJeqK: true, opJeqX: true, opJgtK: true, opJgtX: true,
	opJgeK: true, opJgeX: true, opJsetK: true, opJsetX: true,
	opRetK: true, opRetA: true, opTAX: true, opTXA: true,
}

// classicOps are the codes chk_code_allowed lets through: all of classic BPF.
var classicOps = func() [256]bool {
	ops := seccompOps
	for _, op := range []uint16{
		opModK, opModX, opMSH,
		classLD | sizeH | modeABS, classLD | sizeB | modeABS,
		classLD | sizeW | modeIND, classLD | sizeH | modeIND, classLD | sizeB | modeIND,
	} {
		ops[op] = true
	}
	return ops
}()
