package machine

func scanARM(s *Scan, from, to int) {
	scanWords(s, from, to, func(i int, w uint32) {
		pc := s.PC + uint64(i)
		switch {
		case w>>28 == 15:
		case w&0x0fffffff == 0x0f000000: // svc 0: the EABI's
			s.Site(pc)
		case w>>25&7 == 5:
			s.edge([2]EdgeKind{EdgeJump, EdgeCall}[w>>24&1], i, uint64(uint32(int64(pc)+8+signed(w, 24)<<2)))
		case w&0x0f7f0000 == 0x051f0000: // a word of the literal pool
			off := int(8 + int64(w&0xfff))
			if w>>23&1 == 0 {
				off = 8 - int(w&0xfff)
			}
			s.literal(i, i+off)
		case w&0x0ff00000 == 0x03000000:
			s.setPage(w>>12&15, uint64(bits(w, 19, 16)<<12|w&0xfff))
		case w&0x0ff00000 == 0x03400000:
			if low, ok := s.getPage(w >> 12 & 15); ok {
				s.edge(EdgeRef, i, uint64(bits(w, 19, 16)<<12|w&0xfff)<<16|low&0xffff)
			}
		}
	})
}

// literal reports the address in a word of a literal pool, if the piece
// includes it, and the word itself.
func (s *Scan) literal(i, at int) {
	s.edge(EdgeData, i, s.PC+uint64(at))
	if at >= 0 && at+4 <= len(s.Code) {
		s.edge(EdgeRef, i, uint64(s.Order.Uint32(s.Code[at:])))
	}
}
