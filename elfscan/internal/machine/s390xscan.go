package machine

// scanS390X follows instructions, whose first bits give their length; the
// state between pieces keeps the next instruction's address.
func scanS390X(s *Scan, from, to int) {
	i := from
	if next := s.page[0]; next > s.PC+uint64(from) && next < s.PC+uint64(from)+8 {
		i = int(next - s.PC)
	}
	if (s.PC+uint64(i))&1 != 0 {
		i++
	}
	for i < to && i+2 <= len(s.Code) {
		b := s.Code[i:]
		n := [4]int{2, 4, 4, 6}[b[0]>>6]
		if len(b) < n {
			break
		}
		pc := s.PC + uint64(i)
		s.Since = pc
		rel16 := func(at int) uint64 { return pc + uint64(int64(int16(s.Order.Uint16(b[at:])))*2) }
		rel32 := func() uint64 { return pc + uint64(int64(int32(s.Order.Uint32(b[2:])))*2) }
		switch {
		case b[0] == 0x0a:
			s.Site(pc)
		case b[0] == 0xa7 && b[1]&15 == 4:
			s.edge(EdgeJump, i, rel16(2))
		case b[0] == 0xa7 && b[1]&15 == 5:
			s.edge(EdgeCall, i, rel16(2))
		case b[0] == 0xc0 && b[1]&15 == 0:
			s.edge(EdgeRef, i, rel32())
			s.setFull(uint32(b[1]>>4), rel32())
		case b[0] == 0xc0 && b[1]&15 == 4:
			s.edge(EdgeJump, i, rel32())
		case b[0] == 0xc0 && b[1]&15 == 5:
			s.clobber(0, 5)
			s.edge(EdgeCall, i, rel32())
		case b[0] == 0xc4:
			s.edge(EdgeData, i, rel32())
		case b[0] == 0xec && (b[5] == 0x64 || b[5] == 0x65 || b[5]&0xfe == 0x76 || b[5]&0xfc == 0x7c):
			s.edge(EdgeJump, i, rel16(2))
		default:
			s.s390xNear(i, b[:n])
		}
		i += n
	}
	s.page[0] = s.PC + uint64(i)
}

// s390xNear looks at an instruction that counts from an address, or copies one.
func (s *Scan) s390xNear(i int, b []byte) {
	r1, r2 := uint32(b[1]>>4), uint32(b[1]&15)
	switch {
	case b[0] == 0xb9 && b[1] == 0x04: // lgr
		s.copyFull(uint32(b[3]>>4), uint32(b[3]&15), 0)
	case b[0] == 0xb9 && (b[1] == 0x08 || b[1] == 0x0a): // agr, algr
		s.addFull(uint32(b[3]>>4), uint32(b[3]>>4), uint32(b[3]&15))
	case b[0] == 0xa7 && r2 == 0x0b: // aghi
		n := int64(int16(s.Order.Uint16(b[2:])))
		s.near(EdgeNear, i, r1, n)
		s.copyFull(r1, r1, n)
	case len(b) == 4 && (b[0] == 0x41 || b[0] == 0x58): // la, l
		s.s390xAt(i, b[0] == 0x41, r1, r2, uint32(b[2]>>4), int64(s.Order.Uint16(b[2:])&0xfff))
	case b[0] == 0xe3 || b[0] == 0xeb && (b[5] == 0x04 || b[5] == 0x24): // lg, stg, lay ...; lmg, stmg
		off := signed(uint32(b[4])<<12|uint32(s.Order.Uint16(b[2:]))&0xfff, 20)
		if b[0] == 0xe3 {
			s.s390xAt(i, b[5] == 0x71, r1, r2, uint32(b[2]>>4), off)
			break
		}
		for k := uint32(0); k <= (r2-r1)&15; k++ {
			s.near(EdgeNearData, i, uint32(b[2]>>4), off+8*int64(k))
		}
	}
}

// s390xAt looks at what is accessed, or whose address is put into r1, at a
// distance from a base or an index.
func (s *Scan) s390xAt(i int, address bool, r1, index, base uint32, off int64) {
	if base == 0 {
		index, base = base, index
	}
	kind := EdgeNearData
	if address || index != 0 { // some word behind it
		kind = EdgeNear
	}
	if base != 0 {
		s.near(kind, i, base, off)
	}
	if index != 0 {
		s.near(kind, i, index, off)
	}
	if address && base != 0 {
		if index != 0 {
			s.addFull(r1, base, index)
			s.copyFull(r1, r1, off)
		} else {
			s.copyFull(r1, base, off)
		}
	}
}
