package explain

import (
	"math/bits"
	"slices"

	"github.com/elastic/go-seccomp-bpf/internal/decision"
	"github.com/elastic/go-seccomp-bpf/internal/symbols"
)

// An Op is how a condition compares.
type Op string

// The operations of conditions.
const (
	OpIn      Op = "in"           // one of Values
	OpNotIn   Op = "not in"       // none of Values
	OpRange   Op = "range"        // Lo to Hi
	OpMask    Op = "masked"       // argument & Mask == Value
	OpNotMask Op = "masked other" // argument & Mask != Value
)

// ArgIP is the Arg of a condition on the instruction pointer.
const ArgIP = 6

// A Cond compares the low Bits bits of one argument.
type Cond struct {
	Arg         int // 0 to 5, or ArgIP
	Bits        int // 32 or 64
	Op          Op
	Values      []uint64 // ascending
	Lo, Hi      uint64
	Mask, Value uint64
}

// wordOf is the first of the two words of an argument.
func wordOf(arg int) decision.Word { return decision.WordArg0 + decision.Word(2*arg) }

// A phrase says a predicate over one argument: one of the alternatives holds,
// in which all conditions do. The cost is what it takes to read.
type phrase struct {
	alts [][]Cond
	cost int
}

const (
	maxIntervals = 2048 // of one argument
	maxCubes     = 64
	maxDepth     = 4
	valuesAsCost = 8 // values of a set that are as hard to read as one more comparison
	shortRange   = 16
	unsayable    = 1 << 20
)

// A phraser looks for the shortest phrase of predicates over one argument.
type phraser struct {
	s    *decision.Space
	arg  int
	kind symbols.Kind
}

func (f *phraser) phrase(p decision.Node, depth int) phrase {
	if v, ok := f.s.Value(p); ok {
		if v != 0 {
			return phrase{alts: [][]Cond{{}}}
		}
		return phrase{}
	}
	best := f.intervals(p)
	for _, other := range []func(decision.Node, int) phrase{f.masks, f.hull, f.halves} {
		if best.cost <= 1 {
			break
		}
		if q := other(p, depth); q.cost < best.cost {
			best = q
		}
	}
	return best
}

// width is how many of the argument's bits the predicate looks at.
func (f *phraser) width(p decision.Node) int {
	if f.s.Bits(p)[wordOf(f.arg)] == 0 {
		return 32
	}
	return 64
}

func one(cost int, conds ...Cond) phrase { return phrase{alts: [][]Cond{conds}, cost: cost} }

// intervals says the predicate with sets and ranges.
func (f *phraser) intervals(p decision.Node) phrase {
	width, word := f.width(p), wordOf(f.arg)
	var parts []decision.Part
	var ok bool
	if width == 32 {
		parts, ok = f.s.Intervals32(p, word+1, maxIntervals)
	} else {
		parts, ok = f.s.Intervals64(p, word, maxIntervals)
	}
	if !ok {
		return phrase{cost: unsayable}
	}
	var yes, no []decision.Interval
	for _, part := range parts {
		if v, _ := f.s.Value(part.To); v != 0 {
			yes = append(yes, part.Interval)
		} else {
			no = append(no, part.Interval)
		}
	}
	best := f.union(yes, width)
	if values, ok := f.values(no); ok {
		if q := one(setCost(values), Cond{Arg: f.arg, Bits: width, Op: OpNotIn, Values: values}); q.cost < best.cost {
			best = q
		}
	}
	hull := decision.Interval{Lo: yes[0].Lo, Hi: yes[len(yes)-1].Hi}
	if values, ok := f.values(between(no, hull)); ok && len(values) > 0 {
		r := f.rangeCond(hull, width)
		if q := one(2+setCost(values), r, Cond{Arg: f.arg, Bits: width, Op: OpNotIn, Values: values}); q.cost < best.cost {
			best = q
		}
	}
	return best
}

// union says that one of the intervals holds the value.
func (f *phraser) union(list []decision.Interval, width int) phrase {
	if values, ok := f.values(list); ok {
		return one(setCost(values), Cond{Arg: f.arg, Bits: width, Op: OpIn, Values: values})
	}
	var p phrase
	var values []uint64
	for _, iv := range list {
		if iv.Lo == iv.Hi {
			values = append(values, iv.Lo)
			continue
		}
		p.alts = append(p.alts, []Cond{f.rangeCond(iv, width)})
		p.cost += 2
		if f.kind == symbols.Flags {
			p.cost += 2
		}
	}
	if len(values) > 0 {
		p.alts = append(p.alts, []Cond{{Arg: f.arg, Bits: width, Op: OpIn, Values: values}})
		p.cost += setCost(values)
	}
	return p
}

