package elfscan

import (
	"sort"
	"strings"

	"github.com/elastic/go-seccomp-bpf/elfscan/internal/flow"
	"github.com/elastic/go-seccomp-bpf/elfscan/internal/image"
	"github.com/elastic/go-seccomp-bpf/elfscan/internal/machine"
)

// gates knows calls that only fields of syscall.SysProcAttr enable which the
// program never sets: the child of a fork in package syscall makes them, and
// every program that starts another contains them.
type gates struct {
	p      *program
	attr   image.GoStruct
	set    map[string]bool // fields that the program sets, "*" for all
	closed map[node]map[uint64]string
}

// children are the functions that run between fork and exec, and parents
// those that prepare their arguments.
var children = map[string]bool{"syscall.forkAndExecInChild1": true, "syscall.forkAndExecInChild": true}

// closeGates finds out which fields the program sets and which calls that
// leaves without a way to them.
func (s *scanner) closeGates(r *resolver) {
	g := &gates{p: s.p, set: map[string]bool{}, closed: map[node]map[uint64]string{}}
	kids := map[node]bool{}
	for _, f := range r.found {
		if m, fn := s.p.function(f.task.fn); fn.goIndex >= 0 && !kids[f.task.fn] && children[m.name(&fn)] {
			kids[f.task.fn] = true
		}
	}
	if len(kids) == 0 {
		return
	}
	for n := range kids {
		m, _ := s.p.function(n)
		if !g.findSetters(m) || g.set["*"] {
			return
		}
		g.close(m, n, len(s.opt.Why) > 0)
	}
	s.gates = g
}

// gate returns what would enable a call, "" if nothing needs to.
func (g *gates) gate(f found) string {
	if g == nil {
		return ""
	}
	return g.closed[f.task.fn][f.task.at]
}

// findSetters reads the types and the functions that mention them; it reports
// false if the types are not known.
func (g *gates) findSetters(m *module) bool {
	structs := map[string]image.GoStruct{}
	want := map[string]bool{"syscall.SysProcAttr": true, "exec.Cmd": true, "syscall.ProcAttr": true, "os.ProcAttr": true}
	types := m.goTab.Types
	users := map[uint64][]node{}
	seen := map[uint64]bool{}
	for _, e := range m.edges {
		to := m.lo + uint64(e.to)
		if e.kind != machine.EdgeRef || !types.Contains(to) {
			continue
		}
		if !seen[to] {
			seen[to] = true
			if s, ok := m.goTab.StructAt(to, func(n string) bool { return want[n] }); ok {
				structs[s.Name] = s
			}
		}
	}
	mentioned := map[uint32]bool{}
	for _, s := range structs {
		mentioned[uint32(s.Addr-m.lo)] = true
	}
	lo, hi := uint32(types.Start-m.lo), uint32(types.End-m.lo)
	for _, e := range m.edges {
		if e.kind == machine.EdgeRef && e.to >= lo && e.to < hi && mentioned[e.to] {
			users[m.lo+uint64(e.to)] = append(users[m.lo+uint64(e.to)], node(m.base+e.from))
		}
	}
	var ok bool
	if g.attr, ok = structs["syscall.SysProcAttr"]; !ok {
		return false
	}
	pointers := map[int64]bool{} // offsets of fields that point to a SysProcAttr
	for name, field := range map[string]string{"exec.Cmd": "SysProcAttr", "syscall.ProcAttr": "Sys", "os.ProcAttr": "Sys"} {
		for _, f := range structs[name].Fields {
			if f.Name == field {
				pointers[int64(f.Offset)] = true
			}
		}
	}
	done := map[node]bool{}
	for _, ns := range users {
		for _, n := range ns {
			g.readSetter(m, n, pointers, done)
		}
	}
	for _, n := range g.starters(m) {
		for _, c := range g.p.callersOf(n) {
			g.readSetter(m, c.from, pointers, done)
		}
	}
	return true
}

// starters are the functions with which a program prepares another.
func (g *gates) starters(m *module) []node {
	var out []node
	for name, n := range m.known() {
		switch name {
		case "os/exec.Command", "os/exec.CommandContext", "os.StartProcess", "syscall.StartProcess", "syscall.ForkExec":
			out = append(out, n)
		default:
			if strings.HasPrefix(name, "os/exec.(*Cmd).") {
				out = append(out, n)
			}
		}
	}
	return out
}

// readSetter notes the fields that a function sets.
func (g *gates) readSetter(m *module, n node, pointers map[int64]bool, done map[node]bool) {
	if done[n] {
		return
	}
	done[n] = true
	name := g.p.nodeName(n)
	if strings.HasPrefix(name, "syscall.") || strings.HasPrefix(name, "os.") || strings.HasPrefix(name, "os/exec.") ||
		strings.HasPrefix(name, "runtime.") || strings.HasPrefix(name, "type:.") || strings.HasPrefix(name, "type..") {
		return // these pass on what they are given, and set PidFD
	}
	res := g.p.analyze(n)
	if res.Partial != "" {
		g.set["*"] = true
		return
	}
	fresh := g.allocations(m, res)
	if g.set["?"] {
		g.set["*"] = true // results on the stack are not followed
		return
	}
	for _, w := range res.Writes {
		if c, ok := g.p.values.Consts(w.Value); ok && len(c) == 1 && c[0] == 0 {
			continue
		}
		switch w.To.Kind {
		case flow.Returned:
			if fresh[w.To.Addr] {
				g.mark(w.To.Add, int64(w.Size))
			} else if pointers[w.To.Add] {
				g.pointer(m, w, fresh)
			}
		case flow.Field:
			if pointers[w.To.Addr] {
				g.mark(w.To.Add, int64(w.Size))
			} else if pointers[w.To.Add] {
				g.pointer(m, w, fresh)
			}
		case flow.Entry, flow.Slot, flow.Global:
			if pointers[w.To.Add] {
				g.pointer(m, w, fresh)
			}
		}
	}
}

