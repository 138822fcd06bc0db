package machine

import (
	"encoding/binary"
	mathbits "math/bits"
)

// How an opcode with a ModRM byte uses memory, for references found without
// decoding: the bytes of an immediate operand follow the displacement and
// count for the address, which is relative to the end of the instruction.
const (
	modNone = iota
	modPlain
	modImm8
	modImm32
	modGroupFF // call, jump and push through memory
	modGroupF6 // test has an immediate
	modGroupF7
)

var x86OneByte = func() (t [256]uint8) {
	for _, op := range []byte{0x8d, 0x8b, 0x89, 0x8a, 0x88, 0x63, 0x84, 0x85, 0x86, 0x87, 0xd1, 0xd3, 0x8f,
		0x01, 0x03, 0x09, 0x0b, 0x21, 0x23, 0x29, 0x2b, 0x31, 0x33, 0x38, 0x39, 0x3a, 0x3b} {
		t[op] = modPlain
	}
	t[0xc7], t[0x81], t[0x69] = modImm32, modImm32, modImm32
	t[0xc6], t[0x80], t[0x83], t[0x6b], t[0xc1] = modImm8, modImm8, modImm8, modImm8, modImm8
	t[0xff], t[0xf6], t[0xf7] = modGroupFF, modGroupF6, modGroupF7
	return t
}()

// x86TwoByte are opcodes after 0F (or the VEX equivalent) that load or store.
var x86TwoByte = func() (t [256]uint8) {
	for _, r := range [][2]byte{{0x10, 0x17}, {0x28, 0x2f}, {0x40, 0x4f}, {0x51, 0x6f}, {0x7c, 0x7f},
		{0xb0, 0xb1}, {0xb6, 0xb7}, {0xbe, 0xbf}, {0xc0, 0xc1}, {0xd0, 0xfe}} {
		for op := int(r[0]); op <= int(r[1]); op++ {
			t[op] = modPlain
		}
	}
	t[0xa3], t[0xaf] = modPlain, modPlain
	t[0xc6], t[0x70], t[0xba], t[0xc2] = modImm8, modImm8, modImm8, modImm8
	return t
}()

// amd64Starts are the bytes that may start what scanAMD64 looks for, among it or
// not jumps of a byte's distance, and distances of 64 bits from the GOT.
func amd64Starts(short, large bool) *[256]uint8 {
	var t [256]uint8
	for i := range t {
		if c := byte(i); c == 0xe8 || c == 0xe9 || c == 0x0f || c&0xc7 == 0x05 ||
			short && (c == 0xeb || c&0xf0 == 0x70) || large && c&0xf8 == 0xb8 {
			t[i] = 1
		}
	}
	return &t
}

func scanAMD64(s *Scan, from, to int) {
	b := s.Code
	limit := min(to, len(b)-6)
	starts, fixed := amd64Starts(!s.Long, s.Base != 0), s.Fixed
	i := from
	for ; i+8 <= limit && !fixed; i += 8 { // without a branch for each byte
		c := (*[8]byte)(b[i:])
		found := starts[c[0]] | starts[c[1]]<<1 | starts[c[2]]<<2 | starts[c[3]]<<3 |
			starts[c[4]]<<4 | starts[c[5]]<<5 | starts[c[6]]<<6 | starts[c[7]]<<7
		for ; found != 0; found &= found - 1 {
			k := mathbits.TrailingZeros8(found)
			s.startAMD64(i+k, c[k&7])
		}
	}
	for ; i < limit; i++ {
		if starts[b[i]] != 0 {
			s.startAMD64(i, b[i])
		}
		if fixed {
			s.fixed(i)
		}
	}
	for i := max(limit, from); i < to && i+1 < len(b); i++ {
		if b[i] == 0x0f && b[i+1] == 0x05 {
			s.Site(s.PC + uint64(i))
		}
	}
}

// startAMD64 reports what the byte c at i starts, if that is something.
func (s *Scan) startAMD64(i int, c byte) {
	switch {
	case c == 0xe8:
		s.rel32(EdgeCall, i, i+1)
	case c == 0xe9:
		s.rel32(EdgeJump, i, i+1)
	case c&0xf8 == 0xb8:
		s.largeModel(i)
	case c == 0x0f:
		d := s.Code[i+1]
		if d == 0x05 {
			s.Site(s.PC + uint64(i))
		} else if d&0xf0 == 0x80 {
			s.rel32(EdgeJump, i, i+2)
		}
	case c&0xc7 != 0x05:
		s.short(i)
	case i > 0:
		s.ripRelative(i)
	}
}

func (s *Scan) rel32(kind EdgeKind, at, disp int) {
	if disp+4 > len(s.Code) {
		return
	}
	t := s.PC + uint64(disp+4) + uint64(int64(int32(binary.LittleEndian.Uint32(s.Code[disp:]))))
	s.edge(kind, at, t)
}

// short reports where a jump with one byte of distance leads, with that of its
// prefix, if it has one.
func (s *Scan) short(i int) {
	if c := s.Code[i]; c != 0xeb && c&0xf0 != 0x70 {
		return
	}
	t := s.PC + uint64(i+2) + uint64(int64(int8(s.Code[i+1])))
	s.edge(EdgeShort, i, t)
	if i > 0 && s.Code[i-1] == 0xf2 { // BND
		s.edge(EdgeShort, i-1, t)
	}
}

