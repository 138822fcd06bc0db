package emit

import (
	"github.com/elastic/go-seccomp-bpf/internal/decision"
)

// Bounds of the search for the tests of one word. Beyond them the word is
// told apart bit by bit, which is always possible.
const (
	maxItems = 3 * MaxInstructions // more values than these cannot fit a program
	// fewItems is where a word of which some bits do not matter has so many
	// values that clearing these bits first is certain to be cheaper.
	fewItems = 64
	maxDepth = 4        // of bit tests within one another, while there is another way
	simple   = 8        // instructions below which no other way is looked for
	rare     = 1.0 / 64 // weight of an outcome that refuses, beside one that allows
)

// A plan is code with its price.
type plan struct {
	block block
	mean  float64 // expected instructions executed
	size  float64 // instructions, shared ones counted for each use
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
	supports  map[decision.Node]uint32 // what support has found
	atoms     map[decision.Word][]atom // of the call that is being coded
	depth     int                      // of bit tests within one another
}

func newArgCoder(c *compiler) *argCoder {
	return &argCoder{space: c.space, code: c.code, objective: c.opt.Objective, bigEndian: c.spec.BigEndian,
		plans: make(map[decision.Node]plan), words: make(map[wordState]plan), supports: make(map[decision.Node]uint32)}
}

// wordState is a function whose word is in the accumulator, with the bits
// that are known to be zero.
type wordState struct {
	fn   decision.Node
	zero uint32
}

func (a *argCoder) better(x, y plan) bool {
	key := func(p plan) float64 {
		height := a.code.height(p.block)
		switch a.objective {
		case WorstCase:
			return height + p.mean*1e-3 + p.size*1e-6
		case Size:
			return p.size + p.mean*1e-3
		}
		return p.mean + p.size*2e-3 + height*1e-3
	}
	return key(x) < key(y)
}

