package elfscan

import (
	"debug/elf"
	"encoding/binary"
	"maps"
	"slices"

	"github.com/elastic/go-seccomp-bpf/elfscan/internal/flow"
	"github.com/elastic/go-seccomp-bpf/elfscan/internal/image"
	"github.com/elastic/go-seccomp-bpf/elfscan/internal/machine"
)

// slotRef is a word that holds a function's address.
type slotRef struct {
	mod  *module
	addr uint64
}

// pointerTaken reports whether a function's address is used other than to
// call it, so that it may have callers that are not known. Code that loads the
// address and does nothing but call it is a caller, which is noted.
func (p *program) pointerTaken(n node) bool {
	if n >= p.nodes && !p.taken[n] {
		return false
	}
	if p.named[n] {
		return true
	}
	if p.pointers == nil {
		p.findPointers()
	}
	if !p.pointers[n] && !p.taken[n] && len(p.loads[n]) == 0 {
		return false
	}
	return remember(p.handed, n, p.isHanded)
}

// remember returns what is known of something, finding it out if nothing is yet.
func remember[K comparable, V any](known map[K]V, of K, find func(K) V) V {
	v, ok := known[of]
	if !ok {
		v = find(of)
		known[of] = v
	}
	return v
}

// inData reports whether a function's address is in data, slots of the global
// offset table included.
func (p *program) inData(n node) bool {
	if n >= p.nodes {
		return false
	}
	if p.pointers == nil {
		p.findPointers()
	}
	return p.pointers[n] || len(p.loads[n]) > 0
}

// maxReferrers bounds how many functions are read to see what becomes of an
// address.
const maxReferrers = 200

// isHanded reports whether any function that takes n's address, or loads it
// from the global offset table, may do more with it than call it.
func (p *program) isHanded(n node) bool {
	target, fn := p.function(n)
	if p.inWords[n] {
		return true
	}
	if p.pointers[n] {
		if p.taken[n] || len(p.loads[n]) > 0 {
			return true
		}
		calls, ok := p.tableCalls(n)
		p.late[n] = append(p.late[n], calls...)
		return !ok
	}
	slots := map[*module]map[uint64]bool{}
	for _, s := range p.loads[n] {
		if slots[s.mod] == nil {
			slots[s.mod] = map[uint64]bool{}
		}
		slots[s.mod][s.addr] = true
	}
	refs := map[node][]uint64{}
	isRef := func(m *module, addr uint64) bool {
		return m == target && addr == fn.start || m.f.Type == elf.ET_EXEC && m.inCode(addr) && p.refTarget(m, addr) == n
	}
	for _, m := range p.mods {
		if m != target && slots[m] == nil && m.f.Type != elf.ET_EXEC {
			continue
		}
		for _, e := range m.edges {
			to := m.lo + uint64(e.to)
			if e.kind == machine.EdgeRef && isRef(m, to) || e.kind == machine.EdgeData && slots[m][to] {
				from := node(m.base + e.from)
				refs[from] = append(refs[from], m.lo+uint64(e.at))
			}
		}
	}
	if len(refs) > maxReferrers {
		return true
	}
	var calls []caller
	for _, from := range slices.Sorted(maps.Keys(refs)) {
		m, _ := p.function(from)
		found, ok := p.onlyCalls(from, refs[from], func(a flow.Atom) bool {
			return a.Kind == flow.Const && isRef(m, uint64(a.Add)) ||
				a.Kind == flow.Global && a.Add == 0 && slots[m][uint64(a.Addr)]
		})
		if !ok {
			return true
		}
		calls = append(calls, found...)
	}
	p.late[n] = append(p.late[n], calls...)
	return false
}

// onlyCalls returns the calls of a watched value in a function, which refers
// to it at some places, if the value goes nowhere else.
func (p *program) onlyCalls(from node, places []uint64, watch func(flow.Atom) bool) ([]caller, bool) {
	m, f := p.function(from)
	if f.goIndex >= 0 {
		return nil, false
	}
	var out []caller
	lost, seen := false, false
	for _, n := range p.entries(m, int(uint32(from)-m.base)) {
		_, fn, ok := p.flowFunc(n)
		if !ok {
			return nil, false
		}
		env := p.env(m)
		env.Watch = func(a flow.Atom) bool {
			is := watch(a)
			seen = seen || is
			return is
		}
		p.decoded++
		res := env.Analyze(fn)
		if res.Partial != "" || res.Escapes {
			return nil, false
		}
		lost = lost || res.Lost
		places = slices.DeleteFunc(places, func(at uint64) bool { return near(res, at, fn.Start) })
		for _, pt := range res.Points {
			atoms, _ := p.values.Atoms(pt.Callee)
			for _, a := range atoms {
				if watch(a) {
					seen = true
					out = append(out, caller{from, machine.EdgeCall, pt.Addr})
					break
				}
			}
		}
	}
	// Where jumps that are not followed lead to, no value is, but it may be
	// loaded there.
	return out, seen && (!lost && !f.gap || len(places) == 0)
}

