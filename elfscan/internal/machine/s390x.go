package machine

import "encoding/binary"

// Registers of s390x as tracked: r0 to r15 and a scratch register.
const (
	zSP  Reg = 15
	zTmp Reg = 16
)

var s390x = &Machine{
	Copies: true,
	Name:   "s390x", PtrSize: 8, Order: binary.BigEndian, Regs: 17, SP: zSP, FP: 11, Link: 14, NR: 1,
	Args: [6]Reg{2, 3, 4, 5, 6, 7}, Result: 2, Zero: None,
	Preserve: []Reg{6, 7, 8, 9, 10, 11, 12, 13}, Align: 2, lift: liftS390X, keeps: keepsS390X, Scan: scanS390X,
}

// z is one instruction: its bytes left-aligned in 48 bits, as the Principles
// of Operation number them.
type z struct {
	builder
	v    uint64
	len  int
	r1   Reg
	r2   Reg // third nibble
	next uint64
}

// f returns bits from to to-1, counted from the left.
func (x *z) f(from, to uint) uint64 { return x.v >> (48 - to) & (1<<(to-from) - 1) }

// rel is a halfword-scaled relative address.
func (x *z) rel(from, to uint) uint64 {
	n := to - from
	return x.pc + uint64(int64(x.f(from, to))<<(64-n)>>(64-n)*2)
}

func (x *z) simm(from, to uint) int64 {
	n := to - from
	return int64(x.f(from, to)) << (64 - n) >> (64 - n)
}

func (x *z) d20() int64 { return int64(x.f(32, 40)<<12|x.f(20, 32)) << 44 >> 44 }

// mem is an address of base, index and displacement.
func (x *z) mem(index, base uint64, disp int64) Mem {
	m := Mem{Base: None, Index: None, Scale: 1, Disp: disp}
	if base != 0 {
		m.Base = Reg(base)
	}
	if index != 0 {
		if m.Base == None {
			m.Base = Reg(index)
		} else {
			m.Index = Reg(index)
		}
	}
	return m
}

func (x *z) loadMem(dst Reg, m Mem, size uint8, e Extend) {
	x.emit(Inst{Op: Load, Dst: dst, Mem: m, Size: size, Ext: e})
}

func (x *z) storeMem(v Operand, m Mem, size uint8) {
	x.emit(Inst{Op: Store, A: v, Mem: m, Size: size})
}

// low writes the lower half of a register; the upper one is ignored, as
// system calls and comparisons of 32 bits do.
func (x *z) low(op Op, dst Reg, a, b Operand) { x.op(op, dst, a, b, 4, Zero) }

func liftS390X(m *Machine, out []Inst, code []byte, pc uint64) ([]Inst, int, error) {
	if len(code) < 2 {
		return out, 0, ErrDecode
	}
	n := [4]int{2, 4, 4, 6}[code[0]>>6]
	if len(code) < n {
		return out, 0, ErrDecode
	}
	x := &z{builder: builder{m: m, out: out, pc: pc}, len: n, next: pc + uint64(n)}
	for i := range 6 {
		x.v <<= 8
		if i < n {
			x.v |= uint64(code[i])
		}
	}
	x.r1, x.r2 = Reg(x.f(8, 12)), Reg(x.f(12, 16))
	done := false
	switch n {
	case 2:
		done = x.short()
	case 4:
		done = x.medium()
	default:
		done = x.long()
	}
	if !done && !x.other(code[:n]) {
		return out, 0, ErrDecode
	}
	return x.out, n, nil
}

func (x *z) short() bool {
	switch x.f(0, 8) {
	case 0x0a: // svc: the number is in r1 when the immediate is zero
		if n := x.f(8, 16); n != 0 {
			x.move(1, I(int64(n)))
		}
		x.emit(Inst{Op: Syscall})
	case 0x18:
		x.low(Move, x.r1, R(x.r2), Operand{})
	case 0x12:
		x.low(Move, x.r1, R(x.r2), Operand{})
		x.emit(Inst{Op: Compare, A: R(x.r1), B: I(0), Size: 4})
	case 0x1a:
		x.low(Add, x.r1, R(x.r1), R(x.r2))
	case 0x1b:
		x.low(Sub, x.r1, R(x.r1), R(x.r2))
	case 0x17:
		if x.r1 == x.r2 {
			x.low(Move, x.r1, I(0), Operand{})
		} else {
			x.low(Xor, x.r1, R(x.r1), R(x.r2))
		}
	case 0x19:
		x.emit(Inst{Op: Compare, A: R(x.r1), B: R(x.r2), Size: 4})
	case 0x15:
		x.emit(Inst{Op: Compare, A: R(x.r1), B: R(x.r2), Size: 4, Cond: EQ})
	case 0x07: // bcr
		switch {
		case x.r2 == 0 || x.r1 == 0:
		case x.r1 == 15 && x.r2 == 14:
			x.emit(Inst{Op: Return})
		case x.r1 == 15:
			x.emit(Inst{Op: Jump, A: R(x.r2)})
		default:
			x.emit(Inst{Op: Branch, Cond: zMasks[x.r1].Negate(), Target: x.next})
			if x.r2 == 14 {
				x.emit(Inst{Op: Return})
			} else {
				x.emit(Inst{Op: Jump, A: R(x.r2)})
			}
		}
	case 0x06: // bctr
		x.low(Sub, x.r1, R(x.r1), I(1))
		if x.r2 != 0 {
			x.skip(x.next)
			x.emit(Inst{Op: Jump, A: R(x.r2)})
		}
	case 0x04: // spm
		x.emit(Inst{Op: Flags})
	case 0x05: // balr
		x.unknown(x.r1)
		if x.r2 != 0 {
			x.emit(Inst{Op: Call, A: R(x.r2)})
		}
	case 0x0d: // basr
		if x.r2 == 0 {
			x.move(x.r1, I(int64(x.next)))
			break
		}
		x.emit(Inst{Op: Call, A: R(x.r2)})
	default:
		return false
	}
	return true
}

