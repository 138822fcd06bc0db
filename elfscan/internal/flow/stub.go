package flow

import (
	"strings"

	"github.com/elastic/go-seccomp-bpf/elfscan/internal/machine"
)

// Stub follows straight-line code that does nothing but jump through a word
// of the image, as entries of a procedure linkage table do, and returns the
// word's address.
func (e *Env) Stub(fn *Func) (slot uint64, ok bool) {
	a := e.newAnalysis(fn)
	s := a.entryState()
	for off := 0; off < len(fn.Code); {
		l, lifts := a.lift(off)
		if !lifts {
			return 0, false
		}
		next := off + int(l.len)
		for _, in := range a.ops[l.first : l.first+l.n] {
			switch in.Op {
			case machine.Call:
				// RISC-V's entries keep their own address in t1 (psABI, "Program
				// Linkage Table").
				if e.Machine.Name != "riscv64" || in.Target != 0 {
					return 0, false
				}
				return a.slotOf(a.operand(s, in.A))
			case machine.Jump:
				if in.Target != 0 {
					return 0, false
				}
				return a.slotOf(a.operand(s, in.A))
			case machine.Store:
				// ppc64's keep the caller's r2 (ELF V2 ABI, "Procedure Linkage Table").
				if !strings.HasPrefix(e.Machine.Name, "ppc64") || in.A.Reg != 2 {
					return 0, false
				}
			case machine.Return, machine.Halt, machine.Syscall, machine.Branch, machine.Fill, machine.Compare:
				return 0, false
			}
			a.step(in, s, fn.Start+uint64(off), fn.Start+uint64(next))
		}
		off = next
	}
	return 0, false
}

// slotOf returns the only word that a value can have been loaded from.
func (a *analysis) slotOf(v ID) (uint64, bool) {
	set := a.v.sets[v]
	if v == Top || len(set) != 1 || set[0].Kind != Global || set[0].Add != 0 {
		return 0, false
	}
	return uint64(set[0].Addr), true
}
