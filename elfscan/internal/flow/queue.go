package flow

// queue holds addresses. The last is the first to come, or the lowest: most code is
// laid out so that what leads to a place precedes it, which is then looked at once.
type queue struct {
	lowest bool
	pcs    []uint64 // a heap, if the lowest comes first
}

func (q *queue) push(pc uint64) {
	h := append(q.pcs, pc)
	for i := len(h) - 1; q.lowest && i > 0; {
		up := (i - 1) / 2
		if h[up] <= h[i] {
			break
		}
		h[up], h[i] = h[i], h[up]
		i = up
	}
	q.pcs = h
}

func (q *queue) pop() uint64 {
	h := q.pcs
	last := len(h) - 1
	if !q.lowest {
		q.pcs = h[:last]
		return h[last]
	}
	pc := h[0]
	h[0] = h[last]
	h = h[:last]
	for i := 0; ; {
		down := 2*i + 1
		if down+1 < last && h[down+1] < h[down] {
			down++
		}
		if down >= last || h[i] <= h[down] {
			break
		}
		h[i], h[down] = h[down], h[i]
		i = down
	}
	q.pcs = h
	return pc
}
