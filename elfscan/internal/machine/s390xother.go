package machine

import "golang.org/x/arch/s390x/s390xasm"

// other forgets all that any other instruction may write: if it is one of
// those that have but one result, the register, else all of them, and memory.
func (x *z) other(code []byte) bool {
	if x.v>>32 == 0 {
		x.emit(Inst{Op: Halt})
		return true
	}
	x.emit(Inst{Op: Flags})
	op := x.f(0, 8)
	switch {
	case zFirst[op]:
		x.unknown(x.r1)
		return true
	case op >= 0x94 && op <= 0x97 && op != 0x95: // and, or, exclusive or with a byte
		x.fill(x.base(16), int64(x.f(20, 32)), 1)
		return true
	case op>>4 == 0xd && op != 0xd8 && op != 0xd9 && op != 0xda && op != 0xdb: // character strings
		if op != 0xd5 {
			x.fill(x.base(16), int64(x.f(20, 32)), int64(x.f(8, 16))+1)
		}
		if op == 0xd0 || op >= 0xdd {
			x.unknowns(1, 2) // what translate and test finds
		}
		return true
	case op == 0xb2 && (x.f(8, 16) == 0x4f || x.f(8, 16) == 0x22 || x.f(8, 16) == 0x52): // ear, ipm, msr
		x.unknown(Reg(x.f(24, 28)))
		return true
	case op == 0xb2 && (x.f(8, 16) == 0x5d || x.f(8, 16) == 0x5e): // compare and search strings
		x.unknowns(Reg(x.f(24, 28)), Reg(x.f(28, 32)))
		return true
	case op == 0xb3:
		x.converted()
		return true
	case op == 0xe8, op == 0xe9, op == 0xea, op >= 0xf0: // inverted and decimal moves
		x.fill(x.base(16), int64(x.f(20, 32)), 256)
		return true
	case op >= 0x20 && op <= 0x3f || op >= 0x68 && op <= 0x7f && op != 0x71: // floating point
		return true
	case op == 0x5c, op == 0x5d, op == 0x1c, op == 0x1d, op >= 0x8c && op <= 0x8f: // pairs
		x.unknowns(x.r1, x.r1|1)
		return true
	}
	if _, err := s390xasm.Decode(code); err != nil && op < 0x04 {
		return false
	}
	x.everything()
	return true
}

// converted forgets the general register that an instruction on floating point
// numbers may write.
func (x *z) converted() {
	switch op := x.f(8, 16); {
	case op < 0x90, op >= 0x94 && op <= 0x96, op >= 0xa0 && op <= 0xa6, op == 0xc1:
	default:
		x.unknown(Reg(x.f(24, 28)))
	}
}

// base is the base register whose number is in the bits from that one on.
func (x *z) base(from uint) Reg {
	if b := x.f(from, from+4); b != 0 {
		return Reg(b)
	}
	return None
}

// everything forgets all registers but the stack pointer, and what is on the
// stack.
func (x *z) everything() {
	for r := Reg(0); r < zSP; r++ {
		x.unknown(r)
	}
	x.fill(zSP, -4096, 1<<16)
	x.emit(Inst{Op: Fill, A: I(1), Size: 8, Mem: Mem{Base: None, Index: None, Opaque: true}})
}

// executed forgets what an instruction elsewhere may write: compilers execute
// copies and comparisons of strings whose length is not constant.
func (x *z) executed() {
	x.fill(zSP, 0, 1<<16)
	x.emit(Inst{Op: Fill, A: I(1), Size: 8, Mem: Mem{Base: None, Index: None, Opaque: true}})
	x.emit(Inst{Op: Flags})
}

// zFirst lists the first bytes of instructions whose only result is the
// register that the first operand names, besides the condition code.
var zFirst = func() (t [256]bool) {
	for _, op := range []int{0x10, 0x11, 0x12, 0x13, 0x14, 0x16, 0x1e, 0x1f, 0x43, 0x48, 0x4a, 0x4b, 0x4c, 0x54, 0x56, 0x57, 0x5a, 0x5b,
		0x5e, 0x5f, 0x88, 0x89, 0x71, 0x8a, 0x8b, 0xbf} {
		t[op] = true
	}
	return t
}()

// zRegisters lists instructions of two or three registers whose only result is
// the first one, besides the condition code.
var zRegisters = func() (t [256]bool) {
	for _, r := range [][2]int{{0x00, 0x0c}, {0x0f, 0x14}, {0x16, 0x1c}, {0x1f, 0x1f}, {0x26, 0x27}, {0x64, 0x69}, {0x6c, 0x6d}, {0x74, 0x77}, {0x80, 0x82},
		{0x84, 0x85}, {0x88, 0x89}, {0x94, 0x95}, {0x98, 0x99}, {0xc0, 0xcb}, {0xd8, 0xdb}, {0xe0, 0xe9}, {0xea, 0xeb}, {0xed, 0xff}} {
		for op := r[0]; op <= r[1]; op++ {
			t[op] = true
		}
	}
	return t
}()
