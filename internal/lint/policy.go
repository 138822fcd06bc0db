package lint

import (
	"fmt"
	"slices"
	"strings"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/cbpf"
)

// The rules in this file are about what a policy says, and find nothing in a
// program of which no policy is known.

// noted turns notes of the compiler into findings. The call that shows one is
// what the filter decides instead.
func (l *linter) noted(kind seccomp.NoteKind, severity Severity, fix string) {
	if l.in == nil || l.in.Compiled == nil {
		return
	}
	for _, note := range l.in.Compiled.Notes {
		if note.Kind == kind {
			l.add(severity, l.notedCall(&note), note.String(), fix)
		}
	}
}

// notedCall is the call that a note is about, or the one behind which it hides.
func (l *linter) notedCall(note *seccomp.Note) *cbpf.Data {
	abi := l.f.Native
	if note.ABI != "" {
		named, err := arch.GetInfo(note.ABI)
		if err != nil {
			return nil
		}
		abi = named
	}
	call := &cbpf.Data{Arch: uint32(abi.ID)}
	name := note.Syscall
	if via, sub, ok := abi.Multiplexed(name); ok && note.Kind == seccomp.NoteUnchecked {
		name, call.Args[0] = via, uint64(sub)
	}
	nr, ok := abi.Number(name)
	if !ok {
		return nil
	}
	call.NR = nr
	return call
}

func (l *linter) neverMatches() {
	const fix = "correct the value, or remove the entry"
	l.noted(seccomp.NoteNever, Warning, fix)
	if l.in == nil || l.in.File == nil || l.in.Compiled == nil {
		return
	}
	p := &l.in.File.Policy
	for g := range p.Syscalls {
		for e := range p.Syscalls[g].NamesWithConditions {
			entry := &p.Syscalls[g].NamesWithConditions[e]
			place := fmt.Sprintf("syscalls[%d].names_with_args[%d]", g, e)
			call := l.notedCall(&seccomp.Note{Syscall: entry.Name})
			if _, never := l.matching(g, entry); never && !l.isNoted(seccomp.NoteNever, entry.Name) {
				l.add(Warning, call, fmt.Sprintf("%s: no call meets all of the conditions; the entry never matches", entry.Name), fix)
				l.place(place)
			}
			for i := range entry.Conditions {
				if outside := maskConflict(l.f.Native, &entry.Conditions[i]); outside != 0 {
					l.add(Warning, call, fmt.Sprintf("%s: the value has bits that the mask clears (%#x): they are not compared", entry.Name, outside), "correct the value or the mask")
					l.place(place)
				}
			}
		}
	}
}

func (l *linter) isNoted(kind seccomp.NoteKind, call string) bool {
	return slices.ContainsFunc(l.in.Compiled.Notes, func(n seccomp.Note) bool { return n.Kind == kind && n.Syscall == call })
}

// maskConflict are the bits of a masked condition's value that its mask clears.
func maskConflict(abi *arch.Info, c *seccomp.Condition) uint64 {
	op, err := seccomp.ParseOperation(string(c.Operation))
	if err != nil || op != seccomp.MaskedEqual && op != seccomp.MaskedNotEqual {
		return 0
	}
	return constants(abi, c.Value, c.Symbol) &^ constants(abi, c.Mask, c.MaskSymbol)
}

// constants is a value, or what the constants are that stand for it.
func constants(abi *arch.Info, value uint64, symbol string) uint64 {
	if symbol == "" {
		return value
	}
	value = 0
	for term := range strings.SplitSeq(symbol, "|") {
		v, _, _ := abi.Constant(strings.TrimSpace(term)) // the policy was compiled: it is known
		value |= v
	}
	return value
}

func (l *linter) unchecked() {
	l.noted(seccomp.NoteUnchecked, Info, "leave the multiplexed call out of the program, or decide it by an entry of its own")
}

// deadRules: the policy decides every call alike without the entry.
func (l *linter) deadRules() {
	if l.in == nil || l.in.File == nil || l.in.Compiled == nil {
		l.noted(seccomp.NoteRedundant, Warning, "remove the entry")
		return
	}
	p := &l.in.File.Policy
	placed := map[string]bool{}
	for g := range p.Syscalls {
		for e := range p.Syscalls[g].NamesWithConditions {
			if l.deadEntry(g, e) {
				placed[p.Syscalls[g].NamesWithConditions[e].Name] = true
			}
		}
		l.defaults(g)
	}
	for _, note := range l.in.Compiled.Notes {
		if note.Kind == seccomp.NoteRedundant && !placed[note.Syscall] {
			l.add(Warning, l.notedCall(&note), note.String(), "remove the entry")
		}
	}
}

