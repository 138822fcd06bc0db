package machine

// long lifts the instructions of six bytes.
func (x *z) long() bool {
	switch x.f(0, 8) {
	case 0xc0:
		return x.immediates()
	case 0xc2:
		return x.arithmetic()
	case 0xc4:
		return x.relativeMemory()
	case 0xe3:
		return x.memory()
	case 0xe5:
		return x.constants()
	case 0xeb:
		return x.multiple()
	case 0xec:
		return x.compareJump()
	case 0xd2, 0xd7:
		return x.copyBytes()
	case 0xc6:
		return x.relativeOthers()
	case 0xcc:
		x.unknown(x.r1)
		if x.f(12, 16) == 6 { // brcth
			x.emit(Inst{Op: Branch, Target: x.rel(16, 48)})
		}
		return true
	case 0xc5, 0xc7: // branch prediction
		return true
	case 0xe7, 0xed:
		x.vectors()
		return true
	}
	return false
}

// relativeOthers lifts execute, prefetch, and comparisons with words of the image.
func (x *z) relativeOthers() bool {
	switch x.f(12, 16) {
	case 0:
		x.executed()
	case 2:
	default:
		x.emit(Inst{Op: Flags})
	}
	return true
}

// vectors lifts the stores of vector and floating point registers, and what
// moves to a general one.
func (x *z) vectors() {
	m := x.mem(x.f(12, 16), x.f(16, 20), int64(x.f(20, 32)))
	n := int64(16)
	switch op := x.f(40, 48); {
	case x.f(0, 8) == 0xed && op != 0x66 && op != 0x67 && op < 0xa8: // no stores
		return
	case x.f(0, 8) == 0xed:
		if op == 0x66 || op == 0x67 {
			m.Disp = x.d20()
		}
	case op == 0x21 || op == 0x27: // vlgv, lcbb
		x.unknown(x.r1)
		return
	case op == 0x3e || op == 0x3f: // vstm, vstl: the third field is no index
		m, n = x.mem(0, x.f(16, 20), int64(x.f(20, 32))), 256
	case op >= 0x08 && op <= 0x0b, op == 0x0e, op == 0x0f, op >= 0x18 && op <= 0x1b:
	default:
		return
	}
	x.emit(Inst{Op: Fill, A: I(n), Size: 1, Mem: m})
}

func (x *z) immediates() bool {
	imm, u := x.simm(16, 48), int64(x.f(16, 48))
	switch x.f(12, 16) {
	case 0: // larl
		x.move(x.r1, I(int64(x.rel(16, 48))))
	case 1:
		x.move(x.r1, I(imm))
	case 4:
		x.branchMask(x.f(8, 12), x.rel(16, 48))
	case 5:
		x.emit(Inst{Op: Call, Target: x.rel(16, 48)})
	case 7:
		x.op(Xor, x.r1, R(x.r1), I(u), 8, Zero)
	case 8, 6:
		x.unknown(x.r1)
	case 9: // iilf, which completes a constant if the upper half is known
		x.op(Move, x.r1, I(u), Operand{}, 4, Low)
	case 0xa, 0xb:
		x.unknown(x.r1)
	case 0xc, 0xd:
		x.op(Or, x.r1, R(x.r1), I(u<<(32*(0xd-x.f(12, 16)))), 8, Zero)
	case 0xe:
		x.move(x.r1, I(u<<32))
	case 0xf:
		x.move(x.r1, I(u))
	default:
		return false
	}
	return true
}

func (x *z) arithmetic() bool {
	imm, u := x.simm(16, 48), int64(x.f(16, 48))
	switch x.f(12, 16) {
	case 0, 1:
		x.op(Mul, x.r1, R(x.r1), I(imm), 8, Zero)
	case 4, 5:
		x.op(Sub, x.r1, R(x.r1), I(u), 8, Zero)
	case 8:
		x.add(x.r1, x.r1, imm)
	case 9:
		x.low(Add, x.r1, R(x.r1), I(imm))
	case 0xa, 0xb:
		x.add(x.r1, x.r1, u)
	case 0xc:
		x.emit(Inst{Op: Compare, A: R(x.r1), B: I(imm), Size: 8})
	case 0xd:
		x.emit(Inst{Op: Compare, A: R(x.r1), B: I(imm), Size: 4})
	case 0xe:
		x.emit(Inst{Op: Compare, A: R(x.r1), B: I(u), Size: 8, Cond: EQ})
	case 0xf:
		x.emit(Inst{Op: Compare, A: R(x.r1), B: I(u), Size: 4, Cond: EQ})
	default:
		return false
	}
	return true
}

func (x *z) relativeMemory() bool {
	m := Mem{Base: None, Index: None, Disp: int64(x.rel(16, 48))}
	switch x.f(12, 16) {
	case 8:
		x.loadMem(x.r1, m, 8, Zero)
	case 0xc:
		x.loadMem(x.r1, m, 4, Sign)
	case 0xd, 0xe:
		x.loadMem(x.r1, m, 4, Zero)
	case 0xb:
		x.storeMem(R(x.r1), m, 8)
	case 0xf:
		x.storeMem(R(x.r1), m, 4)
	case 7:
		x.storeMem(R(x.r1), m, 2)
	default:
		x.unknown(x.r1)
	}
	return true
}

