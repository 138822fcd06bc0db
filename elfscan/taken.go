package elfscan

import (
	"github.com/elastic/go-seccomp-bpf/elfscan/internal/image"
	"github.com/elastic/go-seccomp-bpf/elfscan/internal/machine"
)

// pointerTaken reports whether a function's address is used other than to
// call it, so that it may have callers that are not known.
func (p *program) pointerTaken(n node) bool {
	return p.taken[n] || p.inData(n)
}

// inData reports whether a function's address is in data.
func (p *program) inData(n node) bool {
	if n >= p.nodes {
		return false
	}
	if p.pointers == nil {
		p.findPointers()
	}
	return p.pointers[n]
}

// findPointers looks for the addresses of functions in data.
func (p *program) findPointers() {
	p.pointers = map[node]bool{}
	for _, m := range p.mods {
		p.eachPointer(m, func(n node) { p.pointers[n] = true })
	}
}

// eachPointer calls yield for every function whose address is in a module's
// data, except in slots that are only ever called through.
func (p *program) eachPointer(m *module, yield func(node)) {
	p.pointersInRelocs(m, yield)
	if m.f.Type == 2 {
		p.pointersInWords(m, yield)
	}
}

// pointersInRelocs takes relocated slots, except those that are only ever
// called through.
func (p *program) pointersInRelocs(m *module, yield func(node)) {
	if len(m.f.Relocs()) == 0 {
		return
	}
	called := map[uint64]bool{}
	loaded := map[uint64]bool{}
	for _, e := range m.edges {
		switch to := m.lo + uint64(e.to); e.kind {
		case machine.EdgeSlot:
			called[to] = true
		case machine.EdgeData, machine.EdgeRef:
			loaded[to] = true
		}
	}
	for _, r := range m.f.Relocs() {
		if m.jumpSlot(r) || called[r.Slot] && !loaded[r.Slot] {
			continue
		}
		if t := p.slotTarget(m, r.Slot); t != noNode {
			yield(t)
		}
	}
}

// jumpSlot reports whether a relocation's slot belongs to the procedure
// linkage table.
func (m *module) jumpSlot(r image.Reloc) bool { return r.Jump }

func (p *program) pointersInWords(m *module, yield func(node)) {
	lo, hi := m.code[0].Start, m.code[len(m.code)-1].End
	for _, r := range m.f.Data() {
		if t := m.goTab; t != nil && r.Contains(t.Addr) {
			r.End = t.Addr // the table itself is offsets, not pointers
		}
		m.eachWord(r, func(v uint64) {
			if v >= lo && v < hi {
				if n := p.startAt(m, m.codeAddress(v)); n != noNode {
					yield(n)
				}
			}
		})
	}
}

// eachWord calls yield for every aligned word of a range.
func (m *module) eachWord(r image.Range, yield func(uint64)) {
	ps := uint64(m.m.PtrSize)
	at := (r.Start + ps - 1) &^ (ps - 1)
	buf := make([]byte, min(1<<18, max(r.End, at)-at))
	for ; at < r.End; at += uint64(len(buf)) {
		b := buf[:min(uint64(len(buf)), r.End-at)]
		if m.f.Read(b, at) != nil {
			return
		}
		for ; len(b) >= int(ps); b = b[ps:] {
			if ps == 8 {
				yield(m.m.Order.Uint64(b))
			} else {
				yield(uint64(m.m.Order.Uint32(b)))
			}
		}
	}
}
