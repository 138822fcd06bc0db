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
	Preserve: []Reg{4, 5, 6, 7, 8, 9, 10, 11}, Align: 4, lift: liftARM, keeps: keepsARM, Scan: scanARM,
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
		x.coprocessor()
		done = true
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
		x.unknowns(x.rd, x.rn)
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
	w := x.w
	switch {
	case bits(w, 27, 25) == 5: // blx to Thumb code
		x.emit(Inst{Op: Call, Target: x.pc + 8 + uint64(signed(w, 24)<<2)})
	case bits(w, 27, 24) == 4 && w>>20&1 == 0: // loads and stores of vectors
		x.structures()
	case bits(w, 27, 25) == 4: // rfe, srs
		x.fill(x.rn, -16, 32)
		x.unknowns(x.rn, armSP)
	case bits(w, 27, 25) == 6:
		x.coprocessor()
	case bits(w, 27, 25) == 7 && w>>20&1 != 0 && w>>4&1 != 0: // mrc2
		x.unknown(x.rd)
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

// unless skips the rest of an instruction whose condition does not hold.
func (x *armInst) unless() {
	if x.cond != 14 {
		x.emit(Inst{Op: Branch, Cond: armConds[x.cond].Negate(), Target: x.pc + 4})
	}
}

func (x *armInst) jump(to Operand) {
	x.unless()
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
	if n == 0 && kind == 1 {
		return I(0) // by 32
	}
	if n == 0 {
		n = 31 // by 32, which gives the same
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
			x.skip(x.pc + 4)
			x.emit(Inst{Op: Return})
		} else {
			x.jump(x.reg(x.rm))
		}
	case w&0x0ffffff0 == 0x012fff30: // blx
		x.unless()
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

func (x *armInst) branch() {
	t := uint64(uint32(int64(x.pc) + 8 + signed(x.w, 24)<<2))
	switch {
	case x.w>>24&1 != 0:
		x.unless()
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
