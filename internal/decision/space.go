package decision

import (
	"errors"
	"fmt"
)

// A Word names one of the sixteen 32-bit words of struct seccomp_data in the
// order the diagrams test them: the architecture and the number first, then
// the arguments, high half before low half so that a 64-bit order is the
// diagram's order, and the instruction pointer last.
type Word uint8

const (
	WordArch Word = iota
	WordNR
	WordArg0 // high half of argument 0; its low half follows, then argument 1
	WordIP   = WordArg0 + 12
	Words    = 16
)

// ArgWord returns the word that holds one half of an argument.
func ArgWord(arg int, high bool) Word {
	w := WordArg0 + Word(2*arg)
	if !high {
		w++
	}
	return w
}

// Offset returns where the word stands in struct seccomp_data, in bytes.
func (w Word) Offset(bigEndian bool) uint32 {
	switch w {
	case WordArch:
		return 4
	case WordNR:
		return 0
	}
	base, half := uint32(8), uint32(w-WordIP)
	if w < WordIP {
		base, half = 16+uint32(w-WordArg0)/2*8, uint32(w-WordArg0)%2
	}
	if !bigEndian {
		half = 1 - half
	}
	return base + 4*half
}

// wordAt is the inverse of Offset.
func wordAt(offset uint32, bigEndian bool) Word {
	switch {
	case offset == 0:
		return WordNR
	case offset == 4:
		return WordArch
	}
	half := Word(offset / 4 % 2)
	if !bigEndian {
		half = 1 - half
	}
	if offset < 16 {
		return WordIP + half
	}
	return WordArg0 + Word((offset-16)/8*2) + half
}

// A Node is a function from struct seccomp_data to a 32-bit value. Within one
// Space equal functions are equal Nodes.
type Node uint32

// node tests one bit of the 512, the most significant bit of each word first;
// a terminal has level terminalLevel and its value in lo.
type node struct {
	level  uint32
	lo, hi Node
}

const (
	terminalLevel = Words * 32
	// DefaultNodeLimit bounds a Space. A diagram of 500,000 nodes is about a
	// hundred times what the largest filters seen in the field need.
	DefaultNodeLimit = 500_000
	// stepsPerNode bounds the work that may go by without a new node.
	stepsPerNode = 10
)

// ErrTooComplex is returned when a function needs more nodes or more work than
// its Space allows.
var ErrTooComplex = errors.New("decision diagram exceeds its budget")

// A Space holds nodes. It is not safe for concurrent use. The methods that
// make nodes return garbage once the budget is used up; Err then says so, and
// every exported operation that could be misled reports it.
type Space struct {
	nodes  []node
	table  []Node // open addressing over nodes; 0 is free (node 0 is a dummy)
	cache  []iteEntry
	seen   []uint32 // when Size came by
	stamp  uint32
	limit  int
	steps  int
	budget int
	over   bool
}

type iteEntry struct{ f, g, h, r Node }

// NewSpace returns an empty Space. A nodeLimit of zero means DefaultNodeLimit.
func NewSpace(nodeLimit int) *Space {
	s := &Space{}
	s.Reset(nodeLimit)
	return s
}

// Reset forgets every node and keeps the memory.
func (s *Space) Reset(nodeLimit int) {
	if nodeLimit <= 0 {
		nodeLimit = DefaultNodeLimit
	}
	nodeLimit = max(nodeLimit, 2) // the dummy, and what stands for a node over the budget
	s.limit, s.budget = nodeLimit, nodeLimit*stepsPerNode
	s.steps, s.over = 0, false
	if s.table == nil {
		s.nodes = make([]node, 0, 2048)
		s.table = make([]Node, 8192)
		s.cache = make([]iteEntry, 4096)
	} else {
		clear(s.table)
		clear(s.cache)
	}
	s.nodes = append(s.nodes[:0], node{level: terminalLevel + 1})
}

// Err returns ErrTooComplex, with the numbers, once the budget is used up.
func (s *Space) Err() error {
	if !s.over {
		return nil
	}
	return fmt.Errorf("%w: %d nodes of at most %d after %d steps of at most %d",
		ErrTooComplex, len(s.nodes), s.limit, s.steps, s.budget)
}

// Len returns how many nodes the Space holds.
func (s *Space) Len() int { return len(s.nodes) - 1 }

// Size returns how many distinct nodes n is made of.
func (s *Space) Size(n Node) int {
	if len(s.seen) < len(s.nodes) {
		s.seen = append(s.seen, make([]uint32, len(s.nodes)-len(s.seen))...)
	}
	s.stamp++
	if s.stamp == 0 { // what is there may be as old as the counter is long
		clear(s.seen)
		s.stamp = 1
	}
	return s.unseen(n)
}

// unseen counts the nodes of n that do not bear the stamp yet.
func (s *Space) unseen(n Node) int {
	if s.seen[n] == s.stamp {
		return 0
	}
	s.seen[n] = s.stamp
	nd := &s.nodes[n]
	if nd.level == terminalLevel {
		return 1
	}
	return 1 + s.unseen(nd.lo) + s.unseen(nd.hi)
}

