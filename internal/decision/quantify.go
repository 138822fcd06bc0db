package decision

// Exists returns the predicate that holds where some value of the word makes p
// hold.
func (s *Space) Exists(p Node, w Word) Node {
	first, end := uint32(w)*32, uint32(w)*32+32
	memo := map[Node]Node{}
	var walk func(Node) Node
	walk = func(n Node) Node {
		nd := s.nodes[n]
		if nd.level >= end {
			return n
		}
		if r, ok := memo[n]; ok {
			return r
		}
		if !s.charge(1) {
			return s.Const(falseValue)
		}
		lo, hi := walk(nd.lo), walk(nd.hi)
		r := s.Or(lo, hi)
		if nd.level < first {
			r = s.mk(nd.level, lo, hi)
		}
		memo[n] = r
		return r
	}
	return walk(p)
}

// Masked returns the predicate that a word, masked, is a value.
func (s *Space) Masked(w Word, mask, value uint32) Node { return s.masked(w, mask, value) }
