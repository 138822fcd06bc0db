package flow

import (
	"slices"

	"github.com/elastic/go-seccomp-bpf/elfscan/internal/machine"
)

// watched reports whether a value may be the watched one.
func (a *analysis) watched(v ID) bool {
	if a.Watch == nil || v == Top {
		return false
	}
	for _, x := range a.v.sets[v] {
		if a.Watch(x) {
			return true
		}
	}
	return false
}

// escapes notes a value that goes where it is not followed.
func (a *analysis) escapes(v ID) {
	if a.Watch != nil && !a.res.Escapes && a.watched(v) {
		a.res.Escapes = true
	}
}

// uses notes that an instruction reads a register which may hold the watched
// value mixed with others.
func (a *analysis) uses(s *State, r machine.Reg) {
	if r != machine.None && int(r) < a.m.Regs && s.mixed[r>>6]>>(r&63)&1 != 0 {
		a.res.Escapes = true
	}
}

// lost notes a jump that is not followed, and the watched value in anything
// that the code there may read.
func (a *analysis) lost(s *State) {
	a.res.Lost = true
	if a.Watch == nil {
		return
	}
	for i := range a.m.Regs {
		a.escapes(s.Regs[i])
		a.uses(s, machine.Reg(i))
	}
	sp, ok := a.stackOffset(s)
	for _, p := range s.slots {
		if !ok || p.off >= sp {
			a.escapes(p.v)
		}
	}
}

// Passed is the watched value in a register at a direct call, or, if that is
// None, in a word on the stack: so many bytes from where the called function
// finds the stack pointer. The Value is Top if it may be some other, too.
type Passed struct {
	Target uint64
	Reg    machine.Reg
	Slot   int64
	Value  ID
}

// passes notes the watched value in places that a called function reads:
// registers that a call does not preserve, and the end of the stack.
func (a *analysis) passes(s *State, in machine.Inst) {
	if a.Watch == nil || a.res.Escapes {
		return
	}
	passed := a.passedIn(in)
	for _, r := range passed {
		mixed := s.mixed[r>>6]>>(r&63)&1 != 0
		switch v := s.Regs[r]; {
		case a.PassOn != nil && in.Target != 0 && (mixed || a.watched(v)):
			if mixed {
				v = Top
			}
			a.res.Passed = append(a.res.Passed, Passed{in.Target, r, 0, v})
		default:
			a.escapes(v)
			a.uses(s, r)
		}
	}
	sp, ok := a.stackOffset(s)
	push := int64(0)
	if in.Op == machine.Call {
		push = a.m.CallPush
	}
	shown := a.shown(s, passed)
	for _, p := range s.slots {
		off := int64(p.off)
		switch {
		case slices.ContainsFunc(shown, func(start int64) bool { return off >= start && off < start+64 }): // of one object
			a.escapes(p.v)
		case ok && p.off >= sp+64:
		case ok && a.PassOn != nil && in.Target != 0 && a.watched(p.v):
			a.res.Passed = append(a.res.Passed, Passed{in.Target, machine.None, int64(p.off-sp) + push, p.v})
		default:
			a.escapes(p.v)
		}
	}
}

// shown are the addresses on the stack that a called function may know, as
// offsets from the SP on entry.
func (a *analysis) shown(s *State, passed []machine.Reg) []int64 {
	var out []int64
	for _, off := range a.esc {
		out = append(out, int64(off))
	}
	for _, r := range passed {
		for _, x := range a.v.sets[s.Regs[r]] {
			if x.Kind == Entry && machine.Reg(x.Reg) == a.m.SP && x.Add < 0 {
				out = append(out, x.Add)
			}
		}
	}
	return out
}

// passedIn are the registers that a called function may read.
func (a *analysis) passedIn(in machine.Inst) (out []machine.Reg) {
	for i := range a.m.Regs {
		r := machine.Reg(i)
		passed := !slices.Contains(a.m.Preserve, r)
		if a.fn.Go {
			passed = a.m.PtrSize == 8 // elsewhere Go passes everything on the stack
		}
		if a.PassOn != nil {
			passed = slices.Contains(a.PassOn, r)
		}
		if callee := in.Target == 0 && r == in.A.Reg; passed && !callee {
			out = append(out, r)
		}
	}
	return out
}