func (s *Space) charge(steps int) bool {
	s.steps += steps
	if s.steps > s.budget {
		s.over = true
	}
	return !s.over
}

func hash3(a, b, c uint32) uint32 {
	h := uint64(a)*0x9e3779b97f4a7c15 ^ uint64(b)*0xc2b2ae3d27d4eb4f ^ uint64(c)*0x165667b19e3779f9
	return uint32(h >> 29)
}

// Const returns the function that is v everywhere.
func (s *Space) Const(v uint32) Node { return s.intern(node{terminalLevel, Node(v), 0}) }

var (
	falseValue = uint32(0)
	trueValue  = uint32(1)
)

// mk returns the function that is hi where the bit of level is set, else lo.
func (s *Space) mk(level uint32, lo, hi Node) Node {
	if lo == hi {
		return lo
	}
	return s.intern(node{level, lo, hi})
}

func (s *Space) intern(n node) Node {
	mask := uint32(len(s.table) - 1)
	i := hash3(n.level, uint32(n.lo), uint32(n.hi)) & mask
	for s.table[i] != 0 {
		if s.nodes[s.table[i]] == n {
			return s.table[i]
		}
		i = (i + 1) & mask
	}
	if len(s.nodes) >= s.limit {
		s.over = true
		return 1 // some node; Err reports that it means nothing
	}
	id := Node(len(s.nodes))
	s.nodes = append(s.nodes, n)
	s.table[i] = id
	if 2*len(s.nodes) > len(s.table) {
		s.grow()
	}
	return id
}

func (s *Space) grow() {
	s.table = make([]Node, 2*len(s.table))
	mask := uint32(len(s.table) - 1)
	for id := 1; id < len(s.nodes); id++ {
		n := &s.nodes[id]
		i := hash3(n.level, uint32(n.lo), uint32(n.hi)) & mask
		for s.table[i] != 0 {
			i = (i + 1) & mask
		}
		s.table[i] = Node(id)
	}
	if len(s.cache) < 1<<18 {
		s.cache = make([]iteEntry, 2*len(s.cache))
	}
}

// Value returns a constant function's value.
func (s *Space) Value(n Node) (v uint32, constant bool) {
	nd := s.nodes[n]
	return uint32(nd.lo), nd.level == terminalLevel
}

// Eval applies the function to one call, given as its words in Word order.
func (s *Space) Eval(n Node, words *[Words]uint32) uint32 {
	for {
		nd := &s.nodes[n]
		if nd.level == terminalLevel {
			return uint32(nd.lo)
		}
		if words[nd.level/32]>>(31-nd.level%32)&1 != 0 {
			n = nd.hi
		} else {
			n = nd.lo
		}
	}
}

// cofactors splits n at level, which is not below n's own.
func (s *Space) cofactors(n Node, level uint32) (lo, hi Node) {
	if nd := &s.nodes[n]; nd.level == level {
		return nd.lo, nd.hi
	}
	return n, n
}

// ITE returns the function that is g where the predicate f holds, else h. A
// predicate's values are 0 and 1.
func (s *Space) ITE(f, g, h Node) Node {
	if g == h {
		return g
	}
	nf := s.nodes[f]
	if nf.level == terminalLevel {
		if nf.lo != 0 {
			return g
		}
		return h
	}
	slot := &s.cache[hash3(uint32(f), uint32(g), uint32(h))&uint32(len(s.cache)-1)]
	if slot.f == f && slot.g == g && slot.h == h {
		return slot.r
	}
	if !s.charge(1) {
		return g
	}
	level := min(nf.level, s.nodes[g].level, s.nodes[h].level)
	f0, f1 := s.cofactors(f, level)
	g0, g1 := s.cofactors(g, level)
	h0, h1 := s.cofactors(h, level)
	r := s.mk(level, s.ITE(f0, g0, h0), s.ITE(f1, g1, h1))
	s.cache[hash3(uint32(f), uint32(g), uint32(h))&uint32(len(s.cache)-1)] = iteEntry{f, g, h, r}
	return r
}

// And, Or and Not combine predicates.
func (s *Space) And(f, g Node) Node { return s.ITE(f, g, s.Const(falseValue)) }

// Or returns the predicate that holds where f or g does.
func (s *Space) Or(f, g Node) Node { return s.ITE(f, s.Const(trueValue), g) }

// Not returns the predicate that holds where f does not.
func (s *Space) Not(f Node) Node { return s.ITE(f, s.Const(falseValue), s.Const(trueValue)) }

// Branch splits a function at the first bit it depends on. It reports false
// for a constant function.
func (s *Space) Branch(n Node) (w Word, bit uint32, clear, set Node, ok bool) {
	nd := &s.nodes[n]
	if nd.level == terminalLevel {
		return 0, 0, 0, 0, false
	}
	return Word(nd.level / 32), 31 - nd.level%32, nd.lo, nd.hi, true
}
