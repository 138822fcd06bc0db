package main

import (
	"fmt"
	"slices"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/cbpf"
	"github.com/elastic/go-seccomp-bpf/internal/decision"
)

// A program answers what a compiled policy does with a call.
type program struct {
	space *decision.Space
	root  decision.Node
}

func lift(c *seccomp.Compiled) (*program, error) {
	p := &program{space: decision.NewSpace(0)}
	root, err := p.space.Lift(c.Raw(), c.ByteOrder().String() == "BigEndian")
	if err != nil {
		return nil, fmt.Errorf("read the program: %w", err)
	}
	p.root = root
	return p, nil
}

// outcomes lists what the program can return for a call, more than one value
// when its arguments matter.
func (p *program) outcomes(abi *arch.Info, nr uint32) []uint32 {
	n := p.space.Restrict(p.root, decision.WordArch, uint32(abi.ID))
	n = p.space.Restrict(n, decision.WordNR, nr)
	var values []uint32
	seen := map[decision.Node]bool{}
	for todo := []decision.Node{n}; len(todo) > 0; {
		n := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if seen[n] {
			continue
		}
		seen[n] = true
		if v, constant := p.space.Value(n); constant {
			values = append(values, v)
			continue
		}
		_, _, clear, set, _ := p.space.Branch(n)
		todo = append(todo, clear, set)
	}
	slices.Sort(values)
	return slices.Compact(values)
}

// made tells whether a call is made that the filter answers so. Without a
// supervisor or tracer, of which a command under the sandbox has none, to ask
// one is to refuse.
func made(ret uint32) bool {
	kind := ret &^ 0xffff
	return kind == cbpf.RetAllow || kind == cbpf.RetLog
}

// startable says why no command can be started under the filter.
func startable(c *seccomp.Compiled) error {
	native, err := arch.GetInfo("")
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(c.ABIs(), func(abi *arch.Info) bool { return abi.Name == native.Name }) {
		return fmt.Errorf("the policy does not cover %s, through which commands are started here: add it, or native, to abis", native.Name)
	}
	p, err := lift(c)
	if err != nil {
		return err
	}
	nr, ok := native.Number("execve")
	if !ok {
		return fmt.Errorf("%s has no execve", native.Name)
	}
	outcomes := p.outcomes(native, nr)
	if slices.ContainsFunc(outcomes, made) {
		return nil
	}
	var answers string
	for i, ret := range outcomes {
		if i > 0 {
			answers += " or "
		}
		answers += actionText(native, ret)
	}
	return fmt.Errorf("the policy answers execve through %s with %s, so no command can be started: "+
		"allow execve in it, or with -allow execve", native.Name, answers)
}

// actionText names a filter's return value, errnos as the ABI has them.
func actionText(abi *arch.Info, ret uint32) string {
	if ret&^0xffff == cbpf.RetErrno {
		if name, ok := abi.ErrnoName(uint16(ret & 0xffff)); ok {
			return "errno(" + name + ")"
		}
	}
	return cbpf.ReturnString(ret)
}
