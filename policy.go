package seccomp

import (
	"encoding/json"
	"errors"
	"fmt"
)

// A Policy says what happens to every system call of a process.
//
// Groups are tried in order, and the first with a matching entry decides. The
// entries of a group are alternatives. A call that no group matches gets the
// default action; a call that arrives through an ABI the policy does not cover
// gets BadArchAction, never the default one.
type Policy struct {
	DefaultAction Action         `config:"default_action" json:"default_action" yaml:"default_action"` // Action when no syscalls match.
	Syscalls      []SyscallGroup `config:"syscalls"       json:"syscalls"       yaml:"syscalls"`       // Groups of syscalls and actions.

	// ABIs are the ABIs that the policy covers, by Linux's names or GOARCH
	// ("x86_64", "i386", "arm64"); none means the native one. "native" is the
	// machine's own, "compat" all others that its kernel runs except x32.
	//
	// Where x32 is not named, x86_64's kernel is told that x32 calls do not
	// exist (ENOSYS): numbers with bit 30, and 512 to 547, which reach the same
	// code before Linux 5.4.
	ABIs []string `config:"abis" json:"abis,omitempty" yaml:"abis,omitempty"`

	// BadArchAction is the action for calls through any other ABI; zero means
	// ActionKillProcess.
	BadArchAction Action `config:"bad_arch_action" json:"bad_arch_action,omitzero" yaml:"bad_arch_action,omitempty"`

	// Kernel is the Linux version that the policy was written for, such as
	// "6.12". When set and the default action refuses a call (errno, trap, kill),
	// calls that Linux gained later and that the policy does not name fail with
	// ENOSYS instead, so that callers fall back to what they used before. That
	// includes numbers above all that this package knows.
	Kernel string `config:"kernel" json:"kernel,omitempty" yaml:"kernel,omitempty"`

	// Strict makes an error of a name that one of the ABIs lacks. Otherwise the
	// name is skipped there, with a note.
	Strict bool `config:"strict" json:"strict,omitempty" yaml:"strict,omitempty"`
}

// A SyscallGroup is a set of system calls and the action to take on them.
type SyscallGroup struct {
	// Names are matched whatever the arguments: names of system calls, groups
	// such as "@network-io" (see Groups), or numbers of the native ABI, alone
	// ("1000") or from one to another ("0x40000000-0xffffffff").
	Names []string `config:"names" json:"names,omitempty" yaml:"names,omitempty"`

	// NamesWithConditions are matched when all conditions hold. The same name
	// may appear more than once, for alternatives.
	NamesWithConditions []NameWithConditions `config:"names_with_args" json:"names_with_args,omitempty" yaml:"names_with_args,omitempty"`

	// NamesWithCondtions is added to NamesWithConditions.
	//
	// Deprecated: Use NamesWithConditions, the same spelt right.
	NamesWithCondtions []NameWithConditions `config:",ignore" json:"-" yaml:"-"`

	Action Action `config:"action" validate:"required" json:"action" yaml:"action"` // Action to take upon a match.

	// ABIs limits the group to these of the policy's ABIs; none means all.
	// Numbers under Names are then numbers of each of these, as seccomp_data.nr
	// holds them, rather than of the native one.
	ABIs []string `config:"abis" json:"abis,omitempty" yaml:"abis,omitempty"`
}

// NameWithConditions is a system call whose arguments meet all conditions.
type NameWithConditions struct {
	Name       string             `config:"name" validate:"required" json:"name"  yaml:"name"`
	Conditions ArgumentConditions `config:"arguments" validate:"required" json:"arguments"  yaml:"arguments"`
}

// conditioned is both spellings of NamesWithConditions.
func (g *SyscallGroup) conditioned() []NameWithConditions {
	if len(g.NamesWithCondtions) == 0 {
		return g.NamesWithConditions
	}
	all := append([]NameWithConditions(nil), g.NamesWithConditions...)
	return append(all, g.NamesWithCondtions...)
}

// groupForm has SyscallGroup's form without its methods.
type groupForm SyscallGroup

func (g SyscallGroup) form() groupForm {
	g.NamesWithConditions, g.NamesWithCondtions = g.conditioned(), nil
	return groupForm(g)
}

// MarshalJSON writes both spellings of NamesWithConditions under one key.
func (g SyscallGroup) MarshalJSON() ([]byte, error) { return json.Marshal(g.form()) }

// MarshalYAML writes both spellings of NamesWithConditions under one key.
func (g SyscallGroup) MarshalYAML() (any, error) { return g.form(), nil }

// Validate checks all of the policy that does not depend on an ABI: that
// actions are set, groups are not empty, and conditions are well formed. What
// names mean is checked when the policy is compiled.
func (p *Policy) Validate() error {
	if err := p.DefaultAction.check(); err != nil {
		return fmt.Errorf("invalid default_action: %w", err)
	}
	if p.BadArchAction != 0 {
		if err := p.BadArchAction.check(); err != nil {
			return fmt.Errorf("invalid bad_arch_action: %w", err)
		}
	}
	if len(p.Syscalls) == 0 {
		return errors.New("syscalls must not be empty")
	}
	var problems []error
	for i := range p.Syscalls {
		if err := p.Syscalls[i].validate(); err != nil {
			problems = append(problems, fmt.Errorf("syscalls[%d]: %w", i, err))
		}
	}
	return errors.Join(problems...)
}

func (g *SyscallGroup) validate() error {
	if err := g.Action.check(); err != nil {
		return fmt.Errorf("invalid action: %w", err)
	}
	conditioned := g.conditioned()
	if len(g.Names)+len(conditioned) == 0 {
		return errors.New("names nothing: set names or names_with_args")
	}
	for i, name := range g.Names {
		if name == "" {
			return fmt.Errorf("names[%d] is empty", i)
		}
	}
	for i := range conditioned {
		if err := conditioned[i].validate(); err != nil {
			return fmt.Errorf("names_with_args[%d]: %w", i, err)
		}
	}
	return nil
}

func (n *NameWithConditions) validate() error {
	switch {
	case n.Name == "":
		return errors.New("name is empty")
	case len(n.Conditions) == 0:
		return fmt.Errorf("%s %w", n.Name, errNoConditions)
	}
	for i := range n.Conditions {
		if err := n.Conditions[i].validate(); err != nil {
			return fmt.Errorf("%s: %w", n.Name, err)
		}
	}
	return nil
}
