package elfscan

import (
	"slices"

	"github.com/elastic/go-seccomp-bpf/elfscan/internal/machine"
)

// real reports whether an edge is an instruction rather than bytes that look
// like one. Bytes that happen to lead to the start of a function are rare
// enough; those that lead into the middle of one are looked at.
func (p *program) real(m *module, e edge) bool {
	to := m.lo + uint64(e.to)
	if m.m.Align == 4 || m.funcs[e.from].goIndex >= 0 || !m.inCode(to) || e.kind >= machine.EdgeData {
		return true
	}
	if i := m.funcAt(to); i < 0 || m.funcs[i].start == to {
		return true
	}
	if e.kind == machine.EdgeRef && !m.f.Executable(to) {
		return true
	}
	return p.inPlace(m, e)
}

// inPlace reports whether an edge is noted where an instruction may have it.
func (p *program) inPlace(m *module, e edge) bool {
	fn := &m.funcs[e.from]
	p.readBounds(m, fn)
	at := m.lo + uint64(e.at) - fn.start
	if at >= uint64(len(p.bounds)) || p.bounds[at] {
		return true
	}
	if e.kind != machine.EdgeRef {
		return false
	}
	// A reference is noted at the opcode, behind prefixes, or if it is absolute
	// at the word itself, which is part of one instruction.
	if at > 0 && p.bounds[at-1] || at > 1 && p.bounds[at-2] {
		return true
	}
	word := at + 4
	return word <= uint64(len(p.bounds)) && m.fixedCode(fn.start) && !slices.Contains(p.bounds[at:word], true)
}

// startsAt reports whether an instruction starts where an edge comes from.
func (p *program) startsAt(m *module, e edge) bool {
	fn := &m.funcs[e.from]
	if fn.gap && p.startAt(m, m.lo+uint64(e.to)) != noNode {
		return true // among data, instructions cannot be told by counting
	}
	p.readBounds(m, fn)
	at := m.lo + uint64(e.at) - fn.start
	return at >= uint64(len(p.bounds)) || p.bounds[at]
}

// readBounds finds where the instructions of a function start, unless that was
// the last thing asked for.
func (p *program) readBounds(m *module, fn *function) {
	if p.boundsOf == fn {
		return
	}
	code := make([]byte, min(fn.end-fn.start, maxFunction))
	p.boundsOf, p.bounds = fn, nil
	if m.f.Read(code, fn.start) == nil {
		p.bounds = m.m.Boundaries(code)
	}
}

// boundary reports whether an instruction starts at addr.
func (p *program) boundary(m *module, addr uint64) bool {
	i := m.funcAt(addr)
	if i < 0 || addr%m.m.Align != 0 {
		return false
	}
	if m.m.Align == 4 {
		return true
	}
	p.readBounds(m, &m.funcs[i])
	at := addr - m.funcs[i].start
	return at < uint64(len(p.bounds)) && p.bounds[at]
}

// isData reports whether a node is data among the code, whose address is taken.
func (p *program) isData(n node) bool {
	return n >= p.nodes && p.extra[n-p.nodes].mayBeData() && p.analyze(n).Partial != ""
}
