package elfscan

import (
	"cmp"
	"debug/elf"
	"maps"
	"slices"
	"sort"

	"github.com/elastic/go-seccomp-bpf/elfscan/internal/image"
	"github.com/elastic/go-seccomp-bpf/elfscan/internal/machine"
)

// reach computes which functions the program can get to: from its entry
// points over calls, jumps and addresses taken, and through pointers in the
// data that reachable code refers to.
type reach struct {
	p    *program
	from []node             // by node: a function that leads to it, or unreached
	n    int                // reachable
	data map[dataKey]uint64 // how far each has been read
	q    []node
	dq   []dataRef
	lib  *libGateState // nil to follow everything
	dead map[step]bool // steps that are never taken

	anyName map[node]bool // functions that look up names which are not constant
}

// unreached marks nodes that nothing leads to.
const unreached = noNode - 1

// dataRef is data that node by refers to.
type dataRef struct {
	mod    *module
	lo, hi uint64
	by     node
}

// dataKey is where an object starts.
type dataKey struct {
	mod *module
	lo  uint64
}

// reachable searches, with the gates of the C library closed that the program
// does not open.
func (p *program) reachable(everything bool, dead map[step]bool) *reach {
	for _, m := range p.mods {
		m.indexEdges()
	}
	if everything {
		return p.reachWith(nil, nil)
	}
	g := p.newLibGates()
	for {
		r := p.reachWith(g, dead)
		if !g.update(r) && !p.dropBounds(r) {
			return r
		}
	}
}

func (p *program) reachWith(lib *libGateState, dead map[step]bool) *reach {
	r := &reach{p: p, from: slices.Repeat([]node{unreached}, int(p.nodes)+len(p.extra)), data: map[dataKey]uint64{}, lib: lib, dead: dead,
		anyName: map[node]bool{}}
	for i, m := range p.mods {
		if i == 0 || m.loader {
			r.addCode(m, m.f.Entry, noNode)
		}
		for _, a := range []uint64{m.f.Dyn.Init, m.f.Dyn.Fini} {
			if a != 0 {
				r.addCode(m, m.codeAddress(a), noNode)
			}
		}
		for _, a := range []image.Range{m.f.Dyn.InitArray, m.f.Dyn.FiniArray, m.f.Dyn.PreInit} {
			r.addData(dataRef{m, a.Start, a.End, noNode})
		}
		for _, s := range m.f.Sections {
			switch s.Name {
			case ".init_array", ".fini_array", ".preinit_array", ".ctors", ".dtors":
				r.addData(dataRef{m, s.Addr, s.Addr + s.Size, noNode})
			case ".init", ".fini":
				r.addCode(m, s.Addr, noNode)
			}
		}
		for _, s := range m.f.Progs {
			if s.Type == elf.PT_TLS { // which code counts from a register
				r.addData(dataRef{m, s.Vaddr, s.Vaddr + min(s.Filesz, maxObject), noNode})
			}
		}
		r.addLoaderHooks(m)
		if m.dlopened {
			r.addExports(m)
		}
		if m.goTab != nil {
			r.addGo(m)
		}
	}
	for r.run(); r.addLookups(); r.run() {
	}
	return r
}

// addGo starts from all Go code, which Go's linker has already pruned: what it
// calls or points to of other code is reachable.
func (r *reach) addGo(m *module) {
	if m.pureGo() {
		return
	}
	foreign := func(n node) bool {
		if n == noNode {
			return false
		}
		_, fn := r.p.function(n)
		return fn.goIndex < 0
	}
	for _, e := range m.edges {
		if m.funcs[e.from].goIndex < 0 {
			continue
		}
		to := m.lo + uint64(e.to)
		t := noNode
		switch e.kind {
		case machine.EdgeCall, machine.EdgeJump:
			t = r.p.target(m, to)
		case machine.EdgeSlot:
			t = r.p.slotTarget(m, to)
		case machine.EdgeRef:
			t = r.p.refTarget(m, to)
		}
		if foreign(t) {
			r.add(t, node(m.base+e.from))
		}
	}
	r.p.eachPointer(m, func(n node, _ uint64) {
		if foreign(n) {
			r.add(n, noNode)
		}
	})
}

// loaderHooks are functions that ld.so looks up by name.
var loaderHooks = []string{"__libc_early_init", "__libc_initial"}

func (r *reach) addLoaderHooks(m *module) {
	for _, name := range loaderHooks {
		if s, ok := m.syms[name]; ok {
			r.addCode(m, m.codeAddress(s.Value), noNode)
		}
	}
	for _, rel := range m.f.Relocs() { // resolvers run before anything else
		if rel.Kind == image.RelIRelative {
			r.addCode(m, m.codeAddress(rel.Addend), noNode)
		}
	}
}

