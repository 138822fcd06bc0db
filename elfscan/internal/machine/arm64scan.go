package machine

func scanARM64(s *Scan, from, to int) {
	scanWords(s, from, to, func(i int, w uint32) {
		pc := s.PC + uint64(i)
		switch {
		case w>>26 == 0x25:
			s.clobber(0, 18)
			s.edge(EdgeCall, i, pc+uint64(signed(w, 26)<<2))
		case w>>26 == 0x05:
			s.edge(EdgeJump, i, pc+uint64(signed(w, 26)<<2))
		case w&0xff000010 == 0x54000000, w&0x7e000000 == 0x34000000:
			s.edge(EdgeJump, i, pc+uint64(signed(w>>5, 19)<<2))
		case w&0x9f000000 == 0x90000000:
			page := pc&^0xfff + uint64(signed(w>>5&0x7ffff<<2|w>>29&3, 21)<<12)
			s.setPage(w&31, page)
			s.noFull(w & 31)
		case w&0x9f000000 == 0x10000000:
			t := pc + uint64(signed(w>>5&0x7ffff<<2|w>>29&3, 21))
			s.edge(EdgeRef, i, t)
			s.setFull(w&31, t)
		case w&0xff800000 == 0x91000000:
			if rn := w >> 5 & 31; rn != 31 { // the stack pointer
				s.addNumber(i, w&31, rn, int64(w>>10&0xfff)<<(w>>22&1*12))
			} else {
				s.noFull(w & 31)
			}
		case w&0xff800000 == 0xd1000000: // sub
			n := -int64(w>>10&0xfff) << (w >> 22 & 1 * 12)
			s.near(EdgeNear, i, w>>5&31, n)
			s.copyFull(w&31, w>>5&31, n)
		case w&0xffe0ffe0 == 0xaa0003e0: // mov
			s.copyFull(w&31, w>>16&31, 0)
		case w&0xff000000 == 0x8b000000: // add
			s.addFull(w&31, w>>5&31, w>>16&31)
		case w&0xffe08000 == 0x9b000000, w&0xff608000 == 0x9b200000: // madd, smaddl, umaddl
			s.addFull(w&31, w>>10&31, w>>10&31)
		case w&0x3a000000 == 0x28000000:
			s.arm64Pair(i, w)
		case w&0x3b200400 == 0x38000400: // before or behind which the base changes
			rn, n := w>>5&31, signed(w>>12, 9)
			if w>>11&1 == 0 {
				s.near(EdgeNearData, i, rn, 0)
			}
			s.near(EdgeNear, i, rn, n)
			s.copyFull(rn, rn, n)
		case w&0x3b000000 == 0x39000000:
			if page, ok := s.getPage(w >> 5 & 31); ok && w>>5&31 != 31 {
				n := uint64(1) << (w >> 30)
				if w>>26&1 != 0 && w>>23&1 != 0 {
					n = 16
				}
				s.edge(EdgeData, i, page+uint64(w>>10&0xfff)*n)
				if n == 16 {
					s.edge(EdgeData, i, page+uint64(w>>10&0xfff)*n+8)
				}
			}
			if w>>26&1 == 0 {
				s.near(EdgeNearData, i, w>>5&31, int64(w>>10&0xfff)<<(w>>30))
				if w>>22&3 != 0 {
					s.noFull(w & 31)
				}
				if page, ok := s.getPage(w >> 5 & 31); ok && w>>22&3 == 1 && w>>30 == 3 && w>>5&31 != 31 {
					s.arm64Literal(i, w, page+uint64(w>>10&0xfff)*8)
				}
			}
		case w&0xbf000000 == 0x18000000:
			t := pc + uint64(signed(w>>5, 19)<<2)
			s.edge(EdgeData, i, t)
			s.arm64Literal(i, w, t)
		case w&0xffe0001f == 0xd4000001:
			s.Site(pc)
		}
	})
}

// arm64Literal looks at a load of a word whose place is known: the large code
// model keeps addresses so.
func (s *Scan) arm64Literal(i int, w uint32, at uint64) {
	if s.Long {
		return // not Go
	}
	s.loadFull(w&31, at)
	if v := s.full[w&31]; v != 0 && s.Absolute {
		s.edge(EdgeRef, i, v)
	}
}

// arm64Pair looks at a load or store of two registers.
func (s *Scan) arm64Pair(i int, w uint32) {
	rn, size := w>>5&31, int64(4)<<(w>>31)
	if w>>26&1 != 0 {
		size = 4 << (w >> 30)
	}
	off := signed(w>>15, 7) * size
	at := off
	if w>>23&3 == 1 {
		at = 0 // the base changes behind it
	}
	for k := int64(0); k < 2*size; k += 8 {
		s.near(EdgeNearData, i, rn, at+k)
	}
	if w>>22&1 != 0 && w>>26&1 == 0 {
		s.noFull(w&31, w>>10&31)
	}
	if w>>23&1 != 0 {
		s.near(EdgeNear, i, rn, off)
		s.copyFull(rn, rn, off)
	}
}
