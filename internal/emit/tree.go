package emit

import "slices"

// built is a tree as code, with the weighted tests it executes.
type built struct {
	block block
	tests float64
	count float64
}

func (b built) price(g goal) float64 { return b.tests + g.test*b.count }

// exactItems is how many items the dynamic programme takes: its work is about
// their cube over six. More are cut where their weight halves until the parts
// are that small. Such a tree executes at most two tests more on average than
// the entropy of the weights, which no tree can go below (Mehlhorn: A best
// possible bound for the weighted path length of binary search trees, SIAM J.
// Comput. 1977), thresholds alone considered.
const exactItems = 160

// fewExact is the same where the effort is spent.
const fewExact = 24

// tree returns the code that tells the items apart.
func (c *code) tree(items []item, g goal) built { return c.subtree(merge(items), g) }

// maxPeeled bounds how many values are tested before the first cut.
const maxPeeled = 8

// subtree is tree for merged items.
func (c *code) subtree(items []item, g goal) built {
	if k := dominant(items); k >= 0 && !g.worst {
		it := items[k]
		rest := c.tree(slices.Delete(slices.Clone(items), k, k+1), g)
		return built{c.jump(opJEQ, it.lo, it.to, rest.block), weightOf(items) + rest.tests, 1 + rest.count}
	}
	n, most := len(items), exactItems
	if c.effort.over() {
		most = fewExact
	}
	if n > most {
		if b, ok := c.wholeChain(items, g); ok {
			return b
		}
		k, weight := half(items, g.worst)
		return cutAt(c, items[k].lo, weight, c.subtree(items[:k], g), c.subtree(items[k:], g))
	}
	used := len(c.memory)
	defer func() { c.memory = c.memory[:used] }()
	return newSearcher(c, items, g).build(0, n-1)
}

// wholeChain tests single values that part one outcome one after the other, as
// many as they are: nothing is smaller, for each needs a test of its own.
func (c *code) wholeChain(items []item, g goal) (built, bool) {
	if g.chain < len(items) {
		return built{}, false
	}
	s := &searcher{code: c, items: items, goal: g, n: len(items)}
	for _, ch := range s.chains(0, len(items)-1) {
		if !ch.broken {
			return s.buildChain(&ch, weightOf(items)), true
		}
	}
	return built{}, false
}

// dominant returns the single value that carries four ninths of the weight or
// more, -1 if none does. It is tested first, which is optimal under the
// conditions stated at searcher, and spares a search of the whole.
func dominant(items []item) int {
	weight := weightOf(items)
	for k := range items {
		if items[k].single() && 9*items[k].weight >= 4*weight && len(items) > 1 {
			return k
		}
	}
	return -1
}

func weightOf(items []item) float64 {
	weight := 0.0
	for i := range items {
		weight += items[i].weight
	}
	return weight
}

// peeled returns the tree that tests a range's heaviest values by themselves,
// each while it carries a quarter of the weight that arrives, so that they no
// longer occur and what they parted is one item: the best tree of the rest is a
// search of its own. It is taken where it costs less than what the table has.
func (s *searcher) peeled(i, j int) (built, bool) {
	if s.goal.worst || j-i < 3 || s.code.effort.over() {
		return built{}, false
	}
	weight := s.sum[j+1] - s.sum[i]
	var room [maxPeeled]int
	gone := room[:0]
	for len(gone) < min(maxPeeled, j-i) {
		heaviest := -1
		for k := i; k <= j; k++ {
			if !slices.Contains(gone, k) {
				heaviest = s.heavier(heaviest, k)
			}
		}
		if heaviest < 0 || s.items[heaviest].weight < weight/4 {
			break
		}
		weight -= s.items[heaviest].weight
		gone = append(gone, heaviest)
	}
	if len(gone) == 0 {
		return built{}, false
	}
	rest := make([]item, 0, j-i+1)
	for k := i; k <= j; k++ {
		if !slices.Contains(gone, k) {
			rest = append(rest, s.items[k])
		}
	}
	b := s.code.tree(rest, s.goal)
	for _, k := range slices.Backward(gone) {
		it := &s.items[k]
		weight += it.weight
		b = built{s.code.jump(opJEQ, it.lo, it.to, b.block), weight + b.tests, 1 + b.count}
	}
	return b, b.price(s.goal) < s.row[i*s.n+j]*(1-1e-12)
}

// half returns the item at which the weight halves, or for the worst case the
// middle one, and the whole weight.
func half(items []item, worst bool) (k int, weight float64) {
	weight = weightOf(items)
	if worst {
		return len(items) / 2, weight
	}
	left := items[0].weight
	for k = 1; k < len(items)-1 && left+items[k].weight/2 < weight/2; k++ {
		left += items[k].weight
	}
	return k, weight
}

// merge joins neighbours with the same outcome unless one of them is a single
// value that is heavy enough to be tested by itself.
func merge(items []item) []item {
	total := weightOf(items)
	out := make([]item, 0, len(items))
	for _, it := range items {
		if n := len(out); n > 0 && out[n-1].to == it.to &&
			!(out[n-1].single() && out[n-1].weight > total/peelable) &&
			!(it.single() && it.weight > total/peelable) {
			out[n-1].hi = it.hi
			out[n-1].weight += it.weight
			continue
		}
		out = append(out, it)
	}
	return out
}

// peelable is the fraction of all weight from which a value is an item of its
// own although its neighbours share its outcome.
const peelable = 64

// build turns the cheapest steps into code, with values peeled off where that
// is cheaper still.
func (s *searcher) build(i, j int) built {
	if j <= s.same[i] {
		return built{block: s.items[i].to}
	}
	chains := s.chains(i, j)
	heaviest := -1
	for k := i; k <= j; k++ {
		heaviest = s.heavier(heaviest, k)
	}
	c := s.first(i, j, heaviest, &chains)
	weight := s.sum[j+1] - s.sum[i]
	if b, ok := s.peeled(i, j); ok {
		return b
	}
	switch c.kind {
	case stepThreshold:
		return cutAt(s.code, s.items[c.at+1].lo, weight, s.build(i, c.at), s.build(c.at+1, j))
	case stepPeel:
		it := &s.items[c.at]
		rest := cutAt(s.code, s.items[c.at+1].lo, weight-it.weight, s.build(i, c.at-1), s.build(c.at+1, j))
		return built{s.code.jump(opJEQ, it.lo, it.to, rest.block), weight + rest.tests, 1 + rest.count}
	case stepBit:
		set, clear, _ := s.halves(i, c.at)
		return built{s.code.jump(opJSET, 1<<c.at, set, clear), weight, 1}
	}
	if chains[0].base == c.base && !chains[0].broken {
		return s.buildChain(&chains[0], weight)
	}
	return s.buildChain(&chains[1], weight)
}

// cutAt tests for the values from lo on.
func cutAt(c *code, lo uint32, weight float64, low, high built) built {
	return built{c.jump(opJGE, lo, high.block, low.block), weight + low.tests + high.tests, 1 + low.count + high.count}
}

// buildChain tests the listed values one after the other.
func (s *searcher) buildChain(c *chain, weight float64) built {
	b := built{block: c.base, count: float64(len(c.list))}
	for _, k := range c.list {
		b.tests += weight
		weight -= s.items[k].weight
	}
	for _, k := range slices.Backward(c.list) {
		b.block = s.code.jump(opJEQ, s.items[k].lo, s.items[k].to, b.block)
	}
	return b
}
