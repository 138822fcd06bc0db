package emit

import (
	"math"

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

// numbers returns the code that decides an ABI's number in the accumulator.
func (c *compiler) numbers(a *decision.ABI, outcomes []decision.Outcome) block {
	w := c.weigh(a, outcomes)
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
	return c.code.tree(items, c.opt.Objective.goal(w.total/float64(len(items)))).block
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
