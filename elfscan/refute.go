package elfscan

import (
	"cmp"
	"slices"

	"github.com/elastic/go-seccomp-bpf/elfscan/internal/flow"
	"github.com/elastic/go-seccomp-bpf/elfscan/internal/machine"
)

// refuter looks for calls that are in the code but are never made, because the
// constants that all callers pass do not lead to them: sysconf(_SC_PAGESIZE)
// asks the kernel nothing. It takes the shortest path to each system call that
// was found and tries to show that one of its steps is impossible. Where it
// cannot, the call stays. Of Go programs, see closed, it is asked about single
// calls: os.Chmod passes no flags, so that fchmodat2 is not called.
type refuter struct {
	p      *program
	reach  *reach
	dead   map[step]bool
	strict map[node]strictResult
	busy   map[node]bool
	told   map[node]bool // functions to which all known callers pass constants
	work   int
}

// strictResult is what was found out about a function with callers followed
// from that depth on.
type strictResult struct {
	res   *flow.Result
	depth int
}

// step is a function leading to another.
type step struct{ from, to node }

// Limits on what the refuter reads.
const (
	maxRefuteFunc    = 1 << 12
	maxRefuteWork    = 160 << 10 // bytes of functions
	maxRefuteRounds  = 8
	maxRefuteCallers = 12
	maxGoFunc        = 1 << 10 // in Go programs, which have little to refute
	maxGoWork        = 64 << 10
	maxGoCallers     = 4
	maxRefuteDepth   = 1
)

func newRefuter(p *program, r *reach) *refuter {
	return &refuter{p: p, reach: r, dead: map[step]bool{}, strict: map[node]strictResult{}, busy: map[node]bool{},
		told: map[node]bool{}}
}

// refute removes steps that are impossible from the reachable functions.
func (s *scanner) refute() {
	if s.opt.Everything || len(cRegs[s.p.mods[0].m.Name]) == 0 || s.p.mods[0].goTab != nil {
		return
	}
	f := newRefuter(s.p, s.reach)
	for range maxRefuteRounds {
		if s.ctx.Err() != nil || !f.round(s.resolve()) {
			break
		}
		s.reach = s.p.reachable(false, f.dead)
		f.reach = s.reach
	}
	s.res.Stats.Reachable = s.reach.n
}

// round looks at every function that supplies a number; it reports whether a
// step was refuted.
func (f *refuter) round(r *resolver) bool {
	targets := map[node]bool{}
	for _, x := range r.found {
		targets[x.task.fn] = true
	}
	sorted := make([]node, 0, len(targets))
	for n := range targets {
		sorted = append(sorted, n)
	}
	slices.SortFunc(sorted, func(a, b node) int { return cmp.Compare(a, b) })
	progress := false
	seen := map[step]bool{}
	for _, n := range sorted {
		for steps := 0; n != noNode && steps < 64; steps++ {
			from, ok := f.reach.by(n)
			if !ok || from == noNode {
				break
			}
			e := step{from, n}
			if seen[e] {
				break // the rest of the path has been looked at
			}
			seen[e] = true
			if f.impossible(e) {
				f.dead[e], progress = true, true
				break
			}
			n = from
		}
	}
	return progress
}

// impossible reports whether no path through a function leads to another that
// it calls or takes the address of, though one would with other arguments:
// what no path at all leads to is more likely to be overlooked than dead.
func (f *refuter) impossible(e step) bool {
	if e.from >= f.p.nodes || e.to >= f.p.nodes {
		return false
	}
	m, fn := f.p.function(e.from)
	i := int(uint32(e.from) - m.base)
	if fn.goIndex >= 0 || fn.gap || len(m.inner[i]) > 0 {
		return false
	}
	if next, _ := f.p.fallsInto(e.to); next == e.from {
		return false
	}
	var at []uint64
	for _, x := range m.edges[m.first[i]:m.first[i+1]] {
		to := m.lo + uint64(x.to)
		switch x.kind {
		case machine.EdgeCall, machine.EdgeJump:
			if f.p.target(m, to) == e.to {
				at = append(at, m.lo+uint64(x.at))
			}
		case machine.EdgeSlot, machine.EdgeData:
			if f.p.slotTarget(m, to) == e.to {
				at = append(at, m.lo+uint64(x.at))
			}
		case machine.EdgeRef:
			if f.p.refTarget(m, to) == e.to {
				return false // what is made of an address is not followed
			}
		}
	}
	if len(at) == 0 {
		return false // through data
	}
	if len(f.passed(e.from, 0)) == 0 {
		return false // compilers leave out what is dead by itself
	}
	res := f.result(e.from, 0)
	if res == nil {
		return false
	}
	for _, a := range at {
		if near(res, a, fn.start) || !near(f.p.analyze(e.from), a, fn.start) {
			return false
		}
	}
	return true
}

