// Package emit compiles what a filter decides into the cheapest program known
// to decide it, and proves each program before it returns it.
package emit

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/net/bpf"

	"github.com/elastic/go-seccomp-bpf/cbpf"
	"github.com/elastic/go-seccomp-bpf/internal/decision"
)

// An Objective says what a program is to be cheapest in.
type Objective int

const (
	// MeanWithBitmap minimises the expected cost on Linux 5.11 and later,
	// where calls that are always allowed never reach the program.
	MeanWithBitmap Objective = iota
	// Mean minimises the expected cost where every call runs the program.
	Mean
	// WorstCase minimises the longest path.
	WorstCase
	// Size minimises the number of instructions.
	Size
)

// MaxInstructions is how long a program the kernel takes (BPF_MAXINSNS).
const MaxInstructions = 4096

// Options steer the compiler. The zero value is right for current kernels.
type Options struct {
	Objective Objective
	// Weight says how often a number is called, on any scale. Nil: nothing is
	// known, and low numbers count a little more.
	Weight func(arch, nr uint32) float64
	// SkipProof returns the program without comparing it to the Spec. It is
	// for measuring what the proof costs.
	SkipProof bool
}

// A Result is a program that decides as its Spec does.
type Result struct {
	Program   []bpf.RawInstruction
	Objective Objective // what it was compiled for in the end
}

// A MismatchError says that the compiler made a program that differs from its
// Spec. It cannot happen; if it does, it is a bug to report, and the program
// is not returned.
type MismatchError struct {
	Witness decision.Witness // A is the Spec's action, B the program's
}

func (e *MismatchError) Error() string {
	w := &e.Witness
	return fmt.Sprintf("internal error: the compiled filter differs from its policy: arch %#x, number %d, arguments %#x %#x %#x %#x %#x %#x must give %#x, gives %#x; please report this with your policy",
		w.Arch(), w.NR(), w.Arg(0), w.Arg(1), w.Arg(2), w.Arg(3), w.Arg(4), w.Arg(5), w.A, w.B)
}

// A TooLongError says that no layout of the policy fits the kernel's limit.
type TooLongError struct {
	Instructions int        // what the smallest layout needs
	Costs        []CallCost // the calls that need most, largest first
}

// A CallCost is how many instructions decide one call's arguments. Calls with
// equal rules share theirs.
type CallCost struct {
	Arch, NR     uint32
	Instructions int
}

func (e *TooLongError) Error() string {
	return fmt.Sprintf("the filter needs %d instructions, the kernel takes at most %d", e.Instructions, MaxInstructions)
}

// nodeLimit lets the diagrams of a policy grow larger than those of a program
// from elsewhere may: about 150 MB and two seconds, which no policy in the field
// comes near. A space that has grown beyond keepNodes is not kept.
const (
	nodeLimit = 4 * decision.DefaultNodeLimit
	keepNodes = 1 << 16
)

// A workspace is memory that one compilation leaves to the next.
type workspace struct {
	space *decision.Space
	code  *code
}

var workspaces = sync.Pool{New: func() any { return &workspace{decision.NewSpace(0), newCode()} }}

// Compile returns the program for a Spec. Where the objective's program would
// be too long for the kernel, it is compiled for size instead.
func Compile(spec *decision.Spec, opt Options) (*Result, error) {
	work := workspaces.Get().(*workspace)
	space := work.space
	space.Reset(nodeLimit)
	defer func() {
		if space.Len() < keepNodes {
			workspaces.Put(work)
		}
	}()
	parts, err := space.Parts(spec)
	if err != nil {
		return nil, err
	}
	c := compiler{space: space, spec: spec, parts: parts, opt: opt, code: work.code}
	prog := c.compile()
	if len(prog) > MaxInstructions && opt.Objective != Size {
		c.opt.Objective = Size
		prog = c.compile()
	}
	if len(prog) > MaxInstructions {
		return nil, &TooLongError{Instructions: len(prog), Costs: c.costs(5)}
	}
	if !opt.SkipProof {
		if err := prove(space, space.Whole(spec, parts), prog, spec.BigEndian); err != nil {
			return nil, err
		}
	}
	return &Result{Program: prog, Objective: c.opt.Objective}, nil
}

// prove compares what a program computes with what it should.
func prove(space *decision.Space, want decision.Node, prog []bpf.RawInstruction, bigEndian bool) error {
	got, err := space.Lift(prog, bigEndian)
	if err != nil {
		return errors.Join(errors.New("prove the compiled filter"), err)
	}
	if w, differ := space.Difference(want, got); differ {
		return &MismatchError{Witness: w}
	}
	return nil
}

type compiler struct {
	space *decision.Space
	spec  *decision.Spec
	parts [][]decision.Outcome // by ABI
	opt   Options
	code  *code
	args  *argCoder
}

func (c *compiler) compile() []bpf.RawInstruction {
	c.code.reset()
	c.args = newArgCoder(c)
	root := c.code.ret(c.spec.BadArch)
	for i := range slices.Backward(c.spec.ABIs) {
		a := &c.spec.ABIs[i]
		numbers := c.code.load(decision.WordNR.Offset(c.spec.BigEndian), c.numbers(a, c.parts[i]))
		root = c.code.jump(opJEQ, a.Arch, numbers, root)
	}
	if len(c.spec.ABIs) > 0 {
		root = c.code.load(decision.WordArch.Offset(c.spec.BigEndian), root)
	}
	return c.code.layout(root)
}

// costs returns the calls whose rules need most instructions.
func (c *compiler) costs(most int) []CallCost {
	var list []CallCost
	for i := range c.spec.ABIs {
		a := &c.spec.ABIs[i]
		for j := range a.Calls {
			if n := c.code.count(c.args.whole(c.space.Rules(a.Calls[j].Rules, a.Calls[j].Else)).block); n > 1 {
				list = append(list, CallCost{a.Arch, a.Calls[j].NR, n})
			}
		}
	}
	slices.SortStableFunc(list, func(a, b CallCost) int { return b.Instructions - a.Instructions })
	return list[:min(most, len(list))]
}

// permits reports whether a filter's return value lets the call happen.
func permits(action uint32) bool {
	a := action & cbpf.RetActionFull
	return a == cbpf.RetAllow || a == cbpf.RetLog
}
