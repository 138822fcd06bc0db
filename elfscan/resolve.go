package elfscan

import (
	"fmt"
	"slices"

	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/elfscan/internal/flow"
	"github.com/elastic/go-seccomp-bpf/elfscan/internal/machine"
)

// task is a system call instruction seen from some function: the values of
// its number and arguments in terms of what that function was entered with.
type task struct {
	fn    node
	at    uint64 // of the system call, or of the call that leads to it
	nr    flow.ID
	args  [6]flow.ID
	up    *task // the function called at at
	depth int
	store bool // the number is stored in a variable here, which up loads
}

// found is a system call whose number is known in a function.
type found struct {
	nr   int64
	task *task
	args [6]flow.ID
}

// open is a system call instruction some of whose numbers are not known.
type open struct {
	mod    *module
	site   uint64
	task   *task
	reason string
}

const (
	maxTasks = 50000
	// maxWays bounds the different arguments with which one function makes one
	// call; with more nothing is known of them.
	maxWays = 200
)

// resolver carries numbers from callers to system call instructions.
type resolver struct {
	p     *program
	info  *arch.Info
	found []found
	open  []open
	reach *reach

	orphan *task // the last whose function is imported, but not seen to be called

	watched map[[2]node]*flow.Result // where the address of the first goes in the second
}

// site resolves one system call instruction.
func (r *resolver) site(m *module, addr uint64) {
	before := len(r.found) + len(r.open)
	r.orphan = nil
	if !r.p.exhausted() {
		r.look(m, addr)
	}
	if i := m.funcAt(addr); r.p.exhausted() && i >= 0 {
		n := node(m.base) + node(i)
		r.open = append(r.open, open{m, addr, &task{fn: n, at: addr}, tooMuch})
		return
	}
	if t := r.orphan; t != nil && len(r.found)+len(r.open) == before {
		r.open = append(r.open, open{m, addr, t, fmt.Sprintf("no callers of %s are known", r.p.nodeName(t.fn))})
	}
}

func (r *resolver) look(m *module, addr uint64) {
	i := m.funcAt(addr)
	first := node(m.base) + node(i)
	if i < 0 || !r.reach.has(first) {
		return
	}
	seen, lost := false, false
	for _, n := range r.p.entries(m, i) {
		if k := len(r.open); k > 0 && r.open[k-1].site == addr && r.open[k-1].reason == tooLarge {
			return // and so it is from everywhere else
		}
		points, incomplete := r.points(n, addr)
		for _, pt := range points {
			seen = true
			r.start(m, addr, n, pt)
		}
		lost = lost || incomplete
	}
	if seen || !lost || !r.p.boundary(m, addr) {
		return // no path leads there: dead code, or data among the code
	}
	// Start a little earlier, where the number is usually set.
	for _, pt := range r.p.fromBlock(first, addr) {
		// A gap with bytes that are no instructions holds tables, such as those
		// of ciphers: there only a site that sets its number is one.
		if m.funcs[i].gap && r.p.analyze(first).Partial != "" && pt.State.Regs[m.m.NR] == flow.Top {
			continue
		}
		if pt.Op == machine.Syscall {
			r.start(m, addr, first, pt)
		}
	}
}

// start chases the number of one system call seen in node n.
func (r *resolver) start(m *module, addr uint64, n node, pt flow.Point) {
	t := &task{fn: n, at: addr, nr: pt.State.Regs[m.m.NR]}
	for j, a := range m.m.Args {
		if a != machine.None {
			t.args[j] = pt.State.Regs[a]
		}
	}
	r.chase(m, addr, t)
}

// entries are the nodes whose code includes the i-th function's: its start
// and the places in its middle that others jump to.
func (p *program) entries(m *module, i int) []node {
	out := append([]node{node(m.base) + node(i)}, m.inner[i]...)
	slices.Sort(out)
	return out
}

