package machine

import (
	"encoding/binary"
	mathbits "math/bits"

	"golang.org/x/arch/arm64/arm64asm"
)

// Registers of arm64 as tracked: X0 to X30, SP, ZR, a scratch register, and
// halves of V0 to V19.
const (
	a64SP   Reg = 31
	a64ZR   Reg = 32
	a64Tmp  Reg = 33
	a64Vec  Reg = 34
	a64Regs     = a64Vec + 40
)

var aarch64 = &Machine{
	Name: "aarch64", PtrSize: 8, Order: binary.LittleEndian, Regs: int(a64Regs), SP: a64SP, FP: 29, Link: 30, NR: 8,
	Args: [6]Reg{0, 1, 2, 3, 4, 5}, Result: 0, Zero: a64ZR,
	Preserve: []Reg{19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29}, Align: 4,
	lift: liftARM64, keeps: keepsARM64, Scan: scanARM64,
}

var a64Conds = [16]Cond{EQ, NE, UGE, ULT, Maybe, Maybe, Maybe, Maybe, UGT, ULE, GE, LT, GT, LE, Maybe, Maybe}

// xr is a register number where 31 is the zero register, sr where it is SP.
func xr(w uint32, lo uint) Reg {
	if r := Reg(w >> lo & 31); r != 31 {
		return r
	}
	return a64ZR
}

func sr(w uint32, lo uint) Reg { return Reg(w >> lo & 31) }

func liftARM64(m *Machine, out []Inst, code []byte, pc uint64) ([]Inst, int, error) {
	w, ok := word(m, code)
	if !ok {
		return out, 0, ErrDecode
	}
	b := &builder{m: m, out: out, pc: pc}
	done := false
	switch w >> 25 & 15 {
	case 8, 9:
		done = b.a64Immediate(w)
	case 10, 11:
		done = b.a64Branch(w)
	case 4, 6, 12, 14:
		done = b.a64Memory(w)
	case 5, 13:
		done = b.a64Register(w)
	case 7, 15:
		done = b.a64Vector(w)
	case 0:
		if w>>16 == 0 {
			b.emit(Inst{Op: Halt})
			done = true
		}
	}
	if !done {
		b.a64Other(code, w)
	}
	return b.out, 4, nil
}

// a64Other forgets the registers that any other instruction may write: the
// one in the lowest bits, of whichever kind, and what a decoder says.
func (b *builder) a64Other(code []byte, w uint32) {
	b.a64Forget(w)
	if w&0xffa0f800 == 0x04205000 || w&0xffc00000 == 0x91800000 || w&0xffc00000 == 0xd1800000 || w&0xffe0fc00 == 0x9ac01000 {
		b.unknown(sr(w, 0)) // addvl, addpl, addg, subg, irg
	}
	if w>>25 == 0x72 { // stores of scalable vectors
		b.fill(sr(w, 5), 0, 256)
	}
	if in, err := arm64asm.Decode(code); err == nil {
		switch r := in.Args[0].(type) {
		case arm64asm.Reg:
			if r > arm64asm.XZR {
				return
			}
		case arm64asm.RegSP:
		default:
			return
		}
	}
	b.unknown(xr(w, 0))
}

// a64Forget makes a vector register unknown.
func (b *builder) a64Forget(w uint32) {
	if w&31 < 20 {
		b.unknown(a64Vec + Reg(2*(w&31)))
		b.unknown(a64Vec + Reg(2*(w&31)) + 1)
	}
}

func a64Size(w uint32) uint8 { return 4 + 4*uint8(w>>31) }

func (b *builder) a64Immediate(w uint32) bool {
	size := a64Size(w)
	switch {
	case w&0x1f000000 == 0x10000000: // adr, adrp
		imm := signed(w>>5&0x7ffff<<2|w>>29&3, 21)
		if w>>31 == 0 {
			b.move(xr(w, 0), I(int64(b.pc)+imm))
		} else {
			b.move(xr(w, 0), I(int64(b.pc&^0xfff)+imm<<12))
		}
	case w&0x1f800000 == 0x11000000: // add, sub
		imm := int64(w >> 10 & 0xfff)
		if w>>22&1 != 0 {
			imm <<= 12
		}
		op := Add
		if w>>30&1 != 0 {
			op = Sub
		}
		dst := sr(w, 0)
		if w>>29&1 != 0 {
			dst = xr(w, 0)
			if op == Sub {
				b.emit(Inst{Op: Compare, A: R(sr(w, 5)), B: I(imm), Size: size})
			} else {
				b.emit(Inst{Op: Flags})
			}
		}
		b.op(op, dst, R(sr(w, 5)), I(imm), size, Zero)
	case w&0x1f800000 == 0x12000000:
		b.a64LogicalImm(w, size)
	case w&0x1f800000 == 0x12800000: // movn, movz, movk
		sh := w >> 21 & 3 * 16
		imm := int64(w>>5&0xffff) << sh
		switch w >> 29 & 3 {
		case 0:
			b.op(Move, xr(w, 0), I(^imm), Operand{}, size, Zero)
		case 2:
			b.op(Move, xr(w, 0), I(imm), Operand{}, size, Zero)
		default:
			b.op(And, a64Tmp, R(xr(w, 0)), I(^(0xffff << sh)), 8, Zero)
			b.op(Or, xr(w, 0), R(a64Tmp), I(imm), size, Zero)
		}
	case w&0x1f800000 == 0x13000000:
		b.a64Bitfield(w, size)
	default:
		return false
	}
	return true
}

