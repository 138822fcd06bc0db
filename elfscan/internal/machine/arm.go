package machine

import (
	"encoding/binary"
	mathbits "math/bits"

	"golang.org/x/arch/arm/armasm"
)

// Registers of arm as tracked: r0 to r15 and two scratch registers. Only the
// ARM instruction set is read, not Thumb.
const (
	armSP   Reg = 13
	armLR   Reg = 14
	armPC   Reg = 15
	armTmp  Reg = 16
	armTmp2 Reg = 17
)

var arm = &Machine{
	Name: "arm", PtrSize: 4, Order: binary.LittleEndian, Regs: 18, SP: armSP, FP: 11, Link: armLR, NR: 7,
	Args: [6]Reg{0, 1, 2, 3, 4, 5}, Result: 0, Zero: None,
	Preserve: []Reg{4, 5, 6, 7, 8, 9, 10, 11}, Align: 4, lift: liftARM, Scan: scanARM,
}

var armConds = [16]Cond{EQ, NE, UGE, ULT, Maybe, Maybe, Maybe, Maybe, UGT, ULE, GE, LT, GT, LE, Maybe, Maybe}

type armInst struct {
	builder
	w      uint32
	cond   uint32
	rd, rn Reg
	rm     Reg
}

func liftARM(m *Machine, out []Inst, code []byte, pc uint64) ([]Inst, int, error) {
	w, ok := word(m, code)
	if !ok {
		return out, 0, ErrDecode
	}
	x := &armInst{builder: builder{m: m, out: out, pc: pc}, w: w, cond: w >> 28,
		rd: Reg(bits(w, 15, 12)), rn: Reg(bits(w, 19, 16)), rm: Reg(bits(w, 3, 0))}
	if x.cond == 15 {
		x.unconditional()
		return x.out, 4, nil
	}
	done := false
	switch bits(w, 27, 25) {
	case 0:
		done = x.class0()
	case 1:
		done = x.class1()
	case 2:
		x.memory(I(int64(w & 0xfff)))
		done = true
	case 3:
		done = w>>4&1 == 0
		if done {
			x.memory(x.shifted())
		}
	case 4:
		x.multiple()
		done = true
	case 5:
		x.branch()
		done = true
	case 6:
		done = true // coprocessor and vector loads and stores
	case 7:
		done = x.class7()
	}
	if !done {
		x.other(code)
	}
	return x.out, 4, nil
}

// other forgets the registers that any other instruction writes.
func (x *armInst) other(code []byte) {
	in, err := armasm.Decode(code, armasm.ModeARM)
	if err != nil {
		x.unknown(x.rd)
		return
	}
	for i, a := range in.Args {
		if r, ok := a.(armasm.Reg); ok && r <= armasm.R15 && i < 2 {
			x.unknown(Reg(r))
		}
	}
	if x.w>>4&1 != 0 && bits(x.w, 27, 24) == 0 { // multiplications write the other field
		x.unknown(x.rn)
	}
}

func (x *armInst) unconditional() {
	if bits(x.w, 27, 25) == 5 { // blx to Thumb code
		x.emit(Inst{Op: Call, Target: x.pc + 8 + uint64(signed(x.w, 24)<<2)})
	}
}

// set writes a result, under the instruction's condition.
func (x *armInst) set(dst Reg, op Op, a, b Operand) {
	if dst == armPC {
		x.op(op, armTmp, a, b, 4, Zero)
		x.jump(R(armTmp))
		return
	}
	if x.cond == 14 {
		x.op(op, dst, a, b, 4, Zero)
		return
	}
	x.op(op, armTmp, a, b, 4, Zero)
	x.emit(Inst{Op: Select, Dst: dst, A: R(armTmp), B: R(dst), Cond: armConds[x.cond], Size: 4})
}

func (x *armInst) jump(to Operand) {
	if x.cond != 14 {
		x.emit(Inst{Op: Branch, Cond: armConds[x.cond].Negate(), Target: x.pc + 4})
	}
	x.emit(Inst{Op: Jump, A: to})
}

