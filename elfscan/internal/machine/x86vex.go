package machine

// liftX86Vex finds the length of VEX, EVEX and other instructions that
// x86asm does not decode, and what they may write. Without such a prefix,
// that is any register.
func liftX86Vex(m *Machine, out []Inst, code []byte, pc uint64) ([]Inst, int, error) {
	v, ok := parseVex(code, m.PtrSize == 8)
	if !ok {
		return out, 1, ErrDecode
	}
	unknown := func(r Reg) { out = append(out, Inst{Op: Unknown, Dst: r, Size: 8}) }
	for r := x86AX; r < x86Regs; r++ {
		if v.writes(r) {
			unknown(r)
		}
	}
	if v.mem && v.stores() {
		if v.ripRel {
			v.addr.Disp += int64(pc) + int64(v.len)
		}
		out = append(out, Inst{Op: Fill, Mem: v.addr, A: I(v.bytes), Size: 1})
	}
	return append(out, Inst{Op: Flags}), v.len, nil
}

type vexInst struct {
	len           int
	opmap         int
	op            byte
	reg, rm, vvvv Reg // by number, whatever their kind
	vex, evex     bool
	mem, ripRel   bool
	addr          Mem
	bytes         int64 // that may be written there
}

// writes reports whether an instruction may write a register.
func (v *vexInst) writes(r Reg) bool {
	named := func(n Reg) bool { return n == v.reg || n == v.rm || n == v.vvvv }
	switch {
	case r == x86SP:
		return false // compilers and assemblers never make it a result
	case !v.vex:
		return true
	case r < x86Tmp:
		return v.general() && named(r) || r == x86CX && v.opmap == 3 && v.op >= 0x60 && v.op <= 0x63
	case v.opmap == 1 && v.op == 0x77:
		return r >= x86Vec // vzeroall, or it leaves the halves that are followed
	}
	return r >= x86Vec && named((r-x86Vec)/2) || r < x86Vec+2 && r >= x86Vec && v.opmap == 3 && v.op >= 0x60 && v.op <= 0x63
}

// general reports whether an instruction may write general registers.
func (v *vexInst) general() bool {
	switch op := v.op; v.opmap {
	case 1:
		switch op {
		case 0x2c, 0x2d, 0x50, 0xd7, 0x7e, 0xc5, 0x93, 0x78, 0x79:
			return true
		}
		return false
	case 2:
		return op >= 0xe0 && op != 0xff // conditional additions, bit operations
	case 3:
		return op >= 0xf0 || op >= 0x14 && op <= 0x17
	}
	return true
}

// stores reports whether an instruction may write its operand in memory.
func (v *vexInst) stores() bool {
	switch op := v.op; v.opmap {
	case 1:
		switch op {
		case 0x11, 0x13, 0x17, 0x29, 0x2b, 0x7e, 0x7f, 0x91, 0xae, 0xd6, 0xe7:
			return true
		}
		return !v.vex
	case 2:
		switch {
		case op <= 0x0f, op >= 0x18 && op <= 0x1e, op >= 0x28 && op <= 0x2d, op >= 0x36 && op <= 0x47, op >= 0x58 && op <= 0x5a,
			op >= 0x76 && op <= 0x7f, op >= 0x90 && op <= 0x9f, op >= 0xa6 && op <= 0xaf, op >= 0xb0 && op <= 0xdf, op >= 0xf2 && op <= 0xf7:
			return !v.vex
		}
	case 3:
		switch {
		case op <= 0x13, op == 0x18, op == 0x38, op >= 0x40 && op <= 0x6f, op >= 0xce:
			return !v.vex
		}
	}
	return true
}