func (b *builder) a64LogicalImm(w uint32, size uint8) {
	imm := a64Bitmask(w>>22&1, w>>10&63, w>>16&63)
	op, dst := [4]Op{And, Or, Xor, And}[w>>29&3], sr(w, 0)
	if w>>29&3 == 3 {
		dst = xr(w, 0)
		b.op(And, a64Tmp, R(xr(w, 5)), I(imm), size, Zero)
		b.emit(Inst{Op: Compare, A: R(a64Tmp), B: I(0), Size: size, Cond: LT}) // the carry differs
		b.op(Move, dst, R(a64Tmp), Operand{}, size, Zero)
		return
	}
	b.op(op, dst, R(xr(w, 5)), I(imm), size, Zero)
}

// a64Bitmask is DecodeBitMasks of the architecture manual.
func a64Bitmask(n, imms, immr uint32) int64 {
	size := uint(31-mathbits.LeadingZeros32(n<<6|^imms&63)) & 63
	if size > 6 {
		return 0
	}
	e := uint(1) << size
	s, r := uint(imms)&(e-1), uint(immr)&(e-1)
	v := uint64(1)<<(s+1) - 1
	mask := ^uint64(0) >> (64 - e)
	v = (v>>r | v<<(e-r)) & mask
	for ; e < 64; e *= 2 {
		v |= v << e
	}
	return int64(v)
}

func (b *builder) a64Bitfield(w uint32, size uint8) {
	r, s, n := w>>16&63, w>>10&63, uint32(size)*8
	dst, src := xr(w, 0), R(xr(w, 5))
	switch opc := w >> 29 & 3; {
	case opc == 2 && s == n-1:
		b.op(Shr, dst, src, I(int64(r)), size, Zero)
	case opc == 2 && s+1 == r:
		b.op(Shl, dst, src, I(int64(n-r)), size, Zero)
	case opc == 2 && r == 0 && s == 31:
		b.op(Move, dst, src, Operand{}, 4, Zero)
	case opc == 2 && r == 0:
		b.op(And, dst, src, I(1<<(s+1)-1), size, Zero)
	case opc == 0 && r == 0 && s == 31 && size == 8:
		b.op(Move, dst, src, Operand{}, 4, Sign)
	case opc == 0 && s == n-1:
		b.op(Sar, dst, src, I(int64(r)), size, Zero)
	default:
		b.unknown(dst)
	}
}

func (b *builder) a64Branch(w uint32) bool {
	switch {
	case w>>26 == 0x05:
		b.emit(Inst{Op: Jump, Target: b.pc + uint64(signed(w, 26)<<2)})
	case w>>26 == 0x25:
		b.emit(Inst{Op: Call, Target: b.pc + uint64(signed(w, 26)<<2)})
	case w&0xff000000 == 0x54000000: // and bc
		c := a64Conds[w&15]
		if w&15 >= 14 {
			b.emit(Inst{Op: Jump, Target: b.pc + uint64(signed(w>>5, 19)<<2)})
			break
		}
		b.emit(Inst{Op: Branch, Cond: c, Target: b.pc + uint64(signed(w>>5, 19)<<2)})
	case w&0x7e000000 == 0x34000000:
		c := [2]Cond{EQ, NE}[w>>24&1]
		b.branch(c, R(xr(w, 0)), I(0), a64Size(w), b.pc+uint64(signed(w>>5, 19)<<2))
	case w&0x7e000000 == 0x36000000:
		c := [2]Cond{EQ, NE}[w>>24&1]
		b.op(And, a64Tmp, R(xr(w, 0)), I(1<<(w>>31<<5|w>>19&31)), 8, Zero)
		b.branch(c, R(a64Tmp), I(0), 8, b.pc+uint64(signed(w>>5, 14)<<2))
	case w&0x7c000000 == 0x74000000: // cb, cbb, cbh
		b.emit(Inst{Op: Branch, Target: b.pc + uint64(signed(w>>5, 9)<<2)})
	case w&0xfe9ff000 == 0xd61f0000:
		op := [4]Op{Jump, Call, Return, Return}[w>>21&3]
		b.emit(Inst{Op: op, A: R(xr(w, 5))})
	case w&0xffe0001f == 0xd4000001:
		b.emit(Inst{Op: Syscall})
	case w&0xffe0001f == 0xd4200000: // brk
		b.emit(Inst{Op: Halt})
	case w&0xff200000 == 0xd5200000: // mrs, sysl
		b.unknown(xr(w, 0))
	case w&0xff000000 == 0xd5000000: // hints, barriers, msr
		if w&0xfffff01f == 0xd503201f { // some hints are for pointers in registers
			switch w >> 5 & 0x7f {
			case 8, 10, 12, 14:
				b.unknown(17)
			case 40:
				b.unknown(16)
			}
		}
	default:
		return false
	}
	return true
}

