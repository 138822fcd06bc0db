package machine

import (
	"encoding/binary"

	"golang.org/x/arch/riscv64/riscv64asm"
)

// Registers of riscv64 as tracked: x0 to x31 and a scratch register.
const (
	rvRA  Reg = 1
	rvSP  Reg = 2
	rvGP      = 3
	rvTmp Reg = 32
)

var riscv64 = &Machine{
	Name: "riscv64", PtrSize: 8, Order: binary.LittleEndian, Regs: 33, SP: rvSP, FP: 8, Link: rvRA, NR: 17,
	Args: [6]Reg{10, 11, 12, 13, 14, 15}, Result: 10, Zero: 0,
	Preserve: []Reg{3, 4, 8, 9, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27}, Align: 2,
	lift: liftRISCV, Scan: scanRISCV,
}

func liftRISCV(m *Machine, out []Inst, code []byte, pc uint64) ([]Inst, int, error) {
	if len(code) < 2 {
		return out, 0, ErrDecode
	}
	b := &builder{m: m, out: out, pc: pc}
	if code[0]&3 != 3 {
		c := uint32(m.Order.Uint16(code))
		if c == 0 {
			b.emit(Inst{Op: Halt})
		} else if !b.rvCompressed(c) {
			return out, 2, ErrDecode
		}
		return b.out, 2, nil
	}
	w, ok := word(m, code)
	if !ok {
		return out, 0, ErrDecode
	}
	if !b.rvFull(w) {
		b.rvOther(code, w)
	}
	return b.out, 4, nil
}

// rvOther forgets the register that any other instruction writes.
func (b *builder) rvOther(code []byte, w uint32) {
	in, err := riscv64asm.Decode(code)
	// Of the vector instructions, whose results the decoder names last, these
	// write a general register: vset, and those that make one of a vector.
	f3 := bits(w, 14, 12)
	general := w&0x7f == 0x57 && (f3 == 7 || f3 == 2 && w>>26 == 16)
	if err == nil && !general {
		if r, ok := in.Args[0].(riscv64asm.Reg); !ok || r > riscv64asm.X31 {
			return
		}
	}
	b.unknown(Reg(bits(w, 11, 7)))
}

func (b *builder) rvFull(w uint32) bool {
	rd, rs1, rs2, f3 := Reg(bits(w, 11, 7)), Reg(bits(w, 19, 15)), Reg(bits(w, 24, 20)), bits(w, 14, 12)
	imm := signed(w>>20, 12)
	switch w & 0x7f {
	case 0x37: // lui
		b.move(rd, I(int64(int32(w&^0xfff))))
	case 0x17: // auipc
		b.move(rd, I(int64(b.pc)+int64(int32(w&^0xfff))))
	case 0x13:
		b.rvImmediate(w, rd, rs1, imm, f3, 8)
	case 0x1b:
		if f3 != 0 && f3 != 1 && f3 != 5 {
			return false
		}
		b.rvImmediate(w, rd, rs1, imm, f3, 4)
	case 0x33, 0x3b:
		size := uint8(8)
		if w&8 != 0 {
			size = 4
		}
		return b.rvRegister(w, rd, rs1, rs2, f3, size)
	case 0x03:
		if f3 == 7 {
			return false
		}
		e := Extend(Sign)
		if f3 > 3 {
			e = Zero
		}
		b.load(rd, rs1, imm, 1<<(f3&3), e)
	case 0x23:
		b.store(R(rs2), rs1, signed(bits(w, 31, 25)<<5|bits(w, 11, 7), 12), 1<<(f3&3))
	case 0x6f:
		t := b.pc + uint64(rvJ(w))
		if rd == rvRA || rd == 5 {
			b.emit(Inst{Op: Call, Target: t})
			break
		}
		if rd != 0 {
			b.move(rd, I(int64(b.pc)+4))
		}
		b.emit(Inst{Op: Jump, Target: t})
	case 0x67:
		b.rvJump(rd, rs1, imm)
	case 0x63:
		if f3 == 2 || f3 == 3 {
			return false
		}
		c := [8]Cond{EQ, NE, Maybe, Maybe, LT, GE, ULT, UGE}[f3]
		b.branch(c, R(rs1), R(rs2), 8, b.pc+uint64(rvB(w)))
	case 0x73:
		switch {
		case w == 0x73:
			b.emit(Inst{Op: Syscall})
		case w == 0x100073 || w == 0xc0001073:
			b.emit(Inst{Op: Halt})
		case f3 != 0:
			b.unknown(rd)
		}
	case 0x07: // floating point and vector loads
	case 0x0f: // fences, and clearing a block of the cache
		if f3 == 2 {
			b.fill(rs1, -256, 512)
		}
	case 0x27: // floating point and vector stores
		if f3 >= 1 && f3 <= 4 {
			b.fill(rs1, signed(bits(w, 31, 25)<<5|bits(w, 11, 7), 12), 16)
		} else {
			b.fill(rs1, 0, 1<<12)
		}
	case 0x2f:
		b.unknown(rd)
		if bits(w, 31, 27) == 5 { // compare and swap, which can be of two registers
			b.unknown(rd | 1)
		}
		b.unknown(rvTmp)
		b.store(R(rvTmp), rs1, 0, 8)
	default:
		return false
	}
	return true
}

