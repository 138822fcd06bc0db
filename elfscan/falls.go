package elfscan

import (
	"slices"
	"strings"

	"github.com/elastic/go-seccomp-bpf/elfscan/internal/flow"
	"github.com/elastic/go-seccomp-bpf/elfscan/internal/machine"
)

// fallsInto returns the function from whose end control runs on into n, which
// starts there: unwind information of assembly may split a function anywhere,
// even at the system call itself (glibc's clone3).
func (p *program) fallsInto(n node) (prev node, ok bool) {
	if n >= p.nodes || n == 0 {
		return noNode, false
	}
	m, fn := p.function(n)
	i := int(uint32(n) - m.base)
	if i == 0 || fn.goIndex >= 0 || m.funcs[i-1].goIndex >= 0 || m.funcs[i-1].end != fn.start {
		return noNode, false
	}
	return n - 1, p.fallsOff(n - 1)
}

// fallsOff reports whether control can reach the end of a function's code. A
// call at the very end is one that does not return.
func (p *program) fallsOff(n node) bool {
	if falls, ok := p.falls[n]; ok {
		return falls
	}
	m, fn := p.function(n)
	p.falls[n] = false
	switch {
	case fn.gap:
		// The last bytes of code that nothing describes are mostly padding.
		p.falls[n] = !p.padding(n) && p.paths(n).Ends
	case !m.endsOpen(fn):
	case m.m.Name == "arm" || strings.HasPrefix(m.m.Name, "ppc64"):
		p.falls[n] = p.reachesEnd(n)
	default:
		p.falls[n] = true
	}
	return p.falls[n]
}

// reachesEnd reports whether paths through a function may run off its end. Its
// last part is often no code: on arm constants, on ppc64 a table for debuggers
// (Power Architecture 64-Bit ELF V2 ABI, "Traceback Tables").
func (p *program) reachesEnd(n node) bool {
	res := p.paths(n)
	return res.Ends || res.Lost || res.Partial != ""
}

// paths is the result for a function of which little is of interest unless paths
// may run off its end, as few do.
func (p *program) paths(n node) *flow.Result {
	if res, known := p.results[n]; known {
		return res
	}
	m, fn, ok := p.flowFunc(n)
	if !ok || p.ends > maxEnds {
		return p.analyze(n)
	}
	env := p.env(m)
	env.Coarse = true
	env.Work = &p.ends
	p.decoded++
	res := env.Analyze(fn)
	if res.Ends || res.Lost || res.Partial != "" {
		return p.analyze(n)
	}
	return res
}

// endsOpen reports whether the last instruction of a function lets control go
// on to whatever follows.
func (m *module) endsOpen(fn function) bool {
	size := fn.end - fn.start
	if size == 0 || size > maxFunction {
		return false
	}
	from := fn.start
	if m.m.Align == 4 {
		from = fn.end - min(size, 4)
	}
	code := make([]byte, fn.end-from)
	if m.f.Read(code, from) != nil {
		return false
	}
	last := 0
	if m.m.Align != 4 {
		bounds := m.m.Boundaries(code)
		for last = len(code) - 1; last > 0 && !bounds[last]; last-- {
		}
	}
	ops, n, err := m.m.Lift(nil, code[last:], from+uint64(last))
	if err != nil || last+n != len(code) {
		return false
	}
	for _, in := range ops {
		switch in.Op {
		case machine.Jump, machine.Return, machine.Halt, machine.Call:
			return false
		}
	}
	return true
}

// padding reports whether a gap holds nothing but instructions without effect,
// or zeros.
func (p *program) padding(n node) bool {
	m, fn := p.function(n)
	if fn.end-fn.start >= 64 {
		return false
	}
	code := make([]byte, fn.end-fn.start)
	if m.f.Read(code, fn.start) != nil {
		return true
	}
	var ops []machine.Inst
	for off := 0; off < len(code); {
		unit := code[off:min(off+int(m.m.Align), len(code))]
		if isFill(unit) {
			off += len(unit)
			continue
		}
		o, k, err := m.m.Lift(ops[:0], code[off:], fn.start+uint64(off))
		if err != nil || k <= 0 {
			return false
		}
		for _, in := range o {
			if in.Op != machine.Nop && !(in.Op == machine.Move && in.Dst == in.A.Reg) {
				return false
			}
		}
		off += k
	}
	return true
}

// isFill reports whether code is zero, or x86's int3.
func isFill(code []byte) bool {
	if len(code) == 1 && code[0] == 0xcc {
		return true
	}
	return !slices.ContainsFunc(code, func(b byte) bool { return b != 0 })
}
