package decision

import "slices"

// What these methods enumerate can be exponentially larger than the diagram.
// Where they take a bound, their last result says whether they stayed within it.

// Intervals64 lists, ascending, the intervals of the 64-bit value in words w
// and w+1 on which n is one function of the words after them, neighbours
// always differing. n must not depend on words before w.
func (s *Space) Intervals64(n Node, w Word, most int) ([]Part, bool) {
	return s.parts(n, uint32(w)*32, 64, most)
}

// Intervals32 is Intervals64 for word w alone.
func (s *Space) Intervals32(n Node, w Word, most int) ([]Part, bool) {
	return s.parts(n, uint32(w)*32, 32, most)
}

// A Part is the function that holds for the values Lo to Hi.
type Part struct {
	Interval
	To Node
}

func (s *Space) parts(n Node, first, bits uint32, most int) ([]Part, bool) {
	end := first + bits
	var out []Part
	var walk func(n Node, level uint32, lo uint64) bool
	walk = func(n Node, level uint32, lo uint64) bool {
		width := end - level // bits that are still open
		if s.nodes[n].level >= end {
			hi := lo
			if width > 0 {
				hi |= ^uint64(0) >> (64 - width)
			}
			if k := len(out); k > 0 && out[k-1].To == n {
				out[k-1].Hi = hi
				return true
			}
			out = append(out, Part{Interval{lo, hi}, n})
			return len(out) <= most
		}
		clear, set := s.cofactors(n, level)
		return walk(clear, level+1, lo) && walk(set, level+1, lo|1<<(width-1))
	}
	ok := walk(n, first, 0)
	return out, ok
}

// A Case is one of the functions that a function becomes once its leading words
// are known, and the predicate over these words that makes it that one.
type Case struct {
	When Node
	To   Node
}

// Split takes a function apart behind word last: the distinct functions of the
// words after it, in the order in which ascending values lead to them.
func (s *Space) Split(n Node, last Word, most int) ([]Case, bool) {
	end := uint32(last)*32 + 32
	var out []Case
	seen := map[Node]bool{}
	var find func(Node) bool
	find = func(n Node) bool {
		if seen[n] {
			return true
		}
		seen[n] = true
		if s.nodes[n].level >= end {
			out = append(out, Case{To: n})
			return len(out) <= most
		}
		return find(s.nodes[n].lo) && find(s.nodes[n].hi)
	}
	if !find(n) {
		return nil, false
	}
	for i := range out {
		memo := map[Node]Node{}
		var walk func(Node) Node
		walk = func(n Node) Node {
			nd := s.nodes[n]
			if nd.level >= end {
				if n == out[i].To {
					return s.Const(trueValue)
				}
				return s.Const(falseValue)
			}
			if r, ok := memo[n]; ok {
				return r
			}
			if !s.charge(1) {
				return s.Const(falseValue)
			}
			r := s.mk(nd.level, walk(nd.lo), walk(nd.hi))
			memo[n] = r
			return r
		}
		out[i].When = walk(n)
	}
	return out, !s.over
}

// Apply returns the function that is pick(a, b) for every call.
func (s *Space) Apply(a, b Node, pick func(a, b uint32) uint32) Node {
	memo := map[[2]Node]Node{}
	var walk func(a, b Node) Node
	walk = func(a, b Node) Node {
		key := [2]Node{a, b}
		if r, ok := memo[key]; ok {
			return r
		}
		if !s.charge(1) {
			return s.Const(falseValue)
		}
		level := min(s.nodes[a].level, s.nodes[b].level)
		var r Node
		if level == terminalLevel {
			r = s.Const(pick(uint32(s.nodes[a].lo), uint32(s.nodes[b].lo)))
		} else {
			a0, a1 := s.cofactors(a, level)
			b0, b1 := s.cofactors(b, level)
			r = s.mk(level, walk(a0, b0), walk(a1, b1))
		}
		memo[key] = r
		return r
	}
	return walk(a, b)
}

// Values lists the values that the function takes, ascending.
func (s *Space) Values(n Node) []uint32 {
	var out []uint32
	s.visit(n, func(n Node) {
		if v, ok := s.Value(n); ok {
			out = append(out, v)
		}
	})
	slices.Sort(out)
	return out
}

// Bits tells which bits of each word the function depends on.
func (s *Space) Bits(n Node) [Words]uint32 {
	var bits [Words]uint32
	s.visit(n, func(n Node) {
		if level := s.nodes[n].level; level < terminalLevel {
			bits[level/32] |= 1 << (31 - level%32)
		}
	})
	return bits
}

// visit calls f once for each node of n.
func (s *Space) visit(n Node, f func(Node)) {
	seen := map[Node]bool{}
	var walk func(Node)
	walk = func(n Node) {
		if seen[n] {
			return
		}
		seen[n] = true
		f(n)
		if nd := s.nodes[n]; nd.level != terminalLevel {
			walk(nd.lo)
			walk(nd.hi)
		}
	}
	walk(n)
}

// Top returns the first word that the function depends on, and false for a
// constant function.
func (s *Space) Top(n Node) (Word, bool) {
	level := s.nodes[n].level
	return Word(level / 32), level != terminalLevel
}

