package flow

import (
	"cmp"
	"slices"

	"github.com/elastic/go-seccomp-bpf/elfscan/internal/machine"
)

// Func is a function to analyse.
type Func struct {
	Start uint64
	Code  []byte
	Entry uint64 // where it is entered, 0 for Start
	Go    bool   // compiled by Go: a call preserves no register

	// Init sets registers known on entry, such as a table of contents.
	Init map[machine.Reg]int64
	// Pads are where exceptions enter the function again.
	Pads []uint64
	// Alone says that Code holds nothing of other functions; Whole, that it is
	// all of a function but for parts that the compiler has put elsewhere.
	Alone, Whole bool
	Others       []uint64 // where else it is entered, maybe Entry among them
	Labels       []uint64 // in it, whose addresses are taken
}

// Memory is the image as a function sees it.
type Memory interface {
	// Constant returns the contents of a word that never changes.
	Constant(addr uint64, size int) (uint64, bool)
	// Mapped reports whether an address is inside the image.
	Mapped(addr uint64) bool
}

// Env is what surrounds the analysis of a function.
type Env struct {
	Machine *machine.Machine
	Memory  Memory
	Values  *Values
	// ArgBytes returns the bytes of the caller's frame that the function at
	// target owns, 0 if none or unknown. May be nil.
	ArgBytes func(target uint64) int
	// Assume returns the constant that a field, or a word that was there on
	// entry, is taken to be. May be nil.
	Assume func(v *Values, a Atom) (int64, bool)
	// NoReturn reports whether the function at target never returns. May be nil.
	NoReturn func(target uint64) bool
	// Keeps returns the registers that a call to target changes, its result
	// first, when all others keep their values; ok is false for other targets.
	// May be nil.
	Keeps func(target uint64) (changed []machine.Reg, ok bool)
	// Inline returns the code at a target that is to be executed in place of
	// a call, nil for a real call. May be nil.
	Inline func(target uint64) []byte
	// Params are registers on entry; others hold what they are called.
	Params map[machine.Reg]ID
	// Strict takes nothing for known of a local variable that is written
	// through pointers: what no path reaches then is never reached.
	Strict bool
	// Probe ends the analysis as soon as a path returns.
	Probe bool
	// Coarse gives up in loops early, where it is of no use what is known there.
	Coarse bool
	// Watch marks a value whose way through the function is to be known: Result
	// tells where it goes. May be nil.
	Watch func(a Atom) bool
	// PassOn are the registers in which functions take arguments: what direct
	// calls pass in them is listed, instead of taking it for lost. May be nil.
	PassOn []machine.Reg
	// Work is increased by bytes decoded, by steps taken, and for states that
	// are merged and values that are new. May be nil.
	Work *int
	// Cancelled is asked now and then. May be nil.
	Cancelled func() bool
}

// Point is an instruction at which state is of interest: a system call, a
// call, or what leaves the function.
type Point struct {
	Addr   uint64
	Op     machine.Op
	Target uint64 // 0 if indirect
	Callee ID     // value of an indirect target
	State  *State
}

// Write is a store to somewhere other than the stack.
type Write struct {
	Addr  uint64 // of the instruction
	To    Atom   // Const: a global; otherwise a pointer, offset in Add; Unknown: any pointer
	Size  uint8
	Value ID
}

// Result is what became known about a function.
type Result struct {
	Points  []Point // by address
	Writes  []Write
	Reads   []Atom         // fields read, in order of first reading
	Partial string         // why the result is incomplete, "" if it is not
	Ends    bool           // runs into whatever follows the function
	Returns bool           // some path returns
	Lost    bool           // some jump inside the function was not followed
	Escapes bool           // the watched value may go elsewhere than to calls of it
	Passed  []Passed       // may have any twice
	Tables  map[uint64]int // jump tables by address, entries used

	visited paged[bool] // by offset
}

// Visited reports whether some path reaches an instruction at an offset, not
// counting what only jumps lead to that were not followed.
func (r *Result) Visited(off uint64) bool { return r.visited.at(off) }

// Limits on one function.
const (
	maxSteps        = 4_000_000
	maxVisits       = 60
	maxStrictVisits = 8 // where values that are given up only show less of what is impossible
	maxTable        = 2048
)

// What other things than steps cost: a new value as much as some steps, mostly
// memory, and some words of the stack that states are merged of as much as one.
const (
	newValue    = 16
	mergedSlots = 4
)

type block struct {
	state  *State
	visits int
	queued bool
}

type lifted struct {
	first, n uint32
	len      uint8
}

