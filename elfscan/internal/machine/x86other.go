package machine

import "golang.org/x/arch/x86/x86asm"

// x86ReadOnly lists instructions that write no general register and no
// memory that is followed.
var x86ReadOnly = map[x86asm.Op]bool{
	x86asm.NOP: true, x86asm.PAUSE: true, x86asm.LFENCE: true, x86asm.MFENCE: true, x86asm.SFENCE: true,
	x86asm.PREFETCHT0: true, x86asm.PREFETCHT1: true, x86asm.PREFETCHT2: true, x86asm.PREFETCHNTA: true,
	x86asm.PREFETCHW: true, x86asm.CLFLUSH: true, x86asm.CLD: true, x86asm.STD: true,
}

// x86Tests lists instructions that write nothing but flags.
var x86Tests = map[x86asm.Op]bool{
	x86asm.UCOMISD: true, x86asm.UCOMISS: true, x86asm.COMISD: true, x86asm.COMISS: true,
	x86asm.PTEST: true,
}

// x86Implicit lists general registers written without being an operand.
var x86Implicit = map[x86asm.Op][]Reg{
	x86asm.MUL: {x86AX, x86DX}, x86asm.DIV: {x86AX, x86DX}, x86asm.IDIV: {x86AX, x86DX},
	x86asm.CDQ: {x86DX}, x86asm.CQO: {x86DX}, x86asm.CWD: {x86DX},
	x86asm.CDQE: {x86AX}, x86asm.CWDE: {x86AX}, x86asm.CBW: {x86AX},
	x86asm.CPUID: {x86AX, x86BX, x86CX, x86DX}, x86asm.RDTSC: {x86AX, x86DX}, x86asm.RDTSCP: {x86AX, x86CX, x86DX},
	x86asm.CMPXCHG: {x86AX}, x86asm.CMPXCHG8B: {x86AX, x86DX}, x86asm.CMPXCHG16B: {x86AX, x86DX},
	x86asm.MOVSB: {x86SI, x86DI, x86CX}, x86asm.MOVSW: {x86SI, x86DI, x86CX},
	x86asm.MOVSD: {x86SI, x86DI, x86CX}, x86asm.MOVSQ: {x86SI, x86DI, x86CX},
	x86asm.STOSB: {x86DI, x86CX}, x86asm.STOSW: {x86DI, x86CX}, x86asm.STOSD: {x86DI, x86CX}, x86asm.STOSQ: {x86DI, x86CX},
	x86asm.LODSB: {x86AX, x86SI, x86CX}, x86asm.LODSD: {x86AX, x86SI, x86CX}, x86asm.LODSQ: {x86AX, x86SI, x86CX},
	x86asm.SCASB: {x86DI, x86CX}, x86asm.SCASD: {x86DI, x86CX}, x86asm.CMPSB: {x86SI, x86DI, x86CX}, x86asm.CMPSQ: {x86SI, x86DI, x86CX},
	x86asm.XGETBV: {x86AX, x86DX}, x86asm.LAHF: {x86AX}, x86asm.RDPMC: {x86AX, x86DX}, x86asm.RDMSR: {x86AX, x86DX},
	x86asm.POPA: {x86AX, x86CX, x86DX, x86BX, x86BP, x86SI, x86DI}, x86asm.POPAD: {x86AX, x86CX, x86DX, x86BX, x86BP, x86SI, x86DI},
}

// other handles instructions by what they overwrite.
func (x *x86) other(a x86asm.Args) {
	if x86ReadOnly[x.in.Op] || x.vectorMove(a) {
		return
	}
	for _, r := range x86Implicit[x.in.Op] {
		x.unknown(r)
	}
	x.emit(Inst{Op: Flags})
	if x86Tests[x.in.Op] {
		return
	}
	switch d := a[0].(type) {
	case x86asm.Reg:
		r, n := x86Reg(d)
		x.unknown(r)
		if n == 16 {
			x.unknown(r + 1)
		}
	case x86asm.Mem:
		if x.in.Op == x86asm.PUSHF || x.in.MemBytes == 0 {
			return
		}
		x.unknown(x86Tmp)
		x.emit(Inst{Op: Store, Mem: x.mem(d), A: R(x86Tmp), Size: x.size(d)})
	}
	if x.in.Op == x86asm.XADD {
		if r, ok := a[1].(x86asm.Reg); ok {
			t, _ := x86Reg(r)
			x.unknown(t)
		}
	}
	switch n := int64(x.m.PtrSize); x.in.Op {
	case x86asm.PUSHF, x86asm.PUSHFD, x86asm.PUSHFQ:
		x.emit(Inst{Op: Sub, Dst: x86SP, A: R(x86SP), B: I(n), Size: uint8(n)})
	case x86asm.POPF, x86asm.POPFD, x86asm.POPFQ:
		x.emit(Inst{Op: Add, Dst: x86SP, A: R(x86SP), B: I(n), Size: uint8(n)})
	}
}