// reg is a register as an operand: the program counter is two instructions
// ahead.
func (x *armInst) reg(r Reg) Operand {
	if r == armPC {
		return I(int64(x.pc) + 8)
	}
	return R(r)
}

// shifted is a register operand shifted by a constant or by a register.
func (x *armInst) shifted() Operand {
	n := int64(bits(x.w, 11, 7))
	if bits(x.w, 27, 25) == 0 && x.w>>4&1 != 0 || bits(x.w, 6, 5) == 3 {
		x.unknown(armTmp2)
		return R(armTmp2)
	}
	kind := bits(x.w, 6, 5)
	if n == 0 && kind == 0 {
		return x.reg(x.rm)
	}
	if n == 0 {
		n = 31
	}
	x.op([3]Op{Shl, Shr, Sar}[kind], armTmp2, x.reg(x.rm), I(n), 4, Zero)
	return R(armTmp2)
}

func armImmediate(w uint32) int64 {
	return int64(mathbits.RotateLeft32(w&0xff, -int(bits(w, 11, 8)*2)))
}

func (x *armInst) class1() bool {
	switch {
	case bits(x.w, 24, 20) == 0x10: // movw
		x.set(x.rd, Move, I(int64(bits(x.w, 19, 16)<<12|x.w&0xfff)), Operand{})
	case bits(x.w, 24, 20) == 0x14: // movt
		x.op(And, armTmp2, R(x.rd), I(0xffff), 4, Zero)
		x.set(x.rd, Or, R(armTmp2), I(int64(bits(x.w, 19, 16)<<12|x.w&0xfff)<<16))
	case bits(x.w, 24, 23) == 2 && bits(x.w, 20, 20) == 0: // hints, msr
	default:
		x.dataProcessing(I(armImmediate(x.w)))
	}
	return true
}

func (x *armInst) class0() bool {
	w := x.w
	switch {
	case w&0x0ffffff0 == 0x012fff10: // bx
		if x.rm == armLR && x.cond == 14 {
			x.emit(Inst{Op: Return})
		} else if x.rm == armLR {
			x.emit(Inst{Op: Branch, Target: x.pc + 4})
		} else {
			x.jump(x.reg(x.rm))
		}
	case w&0x0ffffff0 == 0x012fff30: // blx
		x.emit(Inst{Op: Call, A: x.reg(x.rm)})
	case w&0x0e000090 == 0x00000090:
		return x.extra()
	case bits(w, 24, 23) == 2 && bits(w, 20, 20) == 0: // miscellaneous
		return false
	default:
		x.dataProcessing(x.shifted())
	}
	return true
}

// dataProcessing lifts the sixteen operations of two operands.
func (x *armInst) dataProcessing(v Operand) {
	a, s := x.reg(x.rn), x.w>>20&1 != 0
	op := bits(x.w, 24, 21)
	switch op {
	case 8, 9, 11: // tst, teq, cmn
		if op == 8 {
			x.op(And, armTmp, a, v, 4, Zero)
			x.emit(Inst{Op: Compare, A: R(armTmp), B: I(0), Size: 4, Cond: EQ})
		} else {
			x.emit(Inst{Op: Flags})
		}
		x.conditionalFlags()
		return
	case 10:
		x.emit(Inst{Op: Compare, A: a, B: v, Size: 4})
		x.conditionalFlags()
		return
	case 13:
		x.set(x.rd, Move, v, Operand{})
	case 15:
		x.set(x.rd, Xor, v, I(-1))
	case 14:
		x.op(Xor, armTmp2, v, I(-1), 4, Zero)
		x.set(x.rd, And, a, R(armTmp2))
	case 3:
		x.set(x.rd, Sub, v, a)
	case 5, 6, 7: // with carry
		x.unknown(armTmp2)
		x.set(x.rd, Move, R(armTmp2), Operand{})
	default:
		x.set(x.rd, map[uint32]Op{0: And, 1: Xor, 2: Sub, 4: Add, 12: Or}[op], a, v)
	}
	if s && x.rd != armPC {
		x.emit(Inst{Op: Compare, A: R(x.rd), B: I(0), Size: 4, Cond: EQ})
		x.conditionalFlags()
	}
}

