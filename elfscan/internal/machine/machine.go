// Package machine reduces the instructions of each architecture to the few
// operations that following constants to a system call needs: moves, loads,
// stores, simple arithmetic, calls, jumps and the system call itself.
// Everything else becomes "this register is now unknown".
package machine

import (
	"debug/elf"
	"encoding/binary"
	"errors"
)

// ErrDecode reports bytes that are no instruction the decoder knows.
var ErrDecode = errors.New("undecodable instruction")

// Reg numbers a register of the machine at hand; general registers come
// first, followed by the pieces of vector registers that the machine tracks.
type Reg uint8

// None is the absent register.
const None Reg = 0xff

// Op is an operation.
type Op uint8

// The operations.
const (
	Nop     Op = iota
	Move       // Dst = A
	Load       // Dst = Size bytes at Mem
	Store      // Size bytes at Mem = A
	Fill       // A times Size bytes from Mem on are unknown
	Address    // Dst = address of Mem
	Add        // Dst = A + B, and so on
	Sub
	And
	Or
	Xor
	Shl
	Shr
	Sar
	Mul
	Select  // Dst = A or B
	Unknown // Dst = anything
	Compare // the flags now compare A with B; Cond says what is known of them
	Flags   // the flags are unknown
	Syscall // enter the kernel
	Call    // call Target, or A when Target is 0
	Jump    // jump to Target, or A when Target is 0
	Branch  // jump to Target if Cond holds: of A and B, not of the flags, if Size is not 0
	Return  // leave the function
	Halt    // never continues
)

// Cond is the condition of a Branch or a Select on the last Compare.
type Cond uint8

// The conditions; Maybe is one that is not modelled.
const (
	Maybe Cond = iota
	EQ
	NE
	LT
	GE
	LE
	GT
	ULT
	UGE
	ULE
	UGT
)

// Tells reports whether flags of which kind is known decide a condition: a
// kind of Maybe decides all, EQ no more than equality, ULT no more than less
// or not of unsigned numbers, LT what equality and signs decide.
func (kind Cond) Tells(c Cond) bool {
	switch kind {
	case Maybe:
		return c != Maybe
	case EQ:
		return c == EQ || c == NE
	case ULT:
		return c == ULT || c == UGE
	case LT:
		return c >= EQ && c <= GT
	}
	return false
}

// Negate returns the opposite condition.
func (c Cond) Negate() Cond {
	return [...]Cond{Maybe: Maybe, EQ: NE, NE: EQ, LT: GE, GE: LT, LE: GT, GT: LE,
		ULT: UGE, UGE: ULT, ULE: UGT, UGT: ULE}[c]
}

// Extend says what a result narrower than the register leaves in the rest.
type Extend uint8

// The extensions.
const (
	Zero Extend = iota
	Sign
	Keep // x86's 8- and 16-bit writes
	Low  // the rest stays if it is known, and is zero if not
)

// Operand is a register or, when Reg is None, a constant.
type Operand struct {
	Reg Reg
	Imm int64
}

// R and I make operands.
func R(r Reg) Operand   { return Operand{Reg: r} }
func I(v int64) Operand { return Operand{Reg: None, Imm: v} }

// Mem is an address: Base + Index*Scale + Disp. Addresses relative to the
// program counter are already absolute.
type Mem struct {
	Base, Index Reg
	Scale       uint8
	Opaque      bool // relative to a segment: not an address of the image
	Disp        int64
}

// Inst is one operation; a machine instruction is one or more of them.
type Inst struct {
	Op     Op
	Size   uint8 // bytes of the result or of the memory accessed
	Ext    Extend
	Cond   Cond
	Dst    Reg
	A, B   Operand
	Mem    Mem
	Target uint64
}

// EdgeKind says how an edge refers to its target.
type EdgeKind uint8

// The kinds of edges.
const (
	EdgeCall     EdgeKind = iota // direct call
	EdgeJump                     // direct jump, conditional or not
	EdgeRef                      // address taken
	EdgeData                     // data accessed
	EdgeSlot                     // call or jump through a pointer at the target
	EdgeShort                    // jump by a byte's distance, if an instruction starts there
	EdgeNear                     // address taken, counted from another
	EdgeNearData                 // data accessed at a distance from an address
	EdgeLarge                    // address at a distance of 64 bits
)