func (b *builder) a64Register(w uint32) bool {
	size := a64Size(w)
	dst, rn, rm := xr(w, 0), xr(w, 5), xr(w, 16)
	switch {
	case w&0x1f000000 == 0x0a000000:
		b.a64Logical(w, size)
	case w&0x1fe00000 == 0x0b200000: // add, sub extended
		var v Operand
		switch w >> 13 & 7 {
		case 2: // uxtw
			b.op(Move, a64Tmp, R(rm), Operand{}, 4, Zero)
			v = b.a64Shifted(a64Tmp, 0, w>>10&7, 8)
		case 3:
			v = b.a64Shifted(rm, 0, w>>10&7, 8)
		case 6: // sxtw
			b.op(Move, a64Tmp, R(rm), Operand{}, 4, Sign)
			v = b.a64Shifted(a64Tmp, 0, w>>10&7, 8)
		default:
			b.unknown(a64Tmp)
			v = R(a64Tmp)
		}
		d := sr(w, 0)
		if w>>29&1 != 0 {
			d = dst
		}
		b.a64AddSub(w, d, R(sr(w, 5)), v, size)
	case w&0x1f200000 == 0x0b000000:
		b.a64AddSub(w, dst, R(rn), b.a64Shifted(rm, w>>22&3, w>>10&63, size), size)
	case w&0x1fe00000 == 0x1a800000:
		b.a64Select(w, size)
	case w&0x1fe00000 == 0x1a400000: // ccmp, ccmn
		b.emit(Inst{Op: Flags})
	case w&0x1f000000 == 0x1b000000 && w>>21&7 == 0 && w>>15&1 == 0 && w>>10&31 == 31:
		b.op(Mul, dst, R(rn), R(rm), size, Zero)
	default:
		return false
	}
	return true
}

// a64Shifted is an operand shifted by a constant.
func (b *builder) a64Shifted(r Reg, kind, n uint32, size uint8) Operand {
	if n == 0 {
		return R(r)
	}
	if kind == 3 {
		b.unknown(a64Tmp)
		return R(a64Tmp)
	}
	b.op([3]Op{Shl, Shr, Sar}[kind], a64Tmp, R(r), I(int64(n)), size, Zero)
	return R(a64Tmp)
}

func (b *builder) a64AddSub(w uint32, dst Reg, l, r Operand, size uint8) {
	op := Add
	if w>>30&1 != 0 {
		op = Sub
	}
	if w>>29&1 != 0 {
		if op == Sub {
			b.emit(Inst{Op: Compare, A: l, B: r, Size: size})
		} else {
			b.emit(Inst{Op: Flags})
		}
	}
	if dst != a64ZR {
		b.op(op, dst, l, r, size, Zero)
	}
}

func (b *builder) a64Logical(w uint32, size uint8) {
	dst, rn := xr(w, 0), xr(w, 5)
	v := b.a64Shifted(xr(w, 16), w>>22&3, w>>10&63, size)
	if w>>21&1 != 0 {
		b.op(Xor, a64Tmp, v, I(-1), 8, Zero)
		v = R(a64Tmp)
	}
	if w>>29&3 == 1 && rn == a64ZR {
		b.op(Move, dst, v, Operand{}, size, Zero)
		return
	}
	op := [4]Op{And, Or, Xor, And}[w>>29&3]
	b.op(op, a64Tmp, R(rn), v, size, Zero)
	if w>>29&3 == 3 {
		b.emit(Inst{Op: Compare, A: R(a64Tmp), B: I(0), Size: size, Cond: LT}) // the carry differs
	}
	b.op(Move, dst, R(a64Tmp), Operand{}, size, Zero)
}

func (b *builder) a64Select(w uint32, size uint8) {
	v := R(xr(w, 16))
	switch w>>29&2 | w>>10&1 {
	case 1:
		b.op(Add, a64Tmp, v, I(1), size, Zero)
		v = R(a64Tmp)
	case 2:
		b.op(Xor, a64Tmp, v, I(-1), size, Zero)
		v = R(a64Tmp)
	case 3:
		b.op(Sub, a64Tmp, I(0), v, size, Zero)
		v = R(a64Tmp)
	}
	b.emit(Inst{Op: Select, Dst: xr(w, 0), A: R(xr(w, 5)), B: v, Cond: a64Conds[w>>12&15], Size: size})
}
