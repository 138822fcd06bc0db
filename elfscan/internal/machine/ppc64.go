package machine

import (
	"encoding/binary"

	"golang.org/x/arch/ppc64/ppc64asm"
)

// Registers of ppc64 as tracked: r0 to r31, the link and count registers, and
// a scratch register.
const (
	ppcSP  Reg = 1
	ppcTOC Reg = 2
	ppcLR  Reg = 32
	ppcCTR Reg = 33
	ppcTmp Reg = 34
)

var ppc64le = newPPC("ppc64le", binary.LittleEndian)
var ppc64 = newPPC("ppc64", binary.BigEndian)

func newPPC(name string, order binary.ByteOrder) *Machine {
	preserve := []Reg{ppcTOC}
	for r := Reg(14); r < 32; r++ {
		preserve = append(preserve, r)
	}
	return &Machine{
		Name: name, PtrSize: 8, Order: order, Regs: 35, SP: ppcSP, FP: 31, Link: ppcLR, NR: 0,
		Args: [6]Reg{3, 4, 5, 6, 7, 8}, Result: 3, Zero: None, Clobber: []Reg{0, 4, 5, 6, 7, 8, 9, 10, 11, 12},
		Preserve: preserve, Align: 4, lift: liftPPC, keeps: keepsPPC, Scan: scanPPC,
	}
}

func liftPPC(m *Machine, out []Inst, code []byte, pc uint64) ([]Inst, int, error) {
	w, ok := word(m, code)
	if !ok {
		return out, 0, ErrDecode
	}
	b := &builder{m: m, out: out, pc: pc}
	if w>>26 == 1 { // prefixed, Power ISA 3.1
		if len(code) < 8 {
			return out, 0, ErrDecode
		}
		b.ppcPrefixed(w, m.Order.Uint32(code[4:]))
		return b.out, 8, nil
	}
	if w == 0 {
		b.emit(Inst{Op: Halt})
		return b.out, 4, nil
	}
	if w == 0xe8410018 || w == 0xe8410028 { // ld r2,24(r1), ELFv1 40(r1): behind calls, which keep it
		return b.out, 4, nil
	}
	if !b.ppcImmediate(w) && !b.ppcMemory(w) && !b.ppcBranch(w) && !b.ppcRegister(w) {
		b.ppcOther(m, code)
	}
	return b.out, 4, nil
}

// ppcOther forgets what any other instruction may write: the registers of both
// fields that can be a result, and memory.
func (b *builder) ppcOther(m *Machine, code []byte) {
	w, _ := word(m, code)
	rt, ra := Reg(bits(w, 25, 21)), Reg(bits(w, 20, 16))
	in, err := ppc64asm.Decode(code, m.Order)
	switch w >> 26 {
	case 4, 59, 60, 63: // vectors and floating point, of which few write a general register
		if err != nil {
			b.unknown(rt)
		}
	case 31:
		b.unknown(rt)
		if !ppcTargetOnly[bits(w, 10, 1)] {
			b.unknown(ra)
			b.ppcIndexed(w, 0, 128)
		}
	default:
		b.unknowns(rt, ra)
		b.fill(ra, 0, 1<<16)
	}
	if r, ok := in.Args[0].(ppc64asm.Reg); err == nil && ok && r >= ppc64asm.R0 && r <= ppc64asm.R31 {
		b.unknown(Reg(r - ppc64asm.R0))
	}
}

// ppcBase is a base register, where 0 means none.
func ppcBase(w uint32) Reg {
	if r := Reg(bits(w, 20, 16)); r != 0 {
		return r
	}
	return None
}

func (b *builder) ppcImmediate(w uint32) bool {
	rt, ra := Reg(bits(w, 25, 21)), Reg(bits(w, 20, 16))
	si, ui := signed(w, 16), int64(w&0xffff)
	switch w >> 26 {
	case 14, 15:
		if w>>26 == 15 {
			si <<= 16
		}
		if ra == 0 {
			b.move(rt, I(si))
		} else {
			b.add(rt, ra, si)
		}
	case 24:
		if ra == rt && ui == 0 { // nop and its relatives
			b.emit(Inst{Op: Nop})
			break
		}
		b.op(Or, ra, R(rt), I(ui), 8, Zero)
	case 25:
		b.op(Or, ra, R(rt), I(ui<<16), 8, Zero)
	case 26:
		b.op(Xor, ra, R(rt), I(ui), 8, Zero)
	case 27:
		b.op(Xor, ra, R(rt), I(ui<<16), 8, Zero)
	case 28, 29:
		if w>>26 == 29 {
			ui <<= 16
		}
		b.op(And, ra, R(rt), I(ui), 8, Zero)
		b.emit(Inst{Op: Compare, A: R(ra), B: I(0), Size: 8})
	case 7:
		b.op(Mul, rt, R(ra), I(si), 8, Zero)
	case 8, 12, 13:
		b.unknown(rt)
		if w>>26 == 13 { // addic.
			b.emit(Inst{Op: Flags})
		}
	case 10, 11:
		if bits(w, 25, 23) == 0 {
			v := si
			if w>>26 == 10 {
				v = ui
			}
			b.emit(Inst{Op: Compare, A: R(ra), B: I(v), Size: 4 + 4*uint8(bits(w, 21, 21)), Cond: ppcEq(w>>26 == 10)})
		}
	default:
		return false
	}
	return true
}

