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
	x86asm.AAA: {x86AX}, x86asm.AAD: {x86AX}, x86asm.AAM: {x86AX}, x86asm.AAS: {x86AX}, x86asm.DAA: {x86AX}, x86asm.DAS: {x86AX},
	x86asm.MUL: {x86AX, x86DX}, x86asm.DIV: {x86AX, x86DX}, x86asm.IDIV: {x86AX, x86DX},
	x86asm.CDQ: {x86DX}, x86asm.CQO: {x86DX}, x86asm.CWD: {x86DX},
	x86asm.CBW: {x86AX}, x86asm.XLATB: {x86AX},
	x86asm.CPUID: {x86AX, x86BX, x86CX, x86DX}, x86asm.RDTSC: {x86AX, x86DX}, x86asm.RDTSCP: {x86AX, x86CX, x86DX},
	x86asm.CMPXCHG: {x86AX}, x86asm.CMPXCHG8B: {x86AX, x86DX}, x86asm.CMPXCHG16B: {x86AX, x86DX},
	x86asm.SCASB: {x86DI, x86CX}, x86asm.SCASW: {x86DI, x86CX}, x86asm.SCASD: {x86DI, x86CX}, x86asm.SCASQ: {x86DI, x86CX},
	x86asm.CMPSB: {x86SI, x86DI, x86CX}, x86asm.CMPSW: {x86SI, x86DI, x86CX}, x86asm.CMPSD: {x86SI, x86DI, x86CX}, x86asm.CMPSQ: {x86SI, x86DI, x86CX},
	x86asm.LODSB: {x86AX, x86SI, x86CX}, x86asm.LODSW: {x86AX, x86SI, x86CX}, x86asm.LODSD: {x86AX, x86SI, x86CX}, x86asm.LODSQ: {x86AX, x86SI, x86CX},
	x86asm.OUTSB: {x86SI, x86CX}, x86asm.OUTSW: {x86SI, x86CX}, x86asm.OUTSD: {x86SI, x86CX},
	x86asm.PCMPESTRI: {x86CX}, x86asm.PCMPISTRI: {x86CX}, x86asm.PCMPESTRM: {x86Vec, x86Vec + 1}, x86asm.PCMPISTRM: {x86Vec, x86Vec + 1},
	x86asm.XGETBV: {x86AX, x86DX}, x86asm.LAHF: {x86AX}, x86asm.RDPMC: {x86AX, x86DX}, x86asm.RDMSR: {x86AX, x86DX},
	x86asm.POPA:  {x86AX, x86CX, x86DX, x86BX, x86BP, x86SI, x86DI, x86SP},
	x86asm.POPAD: {x86AX, x86CX, x86DX, x86BX, x86BP, x86SI, x86DI, x86SP},
	x86asm.PUSHA: {x86SP}, x86asm.PUSHAD: {x86SP}, x86asm.XABORT: {x86AX},
}

// x86String lists instructions that write as many elements at DI as CX says
// when they are repeated, and their elements' size.
var x86String = map[x86asm.Op]uint8{
	x86asm.MOVSB: 1, x86asm.MOVSW: 2, x86asm.MOVSD: 4, x86asm.MOVSQ: 8,
	x86asm.STOSB: 1, x86asm.STOSW: 2, x86asm.STOSD: 4, x86asm.STOSQ: 8,
	x86asm.INSB: 1, x86asm.INSW: 2, x86asm.INSD: 4,
}

// other handles instructions by what they overwrite.
func (x *x86) other(a x86asm.Args) {
	if x86ReadOnly[x.in.Op] || x.vectorMove(a) {
		return
	}
	if size, ok := x86String[x.in.Op]; ok {
		x.stringWrite(size)
		return
	}
	for _, r := range x86Implicit[x.in.Op] {
		x.unknown(r)
	}
	if !x86Keeps[x.in.Op] {
		x.emit(Inst{Op: Flags})
	}
	if x86Tests[x.in.Op] {
		return
	}
	x.overwrite(a[0])
	switch n := int64(x.m.PtrSize); x.in.Op {
	case x86asm.XADD:
		x.overwrite(a[1])
	case x86asm.PUSHF, x86asm.PUSHFD, x86asm.PUSHFQ:
		x.unknown(x86Tmp)
		x.push(R(x86Tmp))
	case x86asm.POPF, x86asm.POPFD, x86asm.POPFQ:
		x.emit(Inst{Op: Add, Dst: x86SP, A: R(x86SP), B: I(n), Size: uint8(n)})
	case x86asm.MASKMOVQ, x86asm.MASKMOVDQU:
		x.emit(Inst{Op: Fill, Mem: Mem{Base: x86DI, Index: None}, A: I(16), Size: 1})
	case x86asm.FXRSTOR, x86asm.FXRSTOR64, x86asm.XRSTOR, x86asm.XRSTOR64, x86asm.XRSTORS, x86asm.XRSTORS64:
		x.vectors()
	}
}

