package emit

import (
	"math/bits"

	"github.com/elastic/go-seccomp-bpf/internal/decision"
)

// A runCount is into how many runs of equal outcome a function parts the values
// of a word, from the function's first bit on, and the first outcome and the
// last.
type runCount struct {
	stamp       uint32
	n           int
	first, last decision.Node
}

// manyRuns is where counting ends: no program has as many.
const manyRuns = 1 << 20

// A runTable remembers the counts of one word and mask.
type runTable struct {
	of    []runCount // by node
	word  decision.Word
	mask  uint32
	stamp uint32 // of the counts that hold
}

// begin forgets the counts of another word, another mask or another space.
func (t *runTable) begin(nodes int, w decision.Word, mask uint32) {
	if len(t.of) < nodes {
		t.of = append(t.of, make([]runCount, nodes-len(t.of))...)
	}
	if t.stamp != 0 && t.word == w && t.mask == mask {
		return
	}
	if t.stamp++; t.stamp == 0 {
		clear(t.of)
		t.stamp = 1
	}
	t.word, t.mask = w, mask
}

// forget is for when nodes change their meaning.
func (t *runTable) forget() { t.word = decision.Words }

// countRuns tells how many items a function has, without listing them: it takes
// as long as the function has nodes, where the items may be as many as values.
func (a *argCoder) countRuns(w decision.Word, fn decision.Node, mask uint32) int {
	a.code.runs.begin(a.space.Len()+1, w, mask)
	return a.runsBelow(fn, 31).n
}

// runsBelow counts from a bit on, which the function may not depend on.
func (a *argCoder) runsBelow(fn decision.Node, bit int) runCount {
	t := &a.code.runs
	r, own := runCount{n: 1, first: fn, last: fn}, -1
	if w, b, clear, set, ok := a.space.Branch(fn); ok && w == t.word {
		own = int(b)
		if r = t.of[fn]; r.stamp != t.stamp {
			low, high := a.runsBelow(clear, own-1), a.runsBelow(set, own-1)
			r = runCount{t.stamp, low.n + high.n, low.first, high.last}
			if low.last == high.first {
				r.n--
			}
			r.n = min(r.n, manyRuns)
			t.of[fn] = r
			a.code.effort.spend(20)
		}
	}
	// Both values of a bit that does not matter have all the runs.
	skipped := bits.OnesCount32(t.mask & (1<<(bit+1) - 1) &^ (1<<(own+1) - 1))
	for ; skipped > 0 && r.n > 1 && r.n < manyRuns; skipped-- {
		r.n *= 2
		if r.first == r.last {
			r.n--
		}
	}
	return r
}