// ppcEq limits what an unsigned comparison tells to equality: branches do not
// say which kind of comparison they follow.
func ppcEq(unsigned bool) Cond {
	if unsigned {
		return EQ
	}
	return Maybe
}

func (b *builder) ppcBranch(w uint32) bool {
	switch w >> 26 {
	case 17: // sc, scv
		b.emit(Inst{Op: Syscall})
	case 18:
		t := uint64(signed(w&0x3fffffc, 26))
		if w&2 == 0 {
			t += b.pc
		}
		b.emit(Inst{Op: [2]Op{Jump, Call}[w&1], Target: t})
	case 16:
		t := b.pc + uint64(signed(w&0xfffc, 16))
		if w&1 != 0 {
			if t != b.pc+4 { // bcl 20,31,$+4 reads the program counter
				b.ppcUnless(w)
				b.emit(Inst{Op: Call, Target: t})
			}
			b.move(ppcLR, I(int64(b.pc)+4))
			break
		}
		b.ppcConditional(w, t)
	case 19:
		return b.ppcToRegister(w)
	default:
		return false
	}
	return true
}

// ppcCond is the condition of a branch on cr0, Maybe on anything else.
func ppcCond(w uint32) Cond {
	bo, bi := bits(w, 25, 21), bits(w, 20, 16)
	if bi > 2 || bo&0x14 != 4 {
		return Maybe
	}
	c := [3]Cond{LT, GT, EQ}[bi]
	if bo&8 == 0 {
		c = c.Negate()
	}
	return c
}

// ppcAlways reports whether a branch has no condition.
func ppcAlways(w uint32) bool { return bits(w, 25, 21)&0x14 == 0x14 }

// ppcUnless skips the rest of a branch whose condition does not hold. Many
// count down.
func (b *builder) ppcUnless(w uint32) {
	if bits(w, 25, 21)&4 == 0 {
		b.unknown(ppcCTR)
	}
	if !ppcAlways(w) {
		b.emit(Inst{Op: Branch, Cond: ppcCond(w).Negate(), Target: b.pc + 4})
	}
}

func (b *builder) ppcConditional(w uint32, t uint64) {
	if bits(w, 25, 21)&4 == 0 {
		b.unknown(ppcCTR)
	}
	if ppcAlways(w) {
		b.emit(Inst{Op: Jump, Target: t})
		return
	}
	b.emit(Inst{Op: Branch, Cond: ppcCond(w), Target: t})
}

func (b *builder) ppcToRegister(w uint32) bool {
	link := w&1 != 0
	switch xo := bits(w, 10, 1); {
	case xo == 16 && !link: // blr
		b.ppcUnless(w)
		b.emit(Inst{Op: Return})
	case xo == 16:
		b.ppcUnless(w)
		b.emit(Inst{Op: Call, A: R(ppcLR)})
	case xo == 528:
		b.ppcUnless(w)
		b.emit(Inst{Op: [2]Op{Jump, Call}[w&1], A: R(ppcCTR)})
	case xo == 560: // through the target address register
		b.ppcUnless(w)
		b.unknown(ppcTmp)
		b.emit(Inst{Op: [2]Op{Jump, Call}[w&1], A: R(ppcTmp)})
	case xo&31 == 2: // addpcis
		b.unknown(Reg(bits(w, 25, 21)))
	default: // operations on condition bits
		b.emit(Inst{Op: Flags})
	}
	return true
}

