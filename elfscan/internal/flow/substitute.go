package flow

import "github.com/elastic/go-seccomp-bpf/elfscan/internal/machine"

// Substitute rewrites a value in terms of a function's entry into one in
// terms of its caller's, given the caller's state at the call, which pushes
// that many bytes.
func (v *Values) Substitute(id ID, s *State, m *machine.Machine, push int64) ID {
	if id == Top || id == None {
		return id
	}
	a := &analysis{Env: &Env{Machine: m, Values: v, Memory: noMemory{}}, m: m, v: v, reads: map[ID]bool{}, res: &Result{}}
	out := None
	for _, x := range v.sets[id] {
		out = v.Join(out, a.outside(x, s, push))
	}
	return out
}

func (a *analysis) outside(x Atom, s *State, push int64) ID {
	switch x.Kind {
	case Const, Global:
		return a.v.one(x)
	case Entry:
		if machine.Reg(x.Reg) == a.m.SP {
			return a.v.Add(s.Regs[a.m.SP], x.Add-push)
		}
		return a.v.Add(s.Regs[x.Reg], x.Add)
	case Slot:
		sp := s.Regs[a.m.SP]
		if sp == Top {
			return Top
		}
		out := None
		for _, b := range a.v.sets[sp] {
			if b.Kind != Entry || machine.Reg(b.Reg) != a.m.SP {
				return Top
			}
			out = a.v.Join(out, a.v.Add(a.loadStack(s, b.Add+x.Addr-push, x.Size), x.Add))
		}
		return out
	}
	if x.Kind == Field {
		base := a.outside(a.v.Atom(x.Base), s, push)
		return a.v.Add(a.loadFrom(s, a.v.Add(base, x.Addr), x.Size), x.Add)
	}
	return Top
}

// FieldOf is the word of size bytes at an offset behind a pointer, as known in
// a state.
func (v *Values) FieldOf(ptr ID, off int64, size uint8, s *State, m *machine.Machine) ID {
	a := &analysis{Env: &Env{Machine: m, Values: v, Memory: noMemory{}}, m: m, v: v, reads: map[ID]bool{}, res: &Result{}}
	return a.loadFrom(s, v.Add(ptr, off), size)
}

// maxObject is how far a structure on the stack is looked through.
const maxObject = 128

// OnStack reports whether a value is the address of something on the stack
// that holds a value which is asked for.
func (v *Values) OnStack(id ID, s *State, m *machine.Machine, holds func(ID) bool) bool {
	for _, x := range v.sets[id] {
		if x.Kind != Entry || machine.Reg(x.Reg) != m.SP {
			continue
		}
		for i := s.find(int32(x.Add)); i < len(s.slots) && int64(s.slots[i].off) < x.Add+maxObject; i++ {
			if holds(s.slots[i].v) {
				return true
			}
		}
	}
	return false
}

// Root is the atom at the end of a chain of fields.
func (v *Values) Root(x Atom) Atom {
	for n := 0; x.Kind == Field && n < 8; n++ {
		x = v.Atom(x.Base)
	}
	return x
}

// Behind returns the value that a field has when its chain's root is ptr
// instead, as seen in no state: only chains of one field can be rewritten.
func (v *Values) Behind(x Atom, ptr ID) ID {
	if v.Atom(x.Base).Kind == Field {
		return Top
	}
	return v.each(ptr, func(p Atom) (Atom, bool) {
		if p.Kind == Const || p.Kind == Table || p.Kind == TableRel {
			return p, false
		}
		off := p.Add
		p.Add = 0
		return Atom{Kind: Field, Size: x.Size, Base: v.base(p), Addr: off + x.Addr, Add: x.Add}, true
	})
}

// noMemory is an image of which nothing is constant.
type noMemory struct{}

func (noMemory) Constant(uint64, int) (uint64, bool) { return 0, false }
func (noMemory) Mapped(uint64) bool                  { return true }

// BlockStart returns the offset of an instruction from which straight-line
// code leads to the one at offset: at most 24 instructions back, behind
// whatever transfers control.
func (e *Env) BlockStart(fn *Func, offset int) int {
	var ops []machine.Inst
	var starts []int
	for off := e.near(fn, offset); off < offset; {
		o, n, err := e.Machine.Lift(ops[:0], fn.Code[off:], fn.Start+uint64(off))
		ops = o
		if err != nil || n <= 0 {
			off += int(e.Machine.Align)
			starts = starts[:0]
			continue
		}
		starts = append(starts, off)
		for _, in := range o {
			switch in.Op {
			case machine.Jump, machine.Return, machine.Halt:
				starts = starts[:0]
			}
		}
		off += n
	}
	if len(starts) > 24 {
		starts = starts[len(starts)-24:]
	}
	if len(starts) == 0 {
		return offset
	}
	return starts[0]
}

// near is an offset from which reading instructions one after the other most
// likely meets the one at offset.
func (e *Env) near(fn *Func, offset int) int {
	if e.Machine.Align == 4 {
		return max(0, offset-128)
	}
	bounds := e.Machine.Boundaries(fn.Code[:offset])
	for off := max(0, offset-128); off < offset; off++ {
		if bounds[off] {
			return off
		}
	}
	return 0
}

// Constants is a state that keeps constants alone, in registers and in what
// was pushed, and addresses of the latter: the stack is far from where the
// function was entered, so that nothing else of it is known.
func (s *State) Constants(v *Values, m *machine.Machine) *State {
	const far = 1 << 24
	t := new(State)
	onStack := func(id ID) bool {
		set := v.sets[id]
		return id != Top && len(set) == 1 && set[0].Kind == Entry && machine.Reg(set[0].Reg) == m.SP && set[0].Add <= far/2
	}
	known := onStack(s.Regs[m.SP])
	for i := range m.Regs {
		if _, ok := v.Consts(s.Regs[i]); ok {
			t.Regs[i] = s.Regs[i]
		} else if known && onStack(s.Regs[i]) {
			t.Regs[i] = v.Add(s.Regs[i], -far)
		}
	}
	if !known {
		return t
	}
	for _, p := range s.slots {
		if _, ok := v.Consts(p.v); ok && p.off < far/2 {
			t.slots = append(t.slots, slot{p.off - far, p.size, p.v})
		}
	}
	return t
}