type analysis struct {
	*Env
	m   *machine.Machine
	v   *Values
	fn  *Func
	ops []machine.Inst
	at  paged[lifted] // by offset
	blk paged[*block] // by offset
	q   queue

	points map[uint64]*Point
	writes map[Write]bool
	reads  map[ID]bool
	res    *Result
	steps  int
	merged int     // words of the stack
	esc    []int32 // stack offsets whose address is known elsewhere
	last   machine.Op
	called bool
	bounds []bool // starts of instructions

	beyond  bool        // on islands
	isles   paged[bool] // by offset, what is reached there
	astray  *State      // at jumps that may lead anywhere in the function
	refuted []uint64    // ways that conditions known to hold exclude
	data    paged[bool] // by offset, what is loaded among the code
}

// Analyze follows values through a function.
func (e *Env) Analyze(fn *Func) *Result {
	a := e.newAnalysis(fn)
	a.follow()
	if e.Strict && len(a.esc) > 0 {
		first := a // which has found what is passed on
		a = e.newAnalysis(fn)
		a.at, a.ops, a.esc = first.at, first.ops, first.esc
		a.follow()
	}
	return a.res
}

func (e *Env) newAnalysis(fn *Func) *analysis {
	return &analysis{Env: e, m: e.Machine, v: e.Values, fn: fn, q: queue{lowest: e.coarse()},
		points: map[uint64]*Point{}, writes: map[Write]bool{}, reads: map[ID]bool{},
		res: &Result{Tables: map[uint64]int{}}}
}

// follow fills in the result.
func (a *analysis) follow() {
	known := len(a.v.sets)
	defer func() { a.worked(a.cost() + newValue*(len(a.v.sets)-known)) }()
	a.enqueue(cmp.Or(a.fn.Entry, a.fn.Start), a.entryState())
	a.run()
	if a.Probe && a.res.Returns {
		return
	}
	a.landingPads()
	a.islands()
	for _, p := range a.points {
		a.res.Points = append(a.res.Points, *p)
	}
	slices.SortFunc(a.res.Points, func(p, q Point) int { return cmp.Compare(p.Addr, q.Addr) })
	for w := range a.writes {
		a.res.Writes = append(a.res.Writes, w)
	}
	slices.SortFunc(a.res.Writes, func(p, q Write) int { return cmp.Compare(p.Addr, q.Addr) })
}

func (a *analysis) entryState() *State {
	s := new(State)
	for i := range a.m.Regs {
		s.Regs[i] = a.assumed(Atom{Kind: Entry, Reg: uint8(i)})
	}
	if a.m.Zero != machine.None {
		s.Regs[a.m.Zero] = a.v.Const(0)
	}
	for r, c := range a.fn.Init {
		s.Regs[r] = a.v.Const(c)
	}
	for r, v := range a.Params {
		s.Regs[r] = v
	}
	return s
}

// assumed is the value of an atom: itself, or what it is taken to be.
func (a *analysis) assumed(x Atom) ID {
	if a.Assume != nil {
		if c, ok := a.Assume(a.v, x); ok {
			return a.v.Const(c)
		}
	}
	return a.v.one(x)
}

// in reports whether an address is in the function.
func (a *analysis) in(pc uint64) bool {
	return pc >= a.fn.Start && pc < a.fn.Start+uint64(len(a.fn.Code))
}

func (a *analysis) enqueue(pc uint64, s *State) {
	off := pc - a.fn.Start
	b := a.blk.at(off)
	if b == nil {
		b = &block{state: s.clone()}
		a.blk.set(off, b)
	} else {
		var before *State
		enough := b.visits > maxVisits || b.visits > maxStrictVisits && a.coarse()
		if enough {
			before = b.state.clone()
		}
		a.merged += len(b.state.slots)
		if !b.state.merge(a, s) {
			return
		}
		if enough {
			a.widen(b.state, before)
		}
	}
	if !b.queued {
		b.queued = true
		a.q.push(pc)
	}
}

// coarse reports whether values that are given up in loops only show less of what
// is impossible. Otherwise the last place found is looked at first, so that loops
// settle before what follows them is widened.
func (e *Env) coarse() bool { return e.Strict || e.Probe || e.Coarse }

// widen gives up on whatever still changes after many visits.
func (a *analysis) widen(s, before *State) {
	for i := range a.m.Regs {
		if s.Regs[i] != before.Regs[i] {
			s.Regs[i] = Top
		}
	}
	kept := s.slots[:0]
	for _, p := range s.slots {
		if i := before.find(p.off); i == len(before.slots) || before.slots[i] != p {
			p.v = Top
		}
		if p.v != Top || p.off >= 0 {
			kept = append(kept, p)
		}
	}
	s.slots = kept
}