// addExports starts from all functions that a library exports: dlsym(3) may
// be given any name, and dlvsym(3) any version.
func (r *reach) addExports(m *module) {
	order := func(a, b versioned) int {
		return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.version, b.version))
	}
	for _, v := range slices.SortedFunc(maps.Keys(m.versions), order) {
		switch s := m.versions[v]; s.Type {
		case 1: // STT_OBJECT, which may be a table of functions
			r.addData(dataRef{m, s.Value, m.objectEnd(s.Value), noNode})
		default:
			r.addCode(m, m.codeAddress(s.Value), noNode)
		}
	}
}

func (r *reach) has(n node) bool {
	if _, ok := r.by(n); ok {
		return true
	}
	m, fn := r.p.function(n)
	return fn.goIndex >= 0 && m.goTab != nil
}

// by returns a function that leads to n, noNode for where the program starts.
func (r *reach) by(n node) (by node, ok bool) {
	if int(n) >= len(r.from) || r.from[n] == unreached {
		return noNode, false
	}
	return r.from[n], true
}

func (r *reach) add(n, by node) {
	if n == noNode || r.has(n) {
		return
	}
	for int(n) >= len(r.from) {
		r.from = append(r.from, unreached)
	}
	r.from[n] = by
	r.n++
	r.q = append(r.q, n)
}

func (r *reach) addCode(m *module, addr uint64, by node) {
	i := m.funcAt(addr)
	if i < 0 {
		return
	}
	if t := r.p.refTarget(m, addr); t != noNode && m.funcs[i].goIndex < 0 {
		r.add(t, by)
		return
	}
	r.add(node(m.base)+node(i), by)
	if m.funcs[i].start != addr && m.funcs[i].goIndex < 0 {
		n := r.p.nodeAt(m, addr) // an entry in the middle
		if n >= r.p.nodes {
			r.p.extra[n-r.p.nodes].taken = true
		}
		r.add(n, by)
	}
}

// addRef adds code whose address is taken. Where nothing tells functions apart,
// it is taken for the start of one, which is returned.
func (r *reach) addRef(m *module, addr uint64, by node) node {
	r.addCode(m, addr, by)
	n, inner := m.starts[addr]
	if !inner || !m.funcs[m.funcAt(addr)].gap || !m.mayStart(addr) {
		return noNode
	}
	r.p.taken[node(n)] = true
	return node(n)
}

// mayStart reports whether a function may start at an address: control does not
// get there from the instruction before, as far as can be told. Linear scans of
// arm and riscv64 take numbers for addresses.
func (m *module) mayStart(addr uint64) bool {
	var b [4]byte
	if m.m.Align != 4 && m.m.Name != "riscv64" || m.f.Read(b[:], addr-4) != nil {
		return true
	}
	w := m.m.Order.Uint32(b[:])
	if m.m.Name == "arm" && w>>28 != 14 {
		return true // not an instruction, or one under a condition, which compilers end no block with
	}
	ends := func(code []byte) bool {
		ops, n, err := m.m.Lift(nil, code, addr-uint64(len(code)))
		return err != nil || n == len(code) && (len(ops) == 0 || slices.ContainsFunc(ops, func(i machine.Inst) bool {
			return i.Op == machine.Return || i.Op == machine.Jump || i.Op == machine.Call || i.Op == machine.Halt
		}))
	}
	if m.m.Name == "riscv64" && w>>16&3 != 3 {
		return ends(b[2:])
	}
	return ends(b[:])
}

// open reports whether a reference in a function's code leads to another: no
// gate is closed, and the step is not known to be impossible.
func (r *reach) open(from, to node) bool {
	return to == noNode || !r.dead[step{from, to}] && (r.lib == nil || !r.lib.cut(from, to))
}

func (r *reach) addData(d dataRef) {
	if d.lo >= d.hi {
		return
	}
	key := dataKey{d.mod, d.lo}
	if d.hi > r.data[key] {
		r.data[key] = d.hi
		r.dq = append(r.dq, d)
	}
}

func (r *reach) run() {
	for len(r.q) > 0 || len(r.dq) > 0 {
		if len(r.q) > 0 {
			x := r.q[0]
			r.q = r.q[1:]
			r.function(x)
			continue
		}
		d := r.dq[0]
		r.dq = r.dq[1:]
		r.object(d)
	}
}