// points returns the system call at addr as the analysis of n sees it; lost
// says that the analysis may have missed paths.
func (r *resolver) points(n node, addr uint64) (out []flow.Point, lost bool) {
	m, fn, ok := r.p.flowFunc(n)
	if !ok {
		r.open = append(r.open, open{m, addr, &task{fn: n, at: addr}, tooLarge})
		return nil, false
	}
	if addr < fn.Start {
		return nil, false
	}
	if _, done := r.p.results[n]; !done && !r.p.boundary(m, addr) {
		return nil, false // the bytes are part of another instruction
	}
	res := r.p.analyze(n)
	if r.p.isData(n) {
		return nil, false
	}
	for _, pt := range res.Points {
		if pt.Addr != addr || pt.Op != machine.Syscall {
			continue
		}
		// Paths behind calls that do not return may bring wrong numbers.
		if _, known := r.p.values.Consts(pt.State.Regs[m.m.NR]); !known && r.p.refine(n) {
			return r.points(n, addr)
		}
		out = append(out, pt)
	}
	lost = res.Lost || res.Partial != ""
	if len(out) == 0 && lost && r.p.refine(n) { // a jump may be followed now
		return r.points(n, addr)
	}
	return out, lost
}

// fromBlock looks at an instruction that no path was found to reach: what is
// set just before it is known, and nothing else.
func (p *program) fromBlock(n node, addr uint64) []flow.Point {
	return remember(p.blocks, codePlace{n, addr}, p.lookFromBlock)
}

// codePlace is an instruction in the code of a node.
type codePlace struct {
	fn   node
	addr uint64
}

func (p *program) lookFromBlock(at codePlace) []flow.Point {
	n, addr := at.fn, at.addr
	_, fn, ok := p.flowFunc(n)
	if !ok {
		return nil
	}
	m, _ := p.function(n)
	env := p.env(m)
	var out []flow.Point
	for _, pt := range env.From(fn, env.BlockStart(fn, int(addr-fn.Start))).Points {
		if pt.Addr != addr {
			continue
		}
		pt.State = pt.State.Constants(p.values, m.m)
		out = append(out, pt)
	}
	return out
}

type taskKey struct {
	fn   node
	nr   flow.ID
	args [6]flow.ID
}

func (r *resolver) chase(m *module, site uint64, first *task) {
	seen := map[taskKey]bool{}
	ways := map[taskKey]int{} // without arguments
	queue := []*task{first}
	for len(queue) > 0 {
		t := queue[0]
		queue = queue[1:]
		key := taskKey{fn: t.fn, nr: t.nr}
		if ways[key]++; ways[key] > maxWays {
			t.args = [6]flow.ID{}
		}
		key.args = t.args
		if seen[key] {
			continue
		}
		seen[key] = true
		if len(seen) > maxTasks {
			r.open = append(r.open, open{m, site, t, "too many callers"})
			return
		}
		queue = append(queue, r.one(m, site, t)...)
	}
}

// one takes what is known of a task's number, and asks the callers for what
// depends on them.
func (r *resolver) one(m *module, site uint64, t *task) []*task {
	atoms, known := r.p.values.Atoms(t.nr)
	if !known {
		if up, is := r.allThreads(t); is {
			return up
		}
		r.open = append(r.open, r.unknown(m, site, t))
		return nil
	}
	ask := false
	var more []*task
	for _, a := range atoms {
		switch a.Kind {
		case flow.Const:
			r.found = append(r.found, found{nr: a.Add, task: t, args: t.args})
		case flow.Entry, flow.Slot:
			ask = true
		case flow.Global:
			more = append(more, r.global(m, site, t, a)...)
		case flow.Field:
			switch root := r.p.values.Root(a); root.Kind {
			case flow.Entry, flow.Slot:
				if tp, ok := threadRegs[m.m.Name]; ok && root.Kind == flow.Entry && root.Reg == tp {
					r.open = append(r.open, open{m, site, t, "the number is loaded from a thread-local variable"})
					continue
				}
				ask = true
				continue
			case flow.Global:
				if w, all := r.behind(t, a, root); all {
					more = append(more, w...)
					continue
				}
			}
			r.open = append(r.open, open{m, site, t, "the number is loaded from memory"})
		case flow.Returned:
			if nr, ok := r.namedNumber(t, a); ok {
				r.found = append(r.found, found{nr: nr + a.Add, task: t, args: t.args})
				continue
			}
			r.open = append(r.open, open{m, site, t, "the number is what another function returned"})
		default:
			r.open = append(r.open, open{m, site, t, "the number is loaded from memory"})
		}
	}
	if !ask {
		return more
	}
	return append(more, r.ask(m, site, t)...)
}

