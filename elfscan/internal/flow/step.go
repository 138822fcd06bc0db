package flow

import (
	"github.com/elastic/go-seccomp-bpf/elfscan/internal/machine"
)

// Read returns the value of an operand in a state.
func (a *analysis) operand(s *State, o machine.Operand) ID {
	if o.Reg == machine.None {
		return a.v.Const(o.Imm)
	}
	a.uses(s, o.Reg)
	return s.Regs[o.Reg]
}

// step executes one operation; it reports whether control goes on to the next.
func (a *analysis) step(in machine.Inst, s *State, pc, next uint64) bool {
	switch in.Op {
	case machine.Nop:
	case machine.Move:
		a.assign(s, in, a.operand(s, in.A))
	case machine.Unknown:
		a.setReg(s, in.Dst, Top)
	case machine.Load:
		a.assign(s, in, a.load(s, a.address(s, in.Mem), in))
	case machine.Store:
		a.store(s, in, pc)
	case machine.Fill:
		a.fill(s, in, pc)
	case machine.Address:
		a.assign(s, in, a.address(s, in.Mem))
	case machine.Select:
		a.selectValue(s, in)
	case machine.Compare:
		s.forgetFlags()
		s.comparison = a.compare(s, in, in.Cond)
	case machine.Flags:
		s.forgetFlags()
	case machine.Syscall:
		a.point(Point{Addr: pc, Op: machine.Syscall}, s)
		s.forgetFlags()
		a.setReg(s, a.m.Result, Top)
		for _, r := range a.m.Clobber {
			a.setReg(s, r, Top)
		}
	case machine.Call:
		return a.call(in, s, pc, next)
	case machine.Jump:
		if linked, only := a.linked(s, next); linked {
			if !only {
				a.jump(in, s.clone(), pc)
			}
			return a.call(in, s, pc, next)
		}
		a.jump(in, s, pc)
		return false
	case machine.Branch:
		return a.branch(in, s, pc, next)
	case machine.Return:
		a.res.Returns = true
		a.escapes(s.Regs[a.m.Result])
		a.point(Point{Addr: pc, Op: machine.Return}, s)
		return false
	case machine.Halt:
		return false
	default:
		l, r := a.operand(s, in.A), a.operand(s, in.B)
		v := a.binary(in, l, r)
		if v == Top && in.Op != machine.And { // test clears what it computes
			a.escapes(l)
			a.escapes(r)
		}
		if v == Top {
			a.indexed(l)
			a.indexed(r)
		}
		a.assign(s, in, v)
	}
	return true
}

func (a *analysis) compare(s *State, in machine.Inst, kind machine.Cond) comparison {
	return comparison{cmpA: a.operand(s, in.A), cmpB: a.operand(s, in.B), cmpSize: in.Size,
		cmpKind: kind, cmpOK: true, cmpReg: in.A.Reg}
}

func (a *analysis) setReg(s *State, r machine.Reg, v ID) {
	if r != machine.None && r != a.m.Zero && int(r) < a.m.Regs {
		s.Regs[r] = v
		s.mixed[r>>6] &^= 1 << (r & 63)
		if r == s.cmpReg {
			s.cmpReg = machine.None
		}
		s.unchoose(r)
	}
}

// assign writes a result of the instruction's width into its register.
func (a *analysis) assign(s *State, in machine.Inst, v ID) {
	if in.Dst == machine.None {
		return
	}
	if int(in.Size) >= a.m.PtrSize || in.Size == 0 {
		a.setReg(s, in.Dst, a.pointerWidth(v))
		return
	}
	old := s.Regs[in.Dst]
	a.setReg(s, in.Dst, a.narrow(v, in.Size, in.Ext, old))
}

