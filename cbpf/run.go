package cbpf

// Data is one system call as a filter sees it: struct seccomp_data.
type Data struct {
	NR   uint32    // system call number, with x32's bit 30 where it applies
	Arch uint32    // AUDIT_ARCH_*
	IP   uint64    // instruction pointer
	Args [6]uint64 // argument registers
}

// Words lays d out as a filter reads it: word i is what LD [4*i] loads on a
// machine of that byte order.
func (d *Data) Words(bigEndian bool) [16]uint32 {
	var w [16]uint32
	w[0], w[1] = d.NR, d.Arch
	lo, hi := 0, 1
	if bigEndian {
		lo, hi = 1, 0
	}
	w[2+lo], w[2+hi] = uint32(d.IP), uint32(d.IP>>32)
	for i, v := range d.Args {
		w[4+2*i+lo], w[4+2*i+hi] = uint32(v), uint32(v>>32)
	}
	return w
}

// Run gives the program's return value for one call and the number of
// instructions executed to find it, the return included. It computes what
// the kernel computes: 32-bit arithmetic, shift counts modulo 32, and a
// division by a zero X ending the program with 0 (net/core/filter.c:
// bpf_convert_filter). Where the kernel compiles programs for PowerPC, shift
// counts are modulo 64 instead, so that a shift by an X of 32 to 63 gives 0
// there (arch/powerpc/net/bpf_jit_comp64.c: the SLW and SRW instructions).
//
// The program must be valid. Run neither panics nor loops on one that is not,
// but then its result means nothing; it is 0, SECCOMP_RET_KILL_THREAD, where
// execution meets an unknown instruction or leaves the program.
func (p Program) Run(words *[16]uint32) (ret uint32, executed int) {
	return p.run(words, 31)
}

// run is Run with shift counts cut to the bits of counts.
func (p Program) run(words *[16]uint32, counts uint32) (ret uint32, executed int) {
	var a, x uint32
	var mem [16]uint32
	// 64 bits wide so that no jump, however long, wraps around on a 32-bit
	// machine: execution only ever moves forward.
	for pc := uint64(0); pc < uint64(len(p)); pc++ {
		in := &p[pc]
		executed++
		k := in.K
		switch in.Op {
		case opLoadAbs:
			a = words[k>>2&15]
		case opJeqK:
			pc += skip(in.Jt, in.Jf, a == k)
		case opJgeK:
			pc += skip(in.Jt, in.Jf, a >= k)
		case opJgtK:
			pc += skip(in.Jt, in.Jf, a > k)
		case opJsetK:
			pc += skip(in.Jt, in.Jf, a&k != 0)
		case opJump:
			pc += uint64(k)
		case opRetK:
			return k, executed
		case opRetA:
			return a, executed
		case opJeqX:
			pc += skip(in.Jt, in.Jf, a == x)
		case opJgeX:
			pc += skip(in.Jt, in.Jf, a >= x)
		case opJgtX:
			pc += skip(in.Jt, in.Jf, a > x)
		case opJsetX:
			pc += skip(in.Jt, in.Jf, a&x != 0)
		case opLoadImm:
			a = k
		case opLoadXImm:
			x = k
		case opLoadLen:
			a = DataSize
		case opLoadXLen:
			x = DataSize
		case opLoadMem:
			a = mem[k&15]
		case opLoadXMem:
			x = mem[k&15]
		case opStore:
			mem[k&15] = a
		case opStoreX:
			mem[k&15] = x
		case opTAX:
			x = a
		case opTXA:
			a = x
		default:
			operand := k
			if in.Op&srcX != 0 {
				operand = x
			}
			var ok bool
			switch in.Op {
			case opLshX, opRshX:
				operand &= counts
			}
			if a, ok = compute(in.Op, a, operand); !ok {
				return 0, executed
			}
		}
	}
	return 0, executed
}

// skip chooses the distance of a conditional jump.
func skip(jt, jf uint8, holds bool) uint64 {
	if holds {
		return uint64(jt)
	}
	return uint64(jf)
}

// compute applies an arithmetic instruction to the accumulator; ok is false
// when the instruction ends the program: a division by zero, or no
// instruction that seccomp accepts.
func compute(op uint16, a, operand uint32) (result uint32, ok bool) {
	switch op {
	case opAndK, opAndX:
		return a & operand, true
	case opOrK, opOrX:
		return a | operand, true
	case opXorK, opXorX:
		return a ^ operand, true
	case opAddK, opAddX:
		return a + operand, true
	case opSubK, opSubX:
		return a - operand, true
	case opMulK, opMulX:
		return a * operand, true
	case opDivK, opDivX:
		if operand == 0 {
			return 0, false
		}
		return a / operand, true
	case opLshK, opLshX:
		return a << operand, true
	case opRshK, opRshX:
		return a >> operand, true
	case opNeg:
		return -a, true
	}
	return 0, false
}