// masks of conditional branches after a comparison.
var zMasks = [16]Cond{8: EQ, 7: NE, 6: NE, 4: LT, 2: GT, 12: LE, 10: GE}

func (x *z) branchMask(mask uint64, target uint64) {
	switch mask {
	case 0:
	case 15:
		x.emit(Inst{Op: Jump, Target: target})
	default:
		x.emit(Inst{Op: Branch, Cond: zMasks[mask], Target: target})
	}
}

func (x *z) medium() bool {
	switch op := x.f(0, 8); op {
	case 0xa7:
		return x.relative()
	case 0xa5:
		return x.halfwords()
	case 0xb9:
		return x.registers()
	case 0x41: // la
		x.emit(Inst{Op: Address, Dst: x.r1, Mem: x.mem(x.f(12, 16), x.f(16, 20), int64(x.f(20, 32))), Size: 8})
	case 0x58:
		x.loadMem(x.r1, x.mem(x.f(12, 16), x.f(16, 20), int64(x.f(20, 32))), 4, Zero)
	case 0x50:
		x.storeMem(R(x.r1), x.mem(x.f(12, 16), x.f(16, 20), int64(x.f(20, 32))), 4)
	case 0x42, 0x40:
		x.storeMem(R(x.r1), x.mem(x.f(12, 16), x.f(16, 20), int64(x.f(20, 32))), 1+uint8(0x42-op)/2)
	case 0x92: // mvi
		x.storeMem(I(int64(x.f(8, 16))), x.mem(0, x.f(16, 20), int64(x.f(20, 32))), 1)
	case 0x47: // bc
		if x.r1 != 0 {
			x.jumpMem(zMasks[x.r1], x.r1 == 15)
		}
	case 0x46: // bct
		x.low(Sub, x.r1, R(x.r1), I(1))
		x.jumpMem(Maybe, false)
	case 0x86, 0x87: // bxh, bxle
		x.unknown(x.r1)
		x.jumpTo(x.mem(0, x.f(16, 20), int64(x.f(20, 32))), Maybe, false)
	case 0x84, 0x85: // brxh, brxle
		x.unknown(x.r1)
		x.emit(Inst{Op: Branch, Target: x.rel(16, 32)})
	case 0x45, 0x4d: // bal, bas
		x.emit(Inst{Op: Address, Dst: zTmp, Mem: x.mem(x.f(12, 16), x.f(16, 20), int64(x.f(20, 32))), Size: 8})
		x.unknown(x.r1)
		x.emit(Inst{Op: Call, A: R(zTmp)})
	case 0x98: // lm
		for i := Reg(0); i <= (x.r2-x.r1)&15; i++ {
			x.unknown((x.r1 + i) & 15)
		}
	case 0x90: // stm
		x.fill(x.base(16), int64(x.f(20, 32)), 4*(int64((x.r2-x.r1)&15)+1))
	case 0x9b: // access registers
		x.fill(x.base(16), int64(x.f(20, 32)), 64)
	case 0xbe: // stcm
		x.fill(x.base(16), int64(x.f(20, 32)), 4)
	case 0x60, 0x70: // floating point
		x.emit(Inst{Op: Fill, A: I(8), Size: 1, Mem: x.mem(x.f(12, 16), x.f(16, 20), int64(x.f(20, 32)))})
	case 0xba, 0xbb: // cs, cds
		x.fill(x.base(16), int64(x.f(20, 32)), 8) // before the base may be overwritten
		x.unknowns(x.r1, x.r1|1)
		x.emit(Inst{Op: Flags})
	case 0x44: // ex
		x.executed()
	case 0x95, 0x91, 0x55, 0x59:
		x.emit(Inst{Op: Flags})
	default:
		return false
	}
	return true
}

// jumpMem jumps to an address of base and index, perhaps under a condition.
func (x *z) jumpMem(c Cond, always bool) {
	x.jumpTo(x.mem(x.f(12, 16), x.f(16, 20), int64(x.f(20, 32))), c, always)
}