func (a *analysis) run() {
	for len(a.q.pcs) > 0 {
		pc := a.q.pop()
		b := a.blk.at(pc - a.fn.Start)
		b.queued = false
		b.visits++
		a.walk(pc, b.state.clone())
		if a.Probe && a.res.Returns {
			return
		}
		if a.cost() > maxSteps || a.Cancelled != nil && a.steps&0xfff == 0 && a.Cancelled() {
			a.res.Partial = "too many steps"
			return
		}
	}
}

// landingPads follows the ways on which exceptions enter the function.
func (a *analysis) landingPads() {
	if len(a.fn.Pads) == 0 {
		return
	}
	s := a.unknownState()
	for _, pc := range a.fn.Pads {
		if a.in(pc) {
			a.enqueue(pc, s)
		}
	}
	a.run()
}

// unknownState is one of which nothing is known but what holds everywhere; for
// the stack pointer, what it is at all calls. If that is not known either, it
// is far below: nothing is known of the words there.
func (a *analysis) unknownState() *State {
	s := new(State)
	sp := None
	for _, p := range a.points {
		if p.Op == machine.Call {
			sp = a.v.Join(sp, p.State.Regs[a.m.SP])
		}
	}
	if sp == Top || len(a.v.sets[sp]) != 1 {
		sp = a.v.one(Atom{Kind: Entry, Reg: uint8(a.m.SP), Add: -1 << 24})
	}
	s.Regs[a.m.SP] = sp
	if a.m.Zero != machine.None {
		s.Regs[a.m.Zero] = a.v.Const(0)
	}
	for r, c := range a.fn.Init {
		s.Regs[r] = a.v.Const(c)
	}
	return s
}

// cost is that of the analysis so far, in steps.
func (a *analysis) cost() int { return a.steps + a.merged/mergedSlots }

func (a *analysis) worked(n int) {
	if a.Work != nil {
		*a.Work += n
	}
}

// lift returns the operations of the instruction at an offset.
func (a *analysis) lift(off int) (lifted, bool) {
	l := a.at.at(uint64(off))
	if l.len != 0 {
		return l, true
	}
	first := len(a.ops)
	ops, n, err := a.m.Lift(a.ops, a.fn.Code[off:], a.fn.Start+uint64(off))
	if err != nil || n <= 0 {
		a.ops = a.ops[:first]
		a.worked(int(a.m.Align))
		return l, false
	}
	a.ops = ops
	l = lifted{uint32(first), uint32(len(ops) - first), uint8(n)}
	a.at.set(uint64(off), l)
	a.worked(n)
	return l, true
}

// walk executes from pc until control leaves or meets a block whose state
// already covers this one.
func (a *analysis) walk(pc uint64, s *State) {
	end := a.fn.Start + uint64(len(a.fn.Code))
	first := true
	for {
		if pc >= end {
			a.ends(pc, s)
			return
		}
		if !first {
			if b := a.blk.at(pc - a.fn.Start); b != nil {
				a.enqueue(pc, s)
				return
			}
		}
		first = false
		off := int(pc - a.fn.Start)
		l, ok := a.lift(off)
		if !ok {
			a.res.Partial = "undecodable instruction"
			return
		}
		if a.beyond {
			a.isles.set(uint64(off), true)
		} else {
			a.res.visited.set(uint64(off), true)
		}
		a.steps++
		next := pc + uint64(l.len)
		for _, in := range a.ops[l.first : l.first+l.n] {
			a.last = in.Op
			if !a.step(in, s, pc, next) {
				return
			}
		}
		if a.cost() > maxSteps {
			return
		}
		pc = next
	}
}

// ends handles running off the end: into the part of the function that its
// unwind information left out, unless the last call does not return.
func (a *analysis) ends(pc uint64, s *State) {
	if a.last == machine.Call || a.beyond {
		return
	}
	a.res.Ends = true
	a.point(Point{Addr: pc - 1, Op: machine.Jump, Target: pc}, s)
}

func (a *analysis) point(p Point, s *State) {
	if q := a.points[p.Addr]; q != nil {
		q.State.merge(a, s)
		q.Callee = a.v.Join(q.Callee, p.Callee)
		return
	}
	p.State = s.clone()
	a.points[p.Addr] = &p
}

// From analyses the rest of a function from an instruction that no path
// reaches, with nothing known.
func (e *Env) From(fn *Func, offset int) *Result {
	sub := *fn
	sub.Start += uint64(offset)
	sub.Entry = 0
	sub.Code = fn.Code[offset:]
	return e.Analyze(&sub)
}
