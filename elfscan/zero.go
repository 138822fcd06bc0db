package elfscan

import (
	"github.com/elastic/go-seccomp-bpf/elfscan/internal/flow"
	"github.com/elastic/go-seccomp-bpf/elfscan/internal/machine"
)

// alwaysZero reports whether a bool of Go's is false at first and nothing can
// change it: no code takes its address, and none stores to it but zeros.
// Wider variables may be changed by atomic instructions, which are not stores
// to the analysis.
func (p *program) alwaysZero(m *module, addr, size uint64) bool {
	if size != 1 {
		return false
	}
	if z, ok := p.zeros[addr]; ok {
		return z
	}
	if p.zeros == nil {
		p.zeros = map[uint64]bool{}
	}
	v, ok := m.f.Uint(addr, int(size))
	p.zeros[addr] = ok && v == 0 && m.f.Writable(addr) && !p.stored(m, addr, size)
	return p.zeros[addr]
}

// stored looks for what changes a variable. Stores to others do not reach into
// it: Go's compiler does not join variables.
func (p *program) stored(m *module, addr, size uint64) bool {
	for _, e := range m.edges {
		if m.lo+uint64(e.to) != addr {
			continue
		}
		switch e.kind {
		case machine.EdgeRef:
			return true
		case machine.EdgeData:
			res := p.analyze(node(m.base + e.from))
			if res.Partial != "" || p.storesIn(res, addr, size) {
				return true
			}
		}
	}
	return false
}

// storesIn reports whether a function stores something to a variable, or to
// where it does not show.
func (p *program) storesIn(res *flow.Result, addr, size uint64) bool {
	for _, w := range res.Writes {
		to := uint64(w.To.Add)
		if w.To.Kind != flow.Const || to >= addr+size || to+uint64(w.Size) <= addr {
			continue
		}
		if !p.isZero(w.Value) {
			return true
		}
	}
	return false
}