func (b *builder) ppcRegister(w uint32) bool {
	rt, ra, rb := Reg(bits(w, 25, 21)), Reg(bits(w, 20, 16)), Reg(bits(w, 15, 11))
	switch w >> 26 {
	case 21: // rlwinm
		sh, mb, me := bits(w, 15, 11), bits(w, 10, 6), bits(w, 5, 1)
		switch {
		case me == 31 && sh == 0:
			b.op(And, ra, R(rt), I(int64(1)<<(32-mb)-1), 8, Zero)
		case mb == 0 && me == 31-sh:
			b.op(Shl, ra, R(rt), I(int64(sh)), 4, Zero)
		default:
			b.unknown(ra)
		}
	case 20, 22, 23:
		b.unknown(ra)
	case 30:
		sh, mb := bits(w, 15, 11)|bits(w, 1, 1)<<5, bits(w, 10, 6)|bits(w, 5, 5)<<5
		switch xo := bits(w, 4, 2); {
		case xo == 0 && sh == 0: // clrldi
			b.op(And, ra, R(rt), I(int64(^uint64(0)>>mb)), 8, Zero)
		case xo == 1 && mb == 63-sh: // sldi
			b.op(Shl, ra, R(rt), I(int64(sh)), 8, Zero)
		default:
			b.unknown(ra)
		}
	case 31:
		return b.ppcExtended(w, rt, ra, rb)
	default:
		return false
	}
	if w&1 != 0 {
		b.emit(Inst{Op: Flags})
	}
	return true
}

func (b *builder) ppcExtended(w uint32, rt, ra, rb Reg) bool {
	if bits(w, 5, 1) == 15 { // isel
		v := R(ra)
		if ra == 0 {
			v = I(0)
		}
		b.emit(Inst{Op: Select, Dst: rt, A: v, B: R(rb), Size: 8})
		return true
	}
	switch bits(w, 10, 1) {
	case 266:
		b.op(Add, rt, R(ra), R(rb), 8, Zero)
	case 40:
		b.op(Sub, rt, R(rb), R(ra), 8, Zero)
	case 233, 235:
		b.op(Mul, rt, R(ra), R(rb), 8, Zero)
	case 444:
		b.op(Or, ra, R(rt), R(rb), 8, Zero)
	case 28:
		b.op(And, ra, R(rt), R(rb), 8, Zero)
	case 316:
		b.op(Xor, ra, R(rt), R(rb), 8, Zero)
	case 986: // extsw
		b.op(Move, ra, R(rt), Operand{}, 4, Sign)
	case 0, 32: // cmp, cmpl
		if bits(w, 25, 23) == 0 { // of the other fields nothing is known
			b.emit(Inst{Op: Compare, A: R(ra), B: R(rb), Size: 4 + 4*uint8(bits(w, 21, 21)), Cond: ppcEq(bits(w, 10, 1) == 32)})
		}
		return true
	case 467: // mtspr
		switch spr := bits(w, 20, 16) | bits(w, 15, 11)<<5; spr {
		case 8:
			b.move(ppcLR, R(rt))
		case 9:
			b.move(ppcCTR, R(rt))
		}
		return true
	case 339: // mfspr
		switch spr := bits(w, 20, 16) | bits(w, 15, 11)<<5; spr {
		case 8:
			b.move(rt, R(ppcLR))
		case 9:
			b.move(rt, R(ppcCTR))
		default:
			b.unknown(rt)
		}
		return true
	case 21, 53, 23, 55, 87, 119, 279, 311, 343, 375, 341, 373: // indexed loads
		b.ppcLoadIndexed(w, rt, rb)
		return true
	case 149, 181, 151, 183, 215, 247, 407, 439: // indexed stores
		b.ppcStoreIndexed(w, rt, ra, rb)
		return true
	case 4, 68: // traps
		if w == 0x7fe00008 {
			b.emit(Inst{Op: Halt})
		}
		return true
	case 598, 854, 54, 86, 246, 278, 470, 982: // barriers and the cache
		return true
	case 1014: // dcbz
		b.ppcIndexed(w, -128, 256)
		return true
	case 144: // mtcrf, mtocrf
		b.emit(Inst{Op: Flags})
		return true
	case 150, 214, 694, 726, 182: // conditional stores
		b.ppcIndexed(w, 0, 16)
		b.emit(Inst{Op: Flags})
		return true
	case 727, 663, 983, 231, 487, 199, 167, 135, 396, 972, 908, 940, 1004, 716, 652, 140, 909, 397, 429: // stores of others
		b.ppcIndexed(w, 0, 32)
		return true
	default:
		xo := bits(w, 10, 1)
		if ppcLogical[xo] {
			b.unknown(ra)
		}
		return ppcLogical[xo] || ppcVectorOnly[xo]
	}
	return true
}
