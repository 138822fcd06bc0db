package emit

import (
	"math"
	"slices"
)

// An item sends the values lo to hi of one word to a block.
type item struct {
	lo, hi uint32
	to     block
	weight float64
}

func (it *item) single() bool { return it.lo == it.hi }

// goal is what a tree is to be cheapest in.
type goal struct {
	worst bool    // longest path first, price second
	test  float64 // price of a test for being there, in units of weight
	chain int     // longest run of single-value tests
}

// cost is what a tree costs: its price is the weighted number of tests
// executed plus the price of the tests themselves.
type cost struct{ price, height float64 }

// A searcher finds the cheapest tree of tests that tells apart the items of
// one word: thresholds (JGE), single values (JEQ) and, at the top of the
// range, one bit (JSET).
//
// It is an exact dynamic programme over the trees in which a single value is
// tested by itself only (a) where nothing but single values remains to be
// told from one outcome, or (b) when it carries at least a quarter of the
// weight that arrives: below that share a threshold is never worse (Anderson,
// Kannan, Karloff, Ladner: Thresholds and optimal binary comparison search
// trees, J. Algorithms 2002). Its work grows with the cube of the items.
type searcher struct {
	code  *code
	items []item
	goal  goal
	n     int
	sum   []float64 // prefix sums of weight
	same  []int     // last item of the run with item i's outcome
	// Costs of ranges in which nothing has been tested: price by [i*n+j] and,
	// so that both sides of a cut are read in order, by [j*n+i].
	row, col   []float64
	rowH, colH []float64 // heights, for the worst case alone
	holed      map[uint64]cost
	heavy      []int // single-value items, heaviest first
}

// step is how a range is decided first.
type step struct {
	cost
	kind stepKind
	at   int // threshold: last item of the left part; bit: the bit; peel: the item
	base block
}

type stepKind uint8

const (
	stepNone stepKind = iota
	stepLeaf
	stepThreshold
	stepChain
	stepBit
	stepPeel
)

// built is a tree as code, with the weighted tests it executes.
type built struct {
	block block
	tests float64
	count float64
}

// exactItems is how many items the dynamic programme takes: its work is about
// their cube over six. More are cut where their weight halves until the parts
// are that small. Such a tree executes at most two tests more on average than
// the entropy of the weights, which no tree can go below (Mehlhorn: A best
// possible bound for the weighted path length of binary search trees, SIAM J.
// Comput. 1977), thresholds alone considered.
const exactItems = 160

// tree returns the code that tells the items apart.
func (c *code) tree(items []item, g goal) built { return c.subtree(merge(items), g) }

func (c *code) subtree(items []item, g goal) built {
	if len(items) > exactItems {
		k, weight := half(items, g.worst)
		low, high := c.subtree(items[:k], g), c.subtree(items[k:], g)
		return built{c.jump(opJGE, items[k].lo, high.block, low.block), weight + low.tests + high.tests, 1 + low.count + high.count}
	}
	n := len(items)
	s := &searcher{code: c, items: items, goal: g, n: n, sum: make([]float64, n+1), same: make([]int, n)}
	table := make([]float64, 2*n*n)
	s.row, s.col = table[:n*n], table[n*n:]
	if g.worst {
		table = make([]float64, 2*n*n)
		s.rowH, s.colH = table[:n*n], table[n*n:]
	}
	for i := range items {
		s.sum[i+1] = s.sum[i] + items[i].weight
		if items[i].single() {
			s.heavy = append(s.heavy, i)
		}
	}
	slices.SortStableFunc(s.heavy, func(a, b int) int {
		switch wa, wb := items[a].weight, items[b].weight; {
		case wa > wb:
			return -1
		case wa < wb:
			return 1
		}
		return 0
	})
	s.fill()
	return s.build(0, n-1, 0)
}

