package machine

func scanRISCV(s *Scan, from, to int) {
	i := from
	if (s.PC+uint64(i))&1 != 0 {
		i++
	}
	for ; i < to && i+2 <= len(s.Code); i += 2 {
		c := uint32(s.Order.Uint16(s.Code[i:]))
		pc := s.PC + uint64(i)
		if c&3 != 3 {
			if c&0xe003 == 0xa001 {
				s.edge(EdgeJump, i, pc+uint64(rvCJ(c)))
			}
			s.Since = pc
			s.rvShort(i, c)
			continue
		}
		if i+4 > len(s.Code) {
			break
		}
		s.rvWord(i, pc, s.Order.Uint32(s.Code[i:]))
	}
}

// rvWord looks at a possible instruction of four bytes at any even address:
// where instructions start is not known to a linear scan.
func (s *Scan) rvWord(i int, pc uint64, w uint32) {
	s.Since = pc
	rd, rs1 := bits(w, 11, 7), bits(w, 19, 15)
	if rs1 == rvGP && s.Base != 0 && s.rvGlobal(i, w) {
		return
	}
	switch w & 0x7f {
	case 0x73:
		if w == 0x73 {
			s.Site(pc)
		}
	case 0x6f:
		kind := EdgeJump
		if rd == 1 || rd == 5 {
			kind = EdgeCall
		}
		s.edge(kind, i, pc+uint64(rvJ(w)))
	case 0x63:
		s.edge(EdgeJump, i, pc+uint64(rvB(w)))
	case 0x17:
		s.noFull(rd)
		s.setPage(rd, pc+uint64(int64(int32(w&^0xfff))))
	case 0x37:
		s.setPage(rd, uint64(int64(int32(w&^0xfff))))
	case 0x13:
		if bits(w, 14, 12) != 0 {
			break
		}
		s.addNumber(i, rd, rs1, signed(w>>20, 12))
	case 0x03:
		s.near(EdgeNearData, i, rs1, signed(w>>20, 12))
		if page, ok := s.getPage(rs1); ok {
			s.edge(EdgeData, i, page+uint64(signed(w>>20, 12)))
		}
	case 0x33:
		if f := w >> 25; f == 0 && bits(w, 14, 12) == 0 || f == 0x10 { // add, sh1add ...
			s.addFull(rd, rs1, bits(w, 24, 20))
		}
	case 0x23:
		s.near(EdgeNearData, i, rs1, signed(bits(w, 31, 25)<<5|bits(w, 11, 7), 12))
		if page, ok := s.getPage(rs1); ok {
			s.edge(EdgeData, i, page+uint64(signed(bits(w, 31, 25)<<5|bits(w, 11, 7), 12)))
		}
	case 0x67:
		if page, ok := s.getPage(rs1); ok {
			kind := EdgeJump
			if rd != 0 {
				kind = EdgeCall
			}
			s.edge(kind, i, page+uint64(signed(w>>20, 12)))
		}
	}
}

// rvShort looks at a possible instruction of two bytes that counts from an
// address, or copies one.
func (s *Scan) rvShort(i int, c uint32) {
	rd, rs2 := bits(c, 11, 7), bits(c, 6, 2)
	switch c & 0xe003 {
	case 0x0001: // c.addi
		if n := signed(bits(c, 12, 12)<<5|rs2, 6); rd != 0 && n != 0 {
			s.near(EdgeNear, i, rd, n)
			s.copyFull(rd, rd, n)
		}
	case 0x8002: // c.mv, c.add
		switch {
		case rd == 0 || rs2 == 0:
		case bits(c, 12, 12) == 0:
			s.copyFull(rd, rs2, 0)
		default: // c.add
			s.addFull(rd, rd, rs2)
		}
	case 0x6000, 0xe000: // c.ld, c.sd
		s.near(EdgeNearData, i, 8+bits(c, 9, 7), int64(bits(c, 12, 10)<<3|bits(c, 6, 5)<<6))
	}
}

// rvGlobal looks at what is relative to the global pointer; it reports false if
// an instruction refers to nothing.
func (s *Scan) rvGlobal(i int, w uint32) bool {
	switch w & 0x7f {
	case 0x13:
		if bits(w, 14, 12) == 0 && bits(w, 11, 7) != rvGP {
			s.edge(EdgeRef, i, s.Base+uint64(signed(w>>20, 12)))
		}
	case 0x03:
		s.edge(EdgeData, i, s.Base+uint64(signed(w>>20, 12)))
	case 0x23:
		s.edge(EdgeData, i, s.Base+uint64(signed(bits(w, 31, 25)<<5|bits(w, 11, 7), 12)))
	default:
		return false
	}
	return true
}