// vectorMove follows whole-register copies, by which structures move.
func (x *x86) vectorMove(a x86asm.Args) bool {
	pair := false
	switch x.in.Op {
	case x86asm.MOVUPS, x86asm.MOVUPD, x86asm.MOVAPS, x86asm.MOVAPD, x86asm.MOVDQU, x86asm.MOVDQA:
		pair = true
	case x86asm.MOVQ, x86asm.MOVD, x86asm.MOVHPS, x86asm.MOVHPD, x86asm.PUNPCKLQDQ:
	case x86asm.PXOR, x86asm.XORPS, x86asm.XORPD:
		if r, ok := a[0].(x86asm.Reg); ok && a[0] == a[1] {
			if v, n := x86Reg(r); n == 16 {
				x.emit(Inst{Op: Move, Dst: v, A: I(0), Size: 8})
				x.emit(Inst{Op: Move, Dst: v + 1, A: I(0), Size: 8})
				return true
			}
		}
		return false
	default:
		return false
	}
	if x.m.PtrSize == 4 && !pair {
		return false
	}
	return x.vectorPart(a, pair)
}

func (x *x86) vectorPart(a x86asm.Args, pair bool) bool {
	high := x.in.Op == x86asm.MOVHPS || x.in.Op == x86asm.MOVHPD
	part := func(arg x86asm.Arg, half int) (Operand, Mem, bool) {
		switch v := arg.(type) {
		case x86asm.Reg:
			r, n := x86Reg(v)
			if r == None || n == 0 {
				return Operand{}, Mem{}, false
			}
			if n == 16 {
				r += Reg(half)
			}
			return R(r), Mem{}, true
		case x86asm.Mem:
			m := x.mem(v)
			if pair {
				m.Disp += int64(8 * half)
			}
			return Operand{Reg: None, Imm: 1}, m, true
		}
		return Operand{}, Mem{}, false
	}
	halves := []int{0}
	if pair {
		halves = []int{0, 1}
	} else if high {
		halves = []int{1}
	}
	size := uint8(8)
	if x.in.Op == x86asm.MOVD {
		size = 4
	}
	for _, h := range halves {
		src := h
		dh := h
		if x.in.Op == x86asm.PUNPCKLQDQ {
			src, dh = 0, 1
		}
		d, dm, ok1 := part(a[0], dh)
		s, sm, ok2 := part(a[1], src)
		switch {
		case !ok1 || !ok2:
			return false
		case d.Reg != None && s.Reg != None:
			x.emit(Inst{Op: Move, Dst: d.Reg, A: s, Size: size})
		case d.Reg != None:
			x.emit(Inst{Op: Load, Dst: d.Reg, Mem: sm, Size: size})
		case s.Reg != None:
			x.emit(Inst{Op: Store, Mem: dm, A: s, Size: size})
		}
	}
	if r, ok := a[0].(x86asm.Reg); ok && !pair && !high && x.in.Op != x86asm.PUNPCKLQDQ {
		if v, n := x86Reg(r); n == 16 {
			x.emit(Inst{Op: Move, Dst: v + 1, A: I(0), Size: 8})
		}
	}
	return true
}

// liftX86Special handles what x86asm misreads or does not know: endbr, and the
// call through the vsyscall pointer of 32-bit glibc.
func liftX86Special(m *Machine, out []Inst, code []byte) ([]Inst, int, bool) {
	if len(code) >= 4 && code[0] == 0xf3 && code[1] == 0x0f && code[2] == 0x1e {
		if code[3] == 0xfa || code[3] == 0xfb {
			return append(out, Inst{Op: Nop}), 4, true
		}
	}
	if m.PtrSize == 4 && isVsyscall(code) {
		return append(out, Inst{Op: Syscall}), 7, true
	}
	return out, 0, false
}

// isVsyscall recognises call *%gs:0x10, 32-bit libraries' system call.
func isVsyscall(b []byte) bool {
	return len(b) >= 7 && b[0] == 0x65 && b[1] == 0xff && b[2] == 0x15 && b[3] == 0x10 && b[4] == 0 && b[5] == 0 && b[6] == 0
}

