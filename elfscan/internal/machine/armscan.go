package machine

import mathbits "math/bits"

func scanARM(s *Scan, from, to int) {
	scanWords(s, from, to, func(i int, w uint32) {
		pc := s.PC + uint64(i)
		switch {
		case w>>28 == 15:
		case w&0x0fffffff == 0x0f000000: // svc 0: the EABI's
			s.Site(pc)
		case w>>25&7 == 5:
			if w>>24&1 != 0 {
				s.clobber(0, 3)
			}
			s.edge([2]EdgeKind{EdgeJump, EdgeCall}[w>>24&1], i, uint64(uint32(int64(pc)+8+signed(w, 24)<<2)))
		case w&0x0f7f0000 == 0x051f0000: // a word of the literal pool
			off := int(8 + int64(w&0xfff))
			if w>>23&1 == 0 {
				off = 8 - int(w&0xfff)
			}
			s.literal(i, i+off, w>>12&15)
		case w&0x0ff00000 == 0x03000000:
			s.setPage(w>>12&15, uint64(bits(w, 19, 16)<<12|w&0xfff))
		case w&0x0ff00000 == 0x03400000:
			if low, ok := s.getPage(w >> 12 & 15); ok {
				v := uint64(bits(w, 19, 16)<<12|w&0xfff)<<16 | low&0xffff
				s.setPage(w>>12&15, v)
				s.absolute(i, v)
			}
		case w&0x0fff0000 == 0x028f0000: // add rd, pc, #n
			s.edge(EdgeRef, i, uint64(uint32(int64(pc)+8+armImmediate(w))))
			s.setFull(w>>12&15, uint64(uint32(int64(pc)+8+armImmediate(w))))
		case w&0x0fff0000 == 0x024f0000:
			s.edge(EdgeRef, i, uint64(uint32(int64(pc)+8-armImmediate(w))))
		case w&0x0fff0ff0 == 0x008f0000: // add rd, pc, rm
			s.relative(EdgeRef, i, w&15)
		case w&0x0ff00fff == 0x0080000f: // add rd, rn, pc
			s.relative(EdgeRef, i, w>>16&15)
		case w&0x0fff0ff0 == 0x079f0000: // ldr rd, [pc, rm]
			s.relative(EdgeData, i, w&15)
		case w&0x0fe00000 == 0x02800000, w&0x0fe00000 == 0x02400000: // add, sub
			n := armImmediate(w)
			if w>>23&1 == 0 {
				n = -n
			}
			s.near(EdgeNear, i, w>>16&15, n)
			s.copyFull(w>>12&15, w>>16&15, n)
		case w&0x0fe00010 == 0x00800000: // add
			s.addFull(w>>12&15, w>>16&15, w&15)
		case w&0x0fe000f0 == 0x00200090: // mla
			s.addFull(w>>16&15, w>>12&15, w>>12&15)
		case w&0x0fef0ff0 == 0x01a00000: // mov
			s.copyFull(w>>12&15, w&15, 0)
		case w&0x0e000000 == 0x04000000:
			s.armAccess(i, w, int64(w&0xfff), 1)
		case w&0x0e4000d0 == 0x004000d0 && w&0x00100000 == 0: // ldrd, strd
			s.armAccess(i, w, int64(w>>4&0xf0|w&15), 2)
		case w&0x0e000000 == 0x08000000:
			s.armMultiple(i, w)
		}
	})
}

// literal reports a word of a literal pool and, if the piece includes it, what
// it refers to: by address, or by the distance from the global offset table.
// Numbers that small are immediates, and not in literal pools.
func (s *Scan) literal(i, at int, reg uint32) {
	distance := s.addsPC(i, reg)
	if !distance {
		s.edge(EdgeData, i, s.PC+uint64(at))
	}
	if at < 0 || at+4 > len(s.Code) {
		s.noPage(reg)
		return
	}
	v := s.Order.Uint32(s.Code[at:])
	s.setPage(reg, uint64(v))
	s.noFull(reg)
	if !distance {
		s.absolute(i, uint64(v))
	}
	if n := int32(v); s.Base != 0 && v&3 == 0 && n != 0 && n > -armGOT && n < armGOT {
		s.edge(EdgeData, i, uint64(uint32(s.Base)+v))
	}
}

// addsPC reports whether what is loaded into a register is next added to the
// program counter, so that it is a distance.
func (s *Scan) addsPC(i int, reg uint32) bool {
	for k := i + 4; k < i+128 && k+4 <= len(s.Code); k += 4 {
		switch w := s.Order.Uint32(s.Code[k:]); {
		case w&0x0fff0fff == 0x008f0000|reg, w&0x0fff0fff == 0x0080000f|reg<<16, w&0x0fff0fff == 0x079f0000|reg:
			return true
		case w&0x0f7ff000 == 0x051f0000|reg<<12:
			return false // loaded anew
		}
	}
	return false
}

// armGOT bounds the size of a global offset table.
const armGOT = 1 << 16

// absolute reports an address that code which is not relocated uses.
func (s *Scan) absolute(i int, v uint64) {
	if s.Absolute {
		s.edge(EdgeRef, i, v)
		s.setFull(s.Order.Uint32(s.Code[i:])>>12&15, v)
	}
}

// relative reports an address at a distance, which a register holds, from the
// program counter.
func (s *Scan) relative(kind EdgeKind, i int, reg uint32) {
	v, ok := s.getPage(reg)
	t := uint64(uint32(s.PC) + uint32(i) + 8 + uint32(v))
	if ok && t != s.Base { // the table itself, from which distances count
		s.edge(kind, i, t)
		if kind == EdgeRef {
			s.setFull(s.Order.Uint32(s.Code[i:])>>12&15, t)
		}
	}
}

// armAccess looks at a load or store of words at a distance from a register,
// which it may change.
func (s *Scan) armAccess(i int, w uint32, off int64, words int) {
	rn := w >> 16 & 15
	if w>>23&1 == 0 {
		off = -off
	}
	at := off
	if w>>24&1 == 0 {
		at = 0
	}
	for k := range words {
		s.near(EdgeNearData, i, rn, at+4*int64(k))
	}
	if w>>20&1 != 0 {
		s.noFull(w >> 12 & 15)
	}
	if w>>24&1 == 0 || w>>21&1 != 0 {
		s.near(EdgeNear, i, rn, off)
		s.copyFull(rn, rn, off)
	}
}

// armMultiple looks at a load or store of several words.
func (s *Scan) armMultiple(i int, w uint32) {
	rn, n := w>>16&15, 4*int64(mathbits.OnesCount32(w&0xffff))
	at, end := int64(0), n
	if w>>23&1 == 0 {
		at, end = -n, -n
	}
	for k := int64(0); k <= n; k += 4 { // one more than there are, whether it counts before or behind
		s.near(EdgeNearData, i, rn, at+k)
	}
	if w>>21&1 != 0 {
		s.near(EdgeNear, i, rn, end)
		s.copyFull(rn, rn, end)
	}
}