// half returns the item at which the weight halves, or for the worst case the
// middle one, and the whole weight.
func half(items []item, worst bool) (k int, weight float64) {
	for i := range items {
		weight += items[i].weight
	}
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
	var total float64
	for i := range items {
		total += items[i].weight
	}
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

// fill computes the cost of every range.
func (s *searcher) fill() {
	n := s.n
	for i := n - 1; i >= 0; i-- {
		s.same[i] = i
		if i+1 < n && s.items[i+1].to == s.items[i].to {
			s.same[i] = s.same[i+1]
		}
		if s.goal.worst {
			h := s.code.height(s.items[i].to)
			s.rowH[i*n+i], s.colH[i*n+i] = h, h
		}
		for j := i + 1; j < n; j++ {
			c := s.first(i, j).cost
			s.row[i*n+j], s.col[j*n+i] = c.price, c.price
			if s.goal.worst {
				s.rowH[i*n+j], s.colH[j*n+i] = c.height, c.height
			}
		}
	}
}

// first returns the cheapest first step for a range without holes, whose
// parts are known.
func (s *searcher) first(i, j int) step {
	if j <= s.same[i] {
		to := s.items[i].to
		return step{cost: s.leafCost(to), kind: stepLeaf, base: to}
	}
	weight := s.sum[j+1] - s.sum[i]
	best := step{cost: cost{math.Inf(1), math.Inf(1)}}
	s.cut(i, j, weight, &best)
	s.chain(i, j, nil, &best)
	if j == s.n-1 {
		s.bit(i, weight, &best)
	}
	for _, k := range s.heavy {
		if k >= i && k <= j {
			s.peel(i, j, 0, k, weight, &best)
			break
		}
	}
	return best
}

func (s *searcher) leafCost(to block) cost {
	if s.goal.worst {
		return cost{height: s.code.height(to)}
	}
	return cost{}
}

// offer takes a step when it is cheaper.
func (s *searcher) offer(best *step, c step) {
	if s.goal.worst && c.height != best.height {
		if c.height < best.height {
			*best = c
		}
		return
	}
	if c.price < best.price*(1-1e-12) {
		*best = c
	}
}

// cut finds the cheapest threshold.
func (s *searcher) cut(i, j int, weight float64, best *step) {
	n := s.n
	left, right := s.row[i*n+i:i*n+j], s.col[j*n+i+1:j*n+j+1]
	if s.goal.worst {
		leftH, rightH := s.rowH[i*n+i:i*n+j], s.colH[j*n+i+1:j*n+j+1]
		for k := range left {
			s.offer(best, step{cost: cost{weight + s.goal.test + left[k] + right[k], 1 + max(leftH[k], rightH[k])},
				kind: stepThreshold, at: i + k})
		}
		return
	}
	low, at := math.Inf(1), 0
	right = right[:len(left)]
	for k, l := range left {
		if x := l + right[k]; x < low {
			low, at = x, k
		}
	}
	s.offer(best, step{cost: cost{price: weight + s.goal.test + low}, kind: stepThreshold, at: i + at})
}

// chain offers to test single values one after the other until one outcome is
// left.
func (s *searcher) chain(i, j int, gone holes, best *step) {
	var space [16]int
	for b := i; b <= i+1; b++ {
		base := s.items[b].to
		list := s.singles(i, j, base, gone, space[:0])
		if len(list) == 0 {
			continue
		}
		rest := s.sum[j+1] - s.sum[i]
		for _, k := range gone {
			rest -= s.items[k].weight
		}
		c := step{kind: stepChain, base: base, cost: s.leafCost(base)}
		for q, k := range list {
			c.price += rest + s.goal.test
			rest -= s.items[k].weight
			if s.goal.worst {
				c.height = max(c.height+1, float64(q+1)+s.code.height(s.items[k].to))
			}
		}
		s.offer(best, c)
	}
}

// singles returns the items of the range that are not of the base outcome,
// heaviest first, when they are few and all single values.
func (s *searcher) singles(i, j int, base block, gone holes, list []int) []int {
	for k := i; k <= j; k++ {
		it := &s.items[k]
		if it.to == base || gone.has(k) {
			continue
		}
		if !it.single() || len(list) == s.goal.chain {
			return nil
		}
		list = append(list, k)
	}
	for a := 1; a < len(list); a++ {
		for b := a; b > 0 && s.items[list[b]].weight > s.items[list[b-1]].weight; b-- {
			list[b], list[b-1] = list[b-1], list[b]
		}
	}
	return list
}

// bit offers to test one of the two highest bits, where it alone tells the
// rest of the items into two outcomes: the numbers with x32's bit, say.
func (s *searcher) bit(i int, weight float64, best *step) {
	for b := 30; b < 32; b++ {
		if set, clear, ok := s.halves(i, b); ok {
			c := step{cost: cost{price: weight + s.goal.test}, kind: stepBit, at: b}
			if s.goal.worst {
				c.height = 1 + max(s.code.height(set), s.code.height(clear))
			}
			s.offer(best, c)
		}
	}
}

func (s *searcher) halves(i, b int) (set, clear block, ok bool) {
	set, clear = none, none
	for k := i; k < s.n; k++ {
		it := &s.items[k]
		side := &clear
		if it.lo>>b&1 != 0 {
			side = &set
		}
		if it.lo>>b != it.hi>>b || *side != none && *side != it.to {
			return none, none, false
		}
		*side = it.to
	}
	return set, clear, set != none && clear != none
}

// peel offers to test a heavy value by itself.
func (s *searcher) peel(i, j, h, k int, weight float64, best *step) {
	if w := s.items[k].weight; w < weight/4 || w <= 0 || h >= maxPeeled || j-i < 2 {
		return
	}
	rest := s.withHoles(i, j, h+1)
	c := step{cost: cost{price: weight + s.goal.test + rest.price}, kind: stepPeel, at: k}
	if s.goal.worst {
		c.height = 1 + max(rest.height, s.code.height(s.items[k].to))
	}
	s.offer(best, c)
}

// maxPeeled bounds how many values are tested before the range is cut.
const maxPeeled = 24

// holes are items that have been tested already. They are few.
type holes []int

func (h holes) has(item int) bool { return slices.Contains(h, item) }

// holes returns the first h heavy items of the range.
func (s *searcher) holes(i, j, h int) holes {
	gone := make(holes, 0, h)
	for _, k := range s.heavy {
		if len(gone) == h {
			break
		}
		if k >= i && k <= j {
			gone = append(gone, k)
		}
	}
	return gone
}

// withHoles returns the cost of a range whose h heaviest single values have
// been tested already.
func (s *searcher) withHoles(i, j, h int) cost {
	if h == 0 {
		c := cost{price: s.row[i*s.n+j]}
		if s.goal.worst {
			c.height = s.rowH[i*s.n+j]
		}
		return c
	}
	key := uint64(i)<<40 | uint64(j)<<16 | uint64(h)
	if c, ok := s.holed[key]; ok {
		return c
	}
	c := s.firstHoled(i, j, h).cost
	if s.holed == nil {
		s.holed = make(map[uint64]cost)
	}
	s.holed[key] = c
	return c
}

// firstHoled is first for a range with holes: what was tested cannot occur.
func (s *searcher) firstHoled(i, j, h int) step {
	gone := s.holes(i, j, h)
	weight, to, uniform := s.sum[j+1]-s.sum[i], none, true
	for k := i; k <= j; k++ {
		if gone.has(k) {
			weight -= s.items[k].weight
			continue
		}
		uniform = uniform && (to == none || to == s.items[k].to)
		to = s.items[k].to
	}
	if to == none {
		to = s.items[i].to // nothing is left: any outcome will do
	}
	if uniform {
		return step{cost: s.leafCost(to), kind: stepLeaf, base: to}
	}
	best := step{cost: cost{math.Inf(1), math.Inf(1)}}
	left := 0
	for k := i; k < j; k++ {
		if gone.has(k) {
			left++
		}
		a, b := s.withHoles(i, k, left), s.withHoles(k+1, j, h-left)
		s.offer(&best, step{cost: cost{weight + s.goal.test + a.price + b.price, 1 + max(a.height, b.height)}, kind: stepThreshold, at: k})
	}
	s.chain(i, j, gone, &best)
	for _, k := range s.heavy {
		if k >= i && k <= j && !gone.has(k) {
			s.peel(i, j, h, k, weight, &best)
			break
		}
	}
	return best
}