// liftX86Vex finds the length of VEX, EVEX and other instructions that
// x86asm does not decode, and the general registers they may write.
func liftX86Vex(m *Machine, out []Inst, code []byte) ([]Inst, int, error) {
	v, ok := parseVex(code, m.PtrSize == 8)
	if !ok {
		return out, 1, ErrDecode
	}
	if v.general {
		for _, r := range []Reg{v.reg, v.rm, v.vvvv} {
			if r < x86Tmp && r != x86SP {
				out = append(out, Inst{Op: Unknown, Dst: r, Size: 8})
			}
		}
	}
	if v.vex {
		for _, r := range []Reg{v.reg, v.rm} {
			if r < 16 {
				out = append(out, Inst{Op: Unknown, Dst: x86Vec + 2*r, Size: 8}, Inst{Op: Unknown, Dst: x86Vec + 2*r + 1, Size: 8})
			}
		}
	}
	return append(out, Inst{Op: Flags}), v.len, nil
}

type vexInst struct {
	len           int
	reg, rm, vvvv Reg
	general, vex  bool
}

// parseVex follows the Intel manual's chapter 2.3 (VEX) and 2.7 (EVEX).
func parseVex(b []byte, mode64 bool) (v vexInst, ok bool) {
	i, opmap, rex := 0, 0, byte(0)
	v.vvvv = None
	for i < len(b) && (b[i] == 0x66 || b[i] == 0xf2 || b[i] == 0xf3 || b[i] == 0x2e || b[i] == 0x3e || b[i] == 0x64 || b[i] == 0x65 || b[i] == 0xf0) {
		i++
	}
	if mode64 && i < len(b) && b[i]&0xf0 == 0x40 {
		rex = b[i]
		i++
	}
	if i+4 >= len(b) {
		return v, false
	}
	switch c := b[i]; {
	case c == 0xc5 && (mode64 || b[i+1] >= 0xc0):
		v.vex, opmap = true, 1
		rex = ^b[i+1] >> 7 << 2
		v.vvvv = Reg(^b[i+1] >> 3 & 15)
		i += 2
	case c == 0xc4 && (mode64 || b[i+1] >= 0xc0):
		v.vex, opmap = true, int(b[i+1]&0x1f)
		rex = ^b[i+1] >> 5
		v.vvvv = Reg(^b[i+2] >> 3 & 15)
		i += 3
	case c == 0x62 && (mode64 || b[i+1] >= 0xc0):
		v.vex, opmap = true, int(b[i+1]&7)
		rex = ^b[i+1] >> 5
		v.vvvv = Reg(^b[i+2] >> 3 & 15)
		i += 4
	case c == 0x0f && b[i+1] == 0x38:
		opmap, v.general = 2, true
		i += 2
	case c == 0x0f && b[i+1] == 0x3a:
		opmap, v.general = 3, true
		i += 2
	case c == 0x0f:
		opmap, v.general = 1, true
		i++
	default:
		return v, false
	}
	if i >= len(b) {
		return v, false
	}
	op := b[i]
	i++
	if opmap == 1 && op == 0x77 {
		v.len = i
		return v, true
	}
	return finishVex(v, b, i, opmap, op, rex)
}

func finishVex(v vexInst, b []byte, i, opmap int, op, rex byte) (vexInst, bool) {
	if i >= len(b) {
		return v, false
	}
	modrm := b[i]
	i++
	v.reg = Reg(modrm>>3&7 | rex>>2&1<<3)
	v.rm = None
	switch mod := modrm >> 6; {
	case mod == 3:
		v.rm = Reg(modrm&7 | rex&1<<3)
	default:
		if modrm&7 == 4 {
			if i >= len(b) {
				return v, false
			}
			if mod == 0 && b[i]&7 == 5 {
				i += 4
			}
			i++
		}
		switch {
		case mod == 1:
			i++
		case mod == 2, mod == 0 && modrm&7 == 5:
			i += 4
		}
	}
	if opmap == 3 || opmap == 1 && v.vex && (op >= 0x70 && op <= 0x73 || op == 0xc2 || op >= 0xc4 && op <= 0xc6) {
		i++
	}
	if v.vex {
		v.general = vexWritesGeneral(opmap, op)
	}
	v.len = i
	return v, i <= len(b)
}

func vexWritesGeneral(opmap int, op byte) bool {
	switch opmap {
	case 1:
		return op == 0x2c || op == 0x2d || op == 0x50 || op == 0xd7 || op == 0x7e || op == 0xc5 || op == 0x93 || op == 0x78 || op == 0x79
	case 2:
		return op >= 0xf2 && op <= 0xf7
	case 3:
		return op == 0xf0 || op >= 0x14 && op <= 0x17
	}
	return false
}
