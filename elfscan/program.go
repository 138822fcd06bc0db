package elfscan

import (
	"context"
	"debug/elf"
	"errors"
	"slices"
	"sort"
	"strings"

	"github.com/elastic/go-seccomp-bpf/elfscan/internal/flow"
	"github.com/elastic/go-seccomp-bpf/elfscan/internal/image"
	"github.com/elastic/go-seccomp-bpf/elfscan/internal/machine"
)

// ErrUnsupported is wrapped by errors about files that are well formed but
// cannot be read: no decoder for the machine, or a Go plugin.
var ErrUnsupported = errors.New("not supported")

// node numbers the functions of all modules: module.base + index, and after
// those the entries in the middle of a function that jumps were found to use.
type node uint32

const noNode = ^node(0)

// caller is a call or jump to a node.
type caller struct {
	from node
	kind machine.EdgeKind
	at   uint64
}

// program is everything that is mapped when the executable runs.
type program struct {
	ctx       context.Context
	mods      []*module
	values    *flow.Values
	extra     []extraNode // nodes beyond those of the modules
	nodes     node        // of the modules
	results   map[node]*flow.Result
	into      []uint32 // callers of node n: callers[into[n]:into[n+1]]
	callers   []caller
	late      map[node][]caller  // callers found during analysis
	taken     map[node]bool      // address is taken by code
	pointers  map[node]bool      // address is in data; nil until asked for
	loads     map[node][]slotRef // address is in slots that code loads
	inWords   map[node]bool      // in the middle of code that nothing describes, address is in data
	named     map[node]bool      // looked up by name
	imports   map[node]bool      // see imported
	exporters map[versioned]int  // index of the first of mods that exports it, behind them for none
	handed    map[node]bool      // whether code does more with it than call it
	refined   map[node]bool
	blocks    map[codePlace][]flow.Point // see fromBlock
	work      int                        // see maxWork
	most      int                        // of work
	ends      int                        // see maxEnds
	last      lastCode
	variables map[variableKey]*variable
	searched  uint64 // bytes, for variables

	boundsOf *function // whose instructions bounds are
	bounds   []bool
	never    map[node]bool   // functions that do not return
	falls    map[node]bool   // functions that control runs off the end of
	zeros    map[uint64]bool // variables that alwaysZero was asked about
	decoded  int
	lib      *libGateState // of glibc, once looked for; no gate is open in it
	dropped  bool          // see dropBounds

	assume func(v *flow.Values, a flow.Atom) (int64, bool)
}

type extraNode struct {
	mod   *module
	start uint64
	fn    int // containing function

	jumped  bool // a call or a jump leads there
	taken   bool // its address is
	pointer bool // by a relocation
}

// mayBeData reports whether nothing but references of code lead to a node.
func (x *extraNode) mayBeData() bool { return x.taken && !x.jumped && !x.pointer }

func newProgram(ctx context.Context, mods []*module) *program {
	p := &program{ctx: ctx, mods: mods, most: maxWork, values: flow.NewValues(), results: map[node]*flow.Result{},
		late: map[node][]caller{}, taken: map[node]bool{}, refined: map[node]bool{}, never: map[node]bool{},
		falls: map[node]bool{}, named: map[node]bool{}, inWords: map[node]bool{},
		exporters: map[versioned]int{}, blocks: map[codePlace][]flow.Point{}}
	for _, m := range mods {
		m.base = uint32(p.nodes)
		p.nodes += node(len(m.funcs))
	}
	return p
}

// function returns a node's module and range.
func (p *program) function(n node) (*module, function) {
	if n >= p.nodes {
		x := p.extra[n-p.nodes]
		f := x.mod.funcs[x.fn]
		f.start = x.start
		return x.mod, f
	}
	i := sort.Search(len(p.mods), func(i int) bool { return p.mods[i].base > uint32(n) }) - 1
	m := p.mods[i]
	return m, m.funcs[uint32(n)-m.base]
}

// around is the function that an instruction is in, which a node's code has:
// where functions cannot be told apart, from where it is entered, if it can.
func (p *program) around(n node, addr uint64) (*module, function) {
	m, f := p.function(n)
	if n >= p.nodes && (!f.gap || addr < f.start) {
		return m, m.funcs[p.extra[n-p.nodes].fn]
	}
	return m, f
}