// allocations are the calls that return a new SysProcAttr.
func (g *gates) allocations(m *module, res *flow.Result) map[int64]bool {
	out := map[int64]bool{}
	for _, pt := range res.Points {
		if pt.Op != machine.Call || pt.Target == 0 {
			continue
		}
		if len(m.goRegs()) == 0 {
			g.set["?"] = true
			continue
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
		switch name := m.name(&m.funcs[i]); name {
		case "runtime.newobject", "runtime.mallocgc":
			out[int64(pt.Addr)] = true
		case "runtime.typedmemmove", "runtime.wbMove", "runtime.makeslice", "runtime.growslice":
			g.set["*"] = true // copied from somewhere
		}
	}
	return out
}

// pointer handles a pointer that is stored where a SysProcAttr belongs: a
// static one is read, one of unknown origin may have any field set. Other
// structures have fields at the same offset, so only addresses of the image
// count.
func (g *gates) pointer(m *module, w flow.Write, fresh map[int64]bool) {
	atoms, known := g.p.values.Atoms(w.Value)
	if !known {
		return
	}
	for _, a := range atoms {
		if a.Kind != flow.Const || !m.f.Writable(uint64(a.Add)) {
			continue
		}
		for _, f := range g.attr.Fields {
			for i := range f.Size {
				if b, ok := m.f.Uint(uint64(a.Add)+f.Offset+i, 1); ok && b != 0 {
					g.set[f.Name] = true
				}
			}
		}
	}
}

func (g *gates) mark(off, size int64) {
	for _, f := range g.attr.Fields {
		if off < int64(f.Offset+f.Size) && off+max(size, 1) > int64(f.Offset) {
			g.set[f.Name] = true
		}
	}
}

// close analyses the child as if the fields that are never set were zero, and
// notes the calls that this leaves out, on request with the fields that enable
// them.
func (g *gates) close(m *module, n node, name bool) {
	_, fn, ok := g.p.flowFunc(n)
	if !ok {
		return
	}
	base, ok := g.attrParam(g.p.analyze(n))
	if !ok {
		return
	}
	all := g.visit(m, fn, base, nil)
	if len(all) == 0 {
		return
	}
	closed := map[uint64]string{}
	for _, pt := range g.p.analyze(n).Points {
		if !all[pt.Addr] {
			closed[pt.Addr] = "fields of syscall.SysProcAttr"
		}
	}
	for _, f := range g.attr.Fields {
		if g.set[f.Name] || !name {
			continue
		}
		for at := range g.visit(m, fn, base, &f) {
			if _, is := closed[at]; is {
				closed[at] = appendField(closed[at], f.Name)
			}
		}
	}
	g.closed[n] = closed
}

func appendField(have, name string) string {
	if have == "fields of syscall.SysProcAttr" {
		return "syscall.SysProcAttr." + name
	}
	parts := strings.Split(strings.TrimPrefix(have, "syscall.SysProcAttr."), ", ")
	parts = append(parts, name)
	sort.Strings(parts)
	return "syscall.SysProcAttr." + strings.Join(parts, ", ")
}

// attrParam finds the parameter that points to the SysProcAttr: the one
// through which most of its one-byte fields are read.
func (g *gates) attrParam(res *flow.Result) (int32, bool) {
	count := map[int32]int{}
	for _, r := range res.Reads {
		if b := g.p.values.Atom(r.Base); b.Kind != flow.Entry && b.Kind != flow.Slot {
			continue
		}
		for _, f := range g.attr.Fields {
			if f.Size == 1 && int64(f.Offset) == r.Addr && r.Size == 1 {
				count[r.Base]++
			}
		}
	}
	best, n := int32(0), 0
	for b, c := range count {
		if c > n {
			best, n = b, c
		}
	}
	return best, n >= 3
}

// visit analyses the child with the unset fields zero, but for open, and
// returns the calls that are left.
func (g *gates) visit(m *module, fn *flow.Func, base int32, open *image.GoField) map[uint64]bool {
	env := g.p.env(m)
	chroot := g.set["Chroot"] || open != nil && open.Name == "Chroot"
	chrootParam := goParam(m, 7)
	env.Assume = func(v *flow.Values, a flow.Atom) (int64, bool) {
		if a.Kind != flow.Field {
			return 0, a.Kind == chrootParam.Kind && a.Reg == chrootParam.Reg && a.Addr == chrootParam.Addr && !chroot
		}
		if a.Base != base {
			return 0, false
		}
		for _, f := range g.attr.Fields {
			if uint64(a.Addr) >= f.Offset && uint64(a.Addr) < f.Offset+f.Size {
				return 0, !g.set[f.Name] && f.Name != "PidFD" && (open == nil || open.Name != f.Name)
			}
		}
		return 0, false
	}
	out := map[uint64]bool{}
	for _, pt := range env.Analyze(fn).Points {
		out[pt.Addr] = true
	}
	return out
}
