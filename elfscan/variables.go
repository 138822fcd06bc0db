package elfscan

import (
	"debug/elf"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unsafe"

	"github.com/elastic/go-seccomp-bpf/elfscan/internal/flow"
	"github.com/elastic/go-seccomp-bpf/elfscan/internal/image"
	"github.com/elastic/go-seccomp-bpf/elfscan/internal/machine"
)

// global are tasks for a number in a variable: one for each store to it.
func (r *resolver) global(m *module, site uint64, t *task, a flow.Atom) []*task {
	fm, fn := r.p.function(t.fn)
	addr := uint64(a.Addr)
	v := r.p.variable(fm, addr, true)
	var out []*task
	written := false
	for _, n := range v.users {
		for _, w := range v.writes(n) {
			written = true
			if r.p.isZero(w.Value) {
				continue // clears it after use
			}
			out = append(out, &task{fn: n, at: w.Addr, nr: r.p.values.Add(w.Value, a.Add), up: t, depth: t.depth + 1, store: true})
		}
	}
	c, ok := fm.f.Uint(v.addr, int(a.Size))
	if ok && (c != 0 || !written) {
		r.found = append(r.found, found{nr: int64(c) + a.Add, task: t, args: t.args})
	}
	switch _, is := r.info.SyscallName(uint32(c)); {
	case v.tooMany && len(v.users) == 0: // not searched for at all
		r.open = append(r.open, open{m, site, t, "the number is loaded from one of too many variables"})
	case fn.goIndex < 0 && len(out) == 0 && (!ok || c == 0 || !is):
		r.open = append(r.open, open{m, site, t, "the number is loaded from a variable that nothing is seen to set"})
	case !r.p.own(t) && (v.tooMany || v.pointedAt(t.up)):
		r.open = append(r.open, open{m, site, t, "the number is loaded from a variable that may be set through a pointer"})
	}
	return dedupe(out)
}

// ownPackages are those of Go that keep numbers in variables, whose addresses
// they do not pass on; of paths and of files.
var ownPackages = regexp.MustCompile(`(^|/src/)(runtime|syscall|internal/[a-z]+)/|golang\.org/x/sys(@[^/]*)?/unix/`)

// own reports whether a task's code, which may be inlined, is of such a package.
func (p *program) own(t *task) bool {
	m, fn := p.function(t.fn)
	if fn.goIndex < 0 {
		return false
	}
	file, _ := m.goTab.FileLine(int(fn.goIndex), t.at)
	return ownPackages.MatchString(file)
}

// standard are the first elements of the paths of Go's standard packages.
var standard = strings.Fields("archive bufio bytes cmp compress container context crypto database debug embed encoding " +
	"errors expvar flag fmt go hash html image index internal io iter log maps math mime net os path plugin reflect " +
	"regexp runtime slices sort strconv strings structs sync syscall testing text time type unicode unique vendor weak")

// isStandard reports whether a Go function is of a standard package, by its name.
func isStandard(name string) bool {
	first := name[:max(0, strings.IndexAny(name, "./:"))]
	return slices.Contains(standard, first)
}

// variable is a word of a module's data, and the functions, entered wherever
// they may be, that refer to it or to where they may count from to reach it.
type variable struct {
	p        *program
	m        *module
	addr, lo uint64 // the word's address, and that of the object that it is in
	users    []node
	tooMany  bool // for all to be looked at
	pointed  map[node]bool
}

// variableKey is a variable, by itself or as a field of an object.
type variableKey struct {
	m     *module
	addr  uint64
	field bool
}

// maxSearched bounds what is read in search of what variables are used for, in
// bytes: words of data, edges, and code, which costs more.
const (
	maxSearched  = uint64(4 << 30)
	decodingCost = 16 // times that of reading
	analysisCost = 64
)

// anchors is how far behind what a function refers to it may reach other
// variables, where compilers use one address for many (section anchors).
var anchors = map[string]uint64{"arm": 4096, "aarch64": 4096, "riscv64": 2048, "loongarch64": 2048, "ppc64": 1 << 15, "ppc64le": 1 << 15}

// maxNear is how far from what refers to it a field of an object is looked for
// at least.
const maxNear = 64

