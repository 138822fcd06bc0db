package main

import (
	"encoding/binary"
	"fmt"
	"slices"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/cbpf"
	"github.com/elastic/go-seccomp-bpf/internal/decision"
	"github.com/elastic/go-seccomp-bpf/internal/explain"
)

// outcomes lists what a policy's program can return for a call, more than one
// value when its arguments matter.
func outcomes(c *seccomp.Compiled, abi *arch.Info, nr uint32) ([]uint32, error) {
	s := decision.NewSpace(0)
	n, err := s.Lift(c.Raw(), c.ByteOrder() == binary.ByteOrder(binary.BigEndian))
	if err != nil {
		return nil, fmt.Errorf("read the program: %w", err)
	}
	n = s.Restrict(n, decision.WordArch, uint32(abi.ID))
	return s.Values(s.Restrict(n, decision.WordNR, nr)), nil
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
	nr, ok := native.Number("execve")
	if !ok {
		return fmt.Errorf("%s has no execve", native.Name)
	}
	returned, err := outcomes(c, native, nr)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(returned, made) {
		return nil
	}
	var answers string
	for i, ret := range returned {
		if i > 0 {
			answers += " or "
		}
		answers += explain.ActionWords(ret, native)
	}
	return fmt.Errorf("the policy answers execve through %s with %s, so no command can be started: "+
		"allow execve in it, or with -allow execve", native.Name, answers)
}