func (x *z) memory() bool {
	m := x.mem(x.f(12, 16), x.f(16, 20), x.d20())
	type access struct {
		size  uint8
		store bool
		e     Extend
	}
	a, ok := map[uint64]access{0x04: {8, false, Zero}, 0x14: {4, false, Sign}, 0x16: {4, false, Zero}, 0x58: {4, false, Zero},
		0x24: {8, true, Zero}, 0x50: {4, true, Zero}, 0x72: {1, true, Zero}, 0x70: {2, true, Zero}, 0x90: {1, false, Zero},
		0x91: {2, false, Zero}, 0x94: {1, false, Zero}, 0x95: {2, false, Zero}, 0x77: {1, false, Sign}, 0x15: {2, false, Sign},
		0x02: {8, false, Zero}, 0x12: {4, false, Zero}, 0x32: {4, false, Sign}}[x.f(40, 48)]
	switch op := x.f(40, 48); {
	case ok && a.store:
		x.storeMem(R(x.r1), m, a.size)
	case ok:
		x.loadMem(x.r1, m, a.size, a.e)
		if op == 0x02 || op == 0x12 || op == 0x32 {
			x.emit(Inst{Op: Compare, A: R(x.r1), B: I(0), Size: a.size})
		}
	case op == 0x71: // lay
		x.emit(Inst{Op: Address, Dst: x.r1, Mem: m, Size: 8})
	case op == 0x08 || op == 0x09: // ag, sg
		x.loadMem(zTmp, m, 8, Zero)
		x.op([2]Op{Add, Sub}[op-8], x.r1, R(x.r1), R(zTmp), 8, Zero)
	case op == 0x20 || op == 0x21 || op == 0x59 || op == 0x55 || op == 0x30 || op == 0x31: // comparisons
		x.emit(Inst{Op: Flags})
	case op == 0x36: // prefetch
	case op == 0x2f || op == 0x3e || op == 0x3f || op == 0x8e || op == 0xc3 || op == 0xc7 || op == 0xcb || op == 0x25 || op == 0x49: // other stores
		x.emit(Inst{Op: Fill, A: I(16), Size: 1, Mem: m})
	case op == 0x46: // bctg
		x.add(x.r1, x.r1, -1)
		x.jumpTo(m, Maybe, false)
	case op == 0x47: // bic
		x.loadMem(zTmp, m, 8, Zero)
		x.skip(x.next)
		x.emit(Inst{Op: Jump, A: R(zTmp)})
	case op == 0x86 || op == 0x87 || op == 0x97 || op == 0x8f || op == 0x0d || op == 0x1d || op == 0x84 || op == 0x96 || op == 0x5c: // pairs
		x.unknowns(x.r1, x.r1|1)
	default:
		x.unknown(x.r1)
		x.emit(Inst{Op: Flags})
	}
	return true
}

// constants lifts moves and comparisons of constants with memory.
func (x *z) constants() bool {
	m := x.mem(0, x.f(16, 20), int64(x.f(20, 32)))
	switch x.f(8, 16) {
	case 0x44:
		x.storeMem(I(x.simm(32, 48)), m, 2)
	case 0x48:
		x.storeMem(I(x.simm(32, 48)), m, 8)
	case 0x4c:
		x.storeMem(I(x.simm(32, 48)), m, 4)
	case 0x54, 0x58, 0x5c:
		size := [3]uint8{2, 8, 4}[(x.f(8, 16)-0x54)/4]
		x.loadMem(zTmp, m, size, Sign)
		x.emit(Inst{Op: Compare, A: R(zTmp), B: I(x.simm(32, 48)), Size: size})
	case 0x55, 0x59, 0x5d:
		size := [3]uint8{2, 8, 4}[(x.f(8, 16)-0x55)/4]
		x.loadMem(zTmp, m, size, Zero)
		x.emit(Inst{Op: Compare, A: R(zTmp), B: I(int64(x.f(32, 48))), Size: size, Cond: EQ})
	default:
		x.fill(x.base(16), int64(x.f(20, 32)), 256)
		x.emit(Inst{Op: Flags})
	}
	return true
}

