package elfscan

import (
	"debug/elf"
	"slices"

	"github.com/elastic/go-seccomp-bpf/elfscan/internal/image"
)

// goGate is a part of Go's own packages that only certain functions of theirs
// enable, or that only kernels without seccomp(2) need.
type goGate struct {
	what   string
	in     []string // what does not run while the gate is closed
	enable []string // functions, inlined or not, one of which opens it; none: nothing does
}

// goGates are facts about Go 1.16 to 1.27 and golang.org/x/sys up to v0.48. A
// program of a later Go has none of them until its source was read.
var goGates = []goGate{
	{
		// os.checkPidfd runs through a variable that os.pidfdWorks alone calls.
		what: "starting or finding a process", in: []string{"os.checkPidfd"}, enable: []string{"os.pidfdWorks"},
	},
	{
		// The scheduler keeps the threads' timers at sched.profilehz, which
		// runtime.setcpuprofilerate alone sets.
		what:   "CPU profiling",
		in:     []string{"runtime.timer_create", "runtime.timer_settime", "runtime.timer_delete", "runtime.setitimer"},
		enable: []string{"runtime.setcpuprofilerate"},
	},
	{
		// All memory of the heap, and stacks, are made inaccessible when freed;
		// so are arenas (GOEXPERIMENT=arenas).
		what: "GODEBUG=efence=1 in the environment", in: []string{"runtime.sysFaultOS"}, enable: []string{"runtime.newUserArena"},
	},
	{
		// Linux gives every executable one (fs/binfmt_elf.c, create_elf_tables).
		what: "a process without an auxiliary vector", in: []string{"runtime.mincore"},
	},
	{
		// Linux 2.6.24 has F_DUPFD_CLOEXEC, 2.6.27 epoll_create1, pipe2 and dup3.
		what: "Linux before 2.6.27", in: []string{"internal/poll.dupCloseOnExecOld", "runtime.epollcreate"},
	},
	{
		// A field of a variable that these alone read.
		what: "unix.Mremap", in: []string{"golang.org/x/sys/unix.mremap"},
		enable: []string{"golang.org/x/sys/unix.Mremap", "golang.org/x/sys/unix.MremapPtr", "golang.org/x/sys/unix.(*mremapMmapper).Mremap"},
	},
}

const newestGo = 27 // whose source the gates were checked against

// closed knows the Go functions that cannot run: those in closed gates, and
// those that only such functions refer to.
type closed struct {
	p     *program
	m     *module
	roots map[node]string
	state map[node]closedState
	why   map[node]string
	deep  int

	methods *image.GoMethods // of handles; nil until asked for
	strange bool             // there is code that may call any method

	args *refuter
	rare map[int64]bool // calls that few functions make, whose arguments are looked at
	ask  bool           // about such a call
}

type closedState uint8

const (
	stateOpen closedState = iota + 1
	stateClosed
	stateAsked
)

// closeGo finds the closed gates of the program itself; a Go library has none,
// because what calls it is not known.
func (s *scanner) closeGo(all []found) *closed {
	m := s.p.mods[0]
	if m.goTab == nil || goMinor(s.res.GoVersion) > newestGo || m.f.Type == elf.ET_DYN && m.f.Entry == 0 {
		return nil
	}
	c := &closed{p: s.p, m: m, roots: map[node]string{}, state: map[node]closedState{}, why: map[node]string{},
		args: newRefuter(s.p, s.reach), rare: rareCalls(s.p, all)}
	names := slices.Clone(strangers)
	for _, g := range goGates {
		names = append(names, g.enable...)
	}
	has := m.goTab.HasNames(names)
	c.strange = slices.ContainsFunc(strangers, func(n string) bool { return has[n] })
	known := m.known()
	for _, g := range goGates {
		if slices.ContainsFunc(g.enable, func(n string) bool { return has[n] }) {
			continue
		}
		for _, name := range g.in {
			if n, ok := known[name]; ok {
				c.roots[n] = g.what
			}
		}
	}
	return c
}

// gate returns what would let a call happen, "" if nothing needs to.
func (c *closed) gate(f found) string {
	if c == nil {
		return ""
	}
	n := f.task.fn
	c.ask = c.rare[f.nr]
	switch {
	case c.closed(n):
		return c.why[n]
	case c.ask && c.args.never(n, f.task.at):
		return c.otherArgs(n)
	}
	return ""
}

// maxMakers bounds the functions that make a call whose arguments are worth
// looking at: a call with more of them stays reachable by some.
const maxMakers = 2

// rareCalls are the numbers that few functions supply, none of them the
// runtime's.
func rareCalls(p *program, all []found) map[int64]bool {
	makers := map[int64]map[node]bool{}
	for _, f := range all {
		if makers[f.nr] == nil {
			makers[f.nr] = map[node]bool{}
		}
		makers[f.nr][f.task.fn] = true
	}
	rare := map[int64]bool{}
	for nr, by := range makers {
		rare[nr] = len(by) <= maxMakers
		for n := range by {
			rare[nr] = rare[nr] && !isRuntime(p.nodeName(n))
		}
	}
	return rare
}

func (c *closed) otherArgs(n node) string {
	return "arguments of " + c.p.nodeName(n) + " that no caller passes"
}

const (
	maxClosedDepth = 100
	maxArgsDepth   = 1 // callers whose arguments are looked at
)

// closed reports whether a function cannot run. Functions that call each other
// count as open.
func (c *closed) closed(n node) bool {
	switch c.state[n] {
	case stateOpen, stateAsked:
		return false
	case stateClosed:
		return true
	}
	if what, ok := c.roots[n]; ok {
		c.state[n], c.why[n] = stateClosed, what
		return true
	}
	c.state[n] = stateOpen
	m, fn := c.p.function(n)
	if m != c.m || fn.goIndex < 0 || c.deep > maxClosedDepth {
		return false
	}
	callers := c.p.callersOf(n)
	if c.p.inData(n) || m.exports(fn.start) {
		return false
	}
	if len(callers) == 0 {
		if !c.onlyReflected(n) {
			return false
		}
		c.why[n] = "reflection that calls " + c.p.nodeName(n)
	}
	c.state[n] = stateAsked
	c.deep++
	defer func() { c.deep-- }()
	for _, from := range callers {
		switch {
		case from.from == n:
		case c.closed(from.from):
			c.why[n] = c.why[from.from]
		case c.ask && c.deep <= maxArgsDepth && c.args.never(from.from, from.at):
			c.why[n] = c.otherArgs(from.from)
		default:
			c.state[n] = stateOpen
			return false
		}
	}
	if len(callers) > 0 && c.m.goTab.HasMethod(int(fn.goIndex)) && !c.onlyReflected(n) {
		c.state[n] = stateOpen
		return false
	}
	c.state[n] = stateClosed
	return true
}