// conditionalFlags gives up on flags that are set only sometimes.
func (x *armInst) conditionalFlags() {
	if x.cond != 14 {
		x.emit(Inst{Op: Flags})
	}
}

// extra lifts loads and stores of half and double words.
func (x *armInst) extra() bool {
	w := x.w
	sh := bits(w, 6, 5)
	if sh == 0 { // multiplications and exclusive accesses
		if bits(w, 27, 24) == 1 {
			x.unknown(x.rd)
			return true
		}
		x.unknown(x.rn)
		if w>>23&1 != 0 {
			x.unknown(x.rd)
		}
		return true
	}
	off := R(x.rm)
	if w>>22&1 != 0 {
		off = I(int64(bits(w, 11, 8)<<4 | w&15))
	}
	load, size, e := w>>20&1 != 0, uint8(2), Extend(Zero)
	switch {
	case load && sh == 2:
		size, e = 1, Sign
	case load && sh == 3:
		e = Sign
	case !load && sh == 2: // ldrd
		x.access(off, func(m Mem) {
			x.loadTo(x.rd, m, 4, Zero)
			m.Disp += 4
			x.loadTo(x.rd+1&15, m, 4, Zero)
		})
		return true
	case !load && sh == 3: // strd
		x.access(off, func(m Mem) {
			x.storeTo(R(x.rd), m, 4)
			m.Disp += 4
			x.storeTo(R(x.rd+1&15), m, 4)
		})
		return true
	}
	x.access(off, func(m Mem) {
		if load {
			x.loadTo(x.rd, m, size, e)
		} else {
			x.storeTo(R(x.rd), m, size)
		}
	})
	return true
}

// memory lifts loads and stores of words and bytes.
func (x *armInst) memory(off Operand) {
	size := uint8(4)
	if x.w>>22&1 != 0 {
		size = 1
	}
	x.access(off, func(m Mem) {
		if x.w>>20&1 != 0 {
			x.loadTo(x.rd, m, size, Zero)
		} else {
			x.storeTo(R(x.rd), m, size)
		}
	})
}

// access computes an address, with writeback before or after.
func (x *armInst) access(off Operand, f func(Mem)) {
	pre, up, wb := x.w>>24&1 != 0, x.w>>23&1 != 0, x.w>>21&1 != 0
	m := Mem{Base: x.rn, Index: None, Scale: 1}
	if x.rn == armPC {
		m = Mem{Base: None, Index: None, Scale: 1, Disp: int64(x.pc) + 8}
	}
	if off.Reg == None && !up {
		off.Imm = -off.Imm
	}
	op := Add
	if off.Reg != None && !up {
		op = Sub
	}
	if pre && !wb {
		switch {
		case off.Reg == None:
			m.Disp += off.Imm
		case up:
			m.Index = off.Reg
		default:
			x.op(Sub, armTmp2, R(x.rn), off, 4, Zero)
			m.Base = armTmp2
		}
	}
	if pre && wb {
		x.op(op, x.rn, R(x.rn), off, 4, Zero)
	}
	f(m)
	if !pre {
		x.op(op, x.rn, R(x.rn), off, 4, Zero)
	}
}

func (x *armInst) loadTo(dst Reg, m Mem, size uint8, e Extend) {
	if x.cond == 14 && dst != armPC {
		x.emit(Inst{Op: Load, Dst: dst, Mem: m, Size: size, Ext: e})
		return
	}
	x.emit(Inst{Op: Load, Dst: armTmp, Mem: m, Size: size, Ext: e})
	x.set(dst, Move, R(armTmp), Operand{})
}

