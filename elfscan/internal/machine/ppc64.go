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
		Preserve: preserve, Align: 4, lift: liftPPC, Scan: scanPPC,
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
	if !b.ppcImmediate(w) && !b.ppcMemory(w) && !b.ppcBranch(w) && !b.ppcRegister(w) {
		b.ppcOther(m, code)
	}
	return b.out, 4, nil
}

func (b *builder) ppcOther(m *Machine, code []byte) {
	in, err := ppc64asm.Decode(code, m.Order)
	if err != nil {
		w, _ := word(m, code)
		b.unknown(Reg(bits(w, 25, 21)))
		return
	}
	if r, ok := in.Args[0].(ppc64asm.Reg); ok && r >= ppc64asm.R0 && r <= ppc64asm.R31 {
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

func (b *builder) ppcMemory(w uint32) bool {
	rt, ra, d := Reg(bits(w, 25, 21)), Reg(bits(w, 20, 16)), signed(w, 16)
	type access struct {
		size  uint8
		store bool
		e     Extend
	}
	acc, ok := map[uint32]access{32: {4, false, Zero}, 33: {4, false, Zero}, 34: {1, false, Zero}, 35: {1, false, Zero},
		36: {4, true, Zero}, 37: {4, true, Zero}, 38: {1, true, Zero}, 39: {1, true, Zero}, 40: {2, false, Zero}, 41: {2, false, Zero},
		42: {2, false, Sign}, 43: {2, false, Sign}, 44: {2, true, Zero}, 45: {2, true, Zero}}[w>>26]
	update := w>>26&1 != 0
	switch op := w >> 26; {
	case ok:
	case op == 58: // ld, ldu, lwa
		acc, d, update = access{8, false, Zero}, d&^3, w&3 == 1
		if w&3 == 2 {
			acc = access{4, false, Sign}
		}
	case op == 62 && w&3 < 2: // std, stdu
		acc, d, update = access{8, true, Zero}, d&^3, w&3 == 1
	case op >= 48 && op <= 57, op >= 60 && op <= 63: // floating point and vectors
		return op != 60 && op != 63 && op != 59
	default:
		return false
	}
	if acc.store {
		b.store(R(rt), ppcBase(w), d, acc.size)
	} else {
		b.load(rt, ppcBase(w), d, acc.size, acc.e)
	}
	if update {
		b.add(ra, ra, d)
	}
	return true
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

func (b *builder) ppcConditional(w uint32, t uint64) {
	if bits(w, 25, 21)&0x14 == 0x14 {
		b.emit(Inst{Op: Jump, Target: t})
		return
	}
	b.emit(Inst{Op: Branch, Cond: ppcCond(w), Target: t})
}

func (b *builder) ppcToRegister(w uint32) bool {
	always := bits(w, 25, 21)&0x14 == 0x14
	switch xo := bits(w, 10, 1); {
	case xo == 16 && always: // blr
		b.emit(Inst{Op: Return})
	case xo == 16:
		b.emit(Inst{Op: Branch, Target: b.pc + 4}) // a conditional return
	case xo == 528:
		b.emit(Inst{Op: [2]Op{Jump, Call}[w&1], A: R(ppcCTR)})
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
		if bits(w, 25, 23) == 0 {
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
	case 149, 181, 151, 183, 215, 247, 407, 439: // indexed stores
		return true
	case 4, 68: // traps
		if w == 0x7fe00008 {
			b.emit(Inst{Op: Halt})
		}
		return true
	case 24, 27, 536, 539, 792, 794, 824, 826, 413, 954, 922, 26, 58, 122, 378, 506, 124, 476, 412, 284, 60, 508:
		b.unknown(ra) // logical operations and shifts write ra
	case 51: // mfvsrd
		b.unknown(ra)
	default:
		return false
	}
	if w&1 != 0 {
		b.emit(Inst{Op: Flags})
	}
	return true
}

// ppcPrefixed lifts paddi and the prefixed loads.
func (b *builder) ppcPrefixed(p, w uint32) {
	rt, imm := Reg(bits(w, 25, 21)), signed(p, 18)<<16|int64(w&0xffff)
	base := ppcBase(w)
	if p>>20&1 != 0 {
		imm += int64(b.pc)
		base = None
	}
	switch w >> 26 {
	case 14:
		if base == None {
			b.move(rt, I(imm))
		} else {
			b.add(rt, base, imm)
		}
	case 57:
		b.load(rt, base, imm, 8, Zero)
	case 32:
		b.load(rt, base, imm, 4, Zero)
	case 61:
		b.store(R(rt), base, imm, 8)
	default:
		b.unknown(rt)
	}
}

func scanPPC(s *Scan, from, to int) {
	scanWords(s, from, to, func(i int, w uint32) {
		pc := s.PC + uint64(i)
		rt, ra := bits(w, 25, 21), bits(w, 20, 16)
		switch op := w >> 26; op {
		case 17:
			if w&^0xfe0 == 0x44000002 || w == 0x44000001 {
				s.Site(pc)
			}
		case 18:
			if w&2 == 0 {
				s.edge([2]EdgeKind{EdgeJump, EdgeCall}[w&1], i, pc+uint64(signed(w&0x3fffffc, 26)))
			}
		case 16:
			s.edge(EdgeJump, i, pc+uint64(signed(w&0xfffc, 16)))
		case 15: // addis, usually from r2 or r0
			switch v := uint64(signed(w, 16) << 16); {
			case ra == 2 && s.Base != 0:
				s.setPage(rt, s.Base+v)
			case ra == 0:
				s.setPage(rt, v)
			default:
				s.noPage(rt)
			}
		case 14:
			if ra == 2 && s.Base != 0 {
				s.edge(EdgeRef, i, s.Base+uint64(signed(w, 16)))
			} else if page, ok := s.getPage(ra); ok && ra != 0 {
				s.edge(EdgeRef, i, page+uint64(signed(w, 16)))
			}
		case 32, 34, 36, 38, 40, 42, 44, 58, 62:
			d := uint64(signed(w, 16))
			if op >= 58 {
				d &^= 3
			}
			if ra == 2 && s.Base != 0 {
				s.edge(EdgeData, i, s.Base+d)
			} else if page, ok := s.getPage(ra); ok && ra != 0 {
				s.edge(EdgeData, i, page+d)
			}
		case 1:
			if w>>20&1 != 0 && i+8 <= len(s.Code) {
				next := s.Order.Uint32(s.Code[i+4:])
				t := pc + uint64(signed(w, 18)<<16|int64(next&0xffff))
				kind := EdgeData
				if next>>26 == 14 {
					kind = EdgeRef
				}
				s.edge(kind, i, t)
			}
		}
	})
}
