package elfscan

import (
	"maps"
	"slices"

	"github.com/elastic/go-seccomp-bpf/elfscan/internal/flow"
	"github.com/elastic/go-seccomp-bpf/elfscan/internal/image"
	"github.com/elastic/go-seccomp-bpf/elfscan/internal/machine"
)

// Limits on following a table of functions.
const (
	maxTables   = 8    // that a function's address is in
	maxTableRun = 4096 // bytes before the address
	maxHolders  = 256  // functions that are passed the table's address
)

// tableCalls returns the calls of a function whose address is in tables, if it
// is known of all code that refers to them what it does: calls what it finds
// there, or passes the table's address to functions of which the same is true.
// libcap's (struct syscaller_s) are such.
func (p *program) tableCalls(n node) ([]caller, bool) {
	m, _ := p.function(n)
	if len(cRegs[m.m.Name]) == 0 || m.goTab != nil || m.f.Type == 2 { // whose pointers need no relocations
		return nil, false
	}
	var calls []caller
	slots := 0
	for _, o := range p.mods {
		for _, r := range o.f.Relocs() {
			if r.Jump || p.slotTarget(o, r.Slot) != n {
				continue
			}
			if slots++; o != m || slots > maxTables {
				return nil, false
			}
			t := &tableWalk{p: p, m: m, slot: r.Slot, seen: map[holder]bool{}}
			if !t.walk() {
				return nil, false
			}
			calls = append(calls, t.calls...)
		}
	}
	return calls, slots > 0
}

// tableWalk follows one slot of a table.
type tableWalk struct {
	p     *program
	m     *module
	slot  uint64
	seen  map[holder]bool
	queue []holder
	calls []caller
}

// holder is a function that is passed a pointer to ahead bytes before the
// slot, or to any place near it: in a register, or in a word on the stack.
type holder struct {
	fn    node
	reg   machine.Reg
	stack int64
	ahead int64
	any   bool
}

func (t *tableWalk) walk() bool {
	lo, ok := t.start()
	if !ok || t.pointedAt(lo) {
		return false
	}
	refs := map[node][]uint64{}
	for _, e := range t.m.edges {
		to := t.m.lo + uint64(e.to)
		if e.kind >= machine.EdgeRef && e.kind != edgeFalse && to >= lo && to <= t.slot {
			from := node(t.m.base + e.from)
			refs[from] = append(refs[from], t.m.lo+uint64(e.at))
		}
	}
	if len(refs) > maxReferrers {
		return false
	}
	for _, from := range slices.Sorted(maps.Keys(refs)) {
		if !t.roots(from, refs[from], lo) {
			return false
		}
	}
	for len(t.queue) > 0 {
		h := t.queue[0]
		t.queue = t.queue[1:]
		if !t.holds(h) {
			return false
		}
	}
	return true
}

// start is where the table starts that the slot is in: at the first of a row
// of pointers to code if code refers to that, else before, where code does.
func (t *tableWalk) start() (uint64, bool) {
	ps := uint64(t.m.m.PtrSize)
	lo := t.slot
	for lo > ps && t.slot-lo < maxTableRun {
		r, ok := t.m.f.RelocAt(lo - ps)
		if !ok || r.Kind != image.RelRelative || !t.m.inCode(t.m.codeAddress(r.Addend)) {
			break
		}
		lo -= ps
	}
	var best uint64
	for _, e := range t.m.edges {
		if to := t.m.lo + uint64(e.to); e.kind >= machine.EdgeRef && e.kind != edgeFalse && to <= lo {
			best = max(best, to)
		}
	}
	return best, t.slot-best < maxTableRun
}

// pointedAt reports whether the table can be found from elsewhere.
func (t *tableWalk) pointedAt(lo uint64) bool {
	for _, r := range t.m.f.Relocs() {
		if r.Kind == image.RelRelative && r.Addend >= lo && r.Addend <= t.slot {
			return true
		}
	}
	for _, s := range t.m.syms {
		if s.Type == 1 && s.Value <= t.slot && s.Value+max(s.Size, 1) > lo { // STT_OBJECT
			return true
		}
	}
	return false
}

// view is how a function knows the table: what values are pointers to it, how
// far before the slot each points, and which are the slot's word.
type view struct {
	pointer, word func(flow.Atom) bool
	ahead         func(flow.Atom) int64
	any           bool // they may point to any place near it
}

// roots looks at a function that refers to the table itself, at some places.
func (t *tableWalk) roots(from node, places []uint64, lo uint64) bool {
	return t.follow(from, places, view{
		pointer: func(a flow.Atom) bool { return a.Kind == flow.Const && uint64(a.Add) >= lo && uint64(a.Add) <= t.slot },
		word:    func(a flow.Atom) bool { return a.Kind == flow.Global && t.covers(uint64(a.Addr), a.Size) },
		ahead:   func(a flow.Atom) int64 { return int64(t.slot) - a.Add },
	})
}