// parseVex follows the Intel manual's chapter 2.3 (VEX) and 2.7 (EVEX).
func parseVex(b []byte, mode64 bool) (v vexInst, ok bool) {
	i, opmap, rex := 0, 0, byte(0)
	v.vvvv, v.reg, v.rm = None, None, None
	v.addr = Mem{Base: None, Index: None, Scale: 1}
	for i < len(b) && (b[i] == 0x66 || b[i] == 0xf2 || b[i] == 0xf3 || b[i] == 0x2e || b[i] == 0x3e || b[i] == 0x64 || b[i] == 0x65 || b[i] == 0xf0) {
		v.addr.Opaque = v.addr.Opaque || b[i]&0xfe == 0x64
		i++
	}
	if mode64 && i < len(b) && b[i]&0xf0 == 0x40 {
		rex = b[i]
		i++
	}
	if i+4 >= len(b) {
		return v, false
	}
	switch c := b[i]; {
	case c == 0xc5 && (mode64 || b[i+1] >= 0xc0):
		v.vex, opmap = true, 1
		rex = ^b[i+1] >> 7 << 2
		v.vvvv = Reg(^b[i+1] >> 3 & 15)
		i += 2
	case c == 0xc4 && (mode64 || b[i+1] >= 0xc0):
		v.vex, opmap = true, int(b[i+1]&0x1f)
		rex = ^b[i+1] >> 5
		v.vvvv = Reg(^b[i+2] >> 3 & 15)
		i += 3
	case c == 0x62 && (mode64 || b[i+1] >= 0xc0):
		v.vex, v.evex, opmap = true, true, int(b[i+1]&7)
		rex = ^b[i+1] >> 5
		v.vvvv = Reg(^b[i+2] >> 3 & 15)
		i += 4
	case c == 0x0f && b[i+1] == 0x38:
		opmap = 2
		i += 2
	case c == 0x0f && b[i+1] == 0x3a:
		opmap = 3
		i += 2
	case c == 0x0f:
		opmap = 1
		i++
	default:
		return v, false
	}
	if i >= len(b) {
		return v, false
	}
	op := b[i]
	i++
	v.opmap, v.op = opmap, op
	if opmap == 1 && op == 0x77 {
		v.len = i
		return v, true
	}
	return finishVex(v, b, i, rex, mode64)
}

func finishVex(v vexInst, b []byte, i int, rex byte, mode64 bool) (vexInst, bool) {
	if i >= len(b) {
		return v, false
	}
	modrm := b[i]
	i++
	v.reg = Reg(modrm>>3&7 | rex>>2&1<<3)
	if modrm>>6 == 3 {
		v.rm = Reg(modrm&7 | rex&1<<3)
	} else {
		var ok bool
		if i, ok = v.memory(b, i, modrm, rex, mode64); !ok {
			return v, false
		}
	}
	if op := v.op; v.opmap == 3 || v.opmap == 1 && v.vex && (op >= 0x70 && op <= 0x73 || op == 0xc2 || op >= 0xc4 && op <= 0xc6) {
		i++
	}
	v.len = i
	return v, i <= len(b)
}

// memory reads the operand in memory. EVEX scales a displacement of a byte by
// what depends on the instruction, up to 64: all such places count.
func (v *vexInst) memory(b []byte, i int, modrm, rex byte, mode64 bool) (int, bool) {
	v.mem, v.bytes = true, 64
	mod, base := modrm>>6, modrm&7
	noBase := mod == 0 && base == 5
	v.ripRel = noBase && mode64
	if base == 4 {
		if i >= len(b) {
			return i, false
		}
		sib := b[i]
		i++
		base = sib & 7
		noBase = mod == 0 && base == 5
		v.addr.Scale = 1 << (sib >> 6)
		if x := Reg(sib>>3&7 | rex>>1&1<<3); x != 4 {
			v.addr.Index = x
		}
	}
	if !noBase {
		v.addr.Base = Reg(base | rex&1<<3)
	}
	n := map[bool]int{true: 4}[noBase || mod == 2]
	if mod == 1 {
		n = 1
	}
	if i+n > len(b) {
		return i, false
	}
	switch n {
	case 1:
		v.addr.Disp = int64(int8(b[i]))
		if v.evex {
			far := 64 * v.addr.Disp
			v.bytes += max(far, v.addr.Disp) - min(far, v.addr.Disp)
			v.addr.Disp = min(far, v.addr.Disp)
		}
	case 4:
		v.addr.Disp = int64(int32(uint32(b[i]) | uint32(b[i+1])<<8 | uint32(b[i+2])<<16 | uint32(b[i+3])<<24))
	}
	return i + n, true
}
