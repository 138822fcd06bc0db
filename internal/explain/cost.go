package explain

import (
	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/cbpf"
)

// A Cost is what a filter costs, in executed instructions; that of a stack is
// the sum of its programs'.
type Cost struct {
	Instructions int     `json:"instructions"`
	Longest      int     `json:"longest_path"` // instructions on the longest path
	Mean         float64 `json:"mean"`         // over the ABI's calls, every argument 0, each call counted once
	Constant     int     `json:"constant_allows"`
	Bitmap       int     `json:"bitmap_allows"` // constant allows that Linux 5.11 answers without running the filter
}

// Cost measures the filter for the calls of an ABI.
func (f *Filter) Cost(abi *ABI) Cost {
	var c Cost
	for _, p := range f.Programs {
		c.Instructions += len(p)
		c.Longest += p.LongestPath()
	}
	total, count := 0, 0
	for i := range abi.Entries {
		e := &abi.Entries[i]
		if e.Name == "" {
			continue
		}
		count++
		total += f.executed(cbpf.Data{Arch: uint32(abi.Info.ID), NR: e.Lo})
		if v, ok := f.Space.Value(e.Node); ok && v&cbpf.RetActionFull == cbpf.RetAllow {
			c.Constant++
			if f.bitmap(abi.Info, e.Lo) {
				c.Bitmap++
			}
		}
	}
	if count > 0 {
		c.Mean = float64(total) / float64(count)
	}
	return c
}

// executed is how many instructions of all programs decide a call.
func (f *Filter) executed(call cbpf.Data) int {
	w := call.Words(f.BigEndian)
	n := 0
	for _, p := range f.Programs {
		_, steps := p.Run(&w)
		n += steps
	}
	return n
}

func (f *Filter) bitmap(abi *arch.Info, nr uint32) bool {
	for _, p := range f.Programs {
		if !p.ConstAllow(uint32(abi.ID), nr) {
			return false
		}
	}
	return true
}