// holds looks at a function that is passed a pointer to the table.
func (t *tableWalk) holds(h holder) bool {
	entry := func(a flow.Atom) bool {
		if h.reg == machine.None {
			return a.Kind == flow.Slot && a.Addr < h.stack+int64(t.m.m.PtrSize) && h.stack < a.Addr+int64(a.Size)
		}
		return a.Kind == flow.Entry && machine.Reg(a.Reg) == h.reg
	}
	return t.follow(h.fn, nil, view{
		pointer: entry,
		word: func(a flow.Atom) bool {
			return a.Kind == flow.Field && entry(t.p.values.Atom(a.Base)) && (h.any || t.covers(t.slot-uint64(h.ahead)+uint64(a.Addr), a.Size))
		},
		ahead: func(a flow.Atom) int64 { return h.ahead - a.Add },
		any:   h.any,
	})
}

// covers reports whether a word of size bytes has some of the slot's.
func (t *tableWalk) covers(addr uint64, size uint8) bool {
	return addr < t.slot+uint64(t.m.m.PtrSize) && t.slot < addr+max(uint64(size), 1)
}

// follow looks at what a function does with pointers to the table and with the
// slot's word. Some path has to lead to each of the places.
func (t *tableWalk) follow(from node, places []uint64, v view) bool {
	m, f := t.p.function(from)
	if f.gap || f.goIndex >= 0 || m.resolves(f.start) {
		return false
	}
	nodes := []node{from}
	if from < t.p.nodes {
		nodes = t.p.entries(m, int(uint32(from)-m.base))
	}
	for _, n := range nodes {
		_, fn, ok := t.p.flowFunc(n)
		if !ok {
			return false
		}
		res := t.p.watch(m, fn, func(a flow.Atom) bool { return v.pointer(a) || v.word(a) })
		if res.Partial != "" || res.Lost || res.Escapes || !t.passed(m, res, v) || !t.called(n, res, v) {
			return false
		}
		places = slices.DeleteFunc(places, func(at uint64) bool { return near(res, at, fn.Start) })
	}
	return len(places) == 0
}

// watch analyses a function and tells where a value goes; of C functions, what
// calls pass on is told apart.
func (p *program) watch(m *module, fn *flow.Func, value func(flow.Atom) bool) *flow.Result {
	env := p.env(m)
	env.Watch = value
	if !fn.Go {
		for _, r := range cRegs[m.m.Name] {
			env.PassOn = append(env.PassOn, machine.Reg(r))
		}
	}
	p.decoded++
	return env.Analyze(fn)
}

// called notes the calls of the slot's word.
func (t *tableWalk) called(n node, res *flow.Result, v view) bool {
	for _, pt := range res.Points {
		atoms, _ := t.p.values.Atoms(pt.Callee)
		switch {
		case slices.ContainsFunc(atoms, v.pointer):
			return false
		case slices.ContainsFunc(atoms, v.word):
			t.calls = append(t.calls, caller{n, machine.EdgeCall, pt.Addr})
		}
	}
	return true
}

// passed queues the functions that a pointer to the table is passed to.
func (t *tableWalk) passed(m *module, res *flow.Result, v view) bool {
	for _, p := range res.Passed {
		to := t.p.target(m, p.Target)
		if to == noNode {
			return false
		}
		h := holder{fn: to, reg: p.Reg, stack: p.Slot, any: true}
		atoms, known := t.p.values.Atoms(p.Value)
		if !known {
			t.add(h)
		}
		for _, a := range atoms {
			if v.word(a) {
				return false
			}
			if v.pointer(a) {
				h.ahead, h.any = v.ahead(a), v.any
				t.add(h)
			}
		}
	}
	return len(t.seen) <= maxHolders
}

func (t *tableWalk) add(h holder) {
	if h.any {
		h.ahead = 0
	}
	if !t.seen[h] {
		t.seen[h] = true
		t.queue = append(t.queue, h)
	}
}

// resolves reports whether the code at addr is not a function of the name that
// it has, but returns its address to the dynamic linker.
func (m *module) resolves(addr uint64) bool {
	if m.resolvers == nil {
		m.resolvers = map[uint64]bool{}
		for _, s := range m.syms {
			if s.Type == 10 { // STT_GNU_IFUNC
				m.resolvers[m.codeAddress(s.Value)] = true
			}
		}
		for _, r := range m.f.Relocs() {
			if r.Kind == image.RelIRelative {
				m.resolvers[m.codeAddress(r.Addend)] = true
			}
		}
	}
	return m.resolvers[addr]
}