// never reports whether no path through a Go function reaches an instruction
// of it, because the constants that all callers pass do not lead there. Not so
// in the runtime, which leaves and enters functions other than by calls.
func (f *refuter) never(n node, at uint64) bool {
	_, fn := f.p.function(n)
	if n >= f.p.nodes || fn.goIndex < 0 || f.work > maxGoWork {
		return false
	}
	if _, asked := f.told[n]; !asked {
		f.told[n] = len(f.passed(n, 0)) > 0
	}
	if !f.told[n] {
		return false
	}
	r := f.result(n, 0)
	return r != nil && !near(r, at, fn.start) && near(f.p.analyze(n), at, fn.start) && !f.hasMethod(n, map[node]bool{})
}

// hasMethod reports whether callers that are not known may find a function, or
// one of those whose constants were relied upon, in a type's method table.
func (f *refuter) hasMethod(n node, seen map[node]bool) bool {
	if !f.told[n] || seen[n] {
		return false
	}
	seen[n] = true
	m, fn := f.p.function(n)
	if fn.goIndex < 0 || m.goTab.HasMethod(int(fn.goIndex)) {
		return true
	}
	for _, c := range f.p.callersOf(n) {
		if f.hasMethod(c.from, seen) {
			return true
		}
	}
	return false
}

// near reports whether some path reaches the instruction at an address; a
// reference may be noted a few bytes behind its start.
func near(res *flow.Result, at, start uint64) bool {
	for k := uint64(0); k < 4 && at-k >= start; k++ {
		if res.Visited(at - k - start) {
			return true
		}
	}
	return false
}

// result is what is known of a function when it is called with what its
// callers pass; nil if it cannot be relied upon.
func (f *refuter) result(n node, depth int) *flow.Result {
	if r, ok := f.strict[n]; ok && r.depth <= depth {
		return r.res
	}
	if depth > maxRefuteDepth || f.busy[n] || f.work > maxRefuteWork {
		return nil
	}
	f.busy[n] = true
	defer delete(f.busy, n)
	_, whole := f.p.function(n)
	if whole.gap || whole.end-whole.start > maxRefuteFunc ||
		whole.goIndex >= 0 && (whole.end-whole.start > maxGoFunc || isRuntime(f.p.nodeName(n))) {
		f.strict[n] = strictResult{}
		return nil
	}
	params := f.passed(n, depth)
	m, fn, ok := f.p.flowFunc(n)
	if !ok {
		return nil
	}
	f.work += len(fn.Code)
	env := f.p.env(m)
	env.Strict, env.Params = true, params
	f.p.decoded++
	res := env.Analyze(fn)
	if res.Lost || res.Partial != "" || f.returnsTwice(m, res) {
		res = nil
	}
	f.strict[n] = strictResult{res, depth}
	return res
}

