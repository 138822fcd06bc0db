package emit

import (
	"math"
	"slices"

	"github.com/elastic/go-seccomp-bpf/cbpf"
	"github.com/elastic/go-seccomp-bpf/internal/decision"
)

const (
	// window is how many numbers are weighed: those that an ABI's table holds,
	// from its first. MIPS counts from 4000, 5000 and 6000; x32 and ARM keep
	// some apart, which go unweighed.
	window = 512
	// cachedWeight is what a call that the kernel's bitmap answers counts. It
	// is not nothing: the program runs for it in a stack of filters of which
	// another defeats the bitmap.
	cachedWeight = 1e-5
	// unseenWeight, a share of the whole, keeps numbers that no profile knows
	// from sinking to the bottom of the tree.
	unseenWeight = 1e-4
)

// unknownWeight is the weight of a number of which no profile is known: all
// alike, the very first ones more, as the oldest calls are the most used.
func unknownWeight(n uint32) float64 { return 1 + 4*math.Exp(-float64(n)/25) }

// otherABI is the bit that x32's numbers have beside x86_64's.
const otherABI = 1 << 30

// numbers returns the code that decides an ABI's number in the accumulator.
// Numbers with the bit of another ABI have a tree of their own, which is one
// outcome to the tree of the others: so that these pay nothing for it.
func (c *compiler) numbers(a *decision.ABI, outcomes []decision.Outcome) block {
	w := c.weigh(a, outcomes)
	items := c.weighed(a, outcomes, w)
	c.code.effort.limit = math.MaxInt // numbers have a bound of their own: exactItems
	tree := func(items []item) block {
		return c.code.tree(items, c.opt.Objective.goal(w.total/float64(len(items)))).block
	}
	low, high := halves(items)
	if len(high) < 4 { // a gap and what surrounds it at most, not an ABI
		return tree(items)
	}
	other := tree(high)
	share := w.total * unseenWeight
	join := func(from uint32) {
		low = append(low, item{from, from | (otherABI - 1), other, share})
	}
	sign := slices.IndexFunc(low, func(it item) bool { return it.lo >= 1<<31 })
	above := slices.Clone(low[sign:])
	low = low[:sign]
	join(otherABI)
	low = append(low, above...)
	join(1<<31 | otherABI)
	return tree(low)
}

// halves parts the items by the bit of the other ABI.
func halves(items []item) (low, high []item) {
	for _, it := range items {
		for lo := uint64(it.lo); lo <= uint64(it.hi); {
			part := it
			part.lo, part.hi = uint32(lo), uint32(min(uint64(it.hi), lo|(otherABI-1)))
			if part.lo&otherABI != 0 {
				high = append(high, part)
			} else {
				low = append(low, part)
			}
			lo = uint64(part.hi) + 1
		}
	}
	return low, high
}

// weighed are the items of an ABI's numbers.
func (c *compiler) weighed(a *decision.ABI, outcomes []decision.Outcome, w *weights) []item {
	items := make([]item, 0, len(outcomes))
	for _, o := range outcomes {
		to := c.outcome(a, o)
		start, sum := uint64(o.Lo), w.total*unseenWeight
		for nr := max(o.Lo, w.first); nr <= o.Hi && nr-w.first < window; nr++ {
			weight := w.of[nr-w.first]
			if weight <= w.total/peelable {
				sum += weight
				continue
			}
			// A number this frequent may be worth a test of its own.
			if uint64(nr) > start {
				items = append(items, item{uint32(start), nr - 1, to, sum})
			}
			items = append(items, item{nr, nr, to, weight})
			start, sum = uint64(nr)+1, w.total*unseenWeight
		}
		if start <= uint64(o.Hi) {
			items = append(items, item{uint32(start), o.Hi, to, sum})
		}
	}
	return items
}

// weights is how often the numbers from first on run the program.
type weights struct {
	first uint32
	of    [window]float64
	total float64
}

func (c *compiler) weigh(a *decision.ABI, outcomes []decision.Outcome) *weights {
	w := &weights{total: 1e-9}
	if len(a.Calls) > 0 && a.Calls[0].NR >= window {
		w.first = min(a.Calls[0].NR, math.MaxUint32-window)
	}
	for _, o := range outcomes {
		v, constant := c.space.Value(o.To)
		cached := constant && v == cbpf.RetAllow && c.opt.Objective == MeanWithBitmap
		for nr := max(o.Lo, w.first); nr <= o.Hi && nr-w.first < window; nr++ {
			var weight float64
			if c.opt.Weight != nil {
				weight = c.opt.Weight(a.Arch, nr)
			} else {
				weight = unknownWeight(nr - w.first)
			}
			if cached {
				weight *= cachedWeight
			}
			w.of[nr-w.first] = weight
			w.total += weight
		}
	}
	return w
}