func (a *analysis) pointerWidth(v ID) ID {
	if a.m.PtrSize == 8 {
		return v
	}
	return a.v.each(v, func(x Atom) (Atom, bool) {
		x.Add = int64(int32(x.Add))
		if x.Kind == Const {
			x.Add = int64(uint32(x.Add))
		}
		return x, true
	})
}

// narrow cuts a value to size bytes. Only constants are really cut: a system
// call number or a small argument passes through the low half unchanged.
func (a *analysis) narrow(v ID, size uint8, ext machine.Extend, old ID) ID {
	bits := uint(size) * 8
	low := int64(1)<<bits - 1
	if ext == machine.Low {
		if o, ok := a.v.single(old); ok && o&^low != 0 {
			ext = machine.Keep
		}
	}
	if ext == machine.Keep {
		n, ok1 := a.v.single(v)
		o, ok2 := a.v.single(old)
		if !ok1 || !ok2 {
			return Top
		}
		return a.v.Const(o&^low | n&low)
	}
	return a.v.each(v, func(x Atom) (Atom, bool) {
		switch {
		case x.Kind == Const && ext == machine.Sign:
			x.Add = x.Add << (64 - bits) >> (64 - bits)
		case x.Kind == Const:
			x.Add &= low
		case size < 4 && x.Size != size:
			return x, false
		case x.Kind == Table && ext == machine.Sign && x.Size == size:
			x.Base = 1 // its entries are signed
		case size == 4 && (x.Kind == Entry || x.Kind == Returned) && ext != machine.Low:
			x.Size = 4 // not the whole register
		}
		if a.m.PtrSize == 4 && x.Kind == Const {
			x.Add = int64(uint32(x.Add))
		}
		return x, true
	})
}

// address evaluates a memory operand.
func (a *analysis) address(s *State, m machine.Mem) ID {
	if m.Opaque {
		return Top
	}
	v := a.v.Const(m.Disp)
	a.uses(s, m.Base)
	a.uses(s, m.Index)
	if m.Base != machine.None {
		v = a.v.Add(s.Regs[m.Base], m.Disp)
	}
	if m.Index == machine.None {
		return v
	}
	idx, known := a.v.single(s.Regs[m.Index])
	if known && v == Top { // either may be the base
		a.escapes(s.Regs[m.Index])
		if m.Scale == 1 && a.Memory.Mapped(uint64(idx+m.Disp)) {
			return a.v.one(Atom{Kind: Table, Reg: 1, Addr: idx + m.Disp})
		}
	}
	if known {
		return a.v.Add(v, idx*int64(m.Scale))
	}
	if set, ok := a.v.Consts(s.Regs[m.Index]); ok {
		out := None
		for _, c := range set {
			out = a.v.Join(out, a.v.Add(v, c*int64(m.Scale)))
		}
		return out
	}
	a.escapes(v) // some word near it
	a.escapes(s.Regs[m.Index])
	if t := a.tableSum(v, s.Regs[m.Index]); m.Scale == 1 && t != Top {
		return t
	}
	if base, ok := a.v.single(v); ok && m.Scale > 0 && a.isTable(base) {
		return a.v.one(Atom{Kind: Table, Reg: m.Scale, Addr: base, Size: 0})
	}
	a.indexed(v)
	a.indexed(s.Regs[m.Index])
	return Top
}

// load returns what a read from an address gives.
func (a *analysis) load(s *State, addr ID, in machine.Inst) ID {
	if addr == Top || addr == None {
		return addr
	}
	out := None
	for _, x := range a.v.sets[addr] {
		out = a.v.Join(out, a.loadAtom(s, x, in.Size, in.Ext))
	}
	return out
}

