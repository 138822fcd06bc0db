package seccomp

import (
	"fmt"
	"slices"

	"github.com/elastic/go-seccomp-bpf/arch"
)

// findABIs sets r.abis: what the policy covers on this machine, the native ABI
// first.
func (r *resolver) findABIs(machine *arch.Info) error {
	named := slices.ContainsFunc(r.policy.ABIs, func(s string) bool { return s != "native" && s != "compat" })
	if machine == nil {
		running, err := arch.GetInfo("")
		if err != nil && (!named || len(r.policy.ABIs) == 0) {
			return fmt.Errorf("abis: the policy names none, and there is no native one: %w", err)
		}
		machine = running
	}
	covered, err := r.expandABIs(machine)
	if err != nil {
		return err
	}
	r.covered = covered
	bigEndian := covered[0].BigEndian
	for _, abi := range covered {
		if machine != nil && abi.BigEndian == machine.BigEndian {
			bigEndian = machine.BigEndian
		}
	}
	for _, abi := range covered {
		if abi.BigEndian != bigEndian {
			r.note(NoteSkippedABI, nil, abi, "has the other byte order, which no call on this machine can have")
			continue
		}
		r.abis = append(r.abis, abi)
	}
	if machine == nil {
		return nil
	}
	if i := slices.IndexFunc(r.abis, func(a *arch.Info) bool { return a.Name == machine.Name }); i > 0 {
		r.abis = append([]*arch.Info{r.abis[i]}, slices.Delete(slices.Clone(r.abis), i, i+1)...)
	}
	return nil
}

// expandABIs looks up the names of the policy's ABIs, each once.
func (r *resolver) expandABIs(machine *arch.Info) ([]*arch.Info, error) {
	if len(r.policy.ABIs) == 0 {
		return []*arch.Info{machine}, nil
	}
	var covered []*arch.Info
	add := func(abi *arch.Info) {
		if !slices.ContainsFunc(covered, func(a *arch.Info) bool { return a.Name == abi.Name }) {
			covered = append(covered, abi)
		}
	}
	for i, name := range r.policy.ABIs {
		if name == "native" || name == "compat" {
			if machine == nil {
				return nil, fmt.Errorf("abis[%d]: there is no native ABI on this system to say what %s is", i, name)
			}
			if name == "native" {
				add(machine)
				continue
			}
			for _, abi := range machine.Compat() {
				if abi.ID != machine.ID {
					add(abi)
				}
			}
			continue
		}
		if name == "" {
			return nil, fmt.Errorf("abis[%d] is empty", i)
		}
		abi, err := arch.GetInfo(name)
		if err != nil {
			return nil, fmt.Errorf("abis[%d]: %w", i, err)
		}
		add(abi)
	}
	if len(covered) == 0 {
		return nil, fmt.Errorf("abis: %v is no ABI at all on %s", r.policy.ABIs, machine.Name)
	}
	return covered, nil
}
