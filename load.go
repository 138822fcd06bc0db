package seccomp

import (
	"errors"
	"fmt"
	"slices"

	"github.com/elastic/go-seccomp-bpf/arch"
)

// compile makes the filter's program and checks all that the kernel would
// refuse, or would take and treat otherwise.
func (f *Filter) compile() (*Compiled, error) {
	if err := f.Validate(); err != nil {
		return nil, err
	}
	c, err := f.program()
	if err != nil {
		return nil, err
	}
	if f.Flag.Supported() == No {
		return nil, &UnsupportedError{Feature: "filter flag " + f.Flag.String(), Since: f.Flag.Since()}
	}
	for _, kind := range c.kinds {
		if kind.Supported() == No {
			return nil, &UnsupportedError{Feature: "action " + kind.String(), Since: kind.Since()}
		}
	}
	return c, nil
}

// program is the filter's policy compiled, or what was compiled earlier.
func (f *Filter) program() (*Compiled, error) {
	if f.Precompiled != nil {
		return f.Precompiled.compiled()
	}
	return f.Policy.Compile(nil)
}

// runsHere checks that the program is for this process's machine.
func (c *Compiled) runsHere() error {
	native, err := arch.GetInfo("")
	if err != nil {
		return err
	}
	if slices.ContainsFunc(c.abis, func(a *arch.Info) bool { return a.Name == native.Name }) {
		return nil
	}
	var names []string
	for _, abi := range c.abis {
		names = append(names, abi.Name)
	}
	return fmt.Errorf("the policy covers %v and not %s, through which this process makes its own calls; add it to abis", names, native.Name)
}

var errListenerLost = errors.New("flag new_listener: the listener would be lost; LoadListener returns it")
