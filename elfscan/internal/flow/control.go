package flow

import (
	"slices"

	"github.com/elastic/go-seccomp-bpf/elfscan/internal/machine"
)

// decide says which ways a condition may go.
func (a *analysis) decide(s *State, c machine.Cond) (taken, not bool) {
	if !s.cmpOK || !s.cmpKind.Tells(c) {
		return true, true
	}
	l, ok1 := a.v.Consts(s.cmpA)
	r, ok2 := a.v.Consts(s.cmpB)
	if !ok1 || !ok2 || len(l)*len(r) > 64 {
		return true, true
	}
	for _, x := range l {
		for _, y := range r {
			if holds(c, x, y, s.cmpSize) {
				taken = true
			} else {
				not = true
			}
		}
	}
	return taken, not
}

func holds(c machine.Cond, x, y int64, size uint8) bool {
	if size > 0 && size < 8 {
		sh := 64 - 8*uint(size)
		x, y = x<<sh>>sh, y<<sh>>sh
	}
	switch c {
	case machine.EQ:
		return x == y
	case machine.NE:
		return x != y
	case machine.LT:
		return x < y
	case machine.GE:
		return x >= y
	case machine.LE:
		return x <= y
	case machine.GT:
		return x > y
	case machine.ULT:
		return uint64(x) < uint64(y)
	case machine.UGE:
		return uint64(x) >= uint64(y)
	case machine.ULE:
		return uint64(x) <= uint64(y)
	}
	return uint64(x) > uint64(y)
}

func (a *analysis) branch(in machine.Inst, s *State, pc, next uint64) bool {
	flags := s.comparison
	if in.Size != 0 { // a comparison of its own
		s.comparison = a.compare(s, in, machine.Maybe)
	}
	taken, not := a.decide(s, in.Cond)
	t := s
	if taken && not {
		t = a.learned(s, in.Cond)
		if t == s {
			t = s.clone()
		}
		*s = *a.learned(s, in.Cond.Negate())
		if in.Size == 0 {
			a.settle(t, in.Cond)
			a.settle(s, in.Cond.Negate())
		}
	}
	if in.Size != 0 {
		t.restore(flags)
		s.restore(flags)
	}
	if taken {
		a.goTo(in.Target, t, pc)
	} else {
		a.excludes(in.Target)
	}
	if !not {
		a.excludes(next)
	}
	return not
}

// restore sets the flags back to what they were before a comparison that does
// not touch them; what it told of a register is no longer what they compare.
func (s *State) restore(flags comparison) {
	s.comparison = flags
	if r := flags.cmpReg; r != machine.None && s.Regs[r] != flags.cmpA {
		s.cmpReg = machine.None
	}
}

// learned is a state in which a condition on the last comparison is known to
// hold: the register that was compared has what possibilities remain.
func (a *analysis) learned(s *State, c machine.Cond) *State {
	r := s.cmpReg
	if !s.cmpOK || r == machine.None || r == a.m.Zero || int(r) >= a.m.Regs || s.Regs[r] != s.cmpA ||
		!s.cmpKind.Tells(c) {
		return s
	}
	right, ok := a.v.single(s.cmpB)
	if !ok {
		return s
	}
	v := s.cmpA
	if left, ok := a.v.Consts(v); ok {
		v = None
		for _, x := range left {
			if holds(c, x, right, s.cmpSize) {
				v = a.v.Join(v, a.v.Const(x))
			}
		}
	} else if c == machine.EQ && int(s.cmpSize) == a.m.PtrSize {
		v = a.pointerWidth(a.v.Const(right))
	}
	if v == s.cmpA || v == None {
		return s
	}
	t := s.clone()
	for i := range a.m.Regs {
		// Equal values are the same value, unless it is unknown.
		if s.Regs[i] == s.cmpA && (machine.Reg(i) == r || a.pure(s.cmpA)) {
			t.Regs[i] = v
		}
	}
	t.cmpA = v
	return t
}

// settle puts into registers what they hold under a condition that holds.
func (a *analysis) settle(s *State, cond machine.Cond) {
	for _, c := range s.chosen {
		if c.cond == cond && cond != machine.Maybe {
			a.setReg(s, c.reg, c.v)
		}
	}
}

// pure reports whether a value is always the same wherever it appears in one
// run of a function: what a register held on entry, or a call returned.
func (a *analysis) pure(v ID) bool {
	set := a.v.sets[v]
	return v != Top && len(set) == 1 && set[0].Kind == Entry && set[0].Size == 0
}

