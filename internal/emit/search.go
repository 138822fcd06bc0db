package emit

import "slices"

// An item sends the values lo to hi of one word to a block.
type item struct {
	lo, hi uint32
	to     block
	weight float64
	height float64 // longest path below the block, for the worst case
}

// A searcher finds the cheapest tree of tests that tells apart the items of
// one word: thresholds (JGE), single values (JEQ) and, at the top of the
// range, one bit (JSET).
//
// It is an exact dynamic programme over the trees in which a single value is
// tested by itself only (a) where nothing but single values remains to be
// told from one outcome, or (b) when it carries at least a quarter of the
// weight that arrives: below that share a threshold is never worse
// (Anderson, Kannan, Karloff, Ladner: Thresholds and optimal binary comparison
// search trees, Lemma 3).
type searcher struct {
	code  *code
	items []item
	goal  goal
	sum   []float64 // prefix sums of weight
	plain []choice  // by i*n+j: ranges without holes
	holed map[[3]int]choice
	heavy []int // indices of single-value items, heaviest first
}

// goal is what a tree is to be cheapest in.
type goal struct {
	worst bool    // longest path first, weighted mean second
	test  float64 // price of a test by itself, in units of weight
	chain int     // longest run of single-value tests in a row
}

type choice struct {
	cost   float64 // weighted number of tests
	count  float64 // tests
	height float64
	kind   uint8
	at     int // threshold: last item of the left part; bit: the bit; peel: the item
	base   block
}

const (
	kindUnknown = iota
	kindLeaf
	kindThreshold
	kindChain
	kindBit
	kindPeel
)

func (g goal) better(a, b *choice) bool {
	if b.kind == kindUnknown {
		return true
	}
	if g.worst && a.height != b.height {
		return a.height < b.height
	}
	ca, cb := a.cost+g.test*a.count, b.cost+g.test*b.count
	return ca < cb-1e-12*cb
}

