package explain

import (
	"encoding/binary"
	"fmt"
	"sort"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/cbpf"
	"github.com/elastic/go-seccomp-bpf/policyfile"
)

// DecidingRule names the part of a policy that decides a call, with its place
// in the file.
func DecidingRule(file *policyfile.File, compiled *seccomp.Compiled, call cbpf.Data) (string, error) {
	t := &truncator{policy: &file.Policy, machine: compiled, words: call.Words(compiled.ByteOrder() == binary.ByteOrder(binary.BigEndian))}
	ret, _ := cbpf.Program(compiled.Raw()).Run(&t.words)
	t.sentinel = seccomp.TraceData(0x7a11)
	if ret == uint32(seccomp.ActionTrace)|0x7a11 {
		t.sentinel = seccomp.TraceData(0x7a12)
	}
	place, text, err := t.rule()
	if err != nil {
		return "", fmt.Errorf("find the rule that decides: %w", err)
	}
	if at := file.Position(place); at.Line != 0 && place != "" {
		text = fmt.Sprintf("%s:%d: %s", file.Name, at.Line, text)
	}
	return text, nil
}

// A truncator finds the entry that decides by compiling the beginning of a
// policy: the entry is the last of the shortest beginning that decides.
type truncator struct {
	policy   *seccomp.Policy
	machine  *seccomp.Compiled
	words    [16]uint32
	sentinel seccomp.Action // the default action that stands for "not decided"
}

func (t *truncator) rule() (place, text string, err error) {
	groups := t.policy.Syscalls
	builtin, undecided, err := t.decide(nil)
	if err != nil {
		return "", "", err
	}
	decides := func(prefix []seccomp.SyscallGroup) bool {
		got, open, e := t.decide(prefix)
		if e != nil {
			err = e
		}
		return !open && (undecided || got != builtin)
	}
	n := sort.Search(len(groups), func(i int) bool { return decides(groups[:i+1]) })
	if err != nil {
		return "", "", err
	}
	if n == len(groups) {
		if !undecided {
			return "", "the policy does not cover the ABI", nil
		}
		return "default_action", "the default action", nil
	}
	entries := len(groups[n].Names) + len(groups[n].NamesWithConditions)
	m := sort.Search(entries, func(i int) bool {
		return decides(append(groups[:n:n], shortened(groups[n], i+1)))
	})
	if err != nil || m == entries {
		return fmt.Sprintf("syscalls[%d]", n), "", err
	}
	if names := len(groups[n].Names); m >= names {
		place = fmt.Sprintf("syscalls[%d].names_with_args[%d]", n, m-names)
		return place, fmt.Sprintf("%s with arguments", groups[n].NamesWithConditions[m-names].Name), nil
	}
	return fmt.Sprintf("syscalls[%d].names[%d]", n, m), groups[n].Names[m], nil
}

// shortened is the first n entries of a group.
func shortened(g seccomp.SyscallGroup, n int) seccomp.SyscallGroup {
	if names := len(g.Names); n > names {
		g.NamesWithConditions = g.NamesWithConditions[:n-names]
	} else {
		g.Names, g.NamesWithConditions = g.Names[:n], nil
	}
	return g
}

// decide is what some groups alone decide; undecided when they do not.
func (t *truncator) decide(groups []seccomp.SyscallGroup) (ret uint32, undecided bool, err error) {
	p := *t.policy
	p.DefaultAction, p.Kernel = t.sentinel, ""
	p.Syscalls = append(groups[:len(groups):len(groups)], seccomp.SyscallGroup{Action: t.sentinel, Names: []string{unusedNumber}})
	c, err := p.Compile(&seccomp.CompileOptions{ABI: t.machine.ABIs()[0]})
	if err != nil {
		return 0, false, err
	}
	ret, _ = cbpf.Program(c.Raw()).Run(&t.words)
	want, err := t.sentinel.Return(t.machine.ABIs()[0])
	return ret, ret == want, err
}

// unusedNumber is no call of any ABI. A policy must name something.
const unusedNumber = "0x80000123"
