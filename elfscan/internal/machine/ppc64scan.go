package machine

func scanPPC(s *Scan, from, to int) {
	scanWords(s, from, to, func(i int, w uint32) {
		pc := s.PC + uint64(i)
		rt, ra := bits(w, 25, 21), bits(w, 20, 16)
		switch op := w >> 26; op {
		case 17:
			if w&^0xfe0 == 0x44000002 || w == 0x44000001 {
				s.Site(pc)
			}
		case 18:
			if w&2 == 0 {
				s.edge([2]EdgeKind{EdgeJump, EdgeCall}[w&1], i, pc+uint64(signed(w&0x3fffffc, 26)))
			}
		case 16:
			s.edge(EdgeJump, i, pc+uint64(signed(w&0xfffc, 16)))
		case 15: // addis, usually from r2 or r0
			switch v := uint64(signed(w, 16) << 16); {
			case ra == 2 && s.Base != 0:
				s.setPage(rt, s.Base+v)
			case ra == 0:
				s.setPage(rt, v)
			default:
				s.noPage(rt)
			}
		case 14:
			if ra == 2 && s.Base != 0 {
				s.edge(EdgeRef, i, s.Base+uint64(signed(w, 16)))
			} else if page, ok := s.getPage(ra); ok && ra != 0 {
				s.edge(EdgeRef, i, page+uint64(signed(w, 16)))
			}
		case 32, 34, 36, 38, 40, 42, 44, 58, 62:
			d := uint64(signed(w, 16))
			if op >= 58 {
				d &^= 3
			}
			if ra == 2 && s.Base != 0 {
				s.edge(EdgeData, i, s.Base+d)
			} else if page, ok := s.getPage(ra); ok && ra != 0 {
				s.edge(EdgeData, i, page+d)
			}
		case 1:
			if w>>20&1 != 0 && i+8 <= len(s.Code) {
				next := s.Order.Uint32(s.Code[i+4:])
				t := pc + uint64(signed(w, 18)<<16|int64(next&0xffff))
				kind := EdgeData
				if next>>26 == 14 {
					kind = EdgeRef
				}
				s.edge(kind, i, t)
			}
		}
	})
}
