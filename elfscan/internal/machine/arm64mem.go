package machine

// a64Memory lifts loads and stores.
func (b *builder) a64Memory(w uint32) bool {
	switch {
	case w&0x3b000000 == 0x39000000: // unsigned offset
		n := b.a64Width(w)
		b.a64Access(w, sr(w, 5), int64(w>>10&0xfff)*int64(n))
	case w&0x3b200c00 == 0x38200800: // register offset
		b.a64Indexed(w)
	case w&0x3b200c00 == 0x38200000: // atomics
		b.unknown(xr(w, 0))
		if w&0xffffec00 == 0xf83fc000 || w&0xffdfdc00 == 0xf81f9000 || w&0xffe0cc00 == 0xf8208000 && w>>12&7 != 4 { // of 64 bytes
			for r := w & 31; r < 31 && r < w&31+8; r++ {
				b.unknown(Reg(r))
			}
			b.unknown(xr(w, 16))
			b.fill(sr(w, 5), 0, 64)
			break
		}
		b.unknown(a64Tmp)
		b.store(R(a64Tmp), sr(w, 5), 0, 8)
	case w&0xff200400 == 0xf8200400: // ldraa, ldrab
		b.unknown(xr(w, 0))
		if w>>11&1 != 0 {
			b.unknown(sr(w, 5))
		}
	case w&0x3b200000 == 0x38000000:
		b.a64Writeback(w)
	case w&0x3f200c00 == 0x19000000: // ldapur, stlur
		b.a64Access(w, sr(w, 5), signed(w>>12, 9))
	case w&0x3b000000 == 0x18000000: // literal
		b.a64Literal(w)
	case w&0x3a000000 == 0x28000000:
		b.a64Pair(w)
	case w&0x3f000000 == 0x08000000: // exclusive, ordered, compare and swap
		b.a64Exclusive(w)
	case w&0xbe000000 == 0x0c000000:
		b.a64Structures(w)
	default:
		b.a64UnknownAccess(w)
	}
	return true
}

// a64UnknownAccess makes all unknown that a load or a store may write: copies
// of memory write three registers and the flags, others tags of memory.
func (b *builder) a64UnknownAccess(w uint32) {
	b.fill(sr(w, 5), 0, 256)
	b.fill(sr(w, 0), 0, 1<<12)
	b.unknowns(xr(w, 0), xr(w, 10), xr(w, 16), sr(w, 5))
	b.a64Forget(w)
}

func (b *builder) a64Literal(w uint32) {
	switch {
	case w>>26&1 != 0:
		b.a64Forget(w)
	case w>>30 == 3: // prefetch
	default:
		size, e := [3]uint8{4, 8, 4}[w>>30], Extend(Zero)
		if w>>30 == 2 {
			e = Sign
		}
		b.load(xr(w, 0), None, int64(b.pc)+signed(w>>5, 19)<<2, size, e)
	}
}

func (b *builder) a64Exclusive(w uint32) {
	if w>>23&1 != 0 && w>>21&1 == 0 && w>>15&1 == 1 { // ldar, stlr
		size := uint8(1) << (w >> 30)
		if w>>22&1 != 0 {
			b.load(xr(w, 0), sr(w, 5), 0, size, Zero)
		} else {
			b.store(R(xr(w, 0)), sr(w, 5), 0, size)
		}
		return
	}
	b.unknown(xr(w, 16)) // the status, or what compare and swap found
	swap := w>>21&1 != 0 && (w>>23&1 != 0 || w>>31 == 0)
	if swap && w>>23&1 == 0 && w>>16&31 < 30 {
		b.unknown(xr(w, 16) + 1)
	}
	if w>>22&1 != 0 {
		b.unknowns(xr(w, 0), xr(w, 10))
	}
	if w>>22&1 == 0 || swap {
		b.fill(sr(w, 5), 0, 16)
	}
}

// a64Structures lifts loads and stores of up to four vectors.
func (b *builder) a64Structures(w uint32) {
	base := sr(w, 5)
	n := [16]int64{0: 4, 2: 4, 4: 3, 6: 3, 7: 1, 8: 2, 10: 2}[w>>12&15] * (8 << (w >> 30 & 1))
	if w>>22&1 != 0 {
		for i := range uint32(4) {
			b.a64Forget(w&31 + i)
		}
	} else {
		b.fill(base, 0, 64)
	}
	switch {
	case w>>23&1 == 0:
	case w>>24&1 == 0 && w>>16&31 == 31 && n > 0:
		b.add(base, base, n)
	default:
		b.unknown(base)
	}
}

// a64Width is the width in bytes of a single access.
func (b *builder) a64Width(w uint32) uint8 {
	if w>>26&1 != 0 && w>>23&1 != 0 {
		return 16
	}
	return 1 << (w >> 30)
}

// a64Access lifts a load or store at base + disp.
func (b *builder) a64Access(w uint32, base Reg, disp int64) {
	size, opc := b.a64Width(w), w>>22&3
	if w>>26&1 != 0 {
		b.a64VectorAccess(w&31, base, disp, size, opc&1 != 0)
		return
	}
	switch opc {
	case 0:
		b.store(R(xr(w, 0)), base, disp, size)
	case 1:
		b.load(xr(w, 0), base, disp, size, Zero)
	default:
		if size == 8 { // prefetch
			return
		}
		b.load(xr(w, 0), base, disp, size, Sign)
		if opc == 3 {
			b.op(Move, xr(w, 0), R(xr(w, 0)), Operand{}, 4, Zero)
		}
	}
}

