package policyfile

import (
	"errors"
	"fmt"
	"strings"

	seccomp "github.com/elastic/go-seccomp-bpf"
)

// Compile is Policy.Compile, with errors of type *Error that name the line of
// the entry they are about.
func (f *File) Compile(o *seccomp.CompileOptions) (*seccomp.Compiled, error) {
	c, err := f.Policy.Compile(o)
	if err != nil {
		return nil, f.locate(o, err)
	}
	return c, nil
}

// locate finds the first entry that cannot be compiled, by itself in a policy
// that is else the same. Where there is none, the error is about the whole.
func (f *File) locate(o *seccomp.CompileOptions, whole error) error {
	quick := seccomp.CompileOptions{SkipProof: true}
	if o != nil {
		quick.ABI = o.ABI
	}
	for i, g := range f.Policy.Syscalls[f.prepended:] {
		for j, name := range g.Names {
			g := seccomp.SyscallGroup{Action: g.Action, ABIs: g.ABIs, Names: []string{name}}
			if err := f.try(&quick, g, fmt.Sprintf("syscalls[%d].names[%d]", i, j)); err != nil {
				return err
			}
		}
		for j, entry := range g.NamesWithConditions {
			g := seccomp.SyscallGroup{Action: g.Action, ABIs: g.ABIs, NamesWithConditions: []seccomp.NameWithConditions{entry}}
			if err := f.try(&quick, g, fmt.Sprintf("syscalls[%d].names_with_args[%d]", i, j)); err != nil {
				return err
			}
		}
	}
	return &Error{Name: f.Name, Err: whole}
}

func (f *File) try(o *seccomp.CompileOptions, g seccomp.SyscallGroup, path string) error {
	p := f.Policy
	p.Syscalls = []seccomp.SyscallGroup{g}
	_, err := p.Compile(o)
	if err == nil {
		return nil
	}
	text, aboutEntry := strings.CutPrefix(err.Error(), "syscalls[0]: ")
	if !aboutEntry {
		return nil // what the whole policy has in common
	}
	return &Error{Name: f.Name, At: f.Position(path), Err: errors.New(text)}
}