// deadEntry reports an entry without which the policy is the same.
func (l *linter) deadEntry(g, e int) bool {
	p := &l.in.File.Policy
	entry := &p.Syscalls[g].NamesWithConditions[e]
	without := withoutEntry(p, g, e)
	if without == nil || !l.same(without) {
		return false
	}
	call, never := l.matching(g, entry)
	if never {
		return false // rule never-matches says so
	}
	l.add(Warning, call, fmt.Sprintf("%s with these arguments is decided alike without the entry", entry.Name), "remove the entry")
	l.place(fmt.Sprintf("syscalls[%d].names_with_args[%d]", g, e))
	return true
}

// place says where in the file the last finding is.
func (l *linter) place(path string) {
	if at := l.in.File.Position(path); at.Line != 0 {
		l.findings[len(l.findings)-1].Place = fmt.Sprintf("%s:%d", l.in.File.Name, at.Line)
	}
}

// withoutEntry is a policy that lacks an entry; nil when nothing is left.
func withoutEntry(p *seccomp.Policy, g, e int) *seccomp.Policy {
	without := *p
	without.Syscalls = slices.Clone(p.Syscalls)
	group := &without.Syscalls[g]
	group.NamesWithConditions = slices.Delete(slices.Clone(group.NamesWithConditions), e, e+1)
	if len(group.Names)+len(group.NamesWithConditions) == 0 {
		without.Syscalls = slices.Delete(without.Syscalls, g, g+1)
	}
	if len(without.Syscalls) == 0 {
		return nil
	}
	return &without
}

// same tells whether a policy decides as the filter does.
func (l *linter) same(p *seccomp.Policy) bool {
	c, err := p.Compile(&seccomp.CompileOptions{ABI: l.in.Compiled.ABIs()[0]})
	if err != nil {
		return false
	}
	n, err := l.s.Lift(c.Raw(), l.f.BigEndian)
	if err != nil {
		return false
	}
	whole, err := l.s.Lift(l.in.Programs[0], l.f.BigEndian)
	return err == nil && n == whole
}

// matching is a call that an entry is about, nil when none can be made up; never
// when there is none.
func (l *linter) matching(g int, entry *seccomp.NameWithConditions) (call *cbpf.Data, never bool) {
	const mark = 0x7a11 // nothing else in this policy returns it
	alone := l.in.File.Policy
	alone.DefaultAction, alone.Kernel = seccomp.ActionAllow, ""
	alone.Syscalls = []seccomp.SyscallGroup{{
		Action:              seccomp.TraceData(mark),
		ABIs:                alone.Syscalls[g].ABIs,
		NamesWithConditions: []seccomp.NameWithConditions{*entry},
	}}
	c, err := alone.Compile(&seccomp.CompileOptions{ABI: l.in.Compiled.ABIs()[0]})
	if err != nil {
		return nil, false
	}
	for _, note := range c.Notes {
		if note.Kind == seccomp.NoteSkippedCall || note.Kind == seccomp.NoteUnchecked {
			return nil, false // it is not the conditions that nothing meets
		}
	}
	n, err := l.s.Lift(c.Raw(), l.f.BigEndian)
	if err != nil {
		return nil, false
	}
	words, ok := l.s.Find(l.s.Is(n, func(v uint32) bool { return v == cbpf.RetTrace|mark }))
	if !ok {
		return nil, true
	}
	return wholeCall(&words), false
}

// defaults: names of a group that get the default action anyway, because no
// later group would decide them otherwise.
func (l *linter) defaults(g int) {
	p := &l.in.File.Policy
	group := &p.Syscalls[g]
	if group.Action != p.DefaultAction || p.Kernel != "" {
		return
	}
	later := map[string]bool{}
	for _, other := range p.Syscalls[g+1:] {
		for _, name := range expand(other.Names) {
			later[name] = true
		}
		for _, e := range other.NamesWithConditions {
			later[e.Name] = true
		}
	}
	var names []string
	var call *cbpf.Data
	for _, name := range group.Names {
		nr, ok := l.f.Native.Number(name)
		if !ok || later[name] {
			continue
		}
		if names = append(names, name); call == nil {
			call = &cbpf.Data{Arch: uint32(l.f.Native.ID), NR: nr}
		}
	}
	if len(names) > 0 {
		l.add(Info, call, fmt.Sprintf("%s get the default action, %s, without being named", list(names), p.DefaultAction), "remove the names, unless they are there for readers")
		l.place(fmt.Sprintf("syscalls[%d]", g))
	}
}

// expand puts the names of groups in their place.
func expand(names []string) []string {
	var out []string
	for _, name := range names {
		if members, err := seccomp.Group(name); strings.HasPrefix(name, "@") && err == nil {
			out = append(out, members...)
			continue
		}
		out = append(out, name)
	}
	return out
}