// variable looks for what refers to a variable, or to the object that it may be
// a field of.
func (p *program) variable(m *module, addr uint64, field bool) *variable {
	key := variableKey{m, addr, field}
	if v := p.variables[key]; v != nil {
		return v
	}
	v := &variable{p: p, m: m, addr: addr, lo: addr, pointed: map[node]bool{}}
	if p.searched += uint64(len(m.edges)) * uint64(unsafe.Sizeof(edge{})); p.searched > maxSearched {
		v.tooMany = true
		return v
	}
	if p.variables == nil {
		p.variables = map[variableKey]*variable{}
	}
	p.variables[key] = v
	near, far := uint64(0), uint64(0)
	if field {
		v.lo = p.objectStart(m, addr)
	}
	if v.lo < addr {
		near, far = max(maxNear, addr-v.lo), anchors[m.m.Name]
	}
	users := map[uint32]bool{}
	bases := map[uint32][]uint64{}
	for _, e := range m.edges {
		to := m.lo + uint64(e.to)
		switch {
		case to > addr || e.kind != machine.EdgeData && e.kind != machine.EdgeRef && e.kind != machine.EdgeNear:
		case addr-to <= near:
			users[e.from] = true
		case addr-to <= far && e.kind == machine.EdgeRef:
			bases[e.from] = append(bases[e.from], to)
		}
	}
	for from, to := range bases {
		users[from] = users[from] || v.countedFrom(&m.funcs[from], to)
	}
	maps.DeleteFunc(users, func(_ uint32, uses bool) bool { return !uses })
	v.tooMany = len(users) > maxReferrers
	for from := range users {
		v.users = append(v.users, p.callerNodes(caller{from: node(m.base + from)})...)
	}
	slices.Sort(v.users)
	return v
}

// objectStart is where the object that addr is in may start: at the last address
// before that symbols, sections, pointers or instructions tell.
func (p *program) objectStart(m *module, addr uint64) (lo uint64) {
	starts := func(at uint64) {
		if at <= addr {
			lo = max(lo, at)
		}
	}
	symbol := uint64(0)
	for _, o := range m.symbolObjects() {
		if o.Contains(addr) {
			symbol = max(symbol, o.Start)
		}
		starts(o.Start)
	}
	if symbol != 0 {
		return symbol
	}
	for _, s := range m.f.Sections {
		if s.Mapped() {
			starts(s.Addr)
		}
	}
	for _, r := range m.f.Data() {
		starts(r.Start)
	}
	for _, r := range m.f.Relocs() {
		if r.Kind == image.RelRelative {
			starts(r.Addend)
		}
	}
	// On i386 fields of anything look as if they were counted from the GOT's
	// address: only addresses themselves tell.
	counted := m.m.Name == "i386" && m.refBase() != 0
	if counted && addr > maxNear {
		lo = max(lo, addr-maxNear)
	}
	last := addr // that may be where one starts
	if m.m.PtrSize == 4 && addr > 0 {
		last-- // the address in the code that loads a field is no other than one that is taken
	}
	for _, e := range m.edges {
		to, at := m.lo+uint64(e.to), m.lo+uint64(e.at)
		if e.kind != machine.EdgeRef || to <= lo || to > last || m.m.Align < 4 && !p.inPlace(m, e) {
			continue
		}
		if m.funcs[e.from].goIndex >= 0 && to%uint64(m.m.PtrSize) != 0 {
			continue // by chance
		}
		if word, _ := m.f.Uint(at, m.m.PtrSize); !counted || word == to {
			lo = to
		}
	}
	return lo
}

// countedFrom reports whether a function has the distance from one of some
// addresses to the object in an instruction.
func (v *variable) countedFrom(f *function, bases []uint64) bool {
	code, ok := v.p.code(v.m, *f)
	if !ok {
		return false
	}
	v.p.searched += decodingCost * uint64(len(code))
	is := func(x int64) bool {
		return slices.ContainsFunc(bases, func(b uint64) bool { return x >= int64(v.lo-b) && x <= int64(v.addr-b) })
	}
	var ops []machine.Inst
	for off, n := 0, 0; off < len(code); off += max(n, int(v.m.m.Align)) {
		ops, n, _ = v.m.m.Lift(ops[:0], code[off:], f.start+uint64(off))
		for _, in := range ops {
			if is(in.Mem.Disp) || in.A.Reg == machine.None && is(in.A.Imm) || in.B.Reg == machine.None && is(in.B.Imm) {
				return true
			}
		}
	}
	return false
}

