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
		case b[0] == 0xc0 && b[1]&15 == 4:
			s.edge(EdgeJump, i, rel32())
		case b[0] == 0xc0 && b[1]&15 == 5:
			s.edge(EdgeCall, i, rel32())
		case b[0] == 0xc4:
			s.edge(EdgeData, i, rel32())
		case b[0] == 0xec && (b[5] == 0x64 || b[5] == 0x65 || b[5]&0xfe == 0x76 || b[5]&0xfc == 0x7c):
			s.edge(EdgeJump, i, rel16(2))
		}
		i += n
	}
	s.page[0] = s.PC + uint64(i)
}
