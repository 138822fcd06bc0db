package emit

import (
	"github.com/elastic/go-seccomp-bpf/internal/decision"
)

// Bounds of the search for the tests of one word. Beyond them the word is
// told apart bit by bit, which is always possible.
const (
	maxItems = 192
	rare     = 1.0 / 64 // weight of an outcome that refuses, beside one that allows
)

// A plan is code with its price.
type plan struct {
	block  block
	mean   float64 // expected instructions executed
	height float64 // most instructions executed
	size   float64 // instructions, shared ones counted for each use
}

// argCoder turns functions of the arguments into code: it decides word by
// word, in the diagram's order, and each word with the fewest tests.
type argCoder struct {
	space     *decision.Space
	code      *code
	objective Objective
	bigEndian bool
	plans     map[decision.Node]plan
	words     map[wordState]plan
}

// wordState is a function whose word is in the accumulator, with the bits
// that are known to be zero.
type wordState struct {
	fn   decision.Node
	zero uint32
}

func (o Objective) better(a, b plan) bool {
	key := func(p plan) float64 {
		switch o {
		case WorstCase:
			return p.height + p.mean*1e-3 + p.size*1e-6
		case Size:
			return p.size + p.mean*1e-3
		}
		return p.mean + p.size*2e-3 + p.height*1e-3
	}
	return key(a) < key(b)
}

func (o Objective) goal(totalWeight float64) goal {
	switch o {
	case WorstCase:
		return goal{worst: true, test: totalWeight * 1e-3, chain: 4}
	case Size:
		return goal{test: totalWeight * 1e3, chain: 12}
	}
	return goal{test: totalWeight * 2e-3, chain: 6}
}

// whole returns code for a function with nothing in the accumulator.
func (a *argCoder) whole(fn decision.Node) plan {
	if p, ok := a.plans[fn]; ok {
		return p
	}
	var p plan
	if v, ok := a.space.Value(fn); ok {
		p = plan{block: a.code.ret(v), mean: 1, height: 1}
	} else {
		w, _, _, _, _ := a.space.Branch(fn)
		p = a.word(w, wordState{fn, 0}, true)
		p.block = a.code.load(w.Offset(a.bigEndian), p.block)
		p.mean++
		p.height++
		p.size++
	}
	a.plans[fn] = p
	return p
}

// word returns code for a function whose word is in the accumulator. At the
// top none of the word's bits has been tested.
func (a *argCoder) word(w decision.Word, st wordState, top bool) plan {
	if v, _, _, _, ok := a.space.Branch(st.fn); !ok || v != w {
		return a.whole(st.fn)
	}
	if p, ok := a.words[st]; ok {
		return p
	}
	best := a.bitTest(w, st)
	try := func(p plan, ok bool) {
		if ok && a.objective.better(p, best) {
			best = p
		}
	}
	support := a.support(w, st.fn)
	if top {
		try(a.values(w, st.fn, ^uint32(0)))
	} else if support|st.zero == ^uint32(0) {
		try(a.values(w, st.fn, support))
	}
	if support != ^uint32(0) {
		p, ok := a.values(w, st.fn, support)
		if ok {
			p.block = a.code.and(support, p.block)
			p.mean, p.height, p.size = p.mean+1, p.height+1, p.size+1
		}
		try(p, ok)
	}
	a.words[st] = best
	return best
}

// bitTest tests as many bits at once as lead to the same function when any of
// them is set.
func (a *argCoder) bitTest(w decision.Word, st wordState) plan {
	_, bit, rest, set, _ := a.space.Branch(st.fn)
	mask := uint32(1) << bit
	for {
		v, b, clear, s, ok := a.space.Branch(rest)
		if !ok || v != w || s != set {
			break
		}
		mask |= 1 << b
		rest = clear
	}
	yes, no := a.word(w, wordState{set, st.zero}, false), a.word(w, wordState{rest, st.zero | mask}, false)
	wy, wn := a.weight(set), a.weight(rest)
	return plan{
		block:  a.code.jump(opJSET, mask, yes.block, no.block),
		mean:   1 + (wy*yes.mean+wn*no.mean)/(wy+wn),
		height: 1 + max(yes.height, no.height),
		size:   1 + yes.size + no.size,
	}
}

// weight is how often an outcome is expected, beside its siblings.
func (a *argCoder) weight(fn decision.Node) float64 {
	if v, ok := a.space.Value(fn); ok && !permits(v) {
		return rare
	}
	return 1
}

// support returns the bits of the word that a function depends on.
func (a *argCoder) support(w decision.Word, fn decision.Node) uint32 {
	var bits uint32
	seen := map[decision.Node]bool{}
	var walk func(decision.Node)
	walk = func(n decision.Node) {
		v, bit, clear, set, ok := a.space.Branch(n)
		if !ok || v != w || seen[n] {
			return
		}
		seen[n] = true
		bits |= 1 << bit
		walk(clear)
		walk(set)
	}
	walk(fn)
	return bits
}

// values tells apart the values of the accumulator's bits in mask; the others
// are zero there, or do not matter as the word is whole.
func (a *argCoder) values(w decision.Word, fn decision.Node, mask uint32) (plan, bool) {
	items, exits, ok := a.items(w, fn, mask)
	if !ok {
		return plan{}, false
	}
	total := 0.0
	for i := range items {
		p := a.whole(exits[i])
		items[i].to, items[i].height = p.block, p.height
		items[i].weight = a.weight(exits[i])
		total += items[i].weight
	}
	mean, size := 0.0, 0.0
	for i := range items {
		p := a.plans[exits[i]]
		mean += items[i].weight / total * p.mean
		size += p.size
	}
	root, c := a.code.tree(items, a.objective.goal(total/float64(len(items))))
	return plan{block: root, mean: mean + c.cost/total, height: c.height, size: size + c.count}, true
}

// items lists the values of the masked word in ascending order with what they
// lead to. Values outside the mask do not occur, so they have no item.
func (a *argCoder) items(w decision.Word, fn decision.Node, mask uint32) (items []item, exits []decision.Node, ok bool) {
	var walk func(n decision.Node, bit int, lo uint32) bool
	walk = func(n decision.Node, bit int, lo uint32) bool {
		for bit >= 0 && mask>>bit&1 == 0 {
			bit--
		}
		v, b, clear, set, branches := a.space.Branch(n)
		if !branches || v != w {
			hi := lo | mask&(1<<(bit+1)-1)
			if k := len(exits); k > 0 && exits[k-1] == n {
				items[k-1].hi = hi
				return true
			}
			items, exits = append(items, item{lo: lo, hi: hi}), append(exits, n)
			return len(items) <= maxItems
		}
		if b != uint32(bit) { // does not depend on this bit
			clear, set = n, n
		}
		return walk(clear, bit-1, lo) && walk(set, bit-1, lo|1<<bit)
	}
	ok = walk(fn, 31, 0)
	return items, exits, ok
}
