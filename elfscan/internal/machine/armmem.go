package machine

import mathbits "math/bits"

// structures lifts loads and stores of up to four vectors of 8 bytes.
func (x *armInst) structures() {
	n := [16]int64{0: 4, 1: 4, 2: 4, 3: 4, 4: 3, 5: 3, 6: 3, 7: 1, 8: 2, 9: 2, 10: 2}[bits(x.w, 11, 8)] * 8
	if x.w>>21&1 == 0 {
		x.fill(x.rn, 0, 32)
	}
	switch {
	case x.rm == armPC:
	case x.rm == armSP && x.w>>23&1 == 0 && n > 0:
		x.add(x.rn, x.rn, n)
	default:
		x.unknown(x.rn)
	}
}

// coprocessor lifts loads, stores and transfers of the vector registers and of
// other coprocessors.
func (x *armInst) coprocessor() {
	w := x.w
	pre, up, wb, load := w>>24&1 != 0, w>>23&1 != 0, w>>21&1 != 0, w>>20&1 != 0
	if !pre && !up && !wb { // transfers of two registers
		if load {
			x.unknowns(x.rd, x.rn)
		}
		return
	}
	n := int64(w&0xff) * 4
	vector := bits(w, 11, 9) == 5
	at, size := int64(0), n
	if vector && pre && !wb { // vldr, vstr
		at, size = n, 8
	}
	if !up {
		at = -n
	}
	if !load && vector {
		x.fill(x.rn, at, size)
	} else if !load {
		x.fill(x.rn, -1024, 2048)
	}
	if !wb {
		return
	}
	if !vector {
		x.unknown(x.rn)
		return
	}
	if !up {
		n = -n
	}
	x.set(x.rn, Add, R(x.rn), I(n))
}

// extra lifts loads and stores of half and double words.
func (x *armInst) extra() bool {
	w := x.w
	sh := bits(w, 6, 5)
	if sh == 0 { // multiplications and exclusive accesses
		if bits(w, 27, 24) == 1 { // the second register only of double words
			x.unknowns(x.rd, x.rd&14, x.rd|1)
			x.fill(x.rn, 0, 8)
			return true
		}
		x.unknown(x.rn)
		if bits(w, 23, 21) != 0 && bits(w, 23, 21) != 1 && bits(w, 23, 21) != 3 {
			x.unknown(x.rd) // the other half of a product
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
			if x.rd&15 == m.Base || (x.rd+1)&15 == m.Base || m.Index != None {
				x.unknowns(x.rd, (x.rd+1)&15)
				return
			}
			x.loadTo(x.rd, m, 4, Zero)
			m.Disp += 4
			x.loadTo((x.rd+1)&15, m, 4, Zero)
		})
		return true
	case !load && sh == 3: // strd
		x.access(off, func(m Mem) {
			x.storeTo(R(x.rd), m, 4)
			m.Disp += 4
			x.storeTo(R((x.rd+1)&15), m, 4)
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
		x.set(x.rn, op, R(x.rn), off)
	}
	f(m)
	if !pre && off != I(0) {
		x.set(x.rn, op, R(x.rn), off)
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
		x.set(x.rn, Add, R(x.rn), I(n))
	}
	if toPC {
		if x.cond == 14 {
			x.emit(Inst{Op: Return})
		} else {
			x.skip(x.pc + 4)
			x.emit(Inst{Op: Return})
		}
	}
}
