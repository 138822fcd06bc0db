package explain

import (
	"golang.org/x/net/bpf"

	"github.com/elastic/go-seccomp-bpf/cbpf"
)

// A Verdict is what a filter does to one call, and how it comes to that.
type Verdict struct {
	Action   uint32
	Programs []ProgramVerdict // newest first
}

// A ProgramVerdict is one program's part in a verdict.
type ProgramVerdict struct {
	Action  uint32
	Path    []int // the instructions executed
	Decides bool  // its action is the one that the kernel takes
}

// Decide applies the filter's programs to a call, as the kernel does.
func (f *Filter) Decide(call cbpf.Data) Verdict {
	words := call.Words(f.BigEndian)
	var v Verdict
	var returns []uint32
	for _, p := range f.Programs {
		ret, _ := p.Run(&words)
		returns = append(returns, ret)
		v.Programs = append(v.Programs, ProgramVerdict{Action: ret})
	}
	v.Action = cbpf.Combine(returns...)
	for i := range v.Programs {
		if returns[i] == v.Action {
			v.Programs[i].Decides = true
			break
		}
	}
	return v
}

// FindPaths fills in the paths of a verdict on a call.
func (f *Filter) FindPaths(v *Verdict, call cbpf.Data) {
	words := call.Words(f.BigEndian)
	for i, p := range f.Programs {
		v.Programs[i].Path = path(p, &words)
	}
}

// path lists the instructions that a program executes. An instruction is on the
// path when a return in its place is reached.
func path(p cbpf.Program, words *[16]uint32) []int {
	ret, executed := p.Run(words)
	out := make([]int, 0, executed)
	probe := append(cbpf.Program(nil), p...)
	for i := range p {
		const retK = 0x06
		probe[i] = bpf.RawInstruction{Op: retK, K: ^ret}
		if got, _ := probe.Run(words); got == ^ret {
			out = append(out, i)
		}
		probe[i] = p[i]
	}
	return out
}
