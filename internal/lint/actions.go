package lint

import (
	"fmt"
	"slices"

	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/cbpf"
	"github.com/elastic/go-seccomp-bpf/internal/decision"
)

// returning is a call for which the filter returns an action that some test
// picks, nil when there is none: one of a known ABI, the native one first.
func (l *linter) returning(is func(uint32) bool) *cbpf.Data {
	p := l.s.Is(l.f.Node, is)
	native, others := l.native()
	for _, abi := range slices.Concat([]*arch.Info{native}, others, arch.All()) {
		if abi.BigEndian != l.f.BigEndian {
			continue
		}
		if words, ok := l.s.Find(l.s.Restrict(p, decision.WordArch, uint32(abi.ID))); ok {
			words[decision.WordArch] = uint32(abi.ID)
			return wholeCall(&words)
		}
	}
	words, ok := l.s.Find(p)
	if !ok {
		return nil
	}
	return wholeCall(&words)
}

// wholeCall reads a call of any ABI.
func wholeCall(words *[decision.Words]uint32) *cbpf.Data {
	w := decision.Witness{Words: *words}
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
