package elfscan

import (
	"fmt"
	"slices"
	"sort"
	"strings"
)

// kernelCalls are made by the kernel on return from signals and when calls
// are restarted, or end the process.
var kernelCalls = []string{"restart_syscall", "rt_sigreturn", "sigreturn", "exit", "exit_group"}

// maxEvidence bounds the places kept for one call.
const maxEvidence = 16

// collect turns what was resolved into the result.
func (s *scanner) collect() {
	r := s.resolve()
	if !s.opt.Everything {
		s.closed = s.closeGo(r.found)
		s.closeGates(r)
	}
	calls := map[string]*Call{}
	for _, name := range kernelCalls {
		if nr, ok := s.res.info.Number(name); ok {
			calls[name] = &Call{Name: name, Number: nr, Grade: Kernel}
		}
	}
	for _, f := range r.found {
		s.addCall(calls, f)
	}
	for _, c := range calls {
		s.finishCall(c)
		s.res.Calls = append(s.res.Calls, *c)
	}
	sort.Slice(s.res.Calls, func(i, j int) bool { return s.res.Calls[i].Name < s.res.Calls[j].Name })
	s.addUnresolved(r)
	s.findLoads()
	s.nssModules()
	args := s.arguments(r)
	s.res.open = args["*"]
	s.res.more = s.unread()
	for i := range s.res.Calls {
		s.res.Calls[i].Args = args[s.res.Calls[i].Name]
	}
	s.findExecs()
	s.res.Stats.Decoded = s.p.decoded
	for n, f := range s.p.results {
		if f.Partial != "" && f.Partial != "undecodable instruction" {
			s.res.Notes = append(s.res.Notes, fmt.Sprintf("%s: %s", s.p.nodeName(n), f.Partial))
			s.res.Partial = true
		}
	}
	if s.p.exhausted() {
		s.res.Notes = append(s.res.Notes, tooMuch)
		s.res.Partial = true
	}
	slices.Sort(s.res.Notes)
	s.res.Notes = slices.Compact(s.res.Notes)
}

func (s *scanner) addCall(calls map[string]*Call, f found) {
	nr := uint32(f.nr)
	name, ok := s.res.info.SyscallName(nr)
	if !ok {
		if int32(f.nr) <= 0 { // a marker for "not available", or a cleared variable
			return
		}
		name = fmt.Sprint(nr)
	}
	c := calls[name]
	if c == nil {
		c = &Call{Name: name, Number: nr, Grade: Gated}
		calls[name] = c
	}
	if len(c.Evidence) >= 4*maxEvidence && c.Grade < Gated {
		return
	}
	e := s.evidence(f.task)
	e.Gate = s.gate(f, name)
	g := Reachable
	switch {
	case e.Gate != "":
		g = Gated
	case isRuntime(e.Function):
		g = Runtime
	}
	c.Grade = min(c.Grade, g)
	for _, x := range c.Evidence {
		if x.Module == e.Module && x.Function == e.Function && x.Gate == e.Gate {
			return
		}
	}
	if s.wantsPath(name) {
		e.Path = s.path(f.task.fn)
	}
	c.Evidence = append(c.Evidence, e)
}

// gate is what would enable a call, "" if nothing needs to.
func (s *scanner) gate(f found, call string) string {
	if g := s.gates.gate(f); g != "" {
		return g
	}
	if g := s.closed.gate(f); g != "" {
		return g
	}
	if g := s.reach.lib.gate(f.task.fn, call); g != "" || s.reach.lib == nil {
		return g
	}
	return s.p.loaderGate(f.task.fn, call)
}

func (s *scanner) wantsPath(call string) bool {
	return slices.Contains(s.opt.Why, call) || slices.Contains(s.opt.Why, "*")
}

func isRuntime(function string) bool {
	return strings.HasPrefix(function, "runtime.") || strings.HasPrefix(function, "internal/runtime/") ||
		strings.HasPrefix(function, "runtime/")
}

