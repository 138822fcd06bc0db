package machine

import (
	"encoding/binary"

	"golang.org/x/arch/x86/x86asm"
)

// Registers of x86 as tracked: 16 general ones, a scratch register for
// operands in memory, and two halves of each of the 16 vector registers,
// through which compilers copy pairs of words.
const (
	x86AX Reg = iota
	x86CX
	x86DX
	x86BX
	x86SP
	x86BP
	x86SI
	x86DI
	x86R8
	x86R9
	x86R10
	x86R11
	x86R12
	x86R13
	x86R14
	x86R15
	x86Tmp
	x86Vec
	x86Regs = x86Vec + 32
)

var amd64 = &Machine{
	Copies: true,
	Name:   "x86_64", PtrSize: 8, Order: binary.LittleEndian, Regs: int(x86Regs), SP: x86SP, FP: x86BP, Link: None, NR: x86AX,
	Args: [6]Reg{x86DI, x86SI, x86DX, x86R10, x86R8, x86R9}, Result: x86AX, Zero: None,
	Preserve: []Reg{x86BX, x86BP, x86R12, x86R13, x86R14, x86R15}, Clobber: []Reg{x86CX, x86R11},
	GoFixed: map[Reg]int64{x86Vec + 30: 0, x86Vec + 31: 0}, // X15
	Align:   1, CallPush: 8, lift: liftX86, Scan: scanAMD64,
}

var i386 = &Machine{
	Copies: true,
	Name:   "i386", PtrSize: 4, Order: binary.LittleEndian, Regs: int(x86Regs), SP: x86SP, FP: x86BP, Link: None, NR: x86AX,
	Args: [6]Reg{x86BX, x86CX, x86DX, x86SI, x86DI, x86BP}, Result: x86AX, Zero: None,
	Preserve: []Reg{x86BX, x86BP, x86SI, x86DI}, Align: 1, CallPush: 4,
	lift: liftX86, Scan: scan386,
}

// x86Reg splits a register into the tracked one and the bytes of it meant.
func x86Reg(r x86asm.Reg) (reg Reg, size uint8) {
	switch {
	case r >= x86asm.AL && r <= x86asm.BL:
		return Reg(r - x86asm.AL), 1
	case r >= x86asm.AH && r <= x86asm.BH:
		return Reg(r - x86asm.AH), 0 // second byte: only ever made unknown
	case r >= x86asm.SPB && r <= x86asm.DIB:
		return Reg(r-x86asm.SPB) + x86SP, 1
	case r >= x86asm.R8B && r <= x86asm.R15B:
		return Reg(r-x86asm.R8B) + x86R8, 1
	case r >= x86asm.AX && r <= x86asm.R15W:
		return Reg(r - x86asm.AX), 2
	case r >= x86asm.EAX && r <= x86asm.R15L:
		return Reg(r - x86asm.EAX), 4
	case r >= x86asm.RAX && r <= x86asm.R15:
		return Reg(r - x86asm.RAX), 8
	case r >= x86asm.X0 && r <= x86asm.X15:
		return x86Vec + 2*Reg(r-x86asm.X0), 16
	}
	return None, 0
}

type x86 struct {
	m    *Machine
	out  []Inst
	in   x86asm.Inst
	next uint64
}

func (x *x86) emit(i Inst) { x.out = append(x.out, i) }

func (x *x86) unknown(r Reg) {
	if r != None {
		x.emit(Inst{Op: Unknown, Dst: r, Size: 8})
	}
}

func (x *x86) mem(a x86asm.Mem) Mem {
	m := Mem{Base: None, Index: None, Scale: a.Scale, Disp: a.Disp}
	if a.Segment == x86asm.FS || a.Segment == x86asm.GS {
		m.Opaque = true
	}
	if m.Disp > 0x7fffffff && m.Disp <= 0xffffffff { // golang/go#18666
		m.Disp = int64(int32(m.Disp))
	}
	switch {
	case a.Base == x86asm.RIP || a.Base == x86asm.EIP:
		m.Disp += int64(x.next)
	case a.Base != 0:
		m.Base, _ = x86Reg(a.Base)
	}
	if a.Index != 0 {
		m.Index, _ = x86Reg(a.Index)
	}
	if x.m.PtrSize == 4 && m.Base == None {
		m.Disp = int64(uint32(m.Disp))
	}
	return m
}

// size is the width in bytes of the instruction's operands.
func (x *x86) size(a x86asm.Arg) uint8 {
	switch a := a.(type) {
	case x86asm.Reg:
		_, n := x86Reg(a)
		return n
	case x86asm.Mem:
		return uint8(min(x.in.MemBytes, 16))
	}
	return uint8(x.in.DataSize / 8)
}