func (x *z) jumpTo(m Mem, c Cond, always bool) {
	x.emit(Inst{Op: Address, Dst: zTmp, Mem: m, Size: 8})
	if !always {
		x.emit(Inst{Op: Branch, Cond: c.Negate(), Target: x.next})
	}
	x.emit(Inst{Op: Jump, A: R(zTmp)})
}

func (x *z) relative() bool {
	imm := x.simm(16, 32)
	switch x.f(12, 16) {
	case 4:
		x.branchMask(x.f(8, 12), x.rel(16, 32))
	case 5:
		x.emit(Inst{Op: Call, Target: x.rel(16, 32)})
	case 6: // branch on count
		x.low(Sub, x.r1, R(x.r1), I(1))
		x.emit(Inst{Op: Branch, Target: x.rel(16, 32)})
	case 7:
		x.add(x.r1, x.r1, -1)
		x.emit(Inst{Op: Branch, Target: x.rel(16, 32)})
	case 8:
		x.low(Move, x.r1, I(imm), Operand{})
	case 9:
		x.move(x.r1, I(imm))
	case 10:
		x.low(Add, x.r1, R(x.r1), I(imm))
	case 11:
		x.add(x.r1, x.r1, imm)
	case 12, 13:
		x.op(Mul, x.r1, R(x.r1), I(imm), 8, Zero)
	case 14:
		x.emit(Inst{Op: Compare, A: R(x.r1), B: I(imm), Size: 4})
	case 15:
		x.emit(Inst{Op: Compare, A: R(x.r1), B: I(imm), Size: 8})
	default: // test under mask
		x.emit(Inst{Op: Flags})
	}
	return true
}

func (x *z) halfwords() bool {
	imm := int64(x.f(16, 32))
	switch op := x.f(12, 16); {
	case op >= 12: // llihh, llihl, llilh, llill
		x.move(x.r1, I(imm<<(16*(15-op))))
	case op >= 8: // or
		x.op(Or, x.r1, R(x.r1), I(imm<<(16*(11-op))), 8, Zero)
	case op >= 4: // and
		sh := 16 * (7 - op)
		x.op(And, x.r1, R(x.r1), I(imm<<sh|^(0xffff<<sh)), 8, Zero)
	default:
		x.unknown(x.r1)
	}
	return true
}

func (x *z) registers() bool {
	r1, r2, r3 := Reg(x.f(24, 28)), Reg(x.f(28, 32)), Reg(x.f(16, 20))
	switch x.f(8, 16) {
	case 0x04:
		x.move(r1, R(r2))
	case 0x02:
		x.move(r1, R(r2))
		x.emit(Inst{Op: Compare, A: R(r1), B: I(0), Size: 8})
	case 0x14:
		x.op(Move, r1, R(r2), Operand{}, 4, Sign)
	case 0x16:
		x.op(Move, r1, R(r2), Operand{}, 4, Zero)
	case 0x08:
		x.op(Add, r1, R(r1), R(r2), 8, Zero)
	case 0x09:
		x.op(Sub, r1, R(r1), R(r2), 8, Zero)
	case 0xe8:
		x.op(Add, r1, R(r2), R(r3), 8, Zero)
	case 0xe9:
		x.op(Sub, r1, R(r2), R(r3), 8, Zero)
	case 0xe4:
		x.op(And, r1, R(r2), R(r3), 8, Zero)
	case 0xe6:
		x.op(Or, r1, R(r2), R(r3), 8, Zero)
	case 0x80:
		x.op(And, r1, R(r1), R(r2), 8, Zero)
	case 0x81:
		x.op(Or, r1, R(r1), R(r2), 8, Zero)
	case 0x82:
		if r1 == r2 {
			x.move(r1, I(0))
		} else {
			x.op(Xor, r1, R(r1), R(r2), 8, Zero)
		}
	case 0x20:
		x.emit(Inst{Op: Compare, A: R(r1), B: R(r2), Size: 8})
	case 0x21:
		x.emit(Inst{Op: Compare, A: R(r1), B: R(r2), Size: 8, Cond: EQ})
	case 0xe2: // locgr
		x.emit(Inst{Op: Select, Dst: r1, A: R(r2), B: R(r1), Size: 8, Cond: zMasks[x.f(16, 20)]})
	case 0x46: // bctgr
		x.add(r1, r1, -1)
		x.skip(x.next)
		x.emit(Inst{Op: Jump, A: R(r2)})
	case 0x30, 0x31, 0xcd, 0xdd, 0xcf, 0xdf, 0x60, 0x61, 0x72, 0x73: // comparisons and traps
		x.emit(Inst{Op: Flags})
	case 0x86, 0x87, 0x97, 0x96, 0x0d, 0x1d, 0xec, 0x83: // pairs
		x.unknowns(r1, r1|1)
	default:
		if !zRegisters[x.f(8, 16)] {
			x.everything()
		}
		x.unknown(r1)
	}
	return true
}