func (b *builder) a64VectorAccess(v uint32, base Reg, disp int64, size uint8, load bool) {
	if v >= 20 {
		if !load {
			b.unknown(a64Tmp)
			for off := int64(0); off < int64(size); off += 8 {
				b.store(R(a64Tmp), base, disp+off, min(size, 8))
			}
		}
		return
	}
	for half := range 2 {
		r := a64Vec + Reg(2*v) + Reg(half)
		n, off := min(size, 8), int64(8*half)
		switch {
		case half == 1 && size < 16 && load:
			b.move(r, I(0))
		case half == 1 && size < 16:
		case load:
			b.load(r, base, disp+off, n, Zero)
		default:
			b.store(R(r), base, disp+off, n)
		}
	}
}

func (b *builder) a64Writeback(w uint32) {
	base, imm := sr(w, 5), signed(w>>12, 9)
	switch w >> 10 & 3 {
	case 1:
		b.a64Access(w, base, 0)
		b.add(base, base, imm)
	case 3:
		b.add(base, base, imm)
		b.a64Access(w, base, 0)
	default:
		b.a64Access(w, base, imm)
	}
}

func (b *builder) a64Indexed(w uint32) {
	size := b.a64Width(w)
	scale := uint8(1)
	if w>>12&1 != 0 {
		scale = size
	}
	index := xr(w, 16)
	if w>>13&1 == 0 { // of 32 bits
		b.op(Move, a64Tmp, R(index), Operand{}, 4, [2]Extend{Zero, Sign}[w>>15&1])
		index = a64Tmp
	}
	mem := Mem{Base: sr(w, 5), Index: index, Scale: scale}
	opc := w >> 22 & 3
	switch {
	case w>>26&1 != 0 && opc&1 != 0:
		b.a64Forget(w)
	case w>>26&1 != 0:
		b.emit(Inst{Op: Fill, A: I(int64(size)), Size: 1, Mem: mem})
	case opc == 0:
		b.emit(Inst{Op: Store, A: R(xr(w, 0)), Mem: mem, Size: size})
	case opc == 1:
		b.emit(Inst{Op: Load, Dst: xr(w, 0), Mem: mem, Size: size})
	case size < 8:
		b.emit(Inst{Op: Load, Dst: xr(w, 0), Mem: mem, Size: size, Ext: Sign})
		if opc == 3 {
			b.op(Move, xr(w, 0), R(xr(w, 0)), Operand{}, 4, Zero)
		}
	}
}

func (b *builder) a64Pair(w uint32) {
	vec := w>>26&1 != 0
	size := uint8(4)
	switch {
	case vec:
		size = 4 << (w >> 30)
	case w>>30 == 2:
		size = 8
	}
	base, imm := sr(w, 5), signed(w>>15, 7)*int64(size)
	mode, disp := w>>23&3, imm
	if mode == 3 {
		b.add(base, base, imm)
		disp = 0
	} else if mode == 1 {
		disp = 0
	}
	load := w>>22&1 != 0
	if w>>30 == 1 && !vec && !load { // stgp, which scales by 16
		b.fill(base, -1024, 2048)
		if mode&1 != 0 {
			b.unknown(base)
		}
		return
	}
	first := Reg(a64ZR)
	for i, r := range []uint32{w & 31, w >> 10 & 31} {
		off := disp + int64(i)*int64(size)
		switch {
		case vec:
			b.a64VectorAccess(r, base, off, size, load)
		case load:
			e := Extend(Zero)
			if w>>30 == 1 {
				e = Sign
			}
			dst := xr(r, 0)
			if i == 0 && dst == base { // still the second one's
				dst, first = a64Tmp, dst
			}
			b.load(dst, base, off, size, e)
		default:
			b.store(R(xr(r, 0)), base, off, size)
		}
	}
	if first != a64ZR {
		b.move(first, R(a64Tmp))
	}
	if mode == 1 {
		b.add(base, base, imm)
	}
}

// a64Vector follows moves between vector and general registers.
func (b *builder) a64Vector(w uint32) bool {
	v := func(n uint32) Reg { return a64Vec + Reg(2*(n&31)) }
	low := w&31 < 20
	switch {
	case w&0xfffffc00 == 0x9e660000: // fmov x, d
		if w>>5&31 < 20 {
			b.move(xr(w, 0), R(v(w>>5)))
		} else {
			b.unknown(xr(w, 0))
		}
	case w&0xfffffc00 == 0x9e670000 && low: // fmov d, x
		b.move(v(w), R(xr(w, 5)))
		b.move(v(w)+1, I(0))
	case w&0xffffffe0 == 0x6f00e400 && low: // movi v.2d, 0
		b.move(v(w), I(0))
		b.move(v(w)+1, I(0))
	case w&0x7f20fc00 == 0x1e200000 && w>>16&7 != 2 && w>>16&7 != 3 && w>>16&7 != 7: // conversions to integer
		b.unknown(xr(w, 0))
	case w&0x7f3e0000 == 0x1e180000: // conversions to fixed point
		b.unknown(xr(w, 0))
	case w&0xbfe0fc00 == 0x0e003c00, w&0xbfe0fc00 == 0x0e002c00: // umov, smov
		b.unknown(xr(w, 0))
	default:
		b.a64Forget(w)
	}
	return true
}