// value makes an operand of an argument, loading it first if it is in memory.
func (x *x86) value(a x86asm.Arg, tmp Reg) Operand {
	switch a := a.(type) {
	case x86asm.Reg:
		r, n := x86Reg(a)
		if r == None || n == 0 {
			x.unknown(tmp)
			return R(tmp)
		}
		return R(r)
	case x86asm.Imm:
		return I(int64(a))
	case x86asm.Rel:
		return I(int64(x.next) + int64(a))
	case x86asm.Mem:
		x.emit(Inst{Op: Load, Dst: tmp, Mem: x.mem(a), Size: x.size(a)})
		return R(tmp)
	}
	x.unknown(tmp)
	return R(tmp)
}

func (x *x86) ext(size uint8) Extend {
	if size < 4 {
		return Keep
	}
	return Zero
}

// write stores the result of op into an argument.
func (x *x86) write(dst x86asm.Arg, op Op, a, b Operand) {
	switch d := dst.(type) {
	case x86asm.Reg:
		r, n := x86Reg(d)
		if n == 0 {
			x.unknown(r)
			return
		}
		x.emit(Inst{Op: op, Dst: r, A: a, B: b, Size: n, Ext: x.ext(n)})
	case x86asm.Mem:
		if op != Move {
			x.emit(Inst{Op: op, Dst: x86Tmp, A: a, B: b, Size: x.size(d)})
			a = R(x86Tmp)
		}
		x.emit(Inst{Op: Store, Mem: x.mem(d), A: a, Size: x.size(d)})
	}
}

func (x *x86) branch(op Op, a x86asm.Arg) {
	if rel, ok := a.(x86asm.Rel); ok {
		t := x.next + uint64(int64(rel))
		if x.m.PtrSize == 4 {
			t = uint64(uint32(t))
		}
		x.emit(Inst{Op: op, Target: t})
		return
	}
	x.emit(Inst{Op: op, A: x.value(a, x86Tmp)})
}

var x86Conds = map[x86asm.Op]Cond{
	x86asm.JE: EQ, x86asm.JNE: NE, x86asm.JL: LT, x86asm.JGE: GE, x86asm.JLE: LE, x86asm.JG: GT,
	x86asm.JB: ULT, x86asm.JAE: UGE, x86asm.JBE: ULE, x86asm.JA: UGT, x86asm.JS: Maybe, x86asm.JNS: Maybe,
	x86asm.JO: Maybe, x86asm.JNO: Maybe, x86asm.JP: Maybe, x86asm.JNP: Maybe,
	x86asm.JCXZ: Maybe, x86asm.JECXZ: Maybe, x86asm.JRCXZ: Maybe,
	x86asm.LOOP: Maybe, x86asm.LOOPE: Maybe, x86asm.LOOPNE: Maybe, x86asm.XBEGIN: Maybe,
}

var x86Moves = map[x86asm.Op]Cond{
	x86asm.CMOVE: EQ, x86asm.CMOVNE: NE, x86asm.CMOVL: LT, x86asm.CMOVGE: GE, x86asm.CMOVLE: LE, x86asm.CMOVG: GT,
	x86asm.CMOVB: ULT, x86asm.CMOVAE: UGE, x86asm.CMOVBE: ULE, x86asm.CMOVA: UGT,
	x86asm.CMOVS: Maybe, x86asm.CMOVNS: Maybe, x86asm.CMOVO: Maybe, x86asm.CMOVNO: Maybe,
	x86asm.CMOVP: Maybe, x86asm.CMOVNP: Maybe,
}

var x86Binary = map[x86asm.Op]Op{
	x86asm.ADD: Add, x86asm.SUB: Sub, x86asm.AND: And, x86asm.OR: Or, x86asm.XOR: Xor,
	x86asm.SHL: Shl, x86asm.SHR: Shr, x86asm.SAR: Sar,
}

func liftX86(m *Machine, out []Inst, code []byte, pc uint64) ([]Inst, int, error) {
	if o, n, ok := liftX86Special(m, out, code); ok {
		return o, n, nil
	}
	if c := code[0]; c == 0xc4 || c == 0xc5 || c == 0x62 {
		if o, n, err := liftX86Vex(m, out, code, pc); err == nil {
			return o, n, nil
		}
	}
	in, err := x86asm.Decode(code, m.PtrSize*8)
	if err != nil || in.Len == 0 {
		return liftX86Vex(m, out, code, pc)
	}
	x := &x86{m: m, out: out, in: in, next: pc + uint64(in.Len)}
	if !x86Keeps[in.Op] && !x86Writes[in.Op] {
		x.everything()
		return x.out, in.Len, nil
	}
	x.lift()
	if !x86Keeps[in.Op] && !tells(x.out[len(out):]) {
		x.emit(Inst{Op: Flags})
	}
	return x.out, in.Len, nil
}

