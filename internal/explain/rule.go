package explain

import (
	"encoding/binary"
	"fmt"
	"sort"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/cbpf"
	"github.com/elastic/go-seccomp-bpf/policyfile"
)

// A RuleFinder names the part of a policy that decides a call.
type RuleFinder struct {
	file     *policyfile.File
	machine  *seccomp.Compiled
	programs map[beginning]beginningProgram
}

// NewRuleFinder finds rules of a policy that was compiled.
func NewRuleFinder(file *policyfile.File, compiled *seccomp.Compiled) *RuleFinder {
	return &RuleFinder{file: file, machine: compiled, programs: map[beginning]beginningProgram{}}
}

// A beginning of a policy is its first groups and the first entries of one
// more; what it leaves undecided becomes the sentinel.
type beginning struct {
	groups, entries int
	sentinel        seccomp.Action
}

type beginningProgram struct {
	program   cbpf.Program
	undecided uint32 // what the sentinel returns
}

// Rule names what decides a call, with its place in the file.
func (f *RuleFinder) Rule(call cbpf.Data) (string, error) {
	t := &truncator{RuleFinder: f, words: call.Words(f.machine.ByteOrder() == binary.ByteOrder(binary.BigEndian))}
	ret, _ := cbpf.Program(f.machine.Raw()).Run(&t.words)
	t.sentinel = seccomp.TraceData(0x7a11)
	if ret == uint32(seccomp.ActionTrace)|0x7a11 {
		t.sentinel = seccomp.TraceData(0x7a12)
	}
	place, text, err := t.rule()
	if err != nil {
		return "", fmt.Errorf("find the rule that decides: %w", err)
	}
	if at := f.file.Position(place); at.Line != 0 && place != "" {
		text = fmt.Sprintf("%s:%d: %s", f.file.Name, at.Line, text)
	}
	return text, nil
}

// A truncator finds the entry that decides by compiling the beginning of a
// policy: the entry is the last of the shortest beginning that decides.
type truncator struct {
	*RuleFinder
	words    [16]uint32
	sentinel seccomp.Action // the default action that stands for "not decided"
}

func (t *truncator) rule() (place, text string, err error) {
	groups := t.file.Policy.Syscalls
	builtin, undecided, err := t.decide(0, 0)
	if err != nil {
		return "", "", err
	}
	decides := func(groups, entries int) bool {
		got, open, e := t.decide(groups, entries)
		if e != nil {
			err = e
		}
		return !open && (undecided || got != builtin)
	}
	n := sort.Search(len(groups), func(i int) bool { return decides(i+1, 0) })
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
		return decides(n, i+1)
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

// decide is what a beginning alone decides; undecided when it does not.
func (t *truncator) decide(groups, entries int) (ret uint32, undecided bool, err error) {
	key := beginning{groups, entries, t.sentinel}
	b, ok := t.programs[key]
	if !ok {
		if b, err = t.begin(key); err != nil {
			return 0, false, err
		}
		t.programs[key] = b
	}
	ret, _ = b.program.Run(&t.words)
	return ret, ret == b.undecided, nil
}

// begin compiles a beginning.
func (f *RuleFinder) begin(key beginning) (beginningProgram, error) {
	p := f.file.Policy
	groups := p.Syscalls[:key.groups:key.groups]
	if key.entries > 0 {
		groups = append(groups, shortened(p.Syscalls[key.groups], key.entries))
	}
	p.DefaultAction, p.Kernel = key.sentinel, ""
	p.Syscalls = append(groups[:len(groups):len(groups)], seccomp.SyscallGroup{Action: key.sentinel, Names: []string{unusedNumber}})
	c, err := p.Compile(&seccomp.CompileOptions{ABI: f.machine.ABIs()[0]})
	if err != nil {
		return beginningProgram{}, err
	}
	undecided, err := key.sentinel.Return(f.machine.ABIs()[0])
	return beginningProgram{c.Raw(), undecided}, err
}

// unusedNumber is no call of any ABI. A policy must name something.
const unusedNumber = "0x80000123"