// namedNumber is the number that a call returned which was passed the name of a
// system call, as libseccomp does for its own.
func (r *resolver) namedNumber(t *task, returned flow.Atom) (nr int64, ok bool) {
	for _, call := range r.p.callStates(caller{t.fn, machine.EdgeCall, uint64(returned.Addr)}) {
		m, fn := r.p.function(call.fn)
		if fn.goIndex >= 0 {
			return 0, false // its strings do not end with a zero
		}
		var params []flow.Atom
		for i := range 4 {
			params = append(params, cParam(m, i))
		}
		if m.m.Name == "i386" { // GCC's own convention, of static functions
			for _, reg := range []uint8{0, 1, 2} {
				params = append(params, flow.Atom{Kind: flow.Entry, Reg: reg})
			}
		}
		for _, param := range params {
			v, known := r.p.values.Consts(r.p.substituteAtom(m, param, call.pt))
			if !known || len(v) != 1 {
				continue
			}
			if n, is := r.info.Number(m.f.String(uint64(v[0]))); is {
				return int64(n), true
			}
		}
	}
	return 0, false
}

// unknown is a number that is computed; where it is only stored it is blamed
// on the function that uses it.
func (r *resolver) unknown(m *module, site uint64, t *task) open {
	if !t.store || t.up == nil {
		return open{m, site, t, "the number is computed in a way that is not followed"}
	}
	by := r.p.nodeName(t.fn)
	for t.store && t.up != nil {
		t = t.up
	}
	return open{m, site, t, "the number is loaded from a variable that " + by + " sets"}
}

// ask turns a task into those of the callers.
func (r *resolver) ask(m *module, site uint64, t *task) []*task {
	taken := r.p.pointerTaken(t.fn) && !r.p.isSysinfo(t.fn) && (t.fn < r.p.nodes || r.p.inGap(t.fn) || r.p.isParameter(t))
	callers := r.p.callersOf(t.fn)
	if by, ok := r.reach.by(t.fn); ok && by == noNode {
		r.open = append(r.open, open{m, site, t, fmt.Sprintf("%s is entered from outside", r.p.nodeName(t.fn))})
	}
	var out []*task
	if taken {
		if up, all := r.callbacks(t); all {
			out, taken = up, false
		}
	}
	for _, c := range callers {
		if !r.reach.has(c.from) {
			continue
		}
		up, known := r.callTasks(t, c)
		if !known && r.p.refineCaller(c) {
			up, _ = r.callTasks(t, c) // calls that do not return may have brought wrong numbers
		}
		out = append(out, up...)
	}
	if taken {
		r.open = append(r.open, open{m, site, t, fmt.Sprintf("%s is also called through a pointer", r.p.nodeName(t.fn))})
	}
	if len(callers) == 0 && r.p.imported(t.fn) {
		r.orphan = t
	}
	return out
}

// inGap reports whether it is not known what function a node is part of.
func (p *program) inGap(n node) bool {
	_, fn := p.function(n)
	return fn.gap
}

// isParameter reports whether a number depends on what a C function is called
// with: that of a function does, that of a label in one need not.
func (p *program) isParameter(t *task) bool {
	m, _ := p.function(t.fn)
	atoms, _ := p.values.Atoms(t.nr)
	return slices.ContainsFunc(atoms, func(a flow.Atom) bool {
		a = p.values.Root(a)
		return a.Kind == flow.Slot || a.Kind == flow.Entry && slices.Contains(cRegs[m.m.Name], a.Reg)
	})
}

// callTasks turns a task into those of one call; known says that the numbers
// of all are.
func (r *resolver) callTasks(t *task, c caller) (out []*task, known bool) {
	known = true
	for _, call := range r.p.callStates(c) {
		m, _ := r.p.function(call.fn)
		u := &task{fn: call.fn, at: c.at, up: t, depth: t.depth + 1}
		u.nr = r.p.substitute(m, t.nr, call.pt)
		for j, a := range t.args {
			u.args[j] = r.p.substitute(m, a, call.pt)
		}
		known = known && u.nr != flow.Top
		out = append(out, u)
	}
	return out, known
}

