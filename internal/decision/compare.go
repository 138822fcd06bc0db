package decision

// A Witness is a call that two functions decide differently.
type Witness struct {
	Words [Words]uint32 // in Word order
	A, B  uint32        // what each function returns
}

// Arch, NR, IP and Arg read a witness as the call it is.
func (w *Witness) Arch() uint32 { return w.Words[WordArch] }

// NR returns the syscall number.
func (w *Witness) NR() uint32 { return w.Words[WordNR] }

// IP returns the instruction pointer.
func (w *Witness) IP() uint64 { return w.pair(WordIP) }

// Arg returns an argument's register.
func (w *Witness) Arg(i int) uint64 { return w.pair(ArgWord(i, true)) }

func (w *Witness) pair(high Word) uint64 {
	return uint64(w.Words[high])<<32 | uint64(w.Words[high+1])
}

// Difference returns a call that a and b decide differently: the one that
// prefers clear bits, so that words which do not matter are zero. It reports
// false exactly when a and b are the same function.
func (s *Space) Difference(a, b Node) (Witness, bool) {
	var w Witness
	if a == b {
		return w, false
	}
	// Distinct nodes of one Space are distinct functions, so any pair of
	// distinct cofactors leads to a difference: there is no way back.
	for {
		level := min(s.nodes[a].level, s.nodes[b].level)
		if level == terminalLevel {
			w.A, _ = s.Value(a)
			w.B, _ = s.Value(b)
			return w, true
		}
		a0, a1 := s.cofactors(a, level)
		b0, b1 := s.cofactors(b, level)
		if a0 != b0 {
			a, b = a0, b0
			continue
		}
		a, b = a1, b1
		w.Words[level/32] |= 1 << (31 - level%32)
	}
}

// MapValues returns the function with every value replaced.
func (s *Space) MapValues(n Node, to func(uint32) uint32) Node {
	memo := map[Node]Node{}
	var walk func(Node) Node
	walk = func(n Node) Node {
		if r, ok := memo[n]; ok {
			return r
		}
		var r Node
		if nd := s.nodes[n]; nd.level == terminalLevel {
			r = s.Const(to(uint32(nd.lo)))
		} else {
			r = s.mk(nd.level, walk(nd.lo), walk(nd.hi))
		}
		memo[n] = r
		return r
	}
	return walk(n)
}

// Restrict returns the function with a word fixed to a value.
func (s *Space) Restrict(n Node, w Word, value uint32) Node {
	memo := map[Node]Node{}
	first, last := uint32(w)*32, uint32(w)*32+31
	var walk func(Node) Node
	walk = func(n Node) Node {
		nd := s.nodes[n]
		if nd.level > last {
			return n
		}
		if r, ok := memo[n]; ok {
			return r
		}
		var r Node
		switch {
		case nd.level < first:
			r = s.mk(nd.level, walk(nd.lo), walk(nd.hi))
		case value>>(31-nd.level%32)&1 != 0:
			r = walk(nd.hi)
		default:
			r = walk(nd.lo)
		}
		memo[n] = r
		return r
	}
	return walk(n)
}

// Given returns a function that agrees with n wherever the predicate care
// holds, and is free to be simpler elsewhere (Coudert and Madre's restrict).
func (s *Space) Given(n, care Node) Node {
	memo := map[[2]Node]Node{}
	no := s.Const(falseValue)
	var walk func(n, care Node) Node
	walk = func(n, care Node) Node {
		level := s.nodes[n].level
		if level == terminalLevel || s.nodes[care].level == terminalLevel {
			return n
		}
		key := [2]Node{n, care}
		if r, ok := memo[key]; ok {
			return r
		}
		var r Node
		c0, c1 := s.cofactors(care, min(level, s.nodes[care].level))
		switch {
		case s.nodes[care].level < level:
			r = walk(n, s.Or(c0, c1))
		case c0 == no:
			r = walk(s.nodes[n].hi, c1)
		case c1 == no:
			r = walk(s.nodes[n].lo, c0)
		default:
			r = s.mk(level, walk(s.nodes[n].lo, c0), walk(s.nodes[n].hi, c1))
		}
		memo[key] = r
		return r
	}
	return walk(n, care)
}

// Word returns the predicate that word & mask == value.
func (s *Space) Word(w Word, mask, value uint32) Node { return s.masked(w, mask, value) }