// findPointers looks for the addresses of functions in data.
func (p *program) findPointers() {
	p.pointers, p.loads, p.handed = map[node]bool{}, map[node][]slotRef{}, map[node]bool{}
	for _, m := range p.mods {
		p.eachPointer(m, func(n node, got uint64) {
			if got != 0 {
				p.loads[n] = append(p.loads[n], slotRef{m, got})
			} else {
				p.pointers[n] = true
			}
		})
	}
}

// imported reports whether a module has a slot to call a function of another
// through. That it is never called then is more likely to be overlooked.
func (p *program) imported(n node) bool {
	if p.imports == nil {
		p.imports = map[node]bool{}
		for _, m := range p.mods {
			for _, r := range m.f.Relocs() {
				if r.Jump {
					p.imports[p.slotTarget(m, r.Slot)] = true
				}
			}
		}
	}
	return p.imports[n]
}

// eachPointer calls yield for every function whose address is in a module's
// data, except in slots that are only ever called through. For a slot of the
// global offset table, which code loads by itself, it passes the address too.
func (p *program) eachPointer(m *module, yield func(n node, got uint64)) {
	var all []pointer
	var slots filter
	each := func(slot uint64, n node, isGot bool) {
		if n != noNode {
			all = append(all, pointer{slot, n, isGot || m.inGOT(slot)})
			slots.add(slot)
		}
	}
	for _, r := range m.f.Relocs() {
		if !r.Jump {
			each(r.Slot, p.slotTarget(m, r.Slot), r.Got)
		}
	}
	if m.f.Type == 2 {
		p.pointersInWords(m, each)
	}
	called := map[uint64]bool{}
	loaded := map[uint64]bool{}
	based := map[uint64]bool{}
	for _, e := range m.edges {
		to := m.lo + uint64(e.to)
		if !slots.mayHave(to) {
			continue
		}
		switch e.kind {
		case machine.EdgeSlot:
			called[to] = true
		case machine.EdgeData:
			loaded[to] = true
		case machine.EdgeRef, machine.EdgeNear:
			based[to] = true
		}
	}
	for _, x := range all {
		switch {
		case called[x.slot] && !loaded[x.slot] && !based[x.slot]:
		case x.got && !based[x.slot]:
			yield(x.n, x.slot)
		default:
			yield(x.n, 0)
		}
	}
}

// pointer is a slot that holds a function's address.
type pointer struct {
	slot uint64
	n    node
	got  bool // the slot is in the global offset table
}

// filter tells of most addresses that they are not in a set, at once.
type filter [1 << 14]uint64

func (f *filter) add(addr uint64) { f[addr>>8%uint64(len(f))] |= 1 << (addr >> 2 & 63) }

func (f *filter) mayHave(addr uint64) bool {
	return f[addr>>8%uint64(len(f))]>>(addr>>2&63)&1 != 0
}

func (p *program) pointersInWords(m *module, each func(slot uint64, n node, isGot bool)) {
	lo, hi := m.code[0].Start, m.code[len(m.code)-1].End
	symbols := m.f.DynSymTable() // only the dynamic linker reads these addresses
	for _, r := range m.f.Data() {
		if t := m.goTab; t != nil && r.Contains(t.Addr) {
			r.End = t.Addr // the table itself is offsets, not pointers
		}
		m.eachWord(r, lo, hi, func(at, v uint64) {
			if !symbols.Contains(at) {
				n := p.startAt(m, m.codeAddress(v))
				if n == noNode {
					n = p.refTarget(m, m.codeAddress(v))
				}
				each(at, n, false)
			}
		})
	}
}

// eachWord calls yield for every aligned word of a range that is at least lo and
// less than hi, with its address.
func (m *module) eachWord(r image.Range, lo, hi uint64, yield func(at, v uint64)) {
	ps := uint64(m.m.PtrSize)
	at := (r.Start + ps - 1) &^ (ps - 1)
	buf := make([]byte, min(1<<18, max(r.End, at)-at))
	for ; at < r.End; at += uint64(len(buf)) {
		b := buf[:min(uint64(len(buf)), r.End-at)]
		if m.f.Read(b, at) != nil {
			return
		}
		little := m.m.Order == binary.LittleEndian
		for i := uint64(0); len(b) >= int(ps); i, b = i+ps, b[ps:] {
			var v uint64
			switch {
			case ps == 8 && little: // which compiles to a plain load
				v = binary.LittleEndian.Uint64(b)
			case ps == 8:
				v = m.m.Order.Uint64(b)
			default:
				v = uint64(m.m.Order.Uint32(b))
			}
			if v-lo < hi-lo {
				yield(at+i, v)
			}
		}
	}
}