// writes are a function's stores to the variable; what a store to more than it
// leaves there is not known.
func (v *variable) writes(n node) (out []flow.Write) {
	for _, w := range v.p.analyze(n).Writes {
		to := uint64(w.To.Add)
		if w.To.Kind != flow.Const || to > v.addr || to+max(uint64(w.Size), 1) <= v.addr {
			continue
		}
		if to != v.addr {
			w.Value = flow.Top
		}
		out = append(out, w)
	}
	return out
}

// pointedAt reports whether the address of a variable, or of what it may be a
// field of, may be used for more than to load and to store there, other
// than to be left in a register when the user is called.
func (v *variable) pointedAt(user *task) bool {
	by := noNode
	if user != nil {
		by = user.fn
	}
	return remember(v.pointed, by, v.usedElsewhere)
}

// usedElsewhere is pointedAt for the function of a user.
func (v *variable) usedElsewhere(user node) bool {
	p, m := v.p, v.m
	holds := func(x uint64) bool { return x >= v.lo && x <= v.addr && (x == v.addr || !m.startsBSS(x)) }
	for _, n := range v.users {
		_, fn, ok := p.flowFunc(n)
		if !ok || p.searched > maxSearched {
			return true
		}
		if fn.Go && isStandard(p.nodeName(n)) {
			continue // knows only variables of its own, which may be neighbours
		}
		if p.isData(n) {
			continue
		}
		p.searched += analysisCost * uint64(len(fn.Code))
		res := p.watch(m, fn, func(a flow.Atom) bool { return a.Kind == flow.Const && holds(uint64(a.Add)) })
		passed := slices.ContainsFunc(res.Passed, func(to flow.Passed) bool {
			return user == noNode || p.target(m, to.Target) != user
		})
		if res.Partial != "" || res.Escapes || passed {
			return true
		}
	}
	kept := false
	keeps := func(slot, x uint64) {
		bound := m.goTab != nil && m.goTab.InModuledata(slot) // where sections start and end
		kept = kept || holds(x) && !bound && x != slot        // __dso_handle is its own
	}
	if m.f.Type == elf.ET_EXEC {
		for _, r := range m.f.Data() {
			if p.searched += r.End - r.Start; p.searched > maxSearched {
				return true
			}
			m.eachWord(r, v.lo, v.addr+1, keeps)
		}
	}
	for _, r := range m.f.Relocs() {
		if r.Kind == image.RelRelative && !r.Got {
			keeps(r.Slot, r.Addend)
		}
	}
	return kept
}

// isZero reports whether a value is zero and nothing else.
func (p *program) isZero(v flow.ID) bool {
	c, ok := p.values.Consts(v)
	return ok && len(c) == 1 && c[0] == 0
}

// behind are tasks for a field behind a pointer that is kept in a variable:
// one for each place that stores a pointer there. It reports false if there
// may be others.
func (r *resolver) behind(t *task, a, root flow.Atom) (tasks []*task, all bool) {
	fm, _ := r.p.function(t.fn)
	addr := uint64(root.Addr)
	initial, ok := fm.f.Uint(addr, fm.m.PtrSize)
	v := r.p.variable(fm, addr, false)
	if _, is := fm.f.RelocAt(addr); is || !ok || initial != 0 || v.tooMany || v.pointedAt(t.up) {
		return nil, false
	}
	var out []*task
	for _, n := range v.users {
		if !r.reach.has(n) {
			continue
		}
		for _, w := range v.writes(n) {
			if r.p.isZero(w.Value) {
				continue // a null pointer
			}
			out = append(out, &task{fn: n, at: w.Addr, nr: r.p.values.Behind(a, w.Value), up: t, depth: t.depth + 1})
		}
	}
	return dedupe(out), true
}
