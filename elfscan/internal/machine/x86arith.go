package machine

import "golang.org/x/arch/x86/x86asm"

func (x *x86) binary(op Op) {
	a := x.in.Args
	size := x.size(a[0])
	if op == Xor || op == Sub {
		if r, ok := a[0].(x86asm.Reg); ok && a[1] == a[0] && size >= 4 {
			t, _ := x86Reg(r)
			x.emit(Inst{Op: Move, Dst: t, A: I(0), Size: 8})
			x.emit(Inst{Op: Compare, A: I(0), B: I(0), Size: 8})
			return
		}
	}
	v := x.value(a[1], x86Tmp)
	if mem, ok := a[0].(x86asm.Mem); ok {
		if v.Reg != x86Tmp { // else it is the second byte of a register
			x.emit(Inst{Op: Load, Dst: x86Tmp, Mem: x.mem(mem), Size: size})
			x.emit(Inst{Op: op, Dst: x86Tmp, A: R(x86Tmp), B: v, Size: size})
		}
		x.emit(Inst{Op: Store, Mem: x.mem(mem), A: R(x86Tmp), Size: size})
		x.emit(Inst{Op: Flags})
		if x.setsFlags(op) {
			x.flags(R(x86Tmp), size)
		}
		return
	}
	x.write(a[0], op, x.value(a[0], x86Tmp), v)
	x.emit(Inst{Op: Flags})
	if r, ok := a[0].(x86asm.Reg); ok && x.setsFlags(op) {
		if t, n := x86Reg(r); n != 0 {
			x.flags(R(t), size)
		}
	}
}

// setsFlags reports whether an operation sets the flags for sure: a shift by
// nothing leaves them.
func (x *x86) setsFlags(op Op) bool {
	if op != Shl && op != Shr && op != Sar {
		return true
	}
	n, ok := x.in.Args[1].(x86asm.Imm)
	return ok && n&31 != 0
}

// flags notes a result whose zero flag may be tested next.
func (x *x86) flags(v Operand, size uint8) {
	x.emit(Inst{Op: Compare, A: v, B: Operand{Reg: None}, Size: size, Cond: EQ})
}

// bitTest moves a bit to the carry flag, which a comparison of zero with the
// bit sets alike; the other flags stay or are undefined.
func (x *x86) bitTest(a x86asm.Args) {
	n, ok := a[1].(x86asm.Imm)
	size := x.size(a[0])
	if !ok || size == 0 || size > 8 {
		x.emit(Inst{Op: Flags})
		return
	}
	n &= x86asm.Imm(size)*8 - 1
	x.emit(Inst{Op: And, Dst: x86Tmp, A: x.value(a[0], x86Tmp), B: I(1 << n), Size: 8})
	x.emit(Inst{Op: Compare, A: I(0), B: R(x86Tmp), Size: 8, Cond: ULT})
}

func isReg(a x86asm.Arg) bool { _, ok := a.(x86asm.Reg); return ok }

func (x *x86) compare(a x86asm.Args) {
	size := x.size(a[0])
	if size == 0 || size > 8 || x.size(a[1]) == 0 && isReg(a[1]) { // the second byte of a register
		x.emit(Inst{Op: Flags})
		return
	}
	if x.in.Op == x86asm.TEST {
		if a[0] == a[1] {
			x.emit(Inst{Op: Compare, A: x.value(a[0], x86Tmp), B: I(0), Size: size})
			return
		}
		x.emit(Inst{Op: And, Dst: x86Tmp, A: x.value(a[0], x86Tmp), B: x.value(a[1], x86Tmp), Size: size})
		x.emit(Inst{Op: Compare, A: R(x86Tmp), B: I(0), Size: size})
		return
	}
	l := x.value(a[0], x86Tmp)
	if _, both := a[1].(x86asm.Mem); both {
		x.emit(Inst{Op: Compare, A: l, B: x.value(a[1], x86Tmp), Size: size})
		return
	}
	x.emit(Inst{Op: Compare, A: l, B: x.value(a[1], x86Tmp), Size: size})
}

func (x *x86) unary(a x86asm.Arg) {
	v := x.value(a, x86Tmp)
	switch x.in.Op {
	case x86asm.INC:
		x.write(a, Add, v, I(1))
	case x86asm.DEC:
		x.write(a, Sub, v, I(1))
	case x86asm.NEG:
		x.write(a, Sub, I(0), v)
	case x86asm.NOT:
		x.write(a, Xor, v, I(-1))
	}
	if x.in.Op == x86asm.NOT {
		return // leaves the flags
	}
	x.emit(Inst{Op: Flags})
	if r, ok := a.(x86asm.Reg); ok {
		if t, n := x86Reg(r); n != 0 {
			x.flags(R(t), n)
		}
	}
}

func (x *x86) multiply(a x86asm.Args) {
	switch {
	case a[2] != nil:
		x.write(a[0], Mul, x.value(a[1], x86Tmp), x.value(a[2], x86Tmp))
	case a[1] != nil:
		x.write(a[0], Mul, x.value(a[0], x86Tmp), x.value(a[1], x86Tmp))
	default:
		x.unknown(x86AX)
		x.unknown(x86DX)
	}
	x.emit(Inst{Op: Flags})
}

func (x *x86) exchange(a x86asm.Args) {
	l, ok1 := a[0].(x86asm.Reg)
	r, ok2 := a[1].(x86asm.Reg)
	if ok1 && ok2 {
		p, n := x86Reg(l)
		q, _ := x86Reg(r)
		if n >= 4 {
			if p == q && n == 8 {
				return
			}
			x.emit(Inst{Op: Move, Dst: x86Tmp, A: R(p), Size: 8})
			x.emit(Inst{Op: Move, Dst: p, A: R(q), Size: n})
			x.emit(Inst{Op: Move, Dst: q, A: R(x86Tmp), Size: n})
			return
		}
	}
	for _, arg := range a[:2] {
		x.unknown(x86Tmp)
		switch d := arg.(type) {
		case x86asm.Reg:
			t, _ := x86Reg(d)
			x.unknown(t)
		case x86asm.Mem:
			x.write(d, Move, R(x86Tmp), Operand{})
		}
	}
}
