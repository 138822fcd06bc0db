package machine

import (
	"encoding/binary"

	"golang.org/x/arch/loong64/loong64asm"
)

// Registers of loong64 as tracked: r0 to r31 and a scratch register.
const (
	laRA  Reg = 1
	laSP  Reg = 3
	laTmp Reg = 32
)

var loong64 = &Machine{
	Name: "loongarch64", PtrSize: 8, Order: binary.LittleEndian, Regs: 33, SP: laSP, FP: 22, Link: laRA, NR: 11,
	Args: [6]Reg{4, 5, 6, 7, 8, 9}, Result: 4, Zero: 0, Clobber: []Reg{12, 13, 14, 15, 16, 17, 18, 19, 20},
	Preserve: []Reg{2, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31}, Align: 4,
	lift: liftLoong, Scan: scanLoong,
}

func liftLoong(m *Machine, out []Inst, code []byte, pc uint64) ([]Inst, int, error) {
	w, ok := word(m, code)
	if !ok {
		return out, 0, ErrDecode
	}
	b := &builder{m: m, out: out, pc: pc}
	if !b.laUpper(w) && !b.laImmediate(w) && !b.laRegister(w) && !b.laBranch(w) {
		b.laOther(code, w)
	}
	return b.out, 4, nil
}

// laOther forgets what any other instruction may write.
func (b *builder) laOther(code []byte, w uint32) {
	in, err := loong64asm.Decode(code)
	if r, isReg := in.Args[0].(loong64asm.Reg); err != nil || isReg && r <= loong64asm.R31 {
		b.unknown(Reg(w & 31))
	}
	rj := Reg(w >> 5 & 31)
	switch {
	case w>>10 >= 0x18 && w>>10 <= 0x1a: // rdtime: an identifier goes to the second register
		b.unknown(rj)
	case w>>22 == 0xad, w>>22 == 0xaf, w>>22 == 0xb1, w>>22 == 0xb3: // other registers
		b.fill(rj, signed(w>>10, 12), 32)
	case w>>24 == 0x21, w>>24 == 0x23: // sc
		b.fill(rj, signed(w>>10, 14)<<2, 8)
	case w>>24 >= 0x30 && w>>24 <= 0x33: // elements of vectors
		b.fill(rj, -2048, 1<<12)
	case w>>24 == 0x38: // indexed and atomic
		if op := w >> 15; op < 0x7000 || op > 0x7007 { // loads of integers
			b.emit(Inst{Op: Fill, A: I(32), Size: 1, Mem: Mem{Base: rj, Index: Reg(w >> 10 & 31), Scale: 1}})
			b.fill(rj, 0, 16)
		}
	}
}

// laUpper lifts the instructions with immediates of 20 bits.
func (b *builder) laUpper(w uint32) bool {
	rd, imm := Reg(w&31), signed(w>>5, 20)
	switch w >> 25 {
	case 0x14 >> 1: // lu12i.w
		b.move(rd, I(int64(int32(imm<<12))))
	case 0x16 >> 1: // lu32i.d
		b.op(And, laTmp, R(rd), I(0xffffffff), 8, Zero)
		b.op(Or, rd, R(laTmp), I(imm<<32), 8, Zero)
	case 0x18 >> 1: // pcaddi
		b.move(rd, I(int64(b.pc)+imm<<2))
	case 0x1a >> 1: // pcalau12i
		b.move(rd, I((int64(b.pc)+imm<<12)&^0xfff))
	case 0x1c >> 1: // pcaddu12i
		b.move(rd, I(int64(b.pc)+imm<<12))
	case 0x1e >> 1: // pcaddu18i
		b.move(rd, I(int64(b.pc)+imm<<18))
	default:
		return false
	}
	return true
}

// laImmediate lifts the instructions with immediates of 12 and 14 bits.
func (b *builder) laImmediate(w uint32) bool {
	rd, rj := Reg(w&31), Reg(w>>5&31)
	si12, ui12 := signed(w>>10, 12), int64(w>>10&0xfff)
	switch op := w >> 22; op {
	case 0x0a: // addi.w
		b.op(Add, rd, R(rj), I(si12), 4, Sign)
	case 0x0b: // addi.d
		b.add(rd, rj, si12)
	case 0x0c: // lu52i.d
		b.op(And, laTmp, R(rj), I(1<<52-1), 8, Zero)
		b.op(Or, rd, R(laTmp), I(si12<<52), 8, Zero)
	case 0x0d:
		b.op(And, rd, R(rj), I(ui12), 8, Zero)
	case 0x0e:
		b.op(Or, rd, R(rj), I(ui12), 8, Zero)
	case 0x0f:
		b.op(Xor, rd, R(rj), I(ui12), 8, Zero)
	case 0xa0, 0xa1, 0xa2, 0xa3:
		b.load(rd, rj, si12, 1<<(op&3), Sign)
	case 0xa4, 0xa5, 0xa6, 0xa7:
		b.store(R(rd), rj, si12, 1<<(op&3))
	case 0xa8, 0xa9, 0xaa:
		b.load(rd, rj, si12, 1<<(op&3), Zero)
	default:
		si14 := signed(w>>10, 14) << 2
		switch w >> 24 {
		case 0x24:
			b.load(rd, rj, si14, 4, Sign)
		case 0x25:
			b.store(R(rd), rj, si14, 4)
		case 0x26:
			b.load(rd, rj, si14, 8, Zero)
		case 0x27:
			b.store(R(rd), rj, si14, 8)
		default:
			return false
		}
	}
	return true
}

