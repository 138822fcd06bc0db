package machine

import "golang.org/x/arch/x86/x86asm"

func (x *x86) push(v Operand) {
	n := int64(x.m.PtrSize)
	x.emit(Inst{Op: Sub, Dst: x86SP, A: R(x86SP), B: I(n), Size: uint8(n)})
	x.emit(Inst{Op: Store, Mem: Mem{Base: x86SP, Index: None}, A: v, Size: uint8(n)})
}

func (x *x86) pop(r Reg) {
	n := int64(x.m.PtrSize)
	if r != None {
		x.emit(Inst{Op: Load, Dst: r, Mem: Mem{Base: x86SP, Index: None}, Size: uint8(n)})
	}
	if r != x86SP {
		x.emit(Inst{Op: Add, Dst: x86SP, A: R(x86SP), B: I(n), Size: uint8(n)})
	}
}

// pushArg pushes an operand: the stack pointer as it was before.
func (x *x86) pushArg(a x86asm.Arg) {
	v := x.value(a, x86Tmp)
	if v.Reg == x86SP {
		x.emit(Inst{Op: Move, Dst: x86Tmp, A: v, Size: uint8(x.m.PtrSize)})
		v = R(x86Tmp)
	}
	if x.in.DataSize != 16 {
		x.push(v)
		return
	}
	x.emit(Inst{Op: Sub, Dst: x86SP, A: R(x86SP), B: I(2), Size: uint8(x.m.PtrSize)})
	x.emit(Inst{Op: Store, Mem: Mem{Base: x86SP, Index: None}, A: v, Size: 2})
}

// enter makes a frame; with nested ones, only that there is one is known.
func (x *x86) enter(a x86asm.Args) {
	n, ok := a[0].(x86asm.Imm)
	if nested, flat := a[1].(x86asm.Imm); !ok || !flat || nested != 0 {
		x.unknown(x86BP)
		x.unknown(x86SP)
		return
	}
	x.push(R(x86BP))
	x.emit(Inst{Op: Move, Dst: x86BP, A: R(x86SP), Size: uint8(x.m.PtrSize)})
	x.emit(Inst{Op: Sub, Dst: x86SP, A: R(x86SP), B: I(int64(uint16(n))), Size: uint8(x.m.PtrSize)})
}

func (x *x86) popArg(a x86asm.Arg) {
	if x.in.DataSize == 16 {
		x.emit(Inst{Op: Add, Dst: x86SP, A: R(x86SP), B: I(2), Size: uint8(x.m.PtrSize)})
		x.unknown(x86Tmp)
		if r, ok := a.(x86asm.Reg); ok {
			t, _ := x86Reg(r)
			x.unknown(t)
		} else {
			x.emit(Inst{Op: Store, Mem: x.mem(a.(x86asm.Mem)), A: R(x86Tmp), Size: 2})
		}
		return
	}
	if r, ok := a.(x86asm.Reg); ok {
		t, n := x86Reg(r)
		if n == 0 {
			t = None
		}
		x.pop(t)
		return
	}
	x.pop(x86Tmp)
	x.write(a, Move, R(x86Tmp), Operand{})
}