// goTo sends control to a fixed address, inside the function or out of it.
func (a *analysis) goTo(target uint64, s *State, pc uint64) {
	if target == a.fn.Start && a.fn.Go && a.called {
		return // runtime.morestack has returned: start again as before
	}
	if a.in(target) {
		a.enqueue(target, s)
		return
	}
	a.passes(s, machine.Inst{Op: machine.Jump, Target: target})
	a.point(Point{Addr: pc, Op: machine.Jump, Target: target}, s)
}

func (a *analysis) jump(in machine.Inst, s *State, pc uint64) {
	if in.Target != 0 {
		a.goTo(in.Target, s, pc)
		return
	}
	a.passes(s, in)
	v := a.operand(s, in.A)
	if v == Top || v == None {
		a.lost(s)
		a.goAstray(s)
		a.point(Point{Addr: pc, Op: machine.Jump, Callee: v}, s)
		return
	}
	rest := None
	for _, x := range a.v.sets[v] {
		switch x.Kind {
		case Const:
			a.goTo(uint64(x.Add), s, pc)
		case Table, TableRel:
			a.jumpTable(x, s, pc)
		default:
			rest = a.v.Join(rest, a.v.one(x))
		}
	}
	if rest != None {
		a.goAstray(s)
		a.point(Point{Addr: pc, Op: machine.Jump, Callee: rest}, s)
	}
}

// jumpTable follows the entries of a table for as long as they lead into the
// function: its length is known only to the comparison before it, and an
// entry too many merely adds a path that is not there.
func (a *analysis) jumpTable(x Atom, s *State, pc uint64) {
	stride, size := uint64(x.Reg), int(x.Size)
	addr := uint64(x.Addr)
	followed := false
	if size == 0 && a.m.Name == "arm" {
		followed = a.branchRow(addr, s)
	}
	var far farTargets
	// Elsewhere, without a size, it goes into a row of equal instruction sequences.
	for i := 0; i < maxTable && size > 0 && stride > 0; i++ {
		c, ok := a.Memory.Constant(addr+uint64(i)*stride, size)
		if !ok {
			break
		}
		if x.Kind == TableRel || x.Base == 1 {
			sh := 64 - 8*uint(size)
			c = uint64(int64(c<<sh) >> sh)
		}
		t := c + uint64(x.Add)
		if a.m.PtrSize == 4 {
			t = uint64(uint32(t))
		}
		inside := a.in(t)
		if inside && i > 0 && !a.boundary(t) || !inside && !far.add(a, t) {
			break
		}
		if next := addr + uint64(i)*stride; i > 0 && a.res.Tables[next] != 0 {
			break // another table follows
		}
		if !inside {
			continue
		}
		a.res.Tables[addr] = i + 1
		a.isData(addr+uint64(i)*stride, size)
		followed = true
		a.enqueue(t, s)
	}
	if !followed {
		a.lost(s)
		a.point(Point{Addr: pc, Op: machine.Jump, Callee: Top}, s)
	}
	a.goAstray(s)
}

// farTargets are those of a table that are outside the function: compilers put
// what is seldom executed elsewhere. They are few.
type farTargets []uint64

const maxFar = 8

// add reports whether t may be one more.
func (f *farTargets) add(a *analysis, t uint64) bool {
	if slices.Contains(*f, t) {
		return true
	}
	*f = append(*f, t)
	return len(*f) <= maxFar && a.Memory.Mapped(t)
}

// branchRow follows ARM's add pc, pc, reg, lsl #2: a row of branches.
func (a *analysis) branchRow(addr uint64, s *State) (followed bool) {
	for i := uint64(0); i < maxTable; i++ {
		t := addr + 4*i
		w, ok := a.Memory.Constant(t, 4)
		if !ok || w>>24 != 0xea || !a.in(t) {
			break
		}
		a.enqueue(t, s)
		followed = true
	}
	return followed
}

// boundary reports whether an instruction starts at an address, as far as
// reading the function from its start tells.
func (a *analysis) boundary(addr uint64) bool {
	if a.m.Align != 1 {
		return addr%a.m.Align == 0
	}
	if a.bounds == nil {
		a.bounds = a.m.Boundaries(a.fn.Code)
	}
	return a.bounds[addr-a.fn.Start]
}