// passed are the constants that all callers pass in the argument registers.
func (f *refuter) passed(n node, depth int) map[machine.Reg]flow.ID {
	m, fn := f.p.function(n)
	if by, ok := f.reach.by(n); fn.goIndex < 0 && (!ok || by == noNode) || f.p.taken[n] || f.p.named[n] || f.p.inData(n) {
		return nil
	}
	if len(m.inner[int(uint32(n)-m.base)]) > 0 || fn.goIndex >= 0 && m.exports(fn.start) {
		return nil
	}
	if _, falls := f.p.fallsInto(n); falls {
		return nil
	}
	callers := f.callers(n)
	if len(callers) > maxRefuteCallers || fn.goIndex >= 0 && len(callers) > maxGoCallers {
		return nil
	}
	regs := cRegs[m.m.Name]
	if fn.goIndex >= 0 {
		regs = m.goRegs()
	}
	vals := make([]flow.ID, len(regs))
	for i := range vals {
		vals[i] = flow.None
	}
	for _, c := range callers {
		cm, cf := f.p.function(c.from)
		if c.from >= f.p.nodes || cf.goIndex >= 0 != (fn.goIndex >= 0) || len(cm.inner[int(uint32(c.from)-cm.base)]) > 0 {
			return nil
		}
		res := f.result(c.from, depth+1)
		if res == nil {
			return nil
		}
		pt, ok := pointAt(res, c.at)
		if !ok {
			if near(res, c.at, cf.start) || !near(f.p.analyze(c.from), c.at, cf.start) {
				return nil // not the call it looked like, or overlooked
			}
			continue
		}
		known := false
		for i, r := range regs {
			vals[i] = f.p.values.Join(vals[i], f.constant(cm, m, pt.State.Regs[r]))
			known = known || vals[i] != flow.Top
		}
		if !known {
			return nil
		}
	}
	out := map[machine.Reg]flow.ID{}
	for i, r := range regs {
		if _, ok := f.p.values.Consts(vals[i]); ok {
			out[machine.Reg(r)] = vals[i]
		}
	}
	f.told[n] = f.told[n] || len(out) > 0
	return out
}

// callers are the calls of a function that may be made.
func (f *refuter) callers(n node) (out []caller) {
	for _, c := range f.p.callersOf(n) {
		if f.reach.has(c.from) && !f.dead[step{c.from, n}] && c.kind != machine.EdgeRef && c.kind != machine.EdgeData {
			out = append(out, c)
		}
	}
	return out
}

// constant is a value that one module passes to another, unknown unless it is
// constants: what may be an address of the caller means nothing in the callee.
func (f *refuter) constant(from, to *module, v flow.ID) flow.ID {
	cs, ok := f.p.values.Consts(v)
	if !ok {
		return flow.Top
	}
	for _, c := range cs {
		if from != to && c != 0 && from.mayBeAddress(uint64(c)) {
			return flow.Top
		}
	}
	return v
}

// firstPage is where a position independent file has its headers, and small
// numbers are addresses too.
const firstPage = 4096

// mayBeAddress reports whether a constant of a module's code may be an address
// in the module: of the headers, code has none.
func (mod *module) mayBeAddress(c uint64) bool {
	if !mod.f.Mapped(c) {
		return false
	}
	if mod.lowest == 0 {
		mod.lowest = firstPage
		for _, e := range mod.edges {
			if e.kind == machine.EdgeRef {
				mod.lowest = min(mod.lowest, max(mod.lo+uint64(e.to), 1))
			}
		}
	}
	return c >= mod.lowest
}

// twice are functions that return a second time, with locals changed.
var twice = []string{"setjmp", "_setjmp", "__sigsetjmp", "sigsetjmp", "vfork", "__vfork", "getcontext", "savectx"}

func (f *refuter) returnsTwice(m *module, res *flow.Result) bool {
	for _, pt := range res.Points {
		if pt.Op != machine.Call {
			continue
		}
		if pt.Target == 0 {
			continue
		}
		t := f.p.target(m, pt.Target)
		if t == noNode || t >= f.p.nodes {
			continue
		}
		tm, fn := f.p.function(t)
		if slices.ContainsFunc(twice, func(name string) bool { return tm.exportedAt(name, fn.start) }) {
			return true
		}
	}
	return false
}

// exportedAt reports whether a name is that of the function at an address.
func (mod *module) exportedAt(name string, addr uint64) bool {
	return mod.names[addr] == name || slices.Contains(mod.exported[addr], name)
}
