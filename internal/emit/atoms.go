package emit

import "github.com/elastic/go-seccomp-bpf/internal/decision"

// An atom is a test that a policy's own conditions suggest for a word: equal
// to k, or any bit of k set. Masks and single values that overlap make a
// function neither few intervals nor few bits, yet a handful of these tests
// tell its values apart.
type atom struct {
	op uint16 // opJEQ or opJSET
	k  uint32
}

// maxAtoms bounds the search, which tries atoms in every order.
const maxAtoms = 6

// suggest returns the atoms of a call's conditions for each word that is both
// masked and otherwise compared.
func suggest(call *decision.Call) map[decision.Word][]atom {
	atoms := map[decision.Word][]atom{}
	masked := map[decision.Word]bool{}
	add := func(w decision.Word, mask uint32, iv decision.Interval, shift uint) {
		lo, hi := uint32(iv.Lo>>shift), uint32(iv.Hi>>shift)
		if mask != 0 && mask != ^uint32(0) {
			masked[w] = true
			atoms[w] = appendNew(atoms[w], atom{opJSET, mask})
		}
		if lo == hi {
			atoms[w] = appendNew(atoms[w], atom{opJEQ, lo})
		}
	}
	for i := range call.Rules {
		for j := range call.Rules[i].Conds {
			c := &call.Rules[i].Conds[j]
			for _, iv := range c.Set {
				add(decision.ArgWord(int(c.Arg), false), uint32(c.Mask), iv, 0)
				if c.Bits == 64 {
					add(decision.ArgWord(int(c.Arg), true), uint32(c.Mask>>32), iv, 32)
				}
			}
		}
	}
	for w := range atoms {
		if !masked[w] || len(atoms[w]) > maxAtoms {
			delete(atoms, w)
		}
	}
	return atoms
}

func appendNew(list []atom, a atom) []atom {
	for _, have := range list {
		if have == a {
			return list
		}
	}
	return append(list, a)
}

// atomTests returns the cheapest plan that begins with one of the word's
// atoms. Each makes the function simpler, or is not tried.
func (a *argCoder) atomTests(w decision.Word, st wordState) (best plan, found bool) {
	size := a.space.Size(st.fn)
	for _, t := range a.atoms[w] {
		holds := a.space.Word(w, ^uint32(0), t.k)
		if t.op == opJSET {
			holds = a.space.Not(a.space.Word(w, t.k, 0))
		}
		yes := a.space.Given(st.fn, holds)
		no := a.space.Given(st.fn, a.space.Not(holds))
		sizeYes, sizeNo := a.space.Size(yes), a.space.Size(no)
		a.code.effort.spend(100 * (size + sizeYes + sizeNo))
		if sizeYes >= size || sizeNo >= size {
			continue
		}
		p, q := a.word(w, wordState{yes, st.zero}, true), a.word(w, wordState{no, st.zero}, true)
		wy, wn := a.weight(yes), a.weight(no)
		c := plan{
			block: a.code.jump(t.op, t.k, p.block, q.block),
			mean:  1 + (wy*p.mean+wn*q.mean)/(wy+wn),
			size:  1 + p.size + q.size,
		}
		if !found || a.better(c, best) {
			best, found = c, true
		}
	}
	return best, found
}
