package lint

import (
	"fmt"
	"slices"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/cbpf"
	"github.com/elastic/go-seccomp-bpf/internal/decision"
)

// returning is a call for which the filter returns an action that some test
// picks, nil when there is none.
func (l *linter) returning(is func(uint32) bool) *cbpf.Data {
	words, ok := l.s.Find(l.s.Is(l.f.Node, is))
	if !ok {
		return nil
	}
	w := decision.Witness{Words: words}
	call := &cbpf.Data{Arch: w.Arch(), NR: w.NR(), IP: w.IP()}
	for i := range call.Args {
		call.Args[i] = w.Arg(i)
	}
	return call
}

func (l *linter) killThread() {
	call := l.returning(func(v uint32) bool { return v&cbpf.RetActionFull == cbpf.RetKillThread })
	if call != nil {
		l.add(Warning, call, "a call ends its thread alone; a program with several threads, such as any in Go, hangs then", "use kill_process (Linux 4.14)")
	}
}

func (l *linter) unknownAction() {
	call := l.returning(func(v uint32) bool { _, ok := cbpf.ActionName(v); return !ok })
	if call != nil {
		l.add(Error, call, fmt.Sprintf("return value %#x names no action: kernels kill the process, before Linux 4.14 the thread", l.f.Action(*call)), "return an action of linux/seccomp.h")
	}
}

// actionSince is the kernel that got each action. The others came with 3.5.
var actionSince = []struct {
	action uint32
	since  arch.Version
}{
	{cbpf.RetKillProcess, arch.Version{Major: 4, Minor: 14}},
	{cbpf.RetLog, arch.Version{Major: 4, Minor: 14}},
	{cbpf.RetUserNotif, arch.Version{Major: 5, Minor: 0}},
}

func (l *linter) actionKernel() {
	if l.options.Kernel == nil {
		return
	}
	for _, a := range actionSince {
		if l.options.Kernel.Compare(a.since) >= 0 {
			continue
		}
		call := l.returning(func(v uint32) bool { return v&cbpf.RetActionFull == a.action })
		if call != nil {
			name, _ := cbpf.ActionName(a.action)
			l.add(Error, call, fmt.Sprintf("%s needs Linux %s; Linux %s kills the thread instead", name, a.since, l.options.Kernel), "choose another action, or state a newer kernel")
		}
	}
}

func (l *linter) room() {
	if cost := cbpf.StackCost(l.f.Programs...); cost > cbpf.MaxStackCost/2 {
		severity, text := Warning, "no second stack of this size fits beside"
		if cost > cbpf.MaxStackCost {
			severity, text = Error, "it cannot be loaded"
		}
		l.add(severity, nil, fmt.Sprintf("the filters take %d of the %d instructions that the kernel has room for: %s", cost, cbpf.MaxStackCost, text), "compile for size, or merge filters")
	}
}

// noted turns notes of the compiler into findings.
func (l *linter) noted(kind seccomp.NoteKind, severity Severity, fix string) {
	if l.in == nil || l.in.Compiled == nil {
		return
	}
	for _, note := range l.in.Compiled.Notes {
		if note.Kind == kind {
			l.add(severity, nil, note.String(), fix)
		}
	}
}

func (l *linter) neverMatches() {
	l.noted(seccomp.NoteNever, Warning, "correct the value, or remove the entry")
}

func (l *linter) unchecked() {
	l.noted(seccomp.NoteUnchecked, Info, "leave the multiplexed call out of the program, or decide it by an entry of its own")
}

// deadRules: the policy decides every call alike without the entry.
func (l *linter) deadRules() {
	l.noted(seccomp.NoteRedundant, Warning, "remove the entry")
	if l.in == nil || l.in.File == nil {
		return
	}
	p := l.in.File.Policy
	for g := range p.Syscalls {
		for e := range p.Syscalls[g].NamesWithConditions {
			without := p
			without.Syscalls = slices.Clone(p.Syscalls)
			group := &without.Syscalls[g]
			group.NamesWithConditions = slices.Delete(slices.Clone(group.NamesWithConditions), e, e+1)
			if len(group.Names)+len(group.NamesWithConditions) == 0 {
				without.Syscalls = slices.Delete(without.Syscalls, g, g+1)
			}
			if len(without.Syscalls) == 0 || !l.same(&without) {
				continue
			}
			name := p.Syscalls[g].NamesWithConditions[e].Name
			l.add(Warning, nil, fmt.Sprintf("%s with these arguments is decided alike without the entry", name), "remove the entry")
			at := l.in.File.Position(fmt.Sprintf("syscalls[%d].names_with_args[%d]", g, e))
			l.findings[len(l.findings)-1].Place = fmt.Sprintf("%s:%d", l.in.File.Name, at.Line)
		}
	}
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