func (a *analysis) loadAtom(s *State, x Atom, size uint8, ext machine.Extend) ID {
	switch x.Kind {
	case Const:
		addr := uint64(x.Add)
		if c, ok := a.Memory.Constant(addr, int(size)); ok {
			a.isData(addr, int(size))
			if ext == machine.Sign && size < 8 {
				sh := 64 - 8*uint(size)
				c = uint64(int64(c<<sh) >> sh)
			}
			return a.v.Const(int64(c))
		}
		if !a.Memory.Mapped(addr) {
			return Top
		}
		return a.assumed(Atom{Kind: Global, Addr: x.Add, Size: size})
	case Entry:
		if machine.Reg(x.Reg) == a.m.SP {
			return a.loadStack(s, x.Add, size)
		}
	case Table:
		if x.Size == 0 && x.Add == 0 {
			x.Size = size
			if x.Reg <= 1 {
				x.Reg = size // the index was scaled by itself: entries are adjacent
			}
			if ext == machine.Sign {
				x.Base = 1
			}
			return a.v.one(x)
		}
		return Top
	case TableRel:
		return Top
	}
	return a.field(x, size)
}

// loadFrom is load for a value outside of any instruction.
func (a *analysis) loadFrom(s *State, addr ID, size uint8) ID {
	return a.load(s, addr, machine.Inst{Size: size})
}

// field is the word behind a pointer.
func (a *analysis) field(x Atom, size uint8) ID {
	if x.Kind == Field && a.depth(x) > 3 {
		return Top
	}
	p := x
	p.Add = 0
	f := Atom{Kind: Field, Size: size, Base: a.v.base(p), Addr: x.Add}
	id := a.v.one(f)
	if !a.reads[id] {
		a.reads[id] = true
		a.res.Reads = append(a.res.Reads, f)
	}
	if a.Assume == nil {
		return id
	}
	return a.assumed(f)
}

func (a *analysis) depth(x Atom) int {
	n := 0
	for x.Kind == Field && n < 8 {
		x = a.v.Atom(x.Base)
		n++
	}
	return n
}

func (a *analysis) loadStack(s *State, off int64, size uint8) ID {
	if off != int64(int32(off)) {
		return Top
	}
	o := int32(off)
	for i := s.find(o - 15); i < len(s.slots) && s.slots[i].off < o+int32(size); i++ {
		p := s.slots[i]
		if p.off+int32(p.size) <= o {
			continue
		}
		low := p.off
		if a.m.Order.String() == "BigEndian" {
			low += int32(p.size) - int32(size)
		}
		if low == o && size <= p.size {
			return p.v
		}
		return Top
	}
	if off < 0 {
		return Top
	}
	return a.assumed(Atom{Kind: Slot, Addr: off, Size: size})
}

func (a *analysis) store(s *State, in machine.Inst, pc uint64) {
	a.storeValue(s, in, a.operand(s, in.A), pc)
}

func (a *analysis) storeValue(s *State, in machine.Inst, v ID, pc uint64) {
	addr := a.address(s, in.Mem)
	if addr == Top || addr == None {
		a.escapes(v)
		if a.Strict {
			a.escape(v)
			s.kill(wholeFrame, -wholeFrame) // it may be a local's, indexed
		}
	}
	if addr == None {
		return
	}
	if in.Size < 8 && in.A.Reg == machine.None && in.Size > 0 {
		v = a.narrow(v, in.Size, machine.Zero, Top)
	}
	if addr == Top {
		if a.fn.Go && !in.Mem.Opaque && in.Mem.Index == machine.None {
			a.recordWrite(Write{Addr: pc, To: Atom{Kind: Unknown, Add: in.Mem.Disp}, Size: in.Size, Value: v})
		}
		return
	}
	targets := a.v.sets[addr]
	if in.A.Reg != a.m.FP && in.A.Reg != a.m.SP {
		a.escape(v)
	}
	for _, x := range targets {
		if x.Kind == Entry && machine.Reg(x.Reg) == a.m.SP {
			if x.Add != int64(int32(x.Add)) {
				continue
			}
			if len(targets) == 1 {
				s.set(int32(x.Add), in.Size, v)
			} else {
				a.escapes(v)
				s.kill(int32(x.Add), int32(in.Size))
			}
			continue
		}
		a.escapes(v)
		if x.Kind != Const && x.Kind != Entry && x.Kind != Slot {
			a.written(s)
		}
		if x.Kind == Table || x.Kind == TableRel {
			continue
		}
		a.recordWrite(Write{Addr: pc, To: x, Size: in.Size, Value: v})
	}
}