// tableSum recognises base + table entry.
func (a *analysis) tableSum(x, y ID) ID {
	for range 2 {
		if c, ok := a.v.single(x); ok && y != Top && len(a.v.sets[y]) == 1 {
			if t := a.v.sets[y][0]; t.Kind == Table && t.Size != 0 || t.Kind == TableRel {
				t.Kind = TableRel
				t.Add += c
				return a.v.one(t)
			}
		}
		x, y = y, x
	}
	return Top
}

// linked reports whether a jump may be a call, because the register of return
// addresses may hold the next instruction's: ARM's mov lr, pc; mov pc, reg. If
// only is false it may as well be no call, as where a label follows.
func (a *analysis) linked(s *State, next uint64) (linked, only bool) {
	if a.m.Link == machine.None {
		return false, false
	}
	set := a.v.sets[s.Regs[a.m.Link]]
	for _, x := range set {
		linked = linked || x.Kind == Const && uint64(x.Add) == next
	}
	return linked, len(set) == 1 && !slices.Contains(a.fn.Labels, next)
}

func (a *analysis) call(in machine.Inst, s *State, pc, next uint64) bool {
	a.called = true
	a.passes(s, in)
	p := Point{Addr: pc, Op: machine.Call, Target: in.Target}
	if in.Target == 0 {
		p.Callee = a.operand(s, in.A)
		if c, ok := a.v.single(p.Callee); ok {
			p.Target = uint64(c)
		}
	}
	a.point(p, s)
	if p.Target == next && a.m.CallPush != 0 { // call next; pop reg: reading the program counter
		a.setReg(s, a.m.SP, a.v.Add(s.Regs[a.m.SP], -a.m.CallPush))
		if sp, ok := a.stackOffset(s); ok {
			s.set(sp, uint8(a.m.PtrSize), a.v.Const(int64(next)))
		}
		return true
	}
	if a.NoReturn != nil && p.Target != 0 && a.NoReturn(p.Target) {
		return false
	}
	if a.Inline != nil && p.Target != 0 {
		if code := a.Inline(p.Target); code != nil && a.inline(code, p.Target, s, pc) {
			return true
		}
	}
	if a.Keeps != nil && p.Target != 0 {
		if changed, ok := a.Keeps(p.Target); ok {
			for i, r := range changed {
				v := Top
				if i == 0 {
					v = a.v.one(Atom{Kind: Returned, Addr: int64(pc)})
				}
				a.setReg(s, r, v)
			}
			s.forgetFlags()
			return true
		}
	}
	thunk, isThunk := a.pcThunk(p.Target)
	if !isThunk {
		a.clobber(s, p)
	} else {
		a.setReg(s, thunk, a.v.Const(int64(next)))
	}
	s.forgetFlags()
	return true
}

// inline executes straight-line code that a call enters, such as Go's unrolled
// copies; it reports false, leaving the state alone, if the code is not
// straight.
func (a *analysis) inline(code []byte, pc uint64, s *State, call uint64) bool {
	t := s.clone()
	a.setReg(t, a.m.SP, a.v.Add(t.Regs[a.m.SP], -a.m.CallPush))
	var ops []machine.Inst
	for off, n := 0, 0; off < len(code); off += n {
		var err error
		if ops, n, err = a.m.Lift(ops[:0], code[off:], pc+uint64(off)); err != nil || n <= 0 {
			return false
		}
		for _, in := range ops {
			switch in.Op {
			case machine.Return:
				a.setReg(t, a.m.SP, a.v.Add(t.Regs[a.m.SP], a.m.CallPush))
				*s = *t
				return true
			case machine.Call, machine.Jump, machine.Branch, machine.Halt, machine.Syscall:
				return false
			}
			a.step(in, t, call, pc+uint64(off+n))
		}
	}
	return false
}

// stackOffset is where SP points, relative to its value on entry.
func (a *analysis) stackOffset(s *State) (int32, bool) {
	v := s.Regs[a.m.SP]
	if set := a.v.sets[v]; v != Top && len(set) == 1 && set[0].Kind == Entry && machine.Reg(set[0].Reg) == a.m.SP {
		return int32(set[0].Add), true
	}
	return 0, false
}