// nodeAt returns the node that starts at an address, making one if the
// address is in the middle of a function.
func (p *program) nodeAt(m *module, addr uint64) node {
	i := m.funcAt(addr)
	if i < 0 {
		return noNode
	}
	if m.funcs[i].start == addr || m.funcs[i].goIndex >= 0 {
		return node(m.base) + node(i)
	}
	if n, ok := m.starts[addr]; ok {
		return node(n)
	}
	n := p.nodes + node(len(p.extra))
	p.extra = append(p.extra, extraNode{mod: m, start: addr, fn: i})
	m.starts[addr] = uint32(n)
	m.inner[i] = append(m.inner[i], n)
	return n
}

// target resolves where a call or jump to an address leads, through stubs of
// the procedure linkage table.
func (p *program) target(m *module, addr uint64) node {
	i := m.funcAt(addr)
	if i < 0 {
		return noNode
	}
	if m.funcs[i].goIndex >= 0 {
		return node(m.base) + node(i)
	}
	if n, ok := m.targets[addr]; ok {
		return n
	}
	n := noNode
	m.targets[addr] = noNode
	if m.f.Dyn.Present || m.funcs[i].gap {
		var isStub bool
		if n, isStub = p.stub(m, addr, i); isStub {
			m.targets[addr] = n
			return n
		}
	}
	n = p.nodeAt(m, addr)
	if n != noNode && n >= p.nodes {
		p.extra[n-p.nodes].jumped = true
	}
	m.targets[addr] = n
	return n
}

// stub follows a few instructions that do nothing but jump through a slot
// that the dynamic linker fills.
func (p *program) stub(m *module, addr uint64, i int) (to node, isStub bool) {
	end := min(addr+32, m.funcs[i].end)
	code := make([]byte, end-addr)
	if m.f.Read(code, addr) != nil {
		return noNode, false
	}
	fn := &flow.Func{Start: addr, Code: code, Init: m.init}
	if m.m.Name == "i386" {
		if base := m.refBase(); base != 0 {
			fn.Init = map[machine.Reg]int64{3: int64(base)} // %ebx, as stubs of position independent code expect
		}
	}
	slot, ok := p.env(m).Stub(fn)
	if !ok {
		return noNode, false
	}
	if _, ok := m.f.RelocAt(slot); !ok {
		return noNode, false
	}
	return p.slotTarget(m, slot), true
}

// slotTarget returns the function whose address a slot holds once relocated.
func (p *program) slotTarget(m *module, slot uint64) node {
	r, ok := m.f.RelocAt(slot)
	if !ok {
		return noNode
	}
	switch r.Kind {
	case image.RelRelative, image.RelIRelative:
		n := p.nodeAt(m, m.codeAddress(r.Addend))
		if n != noNode && n >= p.nodes {
			p.extra[n-p.nodes].pointer = true
		}
		return n
	case image.RelSymbol:
		if s, ok := m.f.DynSym(r.Sym); ok {
			if def, v, ok := p.lookup(m, s); ok {
				return p.nodeAt(def, v)
			}
		}
	}
	return noNode
}

// lookup finds the definition of a symbol as ld.so does: the first module in
// load order that exports the name.
func (p *program) lookup(m *module, s image.Symbol) (*module, uint64, bool) {
	if s.Defined() && s.Bind == 0 {
		return m, m.codeAddress(s.Value), true
	}
	if d, def, ok := p.definition(s, func(d *module) bool { return d.m != m.m }); ok {
		return d, d.codeAddress(def.Value), true
	}
	if s.Defined() {
		return m, m.codeAddress(s.Value), true
	}
	return nil, 0, false
}

// link builds the reverse call graph.
func (p *program) link() error {
	total := 0
	for _, m := range p.mods {
		total += len(m.edges)
	}
	targets := make([]node, 0, total) // of every edge
	p.into = make([]uint32, int(p.nodes)+1)
	for _, m := range p.mods {
		if err := p.ctx.Err(); err != nil {
			return err
		}
		for k := range m.edges {
			t := p.linkEdge(m, &m.edges[k])
			targets = append(targets, t)
			if t < p.nodes {
				p.into[t+1]++
			}
		}
	}
	for i := 1; i < len(p.into); i++ {
		p.into[i] += p.into[i-1]
	}
	p.callers = make([]caller, p.into[len(p.into)-1])
	next := slices.Clone(p.into)
	for _, m := range p.mods {
		for k := range m.edges {
			e, t := &m.edges[k], targets[k]
			if t == noNode {
				continue
			}
			c := caller{node(m.base + e.from), e.kind, m.lo + uint64(e.at)}
			if t >= p.nodes {
				p.late[t] = append(p.late[t], c)
				continue
			}
			p.callers[next[t]] = c
			next[t]++
		}
		targets = targets[len(m.edges):]
	}
	return nil
}

