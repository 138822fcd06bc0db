package emit

import "slices"

// build turns the cheapest steps into code.
func (s *searcher) build(i, j, h int) built {
	var c step
	var gone holes
	if h == 0 {
		c = s.first(i, j)
	} else {
		gone = s.holes(i, j, h)
		c = s.firstHoled(i, j, h)
	}
	weight := s.sum[j+1] - s.sum[i]
	for _, k := range gone {
		weight -= s.items[k].weight
	}
	switch c.kind {
	case stepThreshold:
		left := 0
		for _, k := range gone {
			if k <= c.at {
				left++
			}
		}
		low, high := s.build(i, c.at, left), s.build(c.at+1, j, h-left)
		return built{s.code.jump(opJGE, s.items[c.at+1].lo, high.block, low.block), weight + low.tests + high.tests, 1 + low.count + high.count}
	case stepPeel:
		it, rest := &s.items[c.at], s.build(i, j, h+1)
		return built{s.code.jump(opJEQ, it.lo, it.to, rest.block), weight + rest.tests, 1 + rest.count}
	case stepBit:
		set, clear, _ := s.halves(i, c.at)
		return built{s.code.jump(opJSET, 1<<c.at, set, clear), weight, 1}
	case stepChain:
		return s.buildChain(s.singles(i, j, c.base, gone, nil), c.base, weight)
	}
	return built{block: c.base}
}

func (s *searcher) buildChain(list []int, base block, weight float64) built {
	b := built{block: base, count: float64(len(list))}
	for q := range list {
		b.tests += weight
		weight -= s.items[list[q]].weight
	}
	for _, k := range slices.Backward(list) {
		b.block = s.code.jump(opJEQ, s.items[k].lo, s.items[k].to, b.block)
	}
	return b
}
