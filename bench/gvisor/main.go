// Command gvisor compiles a neutral policy with gVisor's pkg/seccomp. With
// -option=weights it is told which calls are hot: those with more than a tenth
// of the weight, as its documentation has it.
package main

import (
	"errors"
	"fmt"
	"slices"

	"gvisor.dev/gvisor/pkg/abi/linux"
	"gvisor.dev/gvisor/pkg/seccomp"

	"github.com/elastic/go-seccomp-bpf/bench/neutral"
)

func main() {
	neutral.Drive(func(p *neutral.Policy, option string) (func() ([]neutral.Instruction, error), error) {
		if len(p.ABIs) > 0 {
			return nil, errors.New("one ABI to a filter")
		}
		def, err := neutral.Action(p.Default)
		if err != nil {
			return nil, err
		}
		options := seccomp.DefaultProgramOptions()
		options.DefaultAction = linux.BPFAction(def)
		options.BadArchAction = linux.SECCOMP_RET_KILL_PROCESS
		if option == "weights" {
			options.HotSyscalls = hot(p)
		}
		return func() ([]neutral.Instruction, error) { return build(p, options) }, nil
	})
}

func hot(p *neutral.Policy) []uintptr {
	var total float64
	for _, w := range p.Weights {
		total += w
	}
	var out []uintptr
	for nr, w := range p.Weights {
		if w > total/10 {
			out = append(out, uintptr(nr))
		}
	}
	slices.SortFunc(out, func(a, b uintptr) int {
		if p.Weights[uint32(a)] > p.Weights[uint32(b)] {
			return -1
		}
		return 1
	})
	return out
}

func build(p *neutral.Policy, options seccomp.ProgramOptions) ([]neutral.Instruction, error) {
	sets, err := ruleSets(p)
	if err != nil {
		return nil, err
	}
	program, _, err := seccomp.BuildProgram(sets, options)
	if err != nil {
		return nil, err
	}
	out := make([]neutral.Instruction, len(program))
	for i, in := range program {
		out[i] = neutral.Instruction{Op: in.OpCode, Jt: in.JumpIfTrue, Jf: in.JumpIfFalse, K: in.K}
	}
	return out, nil
}

// ruleSets has a set for each action, in the order in which they come.
func ruleSets(p *neutral.Policy) ([]seccomp.RuleSet, error) {
	var sets []seccomp.RuleSet
	index := map[string]int{}
	for _, r := range p.Rules {
		i, ok := index[r.Action]
		if !ok {
			ret, err := neutral.Action(r.Action)
			if err != nil {
				return nil, err
			}
			i = len(sets)
			index[r.Action] = i
			sets = append(sets, seccomp.RuleSet{Rules: seccomp.NewSyscallRules(), Action: linux.BPFAction(ret)})
		}
		made, err := rule(&r)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", r.Name, err)
		}
		sets[i].Rules.Set(uintptr(r.NR), made)
	}
	return sets, nil
}

func rule(r *neutral.Rule) (seccomp.SyscallRule, error) {
	if len(r.Alts) == 0 {
		return seccomp.MatchAll{}, nil
	}
	var alternatives seccomp.Or
	for _, alt := range r.Alts {
		one, err := alternative(alt)
		if err != nil {
			return nil, err
		}
		alternatives = append(alternatives, one)
	}
	if len(alternatives) == 1 {
		return alternatives[0], nil
	}
	return alternatives, nil
}

func alternative(alt []neutral.Cond) (seccomp.SyscallRule, error) {
	var args seccomp.PerArg
	for i := range args {
		args[i] = seccomp.AnyValue{}
	}
	taken := map[int]bool{}
	for _, c := range alt {
		if taken[c.Arg] {
			return nil, fmt.Errorf("argument %d is compared twice in one alternative", c.Arg)
		}
		taken[c.Arg] = true
		switch v := uintptr(c.V); c.Op {
		case "eq":
			args[c.Arg] = seccomp.EqualTo(v)
		case "ne":
			args[c.Arg] = seccomp.NotEqual(v)
		case "lt":
			args[c.Arg] = seccomp.LessThan(v)
		case "le":
			args[c.Arg] = seccomp.LessThanOrEqual(v)
		case "gt":
			args[c.Arg] = seccomp.GreaterThan(v)
		case "ge":
			args[c.Arg] = seccomp.GreaterThanOrEqual(v)
		case "meq":
			args[c.Arg] = seccomp.MaskedEqual(uintptr(c.Mask), v)
		default:
			return nil, fmt.Errorf("no operation %s", c.Op)
		}
	}
	return args, nil
}