func (o Objective) goal(totalWeight float64) goal {
	switch o {
	case WorstCase:
		return goal{worst: true, test: totalWeight * 1e-3, chain: 4}
	case Size:
		return goal{test: totalWeight * 1e3, chain: MaxInstructions}
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
		p = plan{block: a.code.ret(v), mean: 1}
	} else {
		w, _, _, _, _ := a.space.Branch(fn)
		p = a.word(w, wordState{fn, 0}, true)
		p.block = a.code.load(w.Offset(a.bigEndian), p.block)
		p.mean++
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
	hurry, few := a.code.effort.over(), fewItems
	if hurry {
		st.zero, few = 0, fewItems/4 // fewer states, and each with less work
	}
	if p, ok := a.words[st]; ok {
		return p
	}
	var best plan
	found := false
	try := func(p plan, ok bool) {
		if ok && (!found || a.better(p, best)) {
			best, found = p, true
		}
	}
	support := a.support(w, st.fn)
	partial := support != ^uint32(0)
	switch {
	case top && partial:
		try(a.values(w, st.fn, ^uint32(0), few))
	case top:
		try(a.values(w, st.fn, ^uint32(0), maxItems))
	case support|st.zero == ^uint32(0):
		try(a.values(w, st.fn, support, maxItems))
	}
	if partial && !(found && hurry) {
		try(a.maskedValues(w, st.fn, support, few))
	}
	if !hurry && (!found || best.size > simple) {
		try(a.atomTests(w, st))
	}
	if !found || partial && a.depth < maxDepth && !hurry {
		a.depth++
		try(a.bitTest(w, st), true)
		a.depth--
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
		block: a.code.jump(opJSET, mask, yes.block, no.block),
		mean:  1 + (wy*yes.mean+wn*no.mean)/(wy+wn),
		size:  1 + yes.size + no.size,
	}
}

// weight is how often an outcome is expected, beside its siblings.
func (a *argCoder) weight(fn decision.Node) float64 {
	if v, ok := a.space.Value(fn); ok && !permits(v) {
		return rare
	}
	return 1
}

// usual is how often the values lo to hi are expected: small ones more than
// large ones, as 1/(v+1)², for the commands and flags of an interface are used
// the more the older they are.
func usual(lo, hi uint32) float64 {
	return max(1/(float64(lo)+1)-1/(float64(hi)+2), rare)
}

// support returns the bits of the word that a function depends on.
func (a *argCoder) support(w decision.Word, fn decision.Node) uint32 {
	v, bit, clear, set, ok := a.space.Branch(fn)
	if !ok || v != w {
		return 0
	}
	if bits, ok := a.supports[fn]; ok {
		return bits
	}
	bits := 1<<bit | a.support(w, clear) | a.support(w, set)
	a.supports[fn] = bits
	return bits
}

// values tells apart the values of the accumulator's bits in mask; the others
// are zero there, or do not matter as the word is whole.
func (a *argCoder) values(w decision.Word, fn decision.Node, mask uint32, most int) (plan, bool) {
	items, exits, ok := a.items(w, fn, mask, most)
	if !ok {
		return plan{}, false
	}
	p, _ := a.choose(items, exits)
	return p, true
}

// maskedValues clears the bits that do not matter and tells apart the values
// that remain. Where the smallest ones share an outcome and are all those
// without certain bits, testing these bits first may spare the clearing.
func (a *argCoder) maskedValues(w decision.Word, fn decision.Node, mask uint32, most int) (plan, bool) {
	items, exits, ok := a.items(w, fn, mask, most)
	if !ok {
		return plan{}, false
	}
	clear := func(p plan) plan {
		return plan{a.code.and(mask, p.block), p.mean + 1, p.size + 1}
	}
	all, total := a.choose(items, exits)
	all = clear(all)
	low := items[0].hi
	if high := mask &^ low; len(items) > 1 && high&-high > low {
		few := a.whole(exits[0])
		weight := items[0].weight
		rest, _ := a.choose(items[1:], exits[1:])
		rest = clear(rest)
		share := weight / total
		first := plan{
			block: a.code.jump(opJSET, high, rest.block, few.block),
			mean:  1 + share*few.mean + (1-share)*rest.mean,
			size:  1 + few.size + rest.size,
		}
		if a.better(first, all) {
			return first, true
		}
	}
	return all, true
}

// choose returns the cheapest tree over items, whose blocks and weights it
// fills in from the functions they lead to, and the sum of the weights.
func (a *argCoder) choose(items []item, exits []decision.Node) (plan, float64) {
	total := 0.0
	for i := range items {
		items[i].to = a.whole(exits[i]).block
		items[i].weight = a.weight(exits[i]) * usual(items[i].lo, items[i].hi)
		total += items[i].weight
	}
	var p plan
	for i := range items {
		exit := a.plans[exits[i]]
		p.mean += items[i].weight / total * exit.mean
		p.size += exit.size
	}
	b := a.code.tree(items, a.objective.goal(total/float64(len(items))))
	return plan{b.block, p.mean + b.tests/total, p.size + b.count}, total
}

// items lists the values of the masked word in ascending order with what they
// lead to. Values outside the mask do not occur, so they have no item.
func (a *argCoder) items(w decision.Word, fn decision.Node, mask uint32, most int) (items []item, exits []decision.Node, ok bool) {
	n := a.countRuns(w, fn, mask)
	if n > most {
		return nil, nil, false
	}
	items, exits = make([]item, 0, n), make([]decision.Node, 0, n)
	visits := 0
	var walk func(n decision.Node, bit int, lo uint32)
	walk = func(n decision.Node, bit int, lo uint32) {
		visits++
		for bit >= 0 && mask>>bit&1 == 0 {
			bit--
		}
		v, b, clear, set, branches := a.space.Branch(n)
		if !branches || v != w {
			hi := lo | mask&(1<<(bit+1)-1)
			if k := len(exits); k > 0 && exits[k-1] == n {
				items[k-1].hi = hi
				return
			}
			items, exits = append(items, item{lo: lo, hi: hi}), append(exits, n)
			return
		}
		if b != uint32(bit) { // does not depend on this bit
			clear, set = n, n
		}
		walk(clear, bit-1, lo)
		walk(set, bit-1, lo|1<<bit)
	}
	walk(fn, 31, 0)
	a.code.effort.spend(10*visits + 30*len(items))
	return items, exits, true
}
