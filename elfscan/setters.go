package elfscan

import (
	"slices"
	"sort"
	"strings"

	"github.com/elastic/go-seccomp-bpf/elfscan/internal/flow"
	"github.com/elastic/go-seccomp-bpf/elfscan/internal/machine"
)

// maxMates bounds the code that is read for what the packages of interest do
// to the SysProcAttr of a command.
const maxMates = 1 << 20

// readMates reads the other functions of packages that start programs: they
// can set fields through a command without naming any type.
func (g *gates) readMates(m *module) {
	packages := map[string]bool{}
	for x := range g.done {
		if name := g.p.nodeName(x.fn); !passesOn(name) {
			packages[packageOf(name)+"."] = true
		}
	}
	prefixes := make([]string, 0, len(packages))
	for p := range packages {
		prefixes = append(prefixes, p)
	}
	sort.Strings(prefixes)
	at := map[int]int{}
	m.goTab.Find(prefixes, func(i int, name string) {
		if packages[packageOf(name)+"."] {
			at[i] = i
		}
	})
	size := uint64(0)
	for i := range m.funcs {
		f := &m.funcs[i]
		if _, ok := at[int(f.goIndex)]; !ok || f.goIndex < 0 {
			continue
		}
		if size += f.end - f.start; size > maxMates {
			g.set["*"] = true
			return
		}
		g.todo = append(g.todo, setter{fn: node(m.base) + node(i)})
	}
}

// packageOf is the package of a function's name: up to the first dot behind
// the last slash, which type arguments may contain too.
func packageOf(name string) string {
	head, _, _ := strings.Cut(name, "[")
	i := strings.LastIndexByte(head, '/') + 1
	if j := strings.IndexByte(head[i:], '.'); j >= 0 {
		return head[:i+j]
	}
	return head
}

// passesOn reports whether a function belongs to the packages that pass on what
// they are given, and set PidFD.
func passesOn(name string) bool {
	if name == "" {
		return false
	}
	switch packageOf(name) {
	case "syscall", "os", "os/exec", "runtime", "type:", "type":
		return true
	}
	return false
}

// starters are the functions with which a program prepares another.
func (g *gates) starters(m *module) []node {
	var out []node
	for name, n := range m.known() {
		if lowStarters[name] > 0 || strings.HasPrefix(name, "os/exec.Command") || strings.HasPrefix(name, "os/exec.(*Cmd).") {
			out = append(out, n)
		}
	}
	return out
}

// lowStarters take a ProcAttr, as the word with this number.
var lowStarters = map[string]int{"os.StartProcess": 5, "syscall.StartProcess": 5, "syscall.ForkExec": 5}

// setter is a function that is read for fields that it sets: on entry, a bit
// of attrs is set for every register that points to a SysProcAttr.
type setter struct {
	fn    node
	attrs uint64
}

// readSetter notes the fields that a function sets, and follows the pointers
// that it hands on.
func (g *gates) readSetter(m *module, x setter) {
	if g.done[x] || passesOn(g.p.nodeName(x.fn)) {
		return
	}
	g.done[x] = true
	_, known := g.p.results[x.fn]
	res := g.p.analyze(x.fn)
	if !known {
		defer delete(g.p.results, x.fn) // few are asked for again
	}
	fresh := g.allocations(m, res)
	if res.Partial != "" || g.set["?"] || g.set["*"] {
		g.set["*"] = true // "?": results on the stack are not followed
		return
	}
	commands, barriers := g.commands(m, res)
	// isAttr knows pointers to a SysProcAttr for sure, mayBe by a field's offset.
	isAttr := func(a flow.Atom) bool {
		switch a.Kind {
		case flow.Returned:
			return fresh[a.Addr]
		case flow.Entry:
			return a.Reg < 64 && x.attrs>>a.Reg&1 != 0
		case flow.Field:
			b := g.p.values.Atom(a.Base)
			return g.cmdOffset != 0 && a.Addr == g.cmdOffset && b.Kind == flow.Returned && commands[b.Addr]
		}
		return false
	}
	mayBe := func(a flow.Atom) bool { return isAttr(a) || a.Kind == flow.Field && g.pointers[a.Addr] }
	for _, w := range res.Writes {
		if c, ok := g.p.values.Consts(w.Value); ok && len(c) == 1 && c[0] == 0 {
			continue
		}
		target := w.To
		target.Add = 0
		if target.Kind == flow.Returned && barriers[target.Addr] {
			continue // into the garbage collector's buffer
		}
		if mayBe(target) {
			g.mark(w.To.Add, int64(w.Size))
		} else if g.pointers[w.To.Add] {
			g.pointer(m, w)
		} else if w.To.Kind == flow.Unknown && (len(fresh) > 0 || x.attrs != 0) {
			g.mark(w.To.Add, int64(w.Size))
		} else if g.holds(w.Value, isAttr) {
			g.set["*"] = true // kept somewhere else
		}
	}
	g.handOn(m, x.fn, res, isAttr)
}

