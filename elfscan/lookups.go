package elfscan

import (
	"maps"
	"slices"
	"strings"

	"github.com/elastic/go-seccomp-bpf/elfscan/internal/flow"
)

// lookups find a symbol by the name that their second parameter gives.
var lookups = []string{"dlsym", "dlvsym"}

// asked is a symbol that is looked up by name, and the function that does.
type asked struct {
	name string
	by   node
}

// addLookups starts from what functions that were found reachable look up by
// constant names: in all modules, because which of them a handle stands for is
// not followed. It reports whether there was any that is new. Names that are
// not constant are mostly those of libraries that the program loads itself.
func (r *reach) addLookups() bool {
	before := r.n
	for _, m := range r.p.mods {
		for _, name := range lookups {
			s, ok := m.syms[name]
			if !ok {
				continue
			}
			n := r.p.startAt(m, m.codeAddress(s.Value))
			if n == noNode || !r.has(n) {
				continue
			}
			names, others := r.askedFor(n)
			for _, a := range names {
				r.addAsked(a)
			}
			r.anyName[n] = others
		}
	}
	return r.n > before || len(r.dq) > 0
}

// addAsked starts from the definitions of a name.
func (r *reach) addAsked(a asked) {
	for _, m := range r.p.mods {
		s, ok := m.syms[a.name]
		switch {
		case !ok:
		case s.Type == 1: // STT_OBJECT, which may be a table of functions
			r.addData(dataRef{m, s.Value, m.objectEnd(s.Value), a.by})
		default:
			addr := m.codeAddress(s.Value)
			r.addCode(m, addr, a.by)
			if n := r.p.startAt(m, addr); n != noNode {
				r.p.named[n] = true
			}
		}
	}
}

// maxAskers bounds the functions that names are followed through.
const maxAskers = 4096

// askedFor are the constant names that callers pass to a function that looks
// them up, through functions of theirs that pass on a parameter; others says
// that there may be names which are not constant.
func (r *reach) askedFor(lookup node) (names []asked, others bool) {
	type place struct {
		fn node
		v  flow.ID // in terms of what fn is called with
	}
	found := map[asked]bool{}
	seen := map[place]bool{}
	var queue []place
	callers := func(n node, param func(m *module) flow.Atom) {
		others = others || r.p.pointerTaken(n)
		for _, c := range r.p.callersOf(n) {
			if !r.has(c.from) {
				continue
			}
			for _, call := range r.p.callStates(c) {
				m, _ := r.p.function(call.fn)
				at := place{call.fn, r.p.substituteAtom(m, param(m), call.pt)}
				if !seen[at] && len(seen) < maxAskers {
					seen[at] = true
					queue = append(queue, at)
				}
			}
		}
	}
	callers(lookup, func(m *module) flow.Atom { return cParam(m, 1) })
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		m, _ := r.p.function(at.fn)
		atoms, known := r.p.values.Atoms(at.v)
		others = others || !known
		for _, a := range atoms {
			switch a.Kind {
			case flow.Const:
				if name := symbolName(m.f.String(uint64(a.Add))); name != "" {
					found[asked{name, at.fn}] = true
				}
			case flow.Entry, flow.Slot:
				callers(at.fn, func(*module) flow.Atom { return a })
			default:
				others = true
			}
		}
	}
	names = slices.SortedFunc(maps.Keys(found), func(a, b asked) int {
		if a.name != b.name {
			return strings.Compare(a.name, b.name)
		}
		return int(a.by) - int(b.by)
	})
	return names, others || len(seen) >= maxAskers
}

// symbolName returns a string that may be the name of a symbol, or else "".
func symbolName(s string) string {
	if len(s) > 512 || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return ""
	}
	return s
}
