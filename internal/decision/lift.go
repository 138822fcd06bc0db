package decision

import (
	"fmt"

	"golang.org/x/net/bpf"

	"github.com/elastic/go-seccomp-bpf/cbpf"
)

// Opcodes of classic BPF, as linux/bpf_common.h composes them.
const (
	opClass  = 0x07
	opLd     = 0x00
	opLdx    = 0x01
	opSt     = 0x02
	opStx    = 0x03
	opAlu    = 0x04
	opJmp    = 0x05
	opRet    = 0x06
	opMisc   = 0x07
	opX      = 0x08
	opOp     = 0xf0
	opMode   = 0xe0
	modeImm  = 0x00
	modeAbs  = 0x20
	modeMem  = 0x60
	modeLen  = 0x80
	retA     = 0x10
	miscTXA  = 0x80
	dataSize = 64 // sizeof(struct seccomp_data), what LD LEN reads
)

// Lift returns the function that a program computes. It accepts every program
// that the kernel accepts, and only those.
func (s *Space) Lift(prog []bpf.RawInstruction, bigEndian bool) (Node, error) {
	if err := cbpf.Program(prog).Validate(); err != nil {
		return 0, err
	}
	l := lifter{s: s, prog: prog, bigEndian: bigEndian, live: liveness(prog),
		memo: make(map[machine]Node, len(prog)), regs: []symbol{{}}}
	n := l.at(machine{})
	if err := s.Err(); err != nil {
		return 0, fmt.Errorf("lift a program of %d instructions: %w", len(prog), err)
	}
	return n, nil
}

// LiftBounded returns a function that is the program's for calls that it decides
// within a number of comparisons whose outcome depends on the call, and
// undecided for others.
func (s *Space) LiftBounded(prog []bpf.RawInstruction, bigEndian bool, comparisons int, undecided uint32) (Node, error) {
	if err := cbpf.Program(prog).Validate(); err != nil {
		return 0, err
	}
	l := lifter{s: s, prog: prog, bigEndian: bigEndian, live: liveness(prog), memo: map[machine]Node{}, regs: []symbol{{}},
		bounded: true, undecided: s.Const(undecided)}
	n := l.at(machine{left: comparisons})
	return n, s.Err()
}

// A register is the identity of a symbol: equal registers hold equal values.
// Register 0 is the constant zero, which A and X hold at the start.
type register uint32

// machine is the state before an instruction. Registers and scratch memory
// that no later instruction reads are zero, so that paths meet.
type machine struct {
	pc   int
	a, x register
	mem  int // index of lifter.memories; 0 is all zero
	left int // comparisons left, when the lifter is bounded
}

// A symbol is what a register holds: the constant k, the masked word, or when
// bits is set any function, one predicate a bit, least significant first.
type symbol struct {
	k      uint32
	mask   uint32 // 0: the constant k
	word   Word
	vector int // index of lifter.vectors plus one
}

type lifter struct {
	s         *Space
	prog      []bpf.RawInstruction
	bigEndian bool
	live      []uint32
	memo      map[machine]Node
	bounded   bool
	undecided Node

	regs      []symbol
	regID     map[symbol]register
	vectors   [][32]Node
	vectorID  map[[32]Node]int
	memories  [][16]register
	memoryIDs map[[16]register]int
}

// Bits of liveness beside one for each of the sixteen scratch words.
const (
	liveA = 1 << 16
	liveX = 1 << 17
)

// liveness returns for each instruction which registers it or a later one may
// read before they are written.
func liveness(prog []bpf.RawInstruction) []uint32 {
	live := make([]uint32, len(prog)+1)
	for pc := len(prog) - 1; pc >= 0; pc-- {
		in := prog[pc]
		next := live[pc+1]
		operand := uint32(0)
		if in.Op&opX != 0 {
			operand = liveX
		}
		switch in.Op & opClass {
		case opRet:
			live[pc] = 0
			if in.Op&0x18 == retA {
				live[pc] = liveA
			}
		case opLd, opLdx:
			dst := uint32(liveA)
			if in.Op&opClass == opLdx {
				dst = liveX
			}
			live[pc] = next &^ dst
			if in.Op&opMode == modeMem {
				live[pc] |= 1 << in.K
			}
		case opSt:
			live[pc] = next&^(1<<in.K) | liveA
		case opStx:
			live[pc] = next&^(1<<in.K) | liveX
		case opAlu:
			live[pc] = next | liveA | operand
		case opMisc:
			if in.Op&0xf8 == miscTXA {
				live[pc] = next&^liveA | liveX
			} else {
				live[pc] = next&^liveX | liveA
			}
		case opJmp:
			if in.Op&opOp == 0 {
				live[pc] = live[pc+1+int(in.K)]
			} else {
				live[pc] = live[pc+1+int(in.Jt)] | live[pc+1+int(in.Jf)] | liveA | operand
			}
		}
	}
	return live
}