func (x *z) multiple() bool {
	r3, base, d := Reg(x.f(12, 16)), x.f(16, 20), x.d20()
	switch op := x.f(40, 48); op {
	case 0x04, 0x24: // lmg, stmg
		n := (r3 - x.r1) & 15
		for i := Reg(0); i <= n; i++ {
			r := (x.r1 + i) & 15
			m := x.mem(0, base, d+8*int64(i))
			switch {
			case op == 0x24:
				x.storeMem(R(r), m, 8)
			case r != Reg(base) || i == n:
				x.loadMem(r, m, 8, Zero)
			default: // the base itself, loaded before the rest
				x.loadMem(zTmp, m, 8, Zero)
				defer func() { x.move(r, R(zTmp)) }()
			}
		}
	case 0x0d: // sllg
		if base != 0 {
			x.unknown(x.r1)
			break
		}
		x.op(Shl, x.r1, R(r3), I(d&63), 8, Zero)
	case 0x0c:
		if base != 0 {
			x.unknown(x.r1)
			break
		}
		x.op(Shr, x.r1, R(r3), I(d&63), 8, Zero)
	case 0x55, 0x51, 0x21, 0x20, 0x23, 0x2b: // comparisons and traps
		x.emit(Inst{Op: Flags})
	case 0x26, 0x90: // stmh, stmy
		x.fill(x.base(16), d, 4*(int64((r3-x.r1)&15)+1))
	case 0x96, 0x98: // lmh, lmy
		for i := Reg(0); i <= (r3-x.r1)&15; i++ {
			x.unknown((x.r1 + i) & 15)
		}
	case 0x44, 0x45: // bxhg, bxleg
		x.unknown(x.r1)
		x.jumpTo(x.mem(0, base, d), Maybe, false)
	case 0x1c, 0x1d, 0xde, 0xdf, 0xdc, 0xdd, 0x0a, 0x0b, 0xe2, 0xf2, 0xe0, 0x80, 0x81: // shifts, conditional loads, inserted bytes
		x.unknown(x.r1)
	case 0xf3, 0xe3, 0xfb, 0xe1, 0xeb, 0x2c, 0x2d, 0x52, 0x54, 0x56, 0x57, 0x6a, 0x7a, 0x6e, 0x7e: // stores, and operations on memory
		x.fill(x.base(16), d, 8)
	case 0x14, 0x30, 0x31, 0x3e: // compare and swap
		x.fill(x.base(16), d, 16) // before the base may be overwritten
		x.unknowns(x.r1, x.r1|1)
	case 0xf4, 0xf6, 0xf7, 0xf8, 0xfa, 0xe4, 0xe6, 0xe7, 0xe8, 0xea: // load and operate on memory
		x.fill(x.base(16), d, 8)
		x.unknown(x.r1)
	default:
		x.everything()
	}
	return true
}

func (x *z) compareJump() bool {
	op := x.f(40, 48)
	size := uint8(8)
	if op&0xff == 0x76 || op == 0x77 || op == 0x7e || op == 0x7f {
		size = 4
	}
	cond := func(mask uint64, unsigned bool) Cond {
		c := zMasks[mask]
		if unsigned && c != EQ && c != NE {
			return Maybe
		}
		return c
	}
	switch op {
	case 0x64, 0x65, 0x76, 0x77: // registers
		x.branch(cond(x.f(32, 36), op&1 != 0), R(x.r1), R(x.r2), size, x.rel(16, 32))
	case 0x7c, 0x7d, 0x7e, 0x7f: // constants
		imm := x.simm(32, 40)
		if op&1 != 0 {
			imm = int64(x.f(32, 40))
		}
		x.branch(cond(x.f(12, 16), op&1 != 0), R(x.r1), I(imm), size, x.rel(16, 32))
	case 0x44, 0x45: // branch on index
		x.unknown(x.r1)
		x.emit(Inst{Op: Branch, Target: x.rel(16, 32)})
	case 0xd8, 0xd9: // ahik, aghik
		x.op(Add, x.r1, R(x.r2), I(x.simm(16, 32)), 4+4*uint8(op&1), Zero)
	case 0x46, 0x42, 0x4e: // load halfword immediate on condition
		x.emit(Inst{Op: Select, Dst: x.r1, A: I(x.simm(16, 32)), B: R(x.r1), Size: 8})
	case 0x70, 0x71, 0x72, 0x73: // traps
	case 0xe4, 0xe5, 0xf6, 0xf7, 0xfc, 0xfd, 0xfe, 0xff: // compare and branch to an address in a register
		x.jumpTo(x.mem(0, x.f(16, 20), int64(x.f(20, 32))), Maybe, false)
	default:
		x.unknown(x.r1)
	}
	return true
}

// copyBytes lifts mvc, and xc of an operand with itself, which clears it.
func (x *z) copyBytes() bool {
	n := int64(x.f(8, 16)) + 1
	d1, d2 := int64(x.f(20, 32)), int64(x.f(36, 48))
	clear := x.f(0, 8) == 0xd7
	same := x.f(16, 20) == x.f(32, 36) && d1 == d2
	spread := x.f(16, 20) == x.f(32, 36) && d1 > d2 && d1 < d2+n // byte by byte
	for off := int64(0); off < n && off < 256; off += 8 {
		size := uint8(min(8, n-off))
		part := size&(size-1) != 0
		if part {
			size = 8
		}
		src := I(0)
		if spread || part {
			x.unknown(zTmp)
			src = R(zTmp)
		} else if !clear {
			x.loadMem(zTmp, x.mem(0, x.f(32, 36), d2+off), size, Zero)
			src = R(zTmp)
		} else if !same {
			x.unknown(zTmp)
			src = R(zTmp)
		}
		x.storeMem(src, x.mem(0, x.f(16, 20), d1+off), size)
	}
	if clear {
		x.emit(Inst{Op: Flags})
	}
	return true
}
