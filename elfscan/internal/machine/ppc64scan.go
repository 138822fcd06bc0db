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
				if w&1 != 0 {
					s.clobber(3, 12)
				}
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
			s.noFull(rt)
		case 14:
			switch n := signed(w, 16); {
			case ra == 0: // li
				s.noFull(rt)
			case ra == 2 && s.Base != 0:
				s.edge(EdgeRef, i, s.Base+uint64(n))
				if rt != 2 { // where functions start
					s.setFull(rt, s.Base+uint64(n))
				}
			default:
				s.addNumber(i, rt, ra, n)
			}
		case 31: // mr, add
			switch rb := bits(w, 15, 11); {
			case rt == rb && w&0x7ff == 444<<1:
				s.copyFull(ra, rt, 0)
			case w&0x7ff == 266<<1:
				s.addFull(rt, ra, rb)
			}
		case 33, 35, 37, 39, 41, 43, 45: // which change the base
			s.near(EdgeNear, i, ra, signed(w, 16))
			s.copyFull(ra, ra, signed(w, 16))
		case 32, 34, 36, 38, 40, 42, 44, 58, 62:
			d := uint64(signed(w, 16))
			if op >= 58 {
				d &^= 3
			}
			s.near(EdgeNearData, i, ra, int64(d))
			if op >= 58 && w&3 == 1 {
				s.near(EdgeNear, i, ra, int64(d))
				s.copyFull(ra, ra, int64(d))
			}
			if op == 32 || op == 34 || op == 40 || op == 42 || op == 58 {
				s.noFull(rt)
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