var laOps = map[uint32]struct {
	op   Op
	size uint8
}{
	0x20: {Add, 4}, 0x21: {Add, 8}, 0x22: {Sub, 4}, 0x23: {Sub, 8}, 0x29: {And, 8}, 0x2a: {Or, 8}, 0x2b: {Xor, 8},
	0x38: {Mul, 4}, 0x3b: {Mul, 8},
}

func (b *builder) laRegister(w uint32) bool {
	rd, rj, rk := Reg(w&31), Reg(w>>5&31), Reg(w>>10&31)
	if o, ok := laOps[w>>15]; ok {
		b.op(o.op, rd, R(rj), R(rk), o.size, Sign)
		return true
	}
	switch {
	case w>>15 == 0x56: // syscall
		b.emit(Inst{Op: Syscall})
	case w>>15 == 0x54: // break
		b.emit(Inst{Op: Halt})
	case w>>15 == 0x81: // slli.w
		b.op(Shl, rd, R(rj), I(int64(w>>10&31)), 4, Sign)
	case w>>16 == 0x41: // slli.d
		b.op(Shl, rd, R(rj), I(int64(w>>10&63)), 8, Zero)
	case w>>15 == 0x89:
		b.op(Shr, rd, R(rj), I(int64(w>>10&31)), 4, Sign)
	case w>>16 == 0x45:
		b.op(Shr, rd, R(rj), I(int64(w>>10&63)), 8, Zero)
	case w>>22 == 3 && w>>10&63 == 0: // bstrpick.d from bit 0
		b.op(And, rd, R(rj), I(int64(1)<<(w>>16&63+1)-1), 8, Zero)
	default:
		return false
	}
	return true
}

func (b *builder) laBranch(w uint32) bool {
	rd, rj := Reg(w&31), Reg(w>>5&31)
	off16 := uint64(signed(w>>10, 16) << 2)
	off21 := uint64(signed(w&31<<16|w>>10&0xffff, 21) << 2)
	off26 := uint64(signed(w&0x3ff<<16|w>>10&0xffff, 26) << 2)
	switch op := w >> 26; op {
	case 0x10, 0x11: // beqz, bnez
		b.branch([2]Cond{EQ, NE}[op&1], R(rj), I(0), 8, b.pc+off21)
	case 0x12: // on a condition flag
		b.emit(Inst{Op: Branch, Target: b.pc + off21})
	case 0x13: // jirl
		if rd == 0 && rj == laRA && off16 == 0 {
			b.emit(Inst{Op: Return})
			break
		}
		b.op(Add, laTmp, R(rj), I(int64(off16)), 8, Zero)
		b.emit(Inst{Op: [2]Op{Jump, Call}[min(rd, 1)], A: R(laTmp)})
	case 0x14:
		b.emit(Inst{Op: Jump, Target: b.pc + off26})
	case 0x15:
		b.emit(Inst{Op: Call, Target: b.pc + off26})
	case 0x16, 0x17, 0x18, 0x19, 0x1a, 0x1b:
		b.branch([6]Cond{EQ, NE, LT, GE, ULT, UGE}[op-0x16], R(rj), R(rd), 8, b.pc+off16)
	default:
		return false
	}
	return true
}

func scanLoong(s *Scan, from, to int) {
	scanWords(s, from, to, func(i int, w uint32) {
		pc := s.PC + uint64(i)
		rd, rj := w&31, w>>5&31
		imm := signed(w>>5, 20)
		switch op := w >> 26; {
		case op == 0x14:
			s.edge(EdgeJump, i, pc+uint64(signed(w&0x3ff<<16|w>>10&0xffff, 26)<<2))
		case op == 0x15:
			s.clobber(4, 20)
			s.edge(EdgeCall, i, pc+uint64(signed(w&0x3ff<<16|w>>10&0xffff, 26)<<2))
		case op >= 0x16 && op <= 0x1b:
			s.edge(EdgeJump, i, pc+uint64(signed(w>>10, 16)<<2))
		case op == 0x10 || op == 0x11:
			s.edge(EdgeJump, i, pc+uint64(signed(w&31<<16|w>>10&0xffff, 21)<<2))
		case op == 0x13:
			if page, ok := s.getPage(rj); ok {
				s.edge([2]EdgeKind{EdgeJump, EdgeCall}[min(rd, 1)], i, page+uint64(signed(w>>10, 16)<<2))
			}
		case w>>15 == 0x56:
			s.Site(pc)
		case w>>25 == 0x18>>1:
			s.edge(EdgeRef, i, pc+uint64(imm<<2))
			s.setFull(rd, pc+uint64(imm<<2))
		case w>>25 == 0x1a>>1:
			s.setPage(rd, uint64(int64(pc)+imm<<12)&^0xfff)
		case w>>25 == 0x1c>>1:
			s.setPage(rd, uint64(int64(pc)+imm<<12))
		case w>>25 == 0x1e>>1:
			s.setPage(rd, uint64(int64(pc)+imm<<18))
		case w>>22 == 0x0b:
			s.addNumber(i, rd, rj, signed(w>>10, 12))
		case w>>15 == 0x21, w>>17 == 0x16: // add.d, alsl.d
			s.addFull(rd, rj, w>>10&31)
		case w&0xfffffc00 == 0x00150000: // move
			s.copyFull(rd, rj, 0)
		case w>>22 >= 0xa0 && w>>22 <= 0xaa:
			s.near(EdgeNearData, i, rj, signed(w>>10, 12))
			if page, ok := s.getPage(rj); ok {
				s.edge(EdgeData, i, page+uint64(signed(w>>10, 12)))
			}
		case w>>26 == 9:
			s.near(EdgeNearData, i, rj, signed(w>>10, 14)<<2)
			if page, ok := s.getPage(rj); ok {
				s.edge(EdgeData, i, page+uint64(signed(w>>10, 14)<<2))
			}
		}
	})
}