func (x *armInst) storeTo(v Operand, m Mem, size uint8) {
	if x.cond != 14 {
		x.unknown(armTmp)
		v = R(armTmp)
	}
	x.emit(Inst{Op: Store, A: v, Mem: m, Size: size})
}

// multiple lifts ldm and stm: push and pop.
func (x *armInst) multiple() {
	list := x.w & 0xffff
	n := int64(mathbits.OnesCount32(list)) * 4
	pre, up, wb, load := x.w>>24&1 != 0, x.w>>23&1 != 0, x.w>>21&1 != 0, x.w>>20&1 != 0
	at := int64(0)
	if !up {
		at = -n
	}
	if pre == up {
		at += 4
	}
	toPC := false
	for r := Reg(0); r < 16; r++ {
		if list>>r&1 == 0 {
			continue
		}
		m := Mem{Base: x.rn, Index: None, Disp: at}
		switch {
		case !load:
			x.storeTo(x.reg(r), m, 4)
		case r == armPC:
			toPC = true
		case r == x.rn:
			x.unknown(r)
		default:
			x.loadTo(r, m, 4, Zero)
		}
		at += 4
	}
	if wb && (!load || list>>x.rn&1 == 0) {
		if !up {
			n = -n
		}
		x.op(Add, x.rn, R(x.rn), I(n), 4, Zero)
	}
	if toPC {
		if x.cond == 14 {
			x.emit(Inst{Op: Return})
		} else {
			x.emit(Inst{Op: Branch, Target: x.pc + 4})
		}
	}
}

func (x *armInst) branch() {
	t := uint64(uint32(int64(x.pc) + 8 + signed(x.w, 24)<<2))
	switch {
	case x.w>>24&1 != 0:
		x.emit(Inst{Op: Call, Target: t})
	case x.cond == 14:
		x.emit(Inst{Op: Jump, Target: t})
	default:
		x.emit(Inst{Op: Branch, Cond: armConds[x.cond], Target: t})
	}
}

func (x *armInst) class7() bool {
	switch {
	case x.w>>24&15 == 15:
		x.emit(Inst{Op: Syscall})
	case x.w>>20&1 != 0 && x.w>>4&1 != 0: // to a general register
		if x.rd != armPC {
			x.unknown(x.rd)
		} else {
			x.emit(Inst{Op: Flags})
		}
	}
	return true
}

func scanARM(s *Scan, from, to int) {
	scanWords(s, from, to, func(i int, w uint32) {
		pc := s.PC + uint64(i)
		switch {
		case w>>28 == 15:
		case w&0x0fffffff == 0x0f000000: // svc 0: the EABI's
			s.Site(pc)
		case w>>25&7 == 5:
			s.edge([2]EdgeKind{EdgeJump, EdgeCall}[w>>24&1], i, uint64(uint32(int64(pc)+8+signed(w, 24)<<2)))
		case w&0x0f7f0000 == 0x051f0000: // a word of the literal pool
			off := int(8 + int64(w&0xfff))
			if w>>23&1 == 0 {
				off = 8 - int(w&0xfff)
			}
			s.literal(i, i+off)
		case w&0x0ff00000 == 0x03000000:
			s.setPage(w>>12&15, uint64(bits(w, 19, 16)<<12|w&0xfff))
		case w&0x0ff00000 == 0x03400000:
			if low, ok := s.getPage(w >> 12 & 15); ok {
				s.edge(EdgeRef, i, uint64(bits(w, 19, 16)<<12|w&0xfff)<<16|low&0xffff)
			}
		}
	})
}

// literal reports the address in a word of a literal pool, if the piece
// includes it, and the word itself.
func (s *Scan) literal(i, at int) {
	s.edge(EdgeData, i, s.PC+uint64(at))
	if at >= 0 && at+4 <= len(s.Code) {
		s.edge(EdgeRef, i, uint64(s.Order.Uint32(s.Code[at:])))
	}
}
