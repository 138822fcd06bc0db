package elfscan

import (
	"math/bits"
	"slices"
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

	pointers  map[int64]bool // offsets of fields that point to a SysProcAttr
	sysOffset int64          // that of a ProcAttr's
	cmdOffset int64          // that of an exec.Cmd's, 0 if there is none
	todo      []setter
	done      map[setter]bool
	makers    map[node]bool // functions that return one
	created   bool          // the program makes one itself
}

// children are the functions that run between fork and exec, and parents
// those that prepare their arguments.
var children = map[string]bool{"syscall.forkAndExecInChild1": true, "syscall.forkAndExecInChild": true}

// closeGates finds out which fields the program sets and which calls that
// leaves without a way to them.
func (s *scanner) closeGates(r *resolver) {
	g := &gates{p: s.p, set: map[string]bool{}, closed: map[node]map[uint64]string{}, pointers: map[int64]bool{},
		done: map[setter]bool{}, makers: map[node]bool{}}
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

// findSetters reads the types and the functions that may set a field; it
// reports false if the types are not known.
func (g *gates) findSetters(m *module) bool {
	structs := g.readTypes(m)
	var ok bool
	if g.attr, ok = structs["syscall.SysProcAttr"]; !ok {
		return false
	}
	// Both kinds of ProcAttr are a string, two slices, and Sys; on the stack,
	// they need no type.
	g.sysOffset = 8 * int64(m.m.PtrSize)
	g.pointers[g.sysOffset] = true
	for name, field := range map[string]string{"exec.Cmd": "SysProcAttr", "syscall.ProcAttr": "Sys", "os.ProcAttr": "Sys"} {
		for _, f := range structs[name].Fields {
			if f.Name == field {
				g.pointers[int64(f.Offset)] = true
				if name == "exec.Cmd" {
					g.cmdOffset = int64(f.Offset)
				}
			}
		}
	}
	if m.goTab.TypeUses(g.attr.Addr) > 1 { // by its pointer type; others contain one
		g.set["*"] = true
		return true
	}
	users := g.users(m, structs)
	for _, n := range users {
		g.todo = append(g.todo, setter{fn: n})
	}
	for _, n := range g.starters(m) {
		for _, c := range g.p.callersOf(n) {
			g.todo = append(g.todo, setter{fn: c.from})
		}
	}
	g.work(m)
	if g.created && !g.set["*"] {
		g.readMates(m)
		g.work(m)
	}
	return true
}

func (g *gates) work(m *module) {
	for len(g.todo) > 0 && !g.set["*"] {
		x := g.todo[0]
		g.todo = g.todo[1:]
		g.readSetter(m, x)
	}
}

// readTypes are the structs of interest that code refers to.
func (g *gates) readTypes(m *module) map[string]image.GoStruct {
	structs := map[string]image.GoStruct{}
	want := map[string]bool{"syscall.SysProcAttr": true, "exec.Cmd": true, "syscall.ProcAttr": true, "os.ProcAttr": true}
	types := m.goTab.Types
	refs := make([]uint64, (types.End-types.Start)>>8+1) // a bit for every four bytes
	for _, e := range m.edges {
		if to := m.lo + uint64(e.to); e.kind == machine.EdgeRef && types.Contains(to) {
			i := (to - types.Start) >> 2
			refs[i>>6] |= 1 << (i & 63)
		}
	}
	for i, word := range refs {
		for ; word != 0; word &= word - 1 {
			at := types.Start + uint64(i<<6+bits.TrailingZeros64(word))<<2
			if s, ok := m.goTab.StructAt(at, func(n string) bool { return want[n] }); ok {
				structs[s.Name] = s
			}
		}
	}
	return structs
}

// users are the functions that refer to the structs' types.
func (g *gates) users(m *module, structs map[string]image.GoStruct) []node {
	var types []uint32
	for _, s := range structs {
		types = append(types, uint32(s.Addr-m.lo))
	}
	var out []node
	for _, e := range m.edges {
		if e.kind == machine.EdgeRef && slices.Contains(types, e.to) {
			out = append(out, node(m.base+e.from))
		}
	}
	return out
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
		if a.Kind == flow.Global { // such as syscall.forceClone3
			return 0, g.p.alwaysZero(m, uint64(a.Addr), uint64(a.Size))
		}
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
