package machine

// How an opcode goes on: a ModRM byte, and immediate operands.
const (
	lenModRM  = 1 << iota
	lenImm8   // one byte
	lenImm16  // two
	lenImm32  // four, or two with an operand size prefix
	lenRel32  // four
	lenOffset // an address
	lenGroup3 // an immediate if ModRM's reg field is 0 or 1
)

var x86Len1, x86Len2 = x86LenTables()

func x86LenTables() (one, two [256]uint8) {
	set := func(t *[256]uint8, v uint8, lo, hi int) {
		for i := lo; i <= hi; i++ {
			t[i] = v
		}
	}
	for op := 0; op < 0x40; op++ {
		one[op] = [8]uint8{lenModRM, lenModRM, lenModRM, lenModRM, lenImm8, lenImm32, 0, 0}[op&7]
	}
	set(&one, lenModRM, 0x62, 0x63)
	one[0x68], one[0x69], one[0x6a], one[0x6b] = lenImm32, lenModRM|lenImm32, lenImm8, lenModRM|lenImm8
	set(&one, lenImm8, 0x70, 0x7f)
	set(&one, lenModRM|lenImm8, 0x80, 0x83)
	one[0x81] = lenModRM | lenImm32
	set(&one, lenModRM, 0x84, 0x8f)
	one[0x9a], one[0xea] = lenRel32|lenImm16, lenRel32|lenImm16
	set(&one, lenOffset, 0xa0, 0xa3)
	one[0xa8], one[0xa9] = lenImm8, lenImm32
	set(&one, lenImm8, 0xb0, 0xb7)
	set(&one, lenImm32, 0xb8, 0xbf)
	set(&one, lenModRM|lenImm8, 0xc0, 0xc1)
	one[0xc2], one[0xca], one[0xc8] = lenImm16, lenImm16, lenImm16|lenImm8
	set(&one, lenModRM, 0xc4, 0xc5)
	one[0xc6], one[0xc7], one[0xcd] = lenModRM|lenImm8, lenModRM|lenImm32, lenImm8
	set(&one, lenModRM, 0xd0, 0xd3)
	set(&one, lenImm8, 0xd4, 0xd5)
	set(&one, lenModRM, 0xd8, 0xdf)
	set(&one, lenImm8, 0xe0, 0xe7)
	one[0xe8], one[0xe9], one[0xeb] = lenRel32, lenRel32, lenImm8
	one[0xf6], one[0xf7] = lenModRM|lenImm8|lenGroup3, lenModRM|lenImm32|lenGroup3
	set(&one, lenModRM, 0xfe, 0xff)

	set(&two, lenModRM, 0, 255)
	for _, r := range [][2]int{{0x05, 0x09}, {0x0b, 0x0b}, {0x0e, 0x0e}, {0x30, 0x37}, {0x77, 0x77}, {0xa0, 0xa2}, {0xa8, 0xaa}, {0xc8, 0xcf}} {
		set(&two, 0, r[0], r[1])
	}
	set(&two, lenRel32, 0x80, 0x8f)
	set(&two, lenModRM|lenImm8, 0x70, 0x73)
	for _, op := range []int{0x0f, 0xa4, 0xac, 0xba, 0xc2, 0xc4, 0xc5, 0xc6} {
		two[op] = lenModRM | lenImm8
	}
	return one, two
}

// x86Length returns the length of an instruction without decoding it, 0 if
// the bytes end before it does. It follows appendix A of the Intel manual.
func x86Length(b []byte, mode64 bool) int {
	i, op16, addr := 0, false, false
prefixes:
	for ; i < len(b); i++ {
		switch b[i] {
		case 0x66:
			op16 = true
		case 0x67:
			addr = true
		case 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0xf0, 0xf2, 0xf3:
		default:
			break prefixes
		}
	}
	wide := false
	if mode64 && i < len(b) && b[i]&0xf0 == 0x40 {
		wide = b[i]&8 != 0
		i++
	}
	if i+1 >= len(b) {
		if i < len(b) && x86Len1[b[i]] == 0 {
			return i + 1
		}
		return 0
	}
	if c := b[i]; c == 0xc4 || c == 0xc5 || c == 0x62 {
		if mode64 || b[i+1] >= 0xc0 {
			v, ok := parseVex(b, mode64)
			if !ok {
				return 0
			}
			return v.len
		}
	}
	f := x86Len1[b[i]]
	wideImm := wide && b[i]&0xf8 == 0xb8
	if b[i] == 0x0f {
		i++
		switch f = x86Len2[b[i]]; b[i] {
		case 0x38:
			i++
		case 0x3a:
			i++
			f |= lenImm8
		}
	}
	i++
	return x86Operands(b, i, f, op16, mode64, addr, wideImm)
}

func x86Operands(b []byte, i int, f uint8, op16, mode64, addr, wideImm bool) int {
	if f&lenModRM != 0 {
		if i >= len(b) {
			return 0
		}
		modrm := b[i]
		i++
		if f&lenGroup3 != 0 && modrm>>3&7 > 1 {
			f = lenModRM
		}
		if mod := modrm >> 6; mod != 3 {
			if modrm&7 == 4 {
				if i >= len(b) {
					return 0
				}
				if mod == 0 && b[i]&7 == 5 {
					i += 4
				}
				i++
			}
			if mod == 1 {
				i++
			} else if mod == 2 || mod == 0 && modrm&7 == 5 {
				i += 4
			}
		}
	}
	if f&lenImm8 != 0 {
		i++
	}
	if f&lenImm16 != 0 {
		i += 2
	}
	if f&lenRel32 != 0 {
		i += 4
	}
	if f&lenImm32 != 0 {
		switch {
		case wideImm:
			i += 8
		case op16:
			i += 2
		default:
			i += 4
		}
	}
	if f&lenOffset != 0 {
		if mode64 && !addr {
			i += 8
		} else {
			i += 4
		}
	}
	if i > len(b) {
		return 0
	}
	return i
}

// Boundaries returns which offsets of code start an instruction when it is
// read from its beginning; nil if all aligned ones do.
func (m *Machine) Boundaries(code []byte) []bool {
	if m.Align == 4 {
		return nil
	}
	out := make([]bool, len(code))
	for i := 0; i < len(code); {
		out[i] = true
		i += m.length(code[i:])
	}
	return out
}

// length is that of an instruction, or the alignment if it cannot be told.
func (m *Machine) length(b []byte) int {
	switch m.Name {
	case "riscv64":
		if b[0]&3 == 3 {
			return 4
		}
		return 2
	case "s390x":
		return [4]int{2, 4, 4, 6}[b[0]>>6]
	}
	return max(1, x86Length(b[:min(len(b), 16)], m.PtrSize == 8))
}