// linkEdge returns the function that an edge leads to, noNode if none other
// than its own.
func (p *program) linkEdge(m *module, e *edge) node {
	if e.kind == machine.EdgeShort && p.startsAt(m, *e) {
		e.kind = machine.EdgeJump
	}
	if e.kind == machine.EdgeShort || !p.real(m, *e) {
		e.kind = edgeFalse
		return noNode
	}
	to := m.lo + uint64(e.to)
	t := noNode
	switch e.kind {
	case machine.EdgeCall, machine.EdgeJump:
		t = p.target(m, to)
	case machine.EdgeSlot:
		t = p.slotTarget(m, to)
	case machine.EdgeRef:
		if m.inCode(to) {
			if t = p.refTarget(m, to); t != noNode {
				p.taken[t] = true
			}
		}
	}
	if e.kind == machine.EdgeJump && t == node(m.base+e.from) {
		return noNode
	}
	return t
}

// refTarget is the function whose address an address is, noNode for one in the
// middle of a function. In an executable whose place is fixed, the address of
// another module's function is that of a stub.
func (p *program) refTarget(m *module, addr uint64) node {
	if m.f.Type == elf.ET_EXEC && m.f.Dyn.Present {
		if t, isStub := p.stubAt(m, addr); isStub {
			return t
		}
	}
	return p.startAt(m, addr)
}

// maxStubs bounds the addresses that are looked at for being those of stubs.
const maxStubs = 1 << 16

// stubAt is stub for an address that need not be called: it is in a procedure
// linkage table, or in code that nothing describes.
func (p *program) stubAt(m *module, addr uint64) (to node, isStub bool) {
	i := m.funcAt(addr)
	if i < 0 || m.funcs[i].goIndex >= 0 || !m.funcs[i].gap && !m.inLinkage(addr) {
		return noNode, false
	}
	if t, known := m.stubs[addr]; known {
		return t, t != noNode
	}
	if len(m.stubs) >= maxStubs {
		return noNode, false
	}
	t, isStub := p.stub(m, addr, i)
	m.stubs[addr] = t
	return t, isStub && t != noNode
}

// maxLinkage bounds the sections that make up the procedure linkage table.
const maxLinkage = 16

// inLinkage reports whether an address is in a procedure linkage table.
func (mod *module) inLinkage(addr uint64) bool {
	if mod.linkage == nil {
		mod.linkage = []image.Range{}
		for _, s := range mod.f.Sections {
			if strings.HasPrefix(s.Name, ".plt") && len(mod.linkage) < maxLinkage {
				mod.linkage = append(mod.linkage, image.Range{Start: s.Addr, End: s.Addr + s.Size})
			}
		}
	}
	return slices.ContainsFunc(mod.linkage, func(r image.Range) bool { return r.Contains(addr) })
}

// afterLinkage is from where on a function holds code that addr may belong to:
// without symbols procedure linkage tables are not told from what follows.
func (mod *module) afterLinkage(f function, addr uint64) uint64 {
	start := f.start
	if f.gap && !mod.inLinkage(addr) {
		for _, r := range mod.linkage {
			if r.End > start && r.End <= addr {
				start = r.End
			}
		}
	}
	return start
}

func (p *program) startAt(m *module, addr uint64) node {
	i := m.funcAt(addr)
	if i < 0 || m.funcs[i].start != addr {
		return noNode
	}
	return node(m.base) + node(i)
}

func (p *program) callersOf(n node) []caller {
	if prev, ok := p.fallsInto(n); ok {
		p.analyze(prev) // adds itself to late
	}
	var out []caller
	if n < p.nodes {
		out = p.callers[p.into[n]:p.into[n+1]]
	}
	if l := p.late[n]; len(l) > 0 {
		out = append(out[:len(out):len(out)], l...)
	}
	return out
}

func (p *program) nodeName(n node) string {
	m, f := p.function(n)
	return m.name(&f)
}

// substituteAtom is substitute for a single parameter.
func (p *program) substituteAtom(m *module, a flow.Atom, pt flow.Point) flow.ID {
	return p.substitute(m, p.values.Of(a), pt)
}
