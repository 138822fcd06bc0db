package flow

// queue holds addresses, the lowest first: most code is laid out so that what
// leads to a place precedes it, which is then looked at once.
type queue []uint64

func (q *queue) push(pc uint64) {
	h := append(*q, pc)
	for i := len(h) - 1; i > 0; {
		up := (i - 1) / 2
		if h[up] <= h[i] {
			break
		}
		h[up], h[i] = h[i], h[up]
		i = up
	}
	*q = h
}

func (q *queue) pop() uint64 {
	h := *q
	pc, last := h[0], len(h)-1
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
	*q = h
	return pc
}
