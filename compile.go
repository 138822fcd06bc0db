package seccomp

import (
	"encoding/binary"
	"fmt"
	"io"

	"golang.org/x/net/bpf"

	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/internal/decision"
	"github.com/elastic/go-seccomp-bpf/internal/emit"
)

// CompileOptions steer Compile. The zero value, and nil, are right for a filter
// that this process loads.
type CompileOptions struct {
	// ABI is the native ABI of the machine that the filter is for, from
	// arch.GetInfo. Nil is the one this process runs on; where that is not
	// Linux, or the policy names only ABIs of the other byte order, the first
	// ABI that the policy names.
	ABI *arch.Info

	// Objective is what a cheap program is; zero is the mean cost on Linux 5.11
	// and later.
	Objective Objective

	// Weights is how often each system call is made, by name, to any scale
	// (ParseWeights reads some). Nil is a built-in typical profile; an empty map
	// says that nothing is known. A call that is not in the map weighs nothing.
	Weights map[string]float64

	// SkipProof leaves out the proof that the program decides every call as the
	// policy does. Zero proves it, which takes about as long as compiling.
	SkipProof bool
}

// Objective is what is made small when a policy becomes a program.
type Objective int

// The objectives.
const (
	MeanWithBitmap Objective = iota // Mean cost where the kernel answers constant allows from a bitmap (Linux 5.11).
	Mean                            // Mean cost where every call runs the filter: older kernels, or a stack of filters.
	WorstCase                       // The longest path.
	Size                            // The number of instructions.
)

var emitObjectives = map[Objective]emit.Objective{
	MeanWithBitmap: emit.MeanWithBitmap,
	Mean:           emit.Mean,
	WorstCase:      emit.WorstCase,
	Size:           emit.Size,
}

// A Compiled is a policy as the program that the kernel runs.
type Compiled struct {
	// Notes say what a reader of the policy may not expect of the program.
	Notes []Note

	program   []bpf.RawInstruction
	abis      []*arch.Info
	bigEndian bool
	kinds     []Action // the actions the program may return, without data
}

// Compile turns the policy into a program and proves that the two decide alike.
// The policy must be valid; names that no ABI has are errors.
func (p *Policy) Compile(opts *CompileOptions) (*Compiled, error) {
	if opts == nil {
		opts = &CompileOptions{}
	}
	objective, ok := emitObjectives[opts.Objective]
	if !ok {
		return nil, fmt.Errorf("compile policy: unknown objective %d", opts.Objective)
	}
	r, err := p.resolve(opts.ABI)
	if err != nil {
		return nil, err
	}
	result, err := emit.Compile(r.spec, emit.Options{
		Objective: objective,
		Weight:    r.weight(opts.Weights),
		SkipProof: opts.SkipProof,
	})
	if err != nil {
		return nil, fmt.Errorf("compile policy: %w", err)
	}
	return &Compiled{
		Notes:     r.notes,
		program:   result.Program,
		abis:      r.abis,
		bigEndian: r.spec.BigEndian,
		kinds:     p.kinds(r.spec),
	}, nil
}

// Raw is the program as the kernel takes it, in this process's memory order.
func (c *Compiled) Raw() []bpf.RawInstruction {
	return append([]bpf.RawInstruction(nil), c.program...)
}

// Instructions is the program in the types of golang.org/x/net/bpf. Assembling
// them again gives Raw.
func (c *Compiled) Instructions() []bpf.Instruction {
	out := make([]bpf.Instruction, len(c.program))
	for i, raw := range c.program {
		out[i] = raw
		decoded := raw.Disassemble()
		if again, err := decoded.Assemble(); err == nil && again == raw {
			out[i] = decoded
		}
	}
	return out
}

// ABIs are the ABIs that the program covers, the native one first.
func (c *Compiled) ABIs() []*arch.Info { return append([]*arch.Info(nil), c.abis...) }

// ByteOrder is the byte order of the machine that the program is for.
func (c *Compiled) ByteOrder() binary.ByteOrder {
	if c.bigEndian {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

// Assemble compiles the policy for this machine into a list of BPF
// instructions. If the policy contains unknown syscalls or invalid actions, an
// error is returned.
func (p *Policy) Assemble() ([]bpf.Instruction, error) {
	c, err := p.Compile(nil)
	if err != nil {
		return nil, err
	}
	return c.Instructions(), nil
}

// Dump writes the program that Assemble returns as text, one numbered
// instruction to the line.
func (p *Policy) Dump(out io.Writer) error {
	c, err := p.Compile(nil)
	if err != nil {
		return err
	}
	return c.Dump(out)
}

// Dump writes the program as text, one numbered instruction to the line.
func (c *Compiled) Dump(out io.Writer) error {
	for n, instruction := range c.Instructions() {
		if _, err := fmt.Fprintf(out, "%d: %v\n", n, instruction); err != nil {
			return err
		}
	}
	return nil
}

// weight is how much each number weighs, nil when that is not known.
func (r *resolver) weight(names map[string]float64) func(arch, nr uint32) float64 {
	if names == nil {
		names = typicalWeights
	}
	if len(names) == 0 {
		return nil
	}
	type key struct{ arch, nr uint32 }
	weights := make(map[key]float64, len(r.abis)*len(names))
	for _, abi := range r.abis {
		for name, weight := range names {
			// Where a number has several names, that of the kernel's table counts.
			nr, ok := abi.Number(name)
			if !ok {
				continue
			}
			if own, _ := abi.SyscallName(nr); own == name {
				weights[key{uint32(abi.ID), nr}] = weight
			}
		}
	}
	return func(id, nr uint32) float64 { return weights[key{id, nr}] }
}

// kinds lists the actions that the program of spec may return, without data.
func (p *Policy) kinds(spec *decision.Spec) []Action {
	var kinds []Action
	for _, n := range actionNames {
		want := uint32(n.action)
		if n.action == ActionKillThread {
			want = killThreadReturn
		}
		if specReturns(spec, want) {
			kinds = append(kinds, n.action)
		}
	}
	return kinds
}

func specReturns(spec *decision.Spec, kind uint32) bool {
	is := func(ret uint32) bool { return ret&^uint32(dataMask) == kind }
	if is(spec.BadArch) {
		return true
	}
	for _, abi := range spec.ABIs {
		if is(abi.Default) {
			return true
		}
		for _, r := range abi.Ranges {
			if is(r.Action) {
				return true
			}
		}
		for _, c := range abi.Calls {
			if is(c.Else) {
				return true
			}
			for _, r := range c.Rules {
				if is(r.Action) {
					return true
				}
			}
		}
	}
	return false
}