// Machine describes an architecture.
type Machine struct {
	Name     string // the ABI's name in package arch
	PtrSize  int
	Order    binary.ByteOrder
	Regs     int // registers tracked
	SP       Reg
	FP       Reg // frame pointer
	Link     Reg // return address after a call, None where it is on the stack
	NR       Reg // system call number
	Args     [6]Reg
	Result   Reg
	Zero     Reg           // always zero, None if there is no such register
	Preserve []Reg         // survive a call in C code
	Clobber  []Reg         // lost in a system call besides Result
	Align    uint64        // of instructions
	GoFixed  map[Reg]int64 // constant in Go code
	Copies   bool          // has instructions that copy from memory to memory
	CallPush int64         // bytes that a call pushes

	lift func(m *Machine, out []Inst, code []byte, pc uint64) ([]Inst, int, error)
	// keeps reports whether an instruction leaves the flags as they are. Whatever
	// it does not know makes them unknown. Nil where there are no flags.
	keeps func(code []byte, order binary.ByteOrder) bool
	// Scan looks at the bytes of s.Code from index from up to index to,
	// reporting every possible system call instruction and reference.
	Scan func(s *Scan, from, to int)
}

// Lift appends the operations of the instruction at pc, and returns its
// length. A decoder that fails on some bytes, in whatever way, does not know
// them.
func (m *Machine) Lift(out []Inst, code []byte, pc uint64) (ops []Inst, n int, err error) {
	before := len(out)
	defer func() {
		if recover() != nil {
			ops, n, err = out[:before], 0, ErrDecode
		}
	}()
	ops, n, err = m.lift(m, out, code, pc)
	if n > len(code) {
		return out[:before], 0, ErrDecode
	}
	if err == nil && m.keeps != nil && !tells(ops[before:]) && !m.keeps(code[:n], m.Order) {
		ops = append(ops, Inst{Op: Flags})
	}
	return ops, n, err
}

// tells reports whether operations say what becomes of the flags.
func tells(ops []Inst) bool {
	for _, o := range ops {
		if o.Op == Compare || o.Op == Flags {
			return true
		}
	}
	return false
}

// Scan is the state of a linear scan of a program's code in pieces.
type Scan struct {
	Code   []byte // a piece
	PC     uint64 // its address
	Lo, Hi uint64 // references outside are of no interest
	Base   uint64 // GOT or TOC that references are relative to, 0 if none
	Fixed  bool   // absolute addresses may be immediates
	Long   bool   // jumps of a byte's distance lead to nowhere else

	Absolute bool // the code is never relocated
	Order    binary.ByteOrder
	Site     func(addr uint64)
	Edge     func(kind EdgeKind, from, target uint64)
	// Pointer returns the address that a word holds which does not change. May
	// be nil.
	Pointer func(at uint64) (uint64, bool)

	// Since is where the address that Edge is called with started to be put
	// together, 0 where that is not followed.
	Since uint64

	page   [64]uint64 // upper parts of addresses under construction, by register
	pageAt [64]uint64 // where they were set
	full   [64]uint64 // addresses from which compilers count others: section anchors
	fullAt [64]uint64
	beyond [64]bool // an index has been added to it
}

func (s *Scan) edge(kind EdgeKind, at int, target uint64) {
	if target >= s.Lo && target < s.Hi {
		s.Edge(kind, s.PC+uint64(at), target)
	}
}

// For returns the description for an ELF file's machine.
func For(m elf.Machine, class elf.Class, order binary.ByteOrder, flags uint32) *Machine {
	big := order == binary.BigEndian
	is64 := class == elf.ELFCLASS64
	switch {
	case m == elf.EM_X86_64 && is64 && !big:
		return amd64
	case m == elf.EM_386 && !is64 && !big:
		return i386
	case m == elf.EM_AARCH64 && is64 && !big:
		return aarch64
	case m == elf.EM_RISCV && is64 && !big:
		return riscv64
	case m == elf.EM_LOONGARCH && is64 && !big:
		return loong64
	case m == elf.EM_PPC64 && !big:
		return ppc64le
	case m == elf.EM_PPC64:
		return ppc64
	case m == elf.EM_S390 && is64 && big:
		return s390x
	case m == elf.EM_ARM && !is64 && !big:
		return arm
	}
	return nil
}