// isSysinfo recognises glibc's _dl_sysinfo_int80 on i386: int $0x80; ret. Its
// address is kept for call *%gs:0x10 alone, which is taken for a system call
// wherever it is (sysdeps/unix/sysv/linux/i386/dl-sysdep.h, sysdep.h).
func (p *program) isSysinfo(n node) bool {
	m, fn := p.function(n)
	if name := m.names[fn.start]; m.m.Name != "i386" || !m.loader && name != "" && name != "_dl_sysinfo_int80" {
		return false
	}
	code, ok1 := m.f.Uint(fn.start, 2)
	ret, ok2 := m.f.Uint(fn.start+2, 1)
	return ok1 && ok2 && code == 0x80cd && ret == 0xc3
}

// callState is a call or jump as seen by the analysis of one of the entries of
// the function that it is in.
type callState struct {
	fn node
	pt flow.Point
}

// callStates are the states at a call, none if the bytes are no call or no
// path leads to it.
func (p *program) callStates(c caller) []callState {
	m, fn := p.function(c.from)
	look := func() (out []callState) {
		nodes := p.callerNodes(c)
		p.work += len(nodes)
		for _, n := range nodes {
			if p.exhausted() {
				return nil // which makes the result partial
			}
			if pt, ok := pointAt(p.analyze(n), c.at); ok {
				out = append(out, callState{n, pt})
			}
		}
		return out
	}
	if out := look(); len(out) > 0 || fn.goIndex >= 0 || c.from >= p.nodes || c.kind > machine.EdgeJump && c.kind != machine.EdgeSlot {
		return out
	}
	res := p.analyze(c.from)
	if !fn.gap && !res.Lost && res.Partial == "" || !p.boundary(m, c.at) {
		return nil
	}
	if p.refine(c.from) {
		if out := look(); len(out) > 0 {
			return out
		}
	}
	var out []callState
	for _, pt := range p.fromBlock(c.from, c.at) {
		out = append(out, callState{c.from, pt})
	}
	return out
}

// callerNodes are the entries of the function that a call is in.
func (p *program) callerNodes(c caller) []node {
	m, fn := p.function(c.from)
	if c.from < p.nodes && fn.goIndex < 0 {
		return p.entries(m, int(uint32(c.from)-m.base))
	}
	return []node{c.from}
}

// refineCaller refines what is known of the function that a call is in.
func (p *program) refineCaller(c caller) bool {
	better := false
	for _, n := range p.callerNodes(c) {
		better = p.refine(n) || better
	}
	return better
}

// pointAt finds an instruction among the points of a result.
func pointAt(res *flow.Result, at uint64) (flow.Point, bool) {
	i, ok := slices.BinarySearchFunc(res.Points, at, func(p flow.Point, at uint64) int {
		switch {
		case p.Addr < at:
			return -1
		case p.Addr > at:
			return 1
		}
		return 0
	})
	if !ok {
		return flow.Point{}, false
	}
	return res.Points[i], true
}

// substitute replaces what a function was entered with by what the caller
// passes at a call or jump.
func (p *program) substitute(m *module, v flow.ID, pt flow.Point) flow.ID {
	push := int64(0)
	if pt.Op == machine.Call {
		push = m.m.CallPush
	}
	return p.values.Substitute(v, pt.State, m.m, push)
}

func dedupe(in []*task) []*task {
	seen := map[taskKey]bool{}
	var out []*task
	for _, t := range in {
		k := taskKey{fn: t.fn, nr: t.nr, args: t.args}
		if !seen[k] {
			seen[k] = true
			out = append(out, t)
		}
	}
	return out
}

// allThreads handles runtime.runPerThreadSyscall, which copies its arguments
// out of a variable, in a loop on some machines; they are what
// syscall.runtime_doAllThreadsSyscall was given (runtime/os_linux.go).
func (r *resolver) allThreads(t *task) (up []*task, is bool) {
	m, fn := r.p.function(t.fn)
	if fn.goIndex < 0 || m.name(&fn) != "runtime.runPerThreadSyscall" {
		return nil, false
	}
	n, ok := m.known()["syscall.runtime_doAllThreadsSyscall"]
	if !ok {
		return nil, true // nobody asks for it
	}
	_, fn = r.p.function(n)
	return []*task{{fn: n, at: fn.start, nr: r.p.values.Of(goParam(m, 0)), up: t, depth: t.depth + 1}}, true
}