func (x *x86) lift() {
	a := x.in.Args
	if op, ok := x86Binary[x.in.Op]; ok {
		x.binary(op)
		return
	}
	if c, ok := x86Conds[x.in.Op]; ok {
		rel, _ := a[0].(x86asm.Rel)
		t := x.next + uint64(int64(rel))
		if x.m.PtrSize == 4 {
			t = uint64(uint32(t))
		}
		switch x.in.Op {
		case x86asm.LOOP, x86asm.LOOPE, x86asm.LOOPNE:
			x.unknown(x86CX)
		case x86asm.XBEGIN:
			x.unknown(x86AX)
		}
		x.emit(Inst{Op: Branch, Target: t, Cond: c})
		return
	}
	if c, ok := x86Moves[x.in.Op]; ok {
		v := x.value(a[1], x86Tmp)
		r, n := x86Reg(a[0].(x86asm.Reg))
		x.emit(Inst{Op: Select, Dst: r, A: v, B: R(r), Cond: c, Size: n, Ext: x.ext(n)})
		return
	}
	switch x.in.Op {
	case x86asm.MOV:
		x.move(a)
	case x86asm.MOVZX:
		x.write(a[0], Move, x.narrow(a[1], Zero), Operand{})
	case x86asm.MOVSX, x86asm.MOVSXD:
		x.write(a[0], Move, x.narrow(a[1], Sign), Operand{})
	case x86asm.CDQE:
		x.write(x86asm.RAX, Move, x.narrow(x86asm.EAX, Sign), Operand{})
	case x86asm.CWDE:
		x.write(x86asm.EAX, Move, x.narrow(x86asm.AX, Sign), Operand{})
	case x86asm.LEA:
		r, n := x86Reg(a[0].(x86asm.Reg))
		mem, _ := a[1].(x86asm.Mem)
		x.emit(Inst{Op: Address, Dst: r, Mem: x.mem(mem), Size: n, Ext: x.ext(n)})
	case x86asm.PUSH:
		x.pushArg(a[0])
	case x86asm.ENTER:
		x.enter(a)
	case x86asm.POP:
		x.popArg(a[0])
	case x86asm.LEAVE:
		x.emit(Inst{Op: Move, Dst: x86SP, A: R(x86BP), Size: uint8(x.m.PtrSize)})
		x.pop(x86BP)
	case x86asm.CALL:
		x.branch(Call, a[0])
	case x86asm.JMP:
		x.branch(Jump, a[0])
	case x86asm.RET, x86asm.IRET, x86asm.IRETD, x86asm.IRETQ, x86asm.LRET:
		x.emit(Inst{Op: Return})
	case x86asm.LJMP:
		x.unknown(x86Tmp)
		x.emit(Inst{Op: Jump, A: R(x86Tmp)})
	case x86asm.LCALL:
		x.unknown(x86Tmp)
		x.emit(Inst{Op: Call, A: R(x86Tmp)})
	case x86asm.SYSCALL, x86asm.SYSENTER:
		x.emit(Inst{Op: Syscall})
	case x86asm.INT:
		x.interrupt(a[0])
	case x86asm.HLT, x86asm.UD2, x86asm.UD1:
		x.emit(Inst{Op: Halt})
	case x86asm.INC, x86asm.DEC, x86asm.NEG, x86asm.NOT:
		x.unary(a[0])
	case x86asm.BT:
		x.bitTest(x.in.Args)
	case x86asm.CMP, x86asm.TEST:
		x.compare(a)
	case x86asm.IMUL:
		x.multiply(a)
	case x86asm.XCHG:
		x.exchange(a)
	default:
		x.other(a)
	}
}

func (x *x86) interrupt(a x86asm.Arg) {
	if n, ok := a.(x86asm.Imm); ok && n&0xff == 0x80 {
		x.emit(Inst{Op: Syscall})
	} else if ok && n&0xff == 3 {
		x.emit(Inst{Op: Nop})
	}
}

func (x *x86) move(a x86asm.Args) {
	if _, ok := a[1].(x86asm.Reg); ok {
		if r, n := x86Reg(a[1].(x86asm.Reg)); r == None || n == 0 { // segment, control or high byte
			if d, ok := a[0].(x86asm.Reg); ok {
				r, _ := x86Reg(d)
				x.unknown(r)
			} else {
				x.unknown(x86Tmp)
				x.write(a[0], Move, R(x86Tmp), Operand{})
			}
			return
		}
	}
	if d, ok := a[0].(x86asm.Reg); ok {
		r, n := x86Reg(d)
		if mem, ok := a[1].(x86asm.Mem); ok && n != 0 {
			x.emit(Inst{Op: Load, Dst: r, Mem: x.mem(mem), Size: n, Ext: x.ext(n)})
			return
		}
	}
	x.write(a[0], Move, x.value(a[1], x86Tmp), Operand{})
}

// narrow makes an operand of an argument extended from its own width.
func (x *x86) narrow(a x86asm.Arg, e Extend) Operand {
	switch a := a.(type) {
	case x86asm.Mem:
		x.emit(Inst{Op: Load, Dst: x86Tmp, Mem: x.mem(a), Size: x.size(a), Ext: e})
	case x86asm.Reg:
		r, n := x86Reg(a)
		if n == 0 || n == 16 {
			x.unknown(x86Tmp)
			break
		}
		x.emit(Inst{Op: Move, Dst: x86Tmp, A: R(r), Size: n, Ext: e})
	default:
		x.unknown(x86Tmp)
	}
	return R(x86Tmp)
}