// stepsPerState is what a state costs, by the time and the memory it takes: up
// to two microseconds, and half a kilobyte with what its registers hold.
const stepsPerState = 32

// at returns the function from a state on.
func (l *lifter) at(m machine) Node {
	m = l.forget(m)
	if n, ok := l.memo[m]; ok {
		return n
	}
	if !l.s.charge(stepsPerState) {
		return l.s.Const(0)
	}
	n := l.step(m)
	l.memo[m] = n
	return n
}

// forget zeroes what is dead.
func (l *lifter) forget(m machine) machine {
	live := l.live[m.pc]
	if live&liveA == 0 {
		m.a = 0
	}
	if live&liveX == 0 {
		m.x = 0
	}
	if m.mem != 0 {
		mem := l.memories[m.mem]
		for i := range mem {
			if live>>i&1 == 0 {
				mem[i] = 0
			}
		}
		m.mem = l.memory(mem)
	}
	return m
}

func (l *lifter) step(m machine) Node {
	in := l.prog[m.pc]
	next := m
	next.pc++
	operand := m.x
	if in.Op&opX == 0 {
		operand = 0
		if in.K != 0 {
			operand = l.register(symbol{k: in.K})
		}
	}
	switch in.Op & opClass {
	case opLd:
		next.a = l.load(m, in)
	case opLdx:
		next.x = l.load(m, in)
	case opSt, opStx:
		from := m.a
		if in.Op&opClass == opStx {
			from = m.x
		}
		var mem [16]register
		if m.mem != 0 {
			mem = l.memories[m.mem]
		}
		mem[in.K] = from
		next.mem = l.memory(mem)
	case opMisc:
		if in.Op&0xf8 == miscTXA {
			next.a = m.x
		} else {
			next.x = m.a
		}
	case opRet:
		if in.Op&0x18 == retA {
			return l.value(m.a)
		}
		return l.s.Const(in.K)
	case opAlu:
		if l.bounded && m.left == 0 {
			return l.undecided // what is computed could not be compared any more
		}
		next.a = l.alu(in.Op&opOp, m.a, operand)
		if in.Op&opOp == aluDiv && in.Op&opX != 0 {
			// A division by zero ends the filter with 0 (net/core/filter.c).
			return l.s.ITE(l.compare(0x10, m.x, 0), l.s.Const(0), l.at(next))
		}
	case opJmp:
		if in.Op&opOp == 0 {
			next.pc += int(in.K)
			return l.at(next)
		}
		test := l.compare(in.Op&opOp, m.a, operand)
		yes, no := next, next
		yes.pc += int(in.Jt)
		no.pc += int(in.Jf)
		if v, ok := l.s.Value(test); ok {
			if v != 0 {
				return l.at(yes)
			}
			return l.at(no)
		}
		if l.bounded {
			if m.left == 0 {
				return l.undecided
			}
			yes.left--
			no.left--
		}
		return l.s.ITE(test, l.at(yes), l.at(no))
	}
	return l.at(next)
}

// load returns what a load instruction puts into its register.
func (l *lifter) load(m machine, in bpf.RawInstruction) register {
	switch in.Op & opMode {
	case modeAbs:
		return l.register(symbol{word: wordAt(in.K, l.bigEndian), mask: ^uint32(0)})
	case modeMem:
		if m.mem == 0 {
			return 0
		}
		return l.memories[m.mem][in.K]
	case modeLen:
		return l.register(symbol{k: dataSize})
	}
	return l.register(symbol{k: in.K})
}

// register interns a symbol.
func (l *lifter) register(y symbol) register {
	if y == (symbol{}) {
		return 0
	}
	if id, ok := l.regID[y]; ok {
		return id
	}
	if l.regID == nil {
		l.regID = make(map[symbol]register)
	}
	id := register(len(l.regs))
	l.regs = append(l.regs, y)
	l.regID[y] = id
	return id
}

// memory interns the scratch memory's contents.
func (l *lifter) memory(mem [16]register) int {
	if mem == ([16]register{}) {
		return 0
	}
	if id, ok := l.memoryIDs[mem]; ok {
		return id
	}
	if l.memoryIDs == nil {
		l.memoryIDs = make(map[[16]register]int)
		l.memories = make([][16]register, 1)
	}
	id := len(l.memories)
	l.memories = append(l.memories, mem)
	l.memoryIDs[mem] = id
	return id
}