// tree returns the code that tells the items apart.
func (c *code) tree(items []item, g goal) (root block, cost choice) {
	items = merge(items)
	n := len(items)
	s := &searcher{code: c, items: items, goal: g, sum: make([]float64, n+1), plain: make([]choice, n*n)}
	for i := range items {
		s.sum[i+1] = s.sum[i] + items[i].weight
		if items[i].lo == items[i].hi {
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
	top := s.solve(0, n-1, 0)
	return s.build(0, n-1, 0), top
}

// merge joins neighbours with the same outcome unless one of them is a single
// value that is heavy enough to be tested by itself.
func merge(items []item) []item {
	var total float64
	for i := range items {
		total += items[i].weight
	}
	out := items[:0:0]
	for _, it := range items {
		if n := len(out); n > 0 && out[n-1].to == it.to &&
			!(out[n-1].lo == out[n-1].hi && out[n-1].weight > total/16) &&
			!(it.lo == it.hi && it.weight > total/16) {
			out[n-1].hi = it.hi
			out[n-1].weight += it.weight
			continue
		}
		out = append(out, it)
	}
	return out
}

// holes calls f for the first h heavy items of the range.
func (s *searcher) holes(i, j, h int, f func(item int)) {
	for _, k := range s.heavy {
		if h == 0 {
			return
		}
		if k >= i && k <= j {
			f(k)
			h--
		}
	}
}

// solve returns the cheapest choice for items i to j of which the h heaviest
// single values have been tested already.
func (s *searcher) solve(i, j, h int) choice {
	n := len(s.items)
	if h == 0 {
		if c := s.plain[i*n+j]; c.kind != kindUnknown {
			return c
		}
	} else if c, ok := s.holed[[3]int{i, j, h}]; ok {
		return c
	}
	c := s.search(i, j, h)
	if h == 0 {
		s.plain[i*n+j] = c
	} else {
		if s.holed == nil {
			s.holed = make(map[[3]int]choice)
		}
		s.holed[[3]int{i, j, h}] = c
	}
	return c
}

func (s *searcher) search(i, j, h int) choice {
	weight := s.sum[j+1] - s.sum[i]
	var gone map[int]bool
	if h > 0 {
		gone = make(map[int]bool, h)
		s.holes(i, j, h, func(k int) { gone[k] = true; weight -= s.items[k].weight })
	}
	if leaf, ok := s.leaf(i, j, gone); ok {
		return leaf
	}
	var best choice
	try := func(c choice) {
		if s.goal.better(&c, &best) {
			best = c
		}
	}
	if c, ok := s.chain(i, j, gone); ok {
		try(c)
	}
	if c, ok := s.bit(i, j, h, weight); ok {
		try(c)
	}
	s.thresholds(i, j, h, weight, gone, &best)
	for seen, q := 0, 0; q < len(s.heavy); q++ {
		k := s.heavy[q]
		if k < i || k > j {
			continue
		}
		if seen++; seen <= h {
			continue
		}
		if w := s.items[k].weight; w >= weight/4 && w > 0 {
			rest := s.solve(i, j, h+1)
			try(choice{cost: weight + rest.cost, count: 1 + rest.count, height: 1 + max(rest.height, s.items[k].height), kind: kindPeel, at: k})
		}
		break
	}
	return best
}

// leaf is the choice for a range with a single outcome left.
func (s *searcher) leaf(i, j int, gone map[int]bool) (choice, bool) {
	to, height := none, 0.0
	for k := i; k <= j; k++ {
		if gone[k] {
			continue
		}
		if to != none && s.items[k].to != to {
			return choice{}, false
		}
		to, height = s.items[k].to, s.items[k].height
	}
	if to == none { // every value has been tested: any outcome will do
		to, height = s.items[i].to, s.items[i].height
	}
	return choice{kind: kindLeaf, base: to, height: height}, true
}

// thresholds tries every cut of the range.
func (s *searcher) thresholds(i, j, h int, weight float64, gone map[int]bool, best *choice) {
	n := len(s.items)
	var left int
	for k := i; k < j; k++ {
		if gone[k] {
			left++
		}
		var a, b choice
		if h == 0 {
			if a = s.plain[i*n+k]; a.kind == kindUnknown {
				a = s.solve(i, k, 0)
			}
			if b = s.plain[(k+1)*n+j]; b.kind == kindUnknown {
				b = s.solve(k+1, j, 0)
			}
		} else {
			a, b = s.solve(i, k, left), s.solve(k+1, j, h-left)
		}
		c := choice{cost: weight + a.cost + b.cost, count: 1 + a.count + b.count, height: 1 + max(a.height, b.height), kind: kindThreshold, at: k}
		if s.goal.better(&c, best) {
			*best = c
		}
	}
}

// singles returns the items of the range that are not of the base outcome,
// heaviest first, when they are few and all single values.
func (s *searcher) singles(i, j int, base block, gone map[int]bool, list []int) ([]int, bool) {
	for k := i; k <= j; k++ {
		it := &s.items[k]
		if gone[k] || it.to == base {
			continue
		}
		if it.lo != it.hi || len(list) == s.goal.chain {
			return nil, false
		}
		list = append(list, k)
	}
	for a := 1; a < len(list); a++ {
		for b := a; b > 0 && s.items[list[b]].weight > s.items[list[b-1]].weight; b-- {
			list[b], list[b-1] = list[b-1], list[b]
		}
	}
	return list, true
}

// chain is the choice to test single values one after the other until one
// outcome is left.
func (s *searcher) chain(i, j int, gone map[int]bool) (choice, bool) {
	var best choice
	var space [16]int
	for k := i; k <= min(i+1, j); k++ {
		base := s.items[k].to
		list, ok := s.singles(i, j, base, gone, space[:0])
		if !ok || len(list) == 0 {
			continue
		}
		rest, height := s.sum[j+1]-s.sum[i], 0.0
		for k := range gone {
			rest -= s.items[k].weight
		}
		for k := i; k <= j; k++ {
			if !gone[k] && s.items[k].to == base {
				height = s.items[k].height
				break
			}
		}
		cost := 0.0
		for _, k := range list {
			cost += rest
			rest -= s.items[k].weight
		}
		for q := len(list) - 1; q >= 0; q-- {
			height = 1 + max(height, s.items[list[q]].height)
		}
		c := choice{cost: cost, count: float64(len(list)), height: height, kind: kindChain, base: base}
		if s.goal.better(&c, &best) {
			best = c
		}
	}
	return best, best.kind != kindUnknown
}

// bit is the choice to test one bit, where it alone tells two outcomes apart.
func (s *searcher) bit(i, j, h int, weight float64) (choice, bool) {
	if j != len(s.items)-1 || h > 0 || j-i < 2 {
		return choice{}, false
	}
	for b := 30; b < 32; b++ {
		var set, clear *item
		ok := true
		for k := i; k <= j && ok; k++ {
			it := &s.items[k]
			side := &clear
			if it.lo>>b&1 != 0 {
				side = &set
			}
			ok = it.lo>>b == it.hi>>b && (*side == nil || (*side).to == it.to)
			*side = it
		}
		if ok && set != nil && clear != nil {
			return choice{cost: weight, count: 1, height: 1 + max(set.height, clear.height), kind: kindBit, at: b}, true
		}
	}
	return choice{}, false
}

// build turns the choices into code.
func (s *searcher) build(i, j, h int) block {
	c := s.solve(i, j, h)
	switch c.kind {
	case kindLeaf:
		return c.base
	case kindThreshold:
		left := 0
		s.holes(i, j, h, func(k int) {
			if k <= c.at {
				left++
			}
		})
		low, high := s.build(i, c.at, left), s.build(c.at+1, j, h-left)
		return s.code.jump(opJGE, s.items[c.at+1].lo, high, low)
	case kindPeel:
		it := &s.items[c.at]
		return s.code.jump(opJEQ, it.lo, it.to, s.build(i, j, h+1))
	case kindBit:
		var set, clear block
		for k := i; k <= j; k++ {
			if s.items[k].lo>>c.at&1 != 0 {
				set = s.items[k].to
			} else {
				clear = s.items[k].to
			}
		}
		return s.code.jump(opJSET, 1<<c.at, set, clear)
	}
	gone := map[int]bool{}
	s.holes(i, j, h, func(k int) { gone[k] = true })
	var space [16]int
	list, _ := s.singles(i, j, c.base, gone, space[:0])
	b := c.base
	for q := len(list) - 1; q >= 0; q-- {
		b = s.code.jump(opJEQ, s.items[list[q]].lo, s.items[list[q]].to, b)
	}
	return b
}