// handOn follows pointers that a function passes to others or returns.
func (g *gates) handOn(m *module, n node, res *flow.Result, isAttr func(flow.Atom) bool) {
	for _, pt := range res.Points {
		t := noNode
		if pt.Target != 0 {
			t = g.p.target(m, pt.Target)
		}
		var regs uint64
		for _, r := range m.goRegs() {
			if v := pt.State.Regs[r]; g.holds(v, isAttr) && r < 64 {
				regs |= 1 << r
			} else if pt.Op == machine.Call && (t == noNode || !passesOn(g.p.nodeName(t))) && g.p.values.OnStack(v, pt.State, m.m, func(v flow.ID) bool { return g.holds(v, isAttr) }) {
				g.set["*"] = true // in a structure on the stack, that is passed
			}
		}
		switch {
		case pt.Op == machine.Return && regs != 0 && !g.makers[n]:
			g.makers[n] = true
			for _, c := range g.p.callersOf(n) {
				delete(g.done, setter{fn: c.from})
				g.todo = append(g.todo, setter{fn: c.from})
			}
			if g.p.pointerTaken(n) {
				g.set["*"] = true
			}
		case pt.Op != machine.Call && pt.Op != machine.Jump:
		case t == noNode:
			if regs != 0 {
				g.set["*"] = true
			}
		default:
			g.lowStart(m, t, pt)
			if regs != 0 {
				g.todo = append(g.todo, setter{t, regs})
			}
		}
	}
}

// holds reports whether a value may be a pointer to a SysProcAttr.
func (g *gates) holds(v flow.ID, isAttr func(flow.Atom) bool) bool {
	atoms, _ := g.p.values.Atoms(v)
	return slices.ContainsFunc(atoms, isAttr)
}

// commands are the calls that return a new exec.Cmd, barriers those to the
// write barrier.
func (g *gates) commands(m *module, res *flow.Result) (commands, barriers map[int64]bool) {
	commands, barriers = map[int64]bool{}, map[int64]bool{}
	for _, pt := range res.Points {
		if pt.Op != machine.Call || pt.Target == 0 {
			continue
		}
		if _, ok := m.writeBarrier(pt.Target); ok {
			barriers[int64(pt.Addr)] = true
		} else if i := m.funcAt(pt.Target); i >= 0 && strings.HasPrefix(m.name(&m.funcs[i]), "os/exec.Command") {
			commands[int64(pt.Addr)] = true
		}
	}
	return commands, barriers
}

// lowStart checks a call that takes a ProcAttr: its Sys has to be nil or
// a SysProcAttr that was seen to be made.
func (g *gates) lowStart(m *module, t node, pt flow.Point) {
	word := lowStarters[g.p.nodeName(t)]
	if word == 0 {
		return
	}
	ptr := g.p.substituteAtom(m, goParam(m, word), pt)
	sys := g.p.values.FieldOf(ptr, g.sysOffset, uint8(m.m.PtrSize), pt.State, m.m)
	atoms, known := g.p.values.Atoms(sys)
	for _, a := range atoms {
		known = known && (a.Kind == flow.Returned || a.Kind == flow.Const)
	}
	if !known {
		g.set["*"] = true
	}
}

// allocations are the calls that return a new SysProcAttr.
func (g *gates) allocations(m *module, res *flow.Result) map[int64]bool {
	out := map[int64]bool{}
	for _, pt := range res.Points {
		if pt.Op != machine.Call || pt.Target == 0 {
			continue
		}
		if len(m.goRegs()) == 0 || strings.HasPrefix(m.m.Name, "ppc64") {
			g.set["?"] = true // on ppc64, reloads are not followed
			continue
		}
		if g.makers[g.p.target(m, pt.Target)] {
			out[int64(pt.Addr)] = true
		}
		uses := false
		for i := range m.m.Regs {
			if c, ok := g.p.values.Consts(pt.State.Regs[i]); ok && len(c) == 1 && uint64(c[0]) == g.attr.Addr {
				uses = true
			}
		}
		if !uses {
			continue
		}
		i := m.funcAt(pt.Target)
		if i < 0 {
			continue
		}
		g.created = true
		switch m.name(&m.funcs[i]) {
		case "runtime.newobject", "runtime.mallocgc":
			out[int64(pt.Addr)] = true
		default:
			g.set["*"] = true // copied from somewhere, or many at a time
		}
	}
	return out
}

// pointer handles a pointer that is stored where a SysProcAttr belongs: a
// static one is read. Other structures have fields at the same offset, so only
// addresses of the image count.
func (g *gates) pointer(m *module, w flow.Write) {
	atoms, known := g.p.values.Atoms(w.Value)
	if !known {
		return
	}
	for _, a := range atoms {
		if a.Kind != flow.Const || !m.f.Writable(uint64(a.Add)) {
			continue
		}
		g.created = true
		for _, f := range g.attr.Fields {
			for i := range f.Size {
				if b, ok := m.f.Uint(uint64(a.Add)+f.Offset+i, 1); ok && b != 0 {
					g.set[f.Name] = true
				}
			}
		}
	}
}