// fill forgets what is behind an address.
func (a *analysis) fill(s *State, in machine.Inst, pc uint64) {
	for i := 0; a.m.Copies && i < a.m.Regs; i++ {
		a.escapes(s.Regs[i]) // what is copied from there is not followed
	}
	n, ok := a.v.single(a.operand(s, in.A))
	n *= int64(in.Size)
	addr := a.address(s, in.Mem)
	unknown := machine.Inst{Op: machine.Store, Mem: in.Mem, Size: 8, A: machine.R(a.m.SP)}
	if addr == Top || addr == None {
		a.storeValue(s, unknown, Top, pc)
		return
	}
	for _, x := range a.v.sets[addr] {
		if x.Kind == Entry && machine.Reg(x.Reg) == a.m.SP && x.Add == int64(int32(x.Add)) {
			if off := int32(x.Add); ok && n >= 0 && n < -wholeFrame {
				s.kill(off, int32(n))
			} else {
				s.kill(off, -wholeFrame)
			}
		}
	}
	for off := int64(0); ok && off < min(n, maxObject); off += 8 {
		unknown.Mem.Disp = in.Mem.Disp + off
		a.storeValue(s, unknown, Top, pc)
	}
	if !ok {
		a.storeValue(s, unknown, Top, pc)
		a.escapes(addr)
	}
}

// wholeFrame is an offset below all locals.
const wholeFrame = -1 << 24

// indexed notes that an unknown is added to a stack address: whatever is done
// with the sum may concern any local.
func (a *analysis) indexed(v ID) {
	if !a.Strict || v == Top {
		return
	}
	for _, x := range a.v.sets[v] {
		if x.Kind == Entry && machine.Reg(x.Reg) == a.m.SP {
			a.esc = appendNew(a.esc, wholeFrame)
		}
	}
}

// written forgets the locals that a store through some pointer may change.
func (a *analysis) written(s *State) {
	if !a.Strict {
		return
	}
	for _, off := range a.esc {
		s.kill(off, -off)
	}
}

// recordWrite joins the values that one instruction stores to one place.
func (a *analysis) recordWrite(w Write) {
	if len(a.writes) < 1<<16 {
		a.writes[w] = true
	}
}

// escape notes the stack addresses in a value that becomes known elsewhere.
func (a *analysis) escape(v ID) {
	if v == Top {
		return
	}
	for _, x := range a.v.sets[v] {
		if x.Kind == Entry && machine.Reg(x.Reg) == a.m.SP && x.Add < 0 && len(a.esc) < 256 {
			a.esc = appendNew(a.esc, int32(x.Add))
		}
	}
}

func appendNew(s []int32, v int32) []int32 {
	for _, x := range s {
		if x == v {
			return s
		}
	}
	return append(s, v)
}

func (a *analysis) selectValue(s *State, in machine.Inst) {
	l, r := a.operand(s, in.A), a.operand(s, in.B)
	if v := s.choice(in.Dst, in.Cond.Negate()); v != None && in.B.Reg == in.Dst {
		r = v // movgt and movle leave nothing of what was there before
	}
	v := a.v.Join(l, r)
	switch taken, not := a.decide(s, in.Cond); {
	case taken && !not:
		v = l
	case not && !taken:
		v = r
	}
	a.assign(s, in, v)
	if s.cmpOK && s.cmpKind.Tells(in.Cond) && (in.Size == 0 || int(in.Size) >= a.m.PtrSize) {
		s.choose(choice{in.Dst, in.Cond, l})
	}
}