// rvJ and rvB are the immediates of jal and of branches.
func rvJ(w uint32) int64 {
	return signed(bits(w, 31, 31)<<20|bits(w, 19, 12)<<12|bits(w, 20, 20)<<11|bits(w, 30, 21)<<1, 21)
}

func rvB(w uint32) int64 {
	return signed(bits(w, 31, 31)<<12|bits(w, 7, 7)<<11|bits(w, 30, 25)<<5|bits(w, 11, 8)<<1, 13)
}

func (b *builder) rvJump(rd, rs1 Reg, imm int64) {
	if rd == 0 && (rs1 == rvRA || rs1 == 5) && imm == 0 {
		b.emit(Inst{Op: Return})
		return
	}
	b.op(Add, rvTmp, R(rs1), I(imm), 8, Zero)
	op := Jump
	if rd != 0 {
		op = Call
	}
	b.emit(Inst{Op: op, A: R(rvTmp)})
}

func (b *builder) rvImmediate(w uint32, rd, rs1 Reg, imm int64, f3 uint32, size uint8) {
	switch f3 {
	case 0:
		b.op(Add, rd, R(rs1), I(imm), size, Sign)
	case 1, 5:
		if kind := w >> 26; kind != 0 && (kind != 16 || f3 == 1) { // counts, rotations, single bits
			b.unknown(rd)
			return
		}
		if f3 == 1 {
			b.op(Shl, rd, R(rs1), I(int64(bits(w, 25, 20))), size, Sign)
			return
		}
		op := Shr
		if w>>30&1 != 0 {
			op = Sar
		}
		b.op(op, rd, R(rs1), I(int64(bits(w, 25, 20))), size, Sign)
	case 4:
		b.op(Xor, rd, R(rs1), I(imm), size, Sign)
	case 6:
		b.op(Or, rd, R(rs1), I(imm), size, Sign)
	case 7:
		b.op(And, rd, R(rs1), I(imm), size, Sign)
	default: // slti
		b.unknown(rd)
	}
}

func (b *builder) rvRegister(w uint32, rd, rs1, rs2 Reg, f3 uint32, size uint8) bool {
	var op Op
	switch w >> 25 {
	case 0:
		op = [8]Op{0: Add, 4: Xor, 6: Or, 7: And}[f3]
	case 0x20:
		op = [8]Op{0: Sub}[f3]
	case 1:
		op = [8]Op{0: Mul}[f3]
	}
	if op == Nop {
		return false
	}
	b.op(op, rd, R(rs1), R(rs2), size, Sign)
	return true
}