func (f *phraser) rangeCond(iv decision.Interval, width int) Cond {
	return Cond{Arg: f.arg, Bits: width, Op: OpRange, Lo: iv.Lo, Hi: iv.Hi}
}

func setCost(values []uint64) int { return 1 + len(values)/valuesAsCost }

// values lists the values of intervals when a set says them best.
func (f *phraser) values(list []decision.Interval) ([]uint64, bool) {
	var out []uint64
	for _, iv := range list {
		n := iv.Hi - iv.Lo
		if n > shortRange || n > 1 && f.kind == symbols.Plain {
			return nil, false
		}
		for v := iv.Lo; ; v++ {
			out = append(out, v)
			if v == iv.Hi {
				break
			}
		}
	}
	return out, true
}

// between is the part of ascending intervals that lies within a hull.
func between(list []decision.Interval, hull decision.Interval) []decision.Interval {
	return slices.DeleteFunc(slices.Clone(list), func(iv decision.Interval) bool {
		return iv.Hi < hull.Lo || iv.Lo > hull.Hi
	})
}

// masks says the predicate with masks: one of some cubes, or none of others.
func (f *phraser) masks(p decision.Node, _ int) phrase {
	width, word := f.width(p), wordOf(f.arg)
	best := phrase{cost: unsayable}
	if cubes, ok := f.s.Cover(p, word, maxCubes); ok {
		best = phrase{}
		for _, q := range cubes {
			best.alts = append(best.alts, []Cond{f.maskCond(q, width, OpMask)})
			best.cost += 3
		}
	}
	if cubes, ok := f.s.Cover(f.s.Not(p), word, maxCubes); ok && (len(best.alts) != 1 || best.cost >= unsayable) && 2*len(cubes) < best.cost {
		conds := make([]Cond, len(cubes))
		for i, q := range cubes {
			conds[i] = f.maskCond(q, width, OpNotMask)
		}
		best = one(2*len(cubes), conds...)
	}
	if len(best.alts) == 1 && len(best.alts[0]) == 1 {
		best.cost = 2
		if f.kind == symbols.Flags {
			best.cost = 1
		}
	}
	return best
}

func (f *phraser) maskCond(q decision.Cube, width int, op Op) Cond {
	if q.Mask == ^uint64(0)>>(64-width) {
		set := OpIn
		if op == OpNotMask {
			set = OpNotIn
		}
		return Cond{Arg: f.arg, Bits: width, Op: set, Values: []uint64{q.Value}}
	}
	return Cond{Arg: f.arg, Bits: width, Op: op, Mask: q.Mask, Value: q.Value}
}

// hull says first which bits are the same for all values, and then the rest.
func (f *phraser) hull(p decision.Node, depth int) phrase {
	if depth >= maxDepth {
		return phrase{cost: unsayable}
	}
	q := f.s.Hull(p, wordOf(f.arg))
	if q.Mask == 0 {
		return phrase{cost: unsayable}
	}
	rest := f.phrase(f.s.Assume(p, wordOf(f.arg), q), depth+1)
	return f.with(rest, q)
}

// with adds to each alternative that the bits of a cube are what they are.
func (f *phraser) with(rest phrase, q decision.Cube) phrase {
	width := 32
	if q.Mask>>32 != 0 {
		width = 64
	}
	out := phrase{cost: rest.cost + 2}
	for _, alt := range rest.alts {
		out.alts = append(out.alts, append([]Cond{f.maskCond(q, width, OpMask)}, alt...))
	}
	return out
}

// halves says what the upper half must be and then what the lower one must.
func (f *phraser) halves(p decision.Node, depth int) phrase {
	if depth >= maxDepth || f.width(p) == 32 {
		return phrase{cost: unsayable}
	}
	word := wordOf(f.arg)
	cases, ok := f.s.Split(p, word, maxCubes)
	if !ok {
		return phrase{cost: unsayable}
	}
	var out phrase
	for _, c := range cases {
		if v, ok := f.s.Value(c.To); ok && v == 0 {
			continue
		}
		cubes, ok := f.s.Cover(c.When, word, maxCubes)
		if !ok {
			return phrase{cost: unsayable}
		}
		low := f.phrase(c.To, depth+1)
		for _, q := range cubes {
			both := f.with(low, q)
			out.alts = append(out.alts, both.alts...)
			out.cost += both.cost + bits.OnesCount(uint(len(out.alts))) + 1
		}
		if out.cost > unsayable || len(out.alts) > maxIntervals {
			return phrase{cost: unsayable}
		}
	}
	return out
}
