package flow

const pageBits = 8

// paged is an array of any length in which only the parts that are used take
// room: entries into large tables among the code are followed a little way.
type paged[T any] struct {
	pages [][]T
}

func (p *paged[T]) at(i uint64) (v T) {
	if k := i >> pageBits; k < uint64(len(p.pages)) && p.pages[k] != nil {
		return p.pages[k][i&(1<<pageBits-1)]
	}
	return v
}

func (p *paged[T]) set(i uint64, v T) {
	k := i >> pageBits
	if n := uint64(len(p.pages)); k >= n {
		p.pages = append(p.pages, make([][]T, k+1-n)...)
	}
	if p.pages[k] == nil {
		p.pages[k] = make([]T, 1<<pageBits)
	}
	p.pages[k][i&(1<<pageBits-1)] = v
}