// rvCompressed lifts the C extension (chapter 26 of the unprivileged manual).
func (b *builder) rvCompressed(c uint32) bool {
	rd := Reg(bits(c, 11, 7))
	lo, hi := Reg(8+bits(c, 4, 2)), Reg(8+bits(c, 9, 7))
	imm6 := signed(bits(c, 12, 12)<<5|bits(c, 6, 2), 6)
	off8 := int64(bits(c, 12, 10)<<3 | bits(c, 6, 5)<<6)
	off4 := int64(bits(c, 12, 10)<<3 | bits(c, 6, 6)<<2 | bits(c, 5, 5)<<6)
	switch c>>13<<2 | c&3 {
	case 0 << 2: // addi4spn
		b.add(lo, rvSP, int64(bits(c, 12, 11)<<4|bits(c, 10, 7)<<6|bits(c, 6, 6)<<2|bits(c, 5, 5)<<3))
	case 2 << 2:
		b.load(lo, hi, off4, 4, Sign)
	case 3 << 2:
		b.load(lo, hi, off8, 8, Zero)
	case 6 << 2:
		b.store(R(lo), hi, off4, 4)
	case 7 << 2:
		b.store(R(lo), hi, off8, 8)
	case 1 << 2, 1<<2 | 2: // floating point
	case 5 << 2:
		b.fill(hi, off8, 8)
	case 5<<2 | 2:
		b.fill(rvSP, int64(bits(c, 12, 10)<<3|bits(c, 9, 7)<<6), 8)
	case 4 << 2: // Zcb
		if bits(c, 12, 11) == 1 { // stores of bytes and halfwords
			b.fill(hi, 0, 4)
		} else {
			b.unknown(lo)
		}
	case 0<<2 | 1:
		b.add(rd, rd, imm6)
	case 1<<2 | 1:
		b.op(Add, rd, R(rd), I(imm6), 4, Sign)
	case 2<<2 | 1:
		b.move(rd, I(imm6))
	case 3<<2 | 1:
		if rd == rvSP {
			b.add(rvSP, rvSP, signed(bits(c, 12, 12)<<9|bits(c, 6, 6)<<4|bits(c, 5, 5)<<6|bits(c, 4, 3)<<7|bits(c, 2, 2)<<5, 10))
		} else {
			b.move(rd, I(imm6<<12))
		}
		if imm6 == 0 { // may be an operation of an extension
			b.unknown(rd)
		}
	case 4<<2 | 1:
		b.rvArithmetic(c, hi, lo, imm6)
	case 5<<2 | 1:
		b.emit(Inst{Op: Jump, Target: b.pc + uint64(rvCJ(c))})
	case 6<<2 | 1, 7<<2 | 1:
		cond := [2]Cond{EQ, NE}[c>>13&1]
		b.branch(cond, R(hi), I(0), 8, b.pc+uint64(rvCB(c)))
	case 0<<2 | 2:
		b.op(Shl, rd, R(rd), I(imm6&63), 8, Zero)
	case 2<<2 | 2:
		b.load(rd, rvSP, int64(bits(c, 12, 12)<<5|bits(c, 6, 4)<<2|bits(c, 3, 2)<<6), 4, Sign)
	case 3<<2 | 2:
		b.load(rd, rvSP, int64(bits(c, 12, 12)<<5|bits(c, 6, 5)<<3|bits(c, 4, 2)<<6), 8, Zero)
	case 4<<2 | 2:
		b.rvMove(c, rd)
	case 6<<2 | 2:
		b.store(R(Reg(bits(c, 6, 2))), rvSP, int64(bits(c, 12, 9)<<2|bits(c, 8, 7)<<6), 4)
	case 7<<2 | 2:
		b.store(R(Reg(bits(c, 6, 2))), rvSP, int64(bits(c, 12, 10)<<3|bits(c, 9, 7)<<6), 8)
	default:
		return false
	}
	return true
}

func rvCJ(c uint32) int64 {
	return signed(bits(c, 12, 12)<<11|bits(c, 11, 11)<<4|bits(c, 10, 9)<<8|bits(c, 8, 8)<<10|bits(c, 7, 7)<<6|
		bits(c, 6, 6)<<7|bits(c, 5, 3)<<1|bits(c, 2, 2)<<5, 12)
}

func rvCB(c uint32) int64 {
	return signed(bits(c, 12, 12)<<8|bits(c, 11, 10)<<3|bits(c, 6, 5)<<6|bits(c, 4, 3)<<1|bits(c, 2, 2)<<5, 9)
}

func (b *builder) rvArithmetic(c uint32, rd, rs Reg, imm6 int64) {
	switch bits(c, 11, 10) {
	case 0:
		b.op(Shr, rd, R(rd), I(imm6&63), 8, Zero)
	case 1:
		b.op(Sar, rd, R(rd), I(imm6&63), 8, Zero)
	case 2:
		b.op(And, rd, R(rd), I(imm6), 8, Zero)
	default:
		op := [8]Op{Sub, Xor, Or, And, Sub, Add, Nop, Nop}[bits(c, 12, 12)<<2|bits(c, 6, 5)]
		if op == Nop {
			b.unknown(rd)
			return
		}
		b.op(op, rd, R(rd), R(rs), 8-4*uint8(bits(c, 12, 12)), Sign)
	}
}

func (b *builder) rvMove(c uint32, rd Reg) {
	rs := Reg(bits(c, 6, 2))
	switch {
	case bits(c, 12, 12) == 0 && rs == 0:
		b.rvJump(0, rd, 0)
	case bits(c, 12, 12) == 0:
		b.move(rd, R(rs))
	case rs != 0:
		b.op(Add, rd, R(rd), R(rs), 8, Zero)
	case rd != 0:
		b.rvJump(rvRA, rd, 0)
	default:
		b.emit(Inst{Op: Halt})
	}
}
