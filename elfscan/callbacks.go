package elfscan

import (
	"slices"

	"github.com/elastic/go-seccomp-bpf/elfscan/internal/flow"
	"github.com/elastic/go-seccomp-bpf/elfscan/internal/machine"
)

// callbacks turns a task of a C function whose address is only ever handed to
// functions that call it with another of their arguments, as musl's setuid(2)
// and its kind do (src/unistd/setxid.c, src/thread/synccall.c), into tasks of
// those who hand it over. It reports false if the address may go elsewhere. What
// such a function keeps of the two, for other threads, it is taken to keep together.
func (r *resolver) callbacks(t *task) (out []*task, all bool) {
	p := r.p
	m, fn := p.function(t.fn)
	regs := cRegs[m.m.Name]
	if fn.goIndex >= 0 || len(regs) == 0 || m.exports(fn.start) || p.named[t.fn] || p.inData(t.fn) || p.inWords[t.fn] {
		return nil, false
	}
	refs := 0
	for _, e := range m.edges {
		if e.kind != machine.EdgeRef || m.lo+uint64(e.to) != fn.start {
			continue
		}
		if refs++; refs > maxHandlers {
			return nil, false
		}
		up, ok := r.handedOver(t, node(m.base+e.from), m.lo+uint64(e.at))
		if !ok {
			return nil, false
		}
		out = append(out, up...)
	}
	return dedupe(out), refs > 0
}

// maxHandlers bounds the places where an address is handed over.
const maxHandlers = 16

// handedOver are the tasks of a function that takes the address of t's at a
// place, for every call that it hands it to.
func (r *resolver) handedOver(t *task, from node, place uint64) (out []*task, ok bool) {
	p := r.p
	target, fn := p.function(t.fn)
	isFn := func(a flow.Atom) bool { return a.Kind == flow.Const && uint64(a.Add) == fn.start }
	holds := func(v flow.ID) bool {
		atoms, _ := p.values.Atoms(v)
		return slices.ContainsFunc(atoms, isFn)
	}
	regs := cRegs[target.m.Name]
	for _, n := range p.entries(target, int(uint32(from)-target.base)) {
		_, f, ok := p.flowFunc(n)
		if !ok {
			return nil, false
		}
		res := remember(r.watched, [2]node{t.fn, n}, func([2]node) *flow.Result { return p.watch(target, f, isFn) })
		if place < f.Start || !near(res, place, f.Start) {
			continue
		}
		if res.Lost || res.Escapes || res.Partial != "" || slices.ContainsFunc(res.Passed, func(h flow.Passed) bool { return h.Reg == machine.None || h.Value == flow.Top }) {
			return nil, false
		}
		for _, pt := range res.Points {
			if pt.Op != machine.Call && pt.Op != machine.Jump || pt.Target == 0 {
				continue
			}
			i := slices.IndexFunc(regs, func(reg uint8) bool { return holds(pt.State.Regs[reg]) })
			if i < 0 {
				continue
			}
			j, calls := r.callsWith(p.target(target, pt.Target), i)
			if !calls {
				return nil, false
			}
			state := *pt.State
			state.Regs[regs[0]] = pt.State.Regs[regs[j]]
			pt.State = &state
			u := &task{fn: n, at: pt.Addr, up: t, depth: t.depth + 1, nr: p.substitute(target, t.nr, pt)}
			for k, a := range t.args {
				u.args[k] = p.substitute(target, a, pt)
			}
			out = append(out, u)
		}
	}
	return out, len(out) > 0
}

// callsWith finds the argument that a function passes on, as the first, when it
// calls its i-th argument, or what may be that.
func (r *resolver) callsWith(n node, i int) (j int, ok bool) {
	if n == noNode {
		return 0, false
	}
	m, _ := r.p.function(n)
	regs := cRegs[m.m.Name]
	arg := func(v flow.ID) int {
		atoms, known := r.p.values.Atoms(v)
		if !known || len(atoms) != 1 || atoms[0].Kind != flow.Entry || atoms[0].Add != 0 {
			return -1
		}
		return slices.Index(regs, atoms[0].Reg)
	}
	for _, pt := range r.p.analyze(n).Points {
		if pt.Op != machine.Call && pt.Op != machine.Jump || pt.Target != 0 {
			continue
		}
		if _, known := r.p.values.Atoms(pt.Callee); known && arg(pt.Callee) != i {
			continue
		}
		k := arg(pt.State.Regs[regs[0]])
		if k < 0 || ok && k != j {
			return 0, false
		}
		j, ok = k, true
	}
	return j, ok
}