func (s *scanner) finishCall(c *Call) {
	sort.SliceStable(c.Evidence, func(i, j int) bool {
		a, b := c.Evidence[i], c.Evidence[j]
		if (a.Gate == "") != (b.Gate == "") {
			return a.Gate == ""
		}
		if a.Module != b.Module {
			return a.Module < b.Module
		}
		return a.Address < b.Address
	})
	if c.Grade == Gated && len(c.Evidence) > 0 {
		c.Gate = c.Evidence[0].Gate
	}
	if len(c.Evidence) > maxEvidence {
		c.Evidence = c.Evidence[:maxEvidence]
	}
}

// evidence describes the place where a task's number comes from.
func (s *scanner) evidence(t *task) Evidence {
	m, fn := s.p.around(t.fn, t.at)
	site := t
	for site.up != nil {
		site = site.up
	}
	e := Evidence{Module: m.shown, Function: m.name(&fn), Address: t.at, Site: site.at}
	if fn.goIndex >= 0 {
		e.File, e.Line = m.goTab.FileLine(int(fn.goIndex), t.at)
	}
	return e
}

func (s *scanner) addUnresolved(r *resolver) {
	seen := map[string]bool{}
	for _, o := range r.open {
		e := s.evidence(o.task)
		_, fn := s.p.around(o.task.fn, o.task.at)
		key := fmt.Sprintf("%s %x %x", e.Module, e.Address, o.site)
		if seen[key] {
			continue
		}
		seen[key] = true
		e.Site = o.site
		e.Path = s.path(o.task.fn)
		s.res.Unresolved = append(s.res.Unresolved, Site{Evidence: e, Offset: o.task.at - fn.start, Reason: o.reason})
	}
	sort.SliceStable(s.res.Unresolved, func(i, j int) bool {
		a, b := s.res.Unresolved[i], s.res.Unresolved[j]
		if a.Module != b.Module {
			return a.Module < b.Module
		}
		return a.Address < b.Address
	})
}

// path is a shortest way from where the program starts to a function.
func (s *scanner) path(n node) []Frame {
	var out []Frame
	for steps := 0; n != noNode && steps < 64; steps++ {
		m, fn := s.p.function(n)
		out = append(out, Frame{m.name(&fn), m.shown, fn.start})
		if fn.goIndex >= 0 {
			out = append(out, s.goPath(n)...)
			break
		}
		n, _ = s.reach.by(n)
	}
	slices.Reverse(out)
	return out
}

// goPath searches backwards from a Go function for main.main, or else for
// a function that nothing calls directly, and returns the functions between.
func (s *scanner) goPath(n node) []Frame {
	prev := map[node]node{n: noNode}
	queue := []node{n}
	best := n
	for i := 0; i < len(queue) && i < 20000; i++ {
		x := queue[i]
		if x == s.mainNode(n) {
			best = x
			break
		}
		if s.isMorestack(x) {
			continue
		}
		for _, c := range s.p.callersOf(x) {
			if _, seen := prev[c.from]; !seen {
				prev[c.from] = x
				queue = append(queue, c.from)
				best = c.from
			}
		}
	}
	var out []Frame
	for x := best; x != n && x != noNode; x = prev[x] {
		m, fn := s.p.function(x)
		out = append(out, Frame{m.name(&fn), m.shown, fn.start})
	}
	slices.Reverse(out)
	return out
}

// isMorestack reports whether a function grows the stack: every function calls
// those, and no path through them explains anything.
func (s *scanner) isMorestack(n node) bool {
	m, _ := s.p.function(n)
	for _, name := range []string{"runtime.morestack", "runtime.morestack_noctxt", "runtime.morestackc"} {
		if f, ok := m.known()[name]; ok && f == n {
			return true
		}
	}
	return false
}

// mainNode is main.main of the module that n belongs to.
func (s *scanner) mainNode(n node) node {
	if s.main != 0 {
		return s.main
	}
	s.main = noNode
	m, _ := s.p.function(n)
	if main, ok := m.known()["main.main"]; ok {
		s.main = main
	}
	return s.main
}
