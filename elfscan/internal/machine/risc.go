package machine

// builder collects the operations of one instruction of a fixed-width
// machine.
type builder struct {
	m   *Machine
	out []Inst
	pc  uint64
}

func (b *builder) emit(i Inst) { b.out = append(b.out, i) }

func (b *builder) op(op Op, dst Reg, l, r Operand, size uint8, e Extend) {
	b.emit(Inst{Op: op, Dst: dst, A: l, B: r, Size: size, Ext: e})
}

func (b *builder) move(dst Reg, v Operand) { b.op(Move, dst, v, Operand{}, uint8(b.m.PtrSize), Zero) }

func (b *builder) unknown(r Reg) { b.emit(Inst{Op: Unknown, Dst: r, Size: 8}) }

func (b *builder) load(dst, base Reg, disp int64, size uint8, e Extend) {
	b.emit(Inst{Op: Load, Dst: dst, Mem: at(base, disp), Size: size, Ext: e})
}

func (b *builder) store(src Operand, base Reg, disp int64, size uint8) {
	b.emit(Inst{Op: Store, A: src, Mem: at(base, disp), Size: size})
}

// branch compares and jumps, which leaves the flags alone.
func (b *builder) branch(c Cond, l, r Operand, size uint8, target uint64) {
	b.emit(Inst{Op: Branch, Cond: c, A: l, B: r, Size: size, Target: target})
}

// skip jumps over what follows in the same instruction, to the next one, or
// does not: nothing says which.
func (b *builder) skip(next uint64) { b.emit(Inst{Op: Branch, Target: next}) }

// unknowns makes registers unknown.
func (b *builder) unknowns(regs ...Reg) {
	for _, r := range regs {
		b.unknown(r)
	}
}

// fill makes n bytes behind an address unknown.
func (b *builder) fill(base Reg, disp, n int64) {
	b.emit(Inst{Op: Fill, A: I(n), Size: 1, Mem: at(base, disp)})
}

func (b *builder) add(dst, src Reg, imm int64) {
	b.op(Add, dst, R(src), I(imm), uint8(b.m.PtrSize), Zero)
}

func at(base Reg, disp int64) Mem { return Mem{Base: base, Index: None, Disp: disp} }

// signed takes the low n bits of v as a signed number.
func signed(v uint32, n uint) int64 { return int64(v) << (64 - n) >> (64 - n) }

// bits takes bits hi to lo of v.
func bits(v uint32, hi, lo uint) uint32 { return v >> lo & (1<<(hi-lo+1) - 1) }

// word reads an instruction of four bytes.
func word(m *Machine, code []byte) (uint32, bool) {
	if len(code) < 4 {
		return 0, false
	}
	return m.Order.Uint32(code), true
}

// scanWords calls f for every aligned word of a piece.
func scanWords(s *Scan, from, to int, f func(i int, w uint32)) {
	i := from
	if r := (s.PC + uint64(i)) & 3; r != 0 {
		i += int(4 - r)
	}
	for ; i < to && i+4 <= len(s.Code); i += 4 {
		s.Since = s.PC + uint64(i)
		f(i, s.Order.Uint32(s.Code[i:]))
	}
}

// page bookkeeping: upper parts of addresses, by register.

func (s *Scan) setPage(r uint32, v uint64) { s.page[r&63], s.pageAt[r&63] = v|1<<63, s.Since }

// setFull notes that a register holds an address.
func (s *Scan) setFull(r uint32, v uint64) {
	s.full[r&63], s.fullAt[r&63], s.beyond[r&63] = v, s.Since, false
}

// loadFull notes that a register holds what a word does.
func (s *Scan) loadFull(r uint32, at uint64) {
	s.noFull(r)
	if s.Pointer == nil {
		return
	}
	if v, ok := s.Pointer(at); ok {
		s.setFull(r, v)
	}
}

// copyFull notes that a register holds what another one does, and a number of
// bytes more: an address, if that is one.
func (s *Scan) copyFull(to, from uint32, off int64) {
	if s.full[to&63] = s.full[from&63]; s.full[to&63] != 0 {
		s.full[to&63] += uint64(off)
	}
	s.fullAt[to&63], s.beyond[to&63] = s.fullAt[from&63], s.beyond[from&63]
}

// addNumber looks at to = from + n, which may end what puts an address together,
// or count from one.
func (s *Scan) addNumber(i int, to, from uint32, n int64) {
	s.near(EdgeNear, i, from, n)
	s.copyFull(to, from, n)
	if page, ok := s.getPage(from); ok {
		s.edge(EdgeRef, i, page+uint64(n))
		s.setFull(to, page+uint64(n))
	}
}

// addFull notes that a register holds the sum of two others: some place behind
// an address, if one is that.
func (s *Scan) addFull(to, x, y uint32) {
	if s.full[x&63] == 0 {
		x = y
	}
	s.copyFull(to, x, 0)
	s.beyond[to&63] = true
}

// noFull notes that registers hold something else.
func (s *Scan) noFull(regs ...uint32) {
	for _, r := range regs {
		s.full[r&63] = 0
	}
}

// clobber does so for a range of registers.
func (s *Scan) clobber(first, last uint32) { clear(s.full[first : last+1]) }

// near reports what is at a distance from the address in a register.
func (s *Scan) near(kind EdgeKind, i int, r uint32, off int64) {
	if v := s.full[r&63]; v != 0 {
		s.Since = s.fullAt[r&63]
		if s.beyond[r&63] {
			kind = EdgeNear // any word from there on
		}
		s.edge(kind, i, v+uint64(off))
	}
}

func (s *Scan) noPage(r uint32) { s.page[r&63] = 0 }

func (s *Scan) getPage(r uint32) (uint64, bool) {
	v := s.page[r&63]
	if v != 0 {
		s.Since = s.pageAt[r&63]
	}
	return v &^ (1 << 63), v != 0
}