// Find returns a call for which the predicate holds, the one that prefers clear
// bits, and false when there is none.
func (s *Space) Find(p Node) ([Words]uint32, bool) {
	w, ok := s.Difference(p, s.Const(falseValue))
	return w.Words, ok
}

// Is returns the predicate that the function's value satisfies a condition.
func (s *Space) Is(n Node, is func(uint32) bool) Node {
	return s.MapValues(n, func(v uint32) uint32 {
		if is(v) {
			return trueValue
		}
		return falseValue
	})
}

// Differ returns the predicate that holds where a and b differ.
func (s *Space) Differ(a, b Node) Node {
	return s.Apply(a, b, func(a, b uint32) uint32 {
		if a != b {
			return trueValue
		}
		return falseValue
	})
}

// A Cube holds for the 64-bit values v with v & Mask == Value.
type Cube struct{ Mask, Value uint64 }

// Cover lists cubes whose union is the predicate over the 64-bit value in words
// w and w+1, none of which can be left out (Minato and Morreale's irredundant
// sum of products).
func (s *Space) Cover(p Node, w Word, most int) ([]Cube, bool) {
	c := cover{s: s, first: uint32(w) * 32, most: most}
	cubes, _ := c.between(p, p)
	return cubes, !c.over && !s.over
}

type cover struct {
	s     *Space
	first uint32
	most  int
	over  bool
}

// between returns cubes that hold wherever low does and nowhere that high does
// not, and the predicate they make.
func (c *cover) between(low, high Node) ([]Cube, Node) {
	s := c.s
	no, yes := s.Const(falseValue), s.Const(trueValue)
	if c.over || low == no || !s.charge(1) {
		return nil, no
	}
	if high == yes {
		return []Cube{{}}, yes
	}
	level := min(s.nodes[low].level, s.nodes[high].level)
	low0, low1 := s.cofactors(low, level)
	high0, high1 := s.cofactors(high, level)
	cubes0, got0 := c.between(s.And(low0, s.Not(high1)), high0)
	cubes1, got1 := c.between(s.And(low1, s.Not(high0)), high1)
	rest := s.Or(s.And(low0, s.Not(got0)), s.And(low1, s.Not(got1)))
	cubes, both := c.between(rest, s.And(high0, high1))
	bit := uint64(1) << (63 - (level - c.first))
	for _, q := range cubes0 {
		cubes = append(cubes, Cube{q.Mask | bit, q.Value})
	}
	for _, q := range cubes1 {
		cubes = append(cubes, Cube{q.Mask | bit, q.Value | bit})
	}
	c.over = c.over || len(cubes) > c.most
	return cubes, s.mk(level, s.Or(got0, both), s.Or(got1, both))
}

// InCube returns the predicate of a cube over the words w and w+1.
func (s *Space) InCube(w Word, q Cube) Node {
	return s.And(s.masked(w, uint32(q.Mask>>32), uint32(q.Value>>32)), s.masked(w+1, uint32(q.Mask), uint32(q.Value)))
}

// InInterval returns the predicate that the value in words w and w+1 lies in
// an interval.
func (s *Space) InInterval(w Word, iv Interval) Node {
	return s.within(int(w-WordArg0)/2, 64, ^uint64(0), iv)
}

// Assume returns the predicate p with the bits of a cube known: p on the cube,
// and no longer dependent on its bits.
func (s *Space) Assume(p Node, w Word, q Cube) Node {
	first := uint32(w) * 32
	memo := map[Node]Node{}
	var walk func(Node) Node
	walk = func(n Node) Node {
		nd := s.nodes[n]
		if nd.level >= first+64 {
			return n
		}
		if r, ok := memo[n]; ok {
			return r
		}
		var r Node
		bit := uint64(1) << (63 - (nd.level - first))
		switch {
		case nd.level < first || q.Mask&bit == 0:
			r = s.mk(nd.level, walk(nd.lo), walk(nd.hi))
		case q.Value&bit != 0:
			r = walk(nd.hi)
		default:
			r = walk(nd.lo)
		}
		memo[n] = r
		return r
	}
	return walk(p)
}

// Hull returns the smallest cube that holds wherever the predicate over words w
// and w+1 does.
func (s *Space) Hull(p Node, w Word) Cube {
	first := uint32(w) * 32
	end, no := first+64, s.Const(falseValue)
	var clear, set uint64 // bits that are clear, and set, for some value
	free := func(from, to uint32) {
		for level := max(from, first); level < min(to, end); level++ {
			clear |= 1 << (63 - (level - first))
			set |= 1 << (63 - (level - first))
		}
	}
	if p != no {
		free(first, s.nodes[p].level)
	}
	// All nodes but no are true somewhere, and levels between a node and its
	// successor do not matter.
	s.visit(p, func(n Node) {
		nd := s.nodes[n]
		if nd.level >= end {
			return
		}
		bit := uint64(1) << (63 - (nd.level - first))
		if nd.lo != no {
			clear |= bit
			free(nd.level+1, s.nodes[nd.lo].level)
		}
		if nd.hi != no {
			set |= bit
			free(nd.level+1, s.nodes[nd.hi].level)
		}
	})
	return Cube{Mask: ^(clear & set), Value: set &^ clear}
}
