package seccomp

import (
	"errors"
	"fmt"
	"slices"

	"golang.org/x/net/bpf"

	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/cbpf"
)

// A Precompiled is a program that was compiled, and proved, from a policy
// earlier: by "seccomp-policy compile", under go generate say. Set as
// Filter.Precompiled it is loaded without compiling anything.
type Precompiled struct {
	PolicySHA256 string               // identifies the policy's text; not looked at
	ABIs         []string             // what the program covers, the native ABI first
	Program      []bpf.RawInstruction // as the kernel takes it
}

// compiled checks the program and what it is for.
func (p *Precompiled) compiled() (*Compiled, error) {
	if err := cbpf.Program(p.Program).Validate(); err != nil {
		return nil, fmt.Errorf("precompiled filter: %w", err)
	}
	if len(p.ABIs) == 0 {
		return nil, errors.New("precompiled filter: it does not say for which ABIs it is")
	}
	c := &Compiled{program: p.Program}
	for _, name := range p.ABIs {
		abi, err := arch.GetInfo(name)
		if err != nil {
			return nil, fmt.Errorf("precompiled filter: %w", err)
		}
		c.abis = append(c.abis, abi)
	}
	c.bigEndian = c.abis[0].BigEndian
	for _, in := range p.Program {
		if in.Op != 0x06 { // RET|K
			continue
		}
		if kind := returnKind(in.K); kind != 0 && !slices.Contains(c.kinds, kind) {
			c.kinds = append(c.kinds, kind)
		}
	}
	return c, nil
}

// returnKind is the kind of action that a filter's return value stands for, 0
// for one that no action has.
func returnKind(ret uint32) Action {
	for _, n := range actionNames {
		want := uint32(n.action)
		if n.action == ActionKillThread {
			want = killThreadReturn
		}
		if ret&^uint32(dataMask) == want {
			return n.action
		}
	}
	return 0
}
