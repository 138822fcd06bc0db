package emit

import "math"

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
// told from one outcome, or (b) when it is the heaviest of its range, carries
// at least a quarter of the weight that arrives, and the range is cut there
// next. The quarter is where a threshold is never worse when no two values
// share an outcome (Anderson, Kannan, Karloff, Ladner: Thresholds and optimal
// binary comparison search trees, J. Algorithms 2002); here, where testing a
// value may join its neighbours, it is a rule of thumb. The work grows with the
// cube of the items.
type searcher struct {
	code  *code
	items []item
	goal  goal
	n     int
	sum   []float64 // prefix sums of weight
	same  []int     // last item of the run with item i's outcome
	lists [2][]int  // memory of chains
	// Costs of ranges in which nothing has been tested: price by [i*n+j] and,
	// so that both sides of a cut are read in order, by [j*n+i].
	row, col   []float64
	rowH, colH []float64 // heights, for the worst case alone
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

// newSearcher fills in the tables, which are the code's scratch memory: who
// calls it gives that back.
func newSearcher(c *code, items []item, g goal) *searcher {
	n := len(items)
	s := &searcher{code: c, items: items, goal: g, n: n, sum: c.scratch(n + 1), same: make([]int, n)}
	s.sum[0] = 0
	c.effort.spend(n * n * (n/6 + 20))
	s.row, s.col = c.scratch(n*n), c.scratch(n*n)
	if g.worst {
		s.rowH, s.colH = c.scratch(n*n), c.scratch(n*n)
	}
	for i := range items {
		s.sum[i+1] = s.sum[i] + items[i].weight
	}
	s.fill()
	return s
}

// fill computes the cost of every range.
func (s *searcher) fill() {
	n := s.n
	for i := n - 1; i >= 0; i-- {
		s.same[i] = i
		if i+1 < n && s.items[i+1].to == s.items[i].to {
			s.same[i] = s.same[i+1]
		}
		s.row[i*n+i], s.col[i*n+i] = 0, 0
		if s.goal.worst {
			h := s.code.height(s.items[i].to)
			s.rowH[i*n+i], s.colH[i*n+i] = h, h
		}
		if i+1 == n {
			continue
		}
		chains := s.chains(i, i)
		heaviest := s.heavier(-1, i)
		for j := i + 1; j < n; j++ {
			chains[0].extend(s, j)
			chains[1].extend(s, j)
			heaviest = s.heavier(heaviest, j)
			c := s.first(i, j, heaviest, &chains).cost
			s.row[i*n+j], s.col[j*n+i] = c.price, c.price
			if s.goal.worst {
				s.rowH[i*n+j], s.colH[j*n+i] = c.height, c.height
			}
		}
		s.lists = [2][]int{chains[0].list, chains[1].list}
	}
}

// first returns the cheapest first step for a range without holes, whose
// parts are known. heaviest is its heaviest single value, or -1.
func (s *searcher) first(i, j, heaviest int, chains *[2]chain) step {
	if j <= s.same[i] {
		to := s.items[i].to
		return step{cost: s.leafCost(to), kind: stepLeaf, base: to}
	}
	weight := s.sum[j+1] - s.sum[i]
	best := step{cost: cost{math.Inf(1), math.Inf(1)}}
	s.cut(i, j, weight, &best)
	s.tryChain(&chains[0], weight, &best)
	s.tryChain(&chains[1], weight, &best)
	if j == s.n-1 {
		s.bit(i, weight, &best)
	}
	if heaviest >= 0 {
		s.peel(i, j, heaviest, weight, &best)
	}
	return best
}

// heavier returns the heavier of single value k, -1 if there is none yet, and
// item j if that is a single value.
func (s *searcher) heavier(k, j int) int {
	if s.items[j].single() && (k < 0 || s.items[j].weight > s.items[k].weight) {
		return j
	}
	return k
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

// A chain is the single values of a range that do not have its base outcome,
// heaviest first, while there are few and nothing else.
type chain struct {
	base   block
	list   []int
	broken bool
}

// extend takes in item j. Items come in ascending order.
func (c *chain) extend(s *searcher, j int) {
	it := &s.items[j]
	if c.broken || it.to == c.base {
		return
	}
	if !it.single() || len(c.list) == s.goal.chain {
		c.broken = true
		return
	}
	at := len(c.list)
	c.list = append(c.list, j)
	for ; at > 0 && it.weight > s.items[c.list[at-1]].weight; at-- {
		c.list[at] = c.list[at-1]
	}
	c.list[at] = j
}

// chains returns the two chains that a range may have: its base is the outcome
// of its first or its second item. They hold until the next call.
func (s *searcher) chains(i, j int) (c [2]chain) {
	for b := range c {
		c[b] = chain{base: s.items[i+b].to, list: s.lists[b][:0]}
		for k := i; k <= j; k++ {
			c[b].extend(s, k)
		}
		s.lists[b] = c[b].list
	}
	return c
}

// tryChain offers to test a chain's values one after the other until one
// outcome is left.
func (s *searcher) tryChain(c *chain, weight float64, best *step) {
	if c.broken || len(c.list) == 0 {
		return
	}
	st := step{kind: stepChain, base: c.base, cost: s.leafCost(c.base)}
	for q, k := range c.list {
		st.price += weight + s.goal.test
		weight -= s.items[k].weight
		if s.goal.worst {
			st.height = max(st.height+1, float64(q+1)+s.code.height(s.items[k].to))
		}
	}
	s.offer(best, st)
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

// peel offers to test a heavy value by itself and then cut the range at it.
func (s *searcher) peel(i, j, k int, weight float64, best *step) {
	w := s.items[k].weight
	if w < weight/4 || w <= 0 || k == i || k == j {
		return // at an end of the range a threshold does the same
	}
	left, right := s.known(i, k-1), s.known(k+1, j)
	c := step{kind: stepPeel, at: k}
	c.price = weight + s.goal.test + weight - w + s.goal.test + left.price + right.price
	if s.goal.worst {
		c.height = 1 + max(s.code.height(s.items[k].to), 1+max(left.height, right.height))
	}
	s.offer(best, c)
}

// known returns the cost of a range that has been filled in.
func (s *searcher) known(i, j int) cost {
	c := cost{price: s.row[i*s.n+j]}
	if s.goal.worst {
		c.height = s.rowH[i*s.n+j]
	}
	return c
}