// clobber forgets what a called function may change.
func (a *analysis) clobber(s *State, p Point) {
	var keep [maxRegs]bool
	keep[a.m.SP] = true
	if a.m.Zero != machine.None {
		keep[a.m.Zero] = true
	}
	if !a.fn.Go {
		for _, r := range a.m.Preserve {
			keep[r] = true
		}
	}
	for i := range a.m.Regs {
		if !keep[i] {
			if machine.Reg(i) != a.m.FP {
				a.escape(s.Regs[i])
			}
			s.Regs[i] = Top
			s.mixed[i>>6] &^= 1 << (i & 63)
		}
	}
	for r, c := range a.fn.Init {
		s.Regs[r] = a.v.Const(c)
	}
	s.Regs[a.m.Result] = a.v.one(Atom{Kind: Returned, Addr: int64(p.Addr)})
	for _, off := range a.esc {
		if a.Strict {
			s.kill(off, -off)
		} else {
			s.kill(off, min(64, -off)) // a local does not reach into the caller's frame
		}
	}
	if a.ArgBytes == nil || p.Target == 0 {
		return
	}
	if n := a.ArgBytes(p.Target); n > 0 && n < 1<<16 {
		if sp, ok := a.stackOffset(s); ok {
			if a.m.Link != machine.None {
				n += a.m.PtrSize
			}
			s.kill(sp, int32(n))
		}
	}
}

// pcThunk recognises __x86.get_pc_thunk: mov (%esp), reg; ret.
func (a *analysis) pcThunk(target uint64) (machine.Reg, bool) {
	if a.m.Name != "i386" || target == 0 {
		return machine.None, false
	}
	w, ok := a.Memory.Constant(target, 4)
	if !ok || w&0xffffc7ff != 0xc324048b {
		return machine.None, false
	}
	return machine.Reg(w >> 11 & 7), true
}

func (a *analysis) binary(in machine.Inst, l, r ID) ID {
	x, ok1 := a.v.single(l)
	y, ok2 := a.v.single(r)
	switch in.Op {
	case machine.Add:
		switch {
		case ok2 && l == Top && a.isTable(y):
			return a.v.one(Atom{Kind: Table, Addr: y})
		case ok1 && r == Top && a.isTable(x):
			return a.v.one(Atom{Kind: Table, Addr: x})
		}
		if t := a.tableSum(l, r); t != Top {
			return t
		}
		switch {
		case ok2:
			return a.v.Add(l, y)
		case ok1:
			return a.v.Add(r, x)
		}
		return a.tableSum(l, r)
	case machine.Sub:
		if ok2 {
			return a.v.Add(l, -y)
		}
	case machine.And:
		// Aligning the stack, or masking a small number: the offset is
		// lost only for what is not the stack pointer's own register.
		if ok2 && in.Dst == a.m.SP && y < 0 {
			return l
		}
		if ok1 && x == 0 || ok2 && y == 0 {
			return a.v.Const(0)
		}
	case machine.Or:
		if in.A.Reg == in.B.Reg && in.A.Reg != machine.None {
			return l // PowerPC's move
		}
		if ok2 && y == 0 {
			return l
		}
		if ok1 && x == 0 {
			return r
		}
	}
	return a.fold(in, l, r)
}

// isTable reports whether a constant that an unknown one is added to can be
// the address of a table: not a small one, unless it is behind such code.
func (a *analysis) isTable(c int64) bool {
	low := a.fn.Start < 4096 && c >= 512 && uint64(c) > a.fn.Start
	return (c > 4096 || low) && a.Memory.Mapped(uint64(c))
}

// fold computes an operation on every pair of constants.
func (a *analysis) fold(in machine.Inst, l, r ID) ID {
	xs, ok1 := a.v.Consts(l)
	ys, ok2 := a.v.Consts(r)
	if !ok1 || !ok2 || len(xs)*len(ys) > maxAtoms {
		return Top
	}
	out := None
	for _, x := range xs {
		for _, y := range ys {
			out = a.v.Join(out, a.v.Const(compute(in, x, y)))
		}
	}
	return out
}

func compute(in machine.Inst, x, y int64) int64 {
	bits := uint(in.Size) * 8
	if bits == 0 || bits > 64 {
		bits = 64
	}
	sh := uint(y) & (bits - 1)
	switch in.Op {
	case machine.Sub:
		return x - y
	case machine.And:
		return x & y
	case machine.Or:
		return x | y
	case machine.Xor:
		return x ^ y
	case machine.Mul:
		return x * y
	case machine.Shl:
		return x << sh
	case machine.Shr:
		return int64(uint64(x) << (64 - bits) >> (64 - bits) >> sh)
	case machine.Sar:
		return x << (64 - bits) >> (64 - bits) >> sh
	}
	return x + y
}
