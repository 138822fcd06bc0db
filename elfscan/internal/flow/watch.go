package flow

import "github.com/elastic/go-seccomp-bpf/elfscan/internal/machine"

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

// passes notes the watched value in places that a called function reads:
// registers that a call does not preserve, and the end of the stack.
func (a *analysis) passes(s *State, in machine.Inst) {
	if a.Watch == nil || a.res.Escapes {
		return
	}
	keep := map[int]bool{}
	if in.Target == 0 {
		keep[int(in.A.Reg)] = true // it is what is called
	}
	for _, r := range a.m.Preserve {
		keep[int(r)] = true
	}
	for i := range a.m.Regs {
		if !keep[i] {
			a.escapes(s.Regs[i])
			a.uses(s, machine.Reg(i))
		}
	}
	sp, ok := a.stackOffset(s)
	for _, p := range s.slots {
		if !ok || p.off < sp+64 {
			a.escapes(p.v)
		}
	}
}