// ripRelative reports the address that the ModRM byte at i refers to.
func (s *Scan) ripRelative(i int) {
	b := s.Code
	op := b[i-1]
	how := x86OneByte[op]
	if i >= 2 && (b[i-2] == 0x0f || i >= 3 && b[i-3] == 0xc5 || i >= 4 && b[i-4] == 0xc4) {
		if t := x86TwoByte[op]; t != modNone || b[i-2] == 0x0f {
			how = t
		}
	}
	extra := 0
	kind := EdgeData
	if op == 0x8d {
		kind = EdgeRef
	}
	reg := b[i] >> 3 & 7
	switch how {
	case modNone:
		return
	case modImm8:
		extra = 1
	case modImm32:
		extra = 4
		if i >= 2 && b[i-2] == 0x66 && op != 0x69 {
			extra = 2
		}
	case modGroupFF:
		if reg == 2 || reg == 4 {
			kind = EdgeSlot
		}
	case modGroupF6:
		if reg < 2 {
			extra = 1
		}
	case modGroupF7:
		if reg < 2 {
			extra = 4
		}
	}
	wide := false
	if kind == EdgeData && x86OneByte[op] == modNone {
		wide = true // 16 bytes, or more
	}
	t := s.PC + uint64(i+5+extra) + uint64(int64(int32(binary.LittleEndian.Uint32(b[i+1:]))))
	s.edge(kind, i-1, t)
	if wide {
		s.edge(kind, i-1, t+8)
	}
}

func scan386(s *Scan, from, to int) {
	b := s.Code
	for i := from; i < to && i+1 < len(b); i++ {
		c := b[i]
		if c == 0xcd && b[i+1] == 0x80 || c == 0x0f && b[i+1] == 0x34 || c == 0x65 && isVsyscall(b[i:]) {
			s.Site(s.PC + uint64(i))
		}
		s.short(i)
		if i+4 > len(b) {
			continue
		}
		switch {
		case c == 0xe8:
			s.rel32(EdgeCall, i, i+1)
		case c == 0xe9:
			s.rel32(EdgeJump, i, i+1)
		case c == 0x0f && b[i+1]&0xf0 == 0x80:
			s.rel32(EdgeJump, i, i+2)
		}
		if s.Absolute {
			s.fixed(i)
		}
		if s.Base != 0 && i > 0 {
			s.gotRelative(i)
		}
	}
}

// fixed reports a 32-bit word that is the address of a function or of data.
func (s *Scan) fixed(i int) {
	v := uint64(binary.LittleEndian.Uint32(s.Code[i:]))
	if v < s.Lo || v >= s.Hi || v < 4096 {
		return
	}
	kind := EdgeRef
	if i >= 2 && s.Code[i-2] == 0xff && (s.Code[i-1] == 0x15 || s.Code[i-1] == 0x25) {
		kind = EdgeSlot
	}
	s.Edge(kind, s.PC+uint64(i), v)
}

// largeModel reports what a number of 64 bits, loaded at i, is the distance of
// from the GOT: so refers code to everything that is compiled for programs of
// any size (x86-64 psABI, 3.5.6). Other numbers that small are loaded as such.
func (s *Scan) largeModel(i int) {
	if i == 0 || s.Code[i-1]&0xfe != 0x48 || i+9 > len(s.Code) || s.Base == 0 {
		return
	}
	if v := int64(binary.LittleEndian.Uint64(s.Code[i+1:])); v == int64(int32(v)) {
		s.edge(EdgeLarge, i-1, s.Base+uint64(v))
	}
}

// gotRelative reports what the ModRM byte at i may refer to relative to the
// GOT, whose address position independent 32-bit code keeps in a register.
func (s *Scan) gotRelative(i int) {
	b, op := s.Code, s.Code[i-1]
	kind, disp := EdgeData, i+1
	switch m := b[i]; {
	case m&0xc7 == 0x84 && i+2 <= len(b): // with an index: an element of an object
		if b[i+1]>>3&7 == 4 {
			return // none: on the stack
		}
		kind, disp = EdgeRef, i+2
	case m&0xc0 == 0x80 && m&7 != 4:
		if op == 0x8d {
			kind = EdgeRef
		}
		if reg := m >> 3 & 7; x86OneByte[op] == modGroupFF && (reg == 2 || reg == 4) {
			kind = EdgeSlot
		}
	case m&0xf8 == 0xc0 && op == 0x81: // add, of more than small numbers
		s.gotSum(i-1, i+1)
		return
	default:
		if op == 0x05 {
			s.gotSum(i-1, i)
		}
		return
	}
	known := x86OneByte[op] != modNone || i >= 2 && b[i-2] == 0x0f && x86TwoByte[op] != modNone
	if known && disp+4 <= len(b) {
		s.edge(kind, i-1, uint64(uint32(s.Base)+binary.LittleEndian.Uint32(b[disp:])))
	}
}

// gotSum reports what an addition to the address of the GOT results in.
func (s *Scan) gotSum(at, imm int) {
	if imm+4 > len(s.Code) {
		return
	}
	if v := int32(binary.LittleEndian.Uint32(s.Code[imm:])); v >= 4096 || v <= -4096 {
		s.edge(EdgeRef, at, uint64(uint32(s.Base)+uint32(v)))
	}
}