// overwrite makes whatever an argument names unknown.
func (x *x86) overwrite(a x86asm.Arg) {
	switch d := a.(type) {
	case x86asm.Reg:
		r, n := x86Reg(d)
		x.unknown(r)
		if n == 16 {
			x.unknown(r + 1)
		}
	case x86asm.Mem:
		n := int64(x.in.MemBytes)
		if n == 0 || n > 64 {
			n = 1024 // saved states of the processor
		}
		if n <= 16 {
			x.unknown(x86Tmp)
			x.emit(Inst{Op: Store, Mem: x.mem(d), A: R(x86Tmp), Size: uint8(n)})
			return
		}
		x.emit(Inst{Op: Fill, Mem: x.mem(d), A: I(n), Size: 1})
	}
}

// stringWrite lifts string instructions that write memory. The direction flag
// is clear wherever compilers leave it.
func (x *x86) stringWrite(size uint8) {
	count := I(1)
	for _, p := range x.in.Prefix {
		if p&0xff == x86asm.PrefixREP || p&0xff == x86asm.PrefixREPN {
			count = R(x86CX)
		}
	}
	if count.Reg == None && x.in.AddrSize == x.m.PtrSize*8 && x.element(size) {
		return
	}
	x.emit(Inst{Op: Fill, Mem: Mem{Base: x86DI, Index: None}, A: count, Size: size})
	x.unknown(x86DI)
	x.unknown(x86SI)
	x.unknown(x86CX)
}

// element lifts a string instruction that is not repeated, of which Go's
// duffzero is a row on 386.
func (x *x86) element(size uint8) bool {
	step := func(r Reg) {
		x.emit(Inst{Op: Add, Dst: r, A: R(r), B: I(int64(size)), Size: uint8(x.m.PtrSize)})
	}
	v := R(x86AX)
	switch x.in.Op {
	case x86asm.MOVSB, x86asm.MOVSW, x86asm.MOVSD, x86asm.MOVSQ:
		x.emit(Inst{Op: Load, Dst: x86Tmp, Mem: x.mem(x.in.Args[1].(x86asm.Mem)), Size: size})
		step(x86SI)
		v = R(x86Tmp)
	case x86asm.STOSB, x86asm.STOSW, x86asm.STOSD, x86asm.STOSQ:
	default:
		return false
	}
	x.emit(Inst{Op: Store, Mem: x.mem(x.in.Args[0].(x86asm.Mem)), A: v, Size: size})
	step(x86DI)
	return true
}

// everything makes all unknown that an instruction may write.
func (x *x86) everything() {
	for r := x86AX; r < x86Regs; r++ {
		x.unknown(r)
	}
	x.emit(Inst{Op: Flags})
	x.emit(Inst{Op: Fill, Mem: Mem{Base: None, Index: None, Opaque: true}, A: R(x86AX), Size: 1})
}

func (x *x86) vectors() {
	for r := x86Vec; r < x86Regs; r++ {
		x.unknown(r)
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
	if n, r := isReadSSP(code, m.PtrSize == 8); n != 0 {
		return append(out, Inst{Op: Unknown, Dst: r, Size: 8}), n, true
	}
	return out, 0, false
}

// isReadSSP recognises rdssp, which x86asm takes for a nop, and its register.
func isReadSSP(b []byte, mode64 bool) (int, Reg) {
	i, high := 1, Reg(0)
	if len(b) > 1 && b[0] == 0xf3 && mode64 && b[1]&0xf0 == 0x40 {
		high = Reg(b[1]&1) << 3
		i++
	}
	if len(b) < i+3 || b[0] != 0xf3 || b[i] != 0x0f || b[i+1] != 0x1e || b[i+2]&0xf8 != 0xc8 {
		return 0, None
	}
	return i + 3, Reg(b[i+2]&7) | high
}

// isVsyscall recognises call *%gs:0x10, 32-bit libraries' system call.
func isVsyscall(b []byte) bool {
	return len(b) >= 7 && b[0] == 0x65 && b[1] == 0xff && b[2] == 0x15 && b[3] == 0x10 && b[4] == 0 && b[5] == 0 && b[6] == 0
}
