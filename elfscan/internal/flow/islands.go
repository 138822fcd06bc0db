package flow

import (
	"slices"

	"github.com/elastic/go-seccomp-bpf/elfscan/internal/machine"
)

// seeksIslands reports whether code that no path reaches is looked at: Go's
// compiler leaves none, and Strict asks what paths lead to.
func (a *analysis) seeksIslands() bool { return !a.Strict && !a.fn.Go }

// excludes notes a way that a condition which is known excludes.
func (a *analysis) excludes(pc uint64) {
	if a.seeksIslands() {
		a.refuted = append(a.refuted, pc)
	}
}

// goAstray notes a jump through a pointer or a table: it may lead to more
// places in the function than those that are known.
func (a *analysis) goAstray(s *State) {
	switch {
	case !a.seeksIslands():
	case a.astray == nil:
		a.astray = s.clone()
	default:
		a.astray.merge(a, s)
	}
}

// reached reports whether some path reaches an offset, be it on islands.
func (a *analysis) reached(off int) bool {
	return a.res.Visited(uint64(off)) || a.isles.at(uint64(off))
}

// islands follows the code that no path has reached: jumps that are not known
// to lead elsewhere may lead there, and those of another part of the function
// that the compiler has put elsewhere, with nothing known. Where the code is not
// of one function alone, jumps may lead to labels whose addresses are taken.
func (a *analysis) islands() {
	if !a.seeksIslands() || a.res.Partial != "" {
		return
	}
	if a.Watch != nil && (a.res.Escapes || a.res.Lost) {
		return // the watched value may be anywhere, or is nowhere there
	}
	a.beyond = true
	var to []uint64
	if a.fn.Alone {
		to = a.land()
	}
	if a.astray != nil {
		to = append(to, a.fn.Labels...)
	}
	// What jumps there from one, too, may lead to all others.
	for a.astray != nil && a.explore(a.astray, to...) {
	}
}

// land enters the islands and returns where.
func (a *analysis) land() (shores []uint64) {
	from := a.astray
	left, sure := a.leftOut()
	switch {
	case from != nil:
	case a.fn.Whole && sure:
		from = a.unknownState()
	default:
		return nil
	}
	a.literals()
	for off := 0; off < len(a.fn.Code); {
		l, ok := a.lift(off)
		switch {
		case !ok || a.data.at(uint64(off)):
			off += int(a.m.Align)
			continue
		case !a.reached(off) && !left[off] && !idle(a.ops[l.first:l.first+l.n]):
			pc := a.fn.Start + uint64(off)
			shores = append(shores, pc)
			if !a.explore(from, pc) {
				return shores
			}
		}
		off += int(l.len)
	}
	return shores
}

// explore goes on from places, which may be bytes of something else; it reports
// false if nothing comes of it, or it took too long.
func (a *analysis) explore(s *State, places ...uint64) bool {
	for _, pc := range places {
		if a.in(pc) {
			a.enqueue(pc, s)
		}
	}
	if len(a.q.pcs) == 0 {
		return false
	}
	a.run()
	if a.cost() > maxSteps || a.Cancelled != nil && a.Cancelled() {
		return false
	}
	a.res.Partial = ""
	return true
}

// leftOut is the code that would be reached if conditions were not known, or
// is reached from elsewhere. It is not sure if jumps there are not followed.
func (a *analysis) leftOut() (left map[int]bool, sure bool) {
	left, sure = map[int]bool{}, true
	queue := slices.Clone(a.refuted)
	queue = append(queue, a.fn.Others...)
	for len(queue) > 0 {
		pc := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		for a.in(pc) {
			off := int(pc - a.fn.Start)
			l, ok := a.lift(off)
			if !ok || left[off] || a.reached(off) {
				break
			}
			left[off] = true
			pc += uint64(l.len)
			for _, in := range a.ops[l.first : l.first+l.n] {
				switch in.Op {
				case machine.Branch, machine.Jump:
					queue = append(queue, in.Target)
					sure = sure && in.Target != 0
				}
				if in.Op == machine.Jump || in.Op == machine.Return || in.Op == machine.Halt {
					pc = 0
				}
			}
		}
	}
	return left, sure
}

// literals notes the constants among the code that it loads.
func (a *analysis) literals() {
	for off := 0; off < len(a.fn.Code); {
		l, ok := a.lift(off)
		if !ok {
			off += int(a.m.Align)
			continue
		}
		for _, in := range a.ops[l.first : l.first+l.n] {
			if in.Op == machine.Load && in.Mem.Base == machine.None && in.Mem.Index == machine.None {
				a.isData(uint64(in.Mem.Disp), int(in.Size))
			}
		}
		off += int(l.len)
	}
}

// isData notes that bytes of the function are loaded, not executed.
func (a *analysis) isData(addr uint64, size int) {
	for i := uint64(0); i < uint64(size); i += a.m.Align {
		if off := addr + i - a.fn.Start; off < uint64(len(a.fn.Code)) {
			a.data.set(off, true)
		}
	}
}

// idle reports whether operations change nothing, as those of padding.
func idle(ops []machine.Inst) bool {
	for _, in := range ops {
		switch in.Op {
		case machine.Nop, machine.Halt:
		case machine.Move:
			if in.A.Reg != in.Dst {
				return false
			}
		case machine.Address:
			if in.Mem.Base != in.Dst || in.Mem.Index != machine.None || in.Mem.Disp != 0 {
				return false
			}
		default:
			return false
		}
	}
	return true
}
