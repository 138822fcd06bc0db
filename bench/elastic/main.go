// Command elastic compiles a neutral policy with the go-seccomp-bpf that the
// module proxy has as v1.6.0.
package main

import (
	"errors"
	"fmt"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"golang.org/x/net/bpf"

	"github.com/elastic/go-seccomp-bpf/bench/neutral"
)

func main() {
	neutral.Drive(func(p *neutral.Policy, _ string) (func() ([]neutral.Instruction, error), error) {
		if _, err := policy(p); err != nil {
			return nil, err
		}
		return func() ([]neutral.Instruction, error) {
			made, err := policy(p)
			if err != nil {
				return nil, err
			}
			return assemble(made)
		}, nil
	})
}

func assemble(p *seccomp.Policy) ([]neutral.Instruction, error) {
	program, err := p.Assemble()
	if err != nil {
		return nil, err
	}
	raw, err := bpf.Assemble(program)
	if err != nil {
		return nil, err
	}
	out := make([]neutral.Instruction, len(raw))
	for i, in := range raw {
		out[i] = neutral.Instruction(in)
	}
	return out, nil
}

// policy has a group for each action, in the order in which they come.
func policy(p *neutral.Policy) (*seccomp.Policy, error) {
	if len(p.ABIs) > 0 {
		return nil, errors.New("one ABI to a filter")
	}
	out := &seccomp.Policy{DefaultAction: action(p.Default)}
	groups := map[string]int{}
	for _, r := range p.Rules {
		i, ok := groups[r.Action]
		if !ok {
			i = len(out.Syscalls)
			groups[r.Action] = i
			out.Syscalls = append(out.Syscalls, seccomp.SyscallGroup{Action: action(r.Action)})
		}
		g := &out.Syscalls[i]
		if len(r.Alts) == 0 {
			g.Names = append(g.Names, r.Name)
		}
		for _, alt := range r.Alts {
			conds, err := conditions(alt)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", r.Name, err)
			}
			g.NamesWithCondtions = append(g.NamesWithCondtions, seccomp.NameWithConditions{Name: r.Name, Conditions: conds})
		}
	}
	return out, nil
}

// action leaves EPERM out, which is what this library's errno stands for.
func action(text string) seccomp.Action {
	if text == "errno:1" {
		return seccomp.ActionErrno
	}
	ret, _ := neutral.Action(text) // the policy has been checked
	return seccomp.Action(ret)
}

var operations = map[string]seccomp.Operation{
	"eq": seccomp.Equal, "ne": seccomp.NotEqual, "lt": seccomp.LessThan, "le": seccomp.LessOrEqual,
	"gt": seccomp.GreaterThan, "ge": seccomp.GreaterOrEqual,
}

func conditions(alt []neutral.Cond) (seccomp.ArgumentConditions, error) {
	var out seccomp.ArgumentConditions
	add := func(c neutral.Cond, op seccomp.Operation, v uint64) {
		out = append(out, seccomp.Condition{Argument: uint32(c.Arg), Operation: op, Value: v})
	}
	for _, c := range alt {
		if op, ok := operations[c.Op]; ok {
			add(c, op, c.V)
			continue
		}
		if c.Op != "meq" {
			return nil, fmt.Errorf("no operation %s", c.Op)
		}
		// A masked comparison is each bit that is to be set, and the rest clear.
		if rest := c.Mask &^ c.V; rest != 0 {
			add(c, seccomp.BitsNotSet, rest)
		}
		for bit := uint64(1); bit != 0; bit <<= 1 {
			if c.V&bit != 0 {
				add(c, seccomp.BitsSet, bit)
			}
		}
	}
	return out, nil
}
