package machine

// ppcIndexed forgets n bytes of memory behind the sum of two registers.
func (b *builder) ppcIndexed(w uint32, from, n int64) {
	mem := Mem{Base: Reg(bits(w, 15, 11)), Index: None, Scale: 1, Disp: from}
	if base := ppcBase(w); base != None {
		mem.Index = base
	}
	b.emit(Inst{Op: Fill, A: I(n), Size: 1, Mem: mem})
}

func (b *builder) ppcMemory(w uint32) bool {
	rt, ra, d := Reg(bits(w, 25, 21)), Reg(bits(w, 20, 16)), signed(w, 16)
	type access struct {
		size  uint8
		store bool
		e     Extend
	}
	acc, ok := map[uint32]access{32: {4, false, Zero}, 33: {4, false, Zero}, 34: {1, false, Zero}, 35: {1, false, Zero},
		36: {4, true, Zero}, 37: {4, true, Zero}, 38: {1, true, Zero}, 39: {1, true, Zero}, 40: {2, false, Zero}, 41: {2, false, Zero},
		42: {2, false, Sign}, 43: {2, false, Sign}, 44: {2, true, Zero}, 45: {2, true, Zero}}[w>>26]
	update := w>>26&1 != 0
	switch op := w >> 26; {
	case ok:
	case op == 58: // ld, ldu, lwa
		acc, d, update = access{8, false, Zero}, d&^3, w&3 == 1
		if w&3 == 2 {
			acc = access{4, false, Sign}
		}
	case op == 62 && w&3 < 2: // std, stdu
		acc, d, update = access{8, true, Zero}, d&^3, w&3 == 1
	case op >= 48 && op <= 55: // floating point, as the pairs of opcodes of other registers
		if op >= 52 {
			b.fill(ppcBase(w), d, 8)
		}
		if op&1 != 0 {
			b.add(ra, ra, d)
		}
		return true
	case op == 46 || op == 47: // lmw, stmw
		for r := rt; r < 32 && op == 46; r++ {
			b.unknown(r)
		}
		if op == 47 {
			b.fill(ppcBase(w), d, 128)
		}
		return true
	case op == 56: // lq
		b.unknowns(rt, rt|1)
		return true
	case op == 57: // vectors
		return true
	case op == 61, op == 62: // vectors, stq
		if op == 62 || w&7 != 1 {
			b.fill(ppcBase(w), d&^15, 32)
		}
		return true
	default:
		return false
	}
	if acc.store {
		b.store(R(rt), ppcBase(w), d, acc.size)
	} else {
		b.load(rt, ppcBase(w), d, acc.size, acc.e)
	}
	if update {
		b.add(ra, ra, d)
	}
	return true
}

// ppcStoreIndexed lifts stores at the sum of two registers, which also becomes
// the first one's value if the instruction is an update.
func (b *builder) ppcStoreIndexed(w uint32, rt, ra, rb Reg) {
	size := map[uint32]uint8{149: 8, 181: 8, 151: 4, 183: 4, 215: 1, 247: 1, 407: 2, 439: 2}[bits(w, 10, 1)]
	mem := Mem{Base: rb, Index: None, Scale: 1}
	if base := ppcBase(w); base != None {
		mem.Base, mem.Index = base, rb
	}
	b.emit(Inst{Op: Store, A: R(rt), Mem: mem, Size: size})
	if bits(w, 10, 1)&32 != 0 {
		b.op(Add, ra, R(ra), R(rb), 8, Zero)
	}
}

// ppcLoadIndexed lifts loads from the sum of two registers, which also becomes
// the first one's value if the instruction is an update.
func (b *builder) ppcLoadIndexed(w uint32, rt, rb Reg) {
	size := map[uint32]uint8{21: 8, 23: 4, 87: 1, 279: 2, 343: 2, 341: 4}[bits(w, 10, 1)&^32]
	ext := Zero
	if xo := bits(w, 10, 1) &^ 32; xo == 341 || xo == 343 {
		ext = Sign
	}
	base := rb
	if ra := ppcBase(w); ra != None {
		b.op(Add, ppcTmp, R(ra), R(rb), 8, Zero)
		base = ppcTmp
	}
	b.load(rt, base, 0, size, ext)
	if bits(w, 10, 1)&32 != 0 {
		b.move(ppcBase(w), R(ppcTmp))
	}
}

// ppcPrefixed lifts paddi and the prefixed loads.
func (b *builder) ppcPrefixed(p, w uint32) {
	rt, imm := Reg(bits(w, 25, 21)), signed(p, 18)<<16|int64(w&0xffff)
	base := ppcBase(w)
	if p>>20&1 != 0 {
		imm += int64(b.pc)
		base = None
	}
	switch w >> 26 {
	case 14:
		if base == None {
			b.move(rt, I(imm))
		} else {
			b.add(rt, base, imm)
		}
	case 57:
		b.load(rt, base, imm, 8, Zero)
	case 32:
		b.load(rt, base, imm, 4, Zero)
	case 61:
		b.store(R(rt), base, imm, 8)
	case 36, 38, 44, 52, 54, 46, 47, 62, 60, 58, 59: // stores, of vectors and pairs too
		b.fill(base, imm, 32)
		b.unknown(rt)
	default:
		b.unknown(rt)
		if w>>26 == 56 { // plq
			b.unknown(rt | 1)
		}
	}
}