// function follows every reference of a function's code.
func (r *reach) function(n node) {
	if n >= r.p.nodes {
		x := r.p.extra[n-r.p.nodes]
		r.add(node(x.mod.base)+node(x.fn), n)
		return
	}
	m, fn := r.p.function(n)
	i := int(uint32(n) - m.base)
	for _, e := range m.edges[m.first[i]:m.first[i+1]] {
		to := m.lo + uint64(e.to)
		switch e.kind {
		case machine.EdgeCall, machine.EdgeJump:
			if t := r.p.target(m, to); r.open(n, t) {
				r.add(t, n)
			}
		case machine.EdgeSlot, machine.EdgeData:
			if t := r.p.slotTarget(m, to); t != noNode && t < r.p.nodes {
				// Not as data, which is looked at once, whoever refers to it.
				if r.open(n, t) {
					r.add(t, n)
				}
				continue
			}
			r.addData(dataRef{m, to, to + uint64(m.m.PtrSize), n})
		case machine.EdgeRef:
			if m.inCode(to) {
				if r.open(n, r.p.refTarget(m, to)) {
					r.addRef(m, to, n)
				}
				continue
			}
			r.addData(dataRef{m, to, m.objectEnd(to), n})
		case machine.EdgeNear:
			if !m.inCode(to) {
				r.addData(dataRef{m, to, m.objectEnd(to), n})
			}
		}
	}
	if i+1 < len(m.funcs) && fn.goIndex < 0 && m.funcs[i+1].start == fn.end && (m.funcs[i+1].gap || r.p.fallsOff(n)) {
		r.add(n+1, n)
	}
}

// object follows the pointers in a piece of data.
func (r *reach) object(d dataRef) {
	m := d.mod
	if m.f.Type == 2 {
		r.words(d)
	}
	for _, rel := range m.f.RelocsIn(image.Range{Start: d.lo, End: d.hi}) {
		switch rel.Kind {
		case image.RelRelative, image.RelIRelative:
			r.pointer(m, rel.Addend, d.by)
		case image.RelSymbol, image.RelCopy:
			s, ok := m.f.DynSym(rel.Sym)
			if !ok {
				continue
			}
			if def, v, ok := r.p.lookupAny(m, s, rel.Kind == image.RelCopy); ok {
				r.pointer(def, v+rel.Addend, d.by)
			}
		}
	}
}

func (r *reach) pointer(m *module, addr uint64, by node) {
	switch a := m.codeAddress(addr); {
	case m.inCode(a):
		if n := r.addRef(m, a, by); n != noNode {
			r.p.inWords[n] = true
		}
	case m.f.Mapped(addr):
		r.addData(dataRef{m, addr, m.objectEnd(addr), by})
	}
}

// words follows the pointers in data of an executable whose place is fixed:
// only those to other modules are relocated. One that starts in it belongs to it,
// even if something else seems to start in its middle.
func (r *reach) words(d dataRef) {
	m := d.mod
	ps := uint64(m.m.PtrSize)
	m.eachWord(image.Range{Start: d.lo, End: (d.hi + ps - 1) &^ (ps - 1)}, m.lo, m.hi, func(_, v uint64) {
		r.pointer(m, v, d.by)
	})
}

// indexEdges notes where each function's references start; they are in order
// of their functions already.
func (mod *module) indexEdges() {
	if mod.first != nil {
		return
	}
	if !sort.SliceIsSorted(mod.edges, func(i, j int) bool { return mod.edges[i].from < mod.edges[j].from }) {
		sort.SliceStable(mod.edges, func(i, j int) bool { return mod.edges[i].from < mod.edges[j].from })
	}
	mod.first = make([]uint32, len(mod.funcs)+1)
	j := 0
	for i := range mod.first {
		for j < len(mod.edges) && int(mod.edges[j].from) < i {
			j++
		}
		mod.first[i] = uint32(j)
	}
}

// lookupAny finds the definition of a symbol of any type; for a copied object
// it is that of another module.
func (p *program) lookupAny(m *module, s image.Symbol, copied bool) (*module, uint64, bool) {
	if d, def, ok := p.definition(s, func(d *module) bool { return copied && d == m }); ok {
		return d, def.Value, true
	}
	if s.Defined() {
		return m, s.Value, true
	}
	return nil, 0, false
}

// pureGo reports whether nothing but Go code can make system calls.
func (mod *module) pureGo() bool {
	if mod.f.Dyn.Present || len(mod.f.Dyn.Needed) > 0 {
		return false
	}
	for _, s := range mod.sites {
		if i := mod.funcAt(s); i < 0 || mod.funcs[i].goIndex < 0 {
			return false
		}
	}
	return true
}
