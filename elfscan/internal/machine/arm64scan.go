package machine

func scanARM64(s *Scan, from, to int) {
	scanWords(s, from, to, func(i int, w uint32) {
		pc := s.PC + uint64(i)
		switch {
		case w>>26 == 0x25:
			s.edge(EdgeCall, i, pc+uint64(signed(w, 26)<<2))
		case w>>26 == 0x05:
			s.edge(EdgeJump, i, pc+uint64(signed(w, 26)<<2))
		case w&0xff000010 == 0x54000000, w&0x7e000000 == 0x34000000:
			s.edge(EdgeJump, i, pc+uint64(signed(w>>5, 19)<<2))
		case w&0x9f000000 == 0x90000000:
			page := pc&^0xfff + uint64(signed(w>>5&0x7ffff<<2|w>>29&3, 21)<<12)
			s.setPage(w&31, page)
		case w&0x9f000000 == 0x10000000:
			s.edge(EdgeRef, i, pc+uint64(signed(w>>5&0x7ffff<<2|w>>29&3, 21)))
		case w&0xff800000 == 0x91000000:
			if page, ok := s.getPage(w >> 5 & 31); ok && w>>5&31 != 31 {
				s.edge(EdgeRef, i, page+uint64(w>>10&0xfff)<<(w>>22&1*12))
			}
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
		case w&0xbf000000 == 0x18000000:
			s.edge(EdgeData, i, pc+uint64(signed(w>>5, 19)<<2))
		case w&0xffe0001f == 0xd4000001:
			s.Site(pc)
		}
	})
}
