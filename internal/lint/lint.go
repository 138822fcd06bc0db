package lint

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/cbpf"
	"github.com/elastic/go-seccomp-bpf/internal/decision"
	"github.com/elastic/go-seccomp-bpf/internal/explain"
	"github.com/elastic/go-seccomp-bpf/internal/source"
)

// A Severity says how bad a finding is.
type Severity string

// The severities.
const (
	Error   Severity = "error"   // the filter does not do what any such filter is for
	Warning Severity = "warning" // it probably does not do what is wanted
	Info    Severity = "info"    // good to know
)

// Rank orders severities, the worst highest.
func (s Severity) Rank() int {
	return slices.Index([]Severity{Info, Warning, Error}, s)
}

// A Finding is one thing that is likely to be wrong.
type Finding struct {
	Rule     string   `json:"rule"` // a stable id, one of Rules
	Severity Severity `json:"severity"`
	Text     string   `json:"text"`
	Fix      string   `json:"fix"`
	ABI      string   `json:"abi,omitempty"`     // of the witness
	Witness  string   `json:"witness,omitempty"` // a call that shows it, for simulate --abi ABI
	Action   string   `json:"action,omitempty"`  // what the filter does to the witness
	Place    string   `json:"place,omitempty"`   // in the policy's file
}

// Options say what the filter is for; the zero value assumes nothing.
type Options struct {
	Kernel *arch.Version // the oldest kernel that it is to run on; nil: not stated
}

// A Rule is a kind of finding.
type Rule struct {
	ID    string
	Title string
	check func(*linter)
}

// Rules lists all rules.
func Rules() []Rule {
	return []Rule{
		{"arch-unchecked", "calls through other ABIs are decided by numbers that mean other calls there", (*linter).archUnchecked},
		{"abi-escape", "a call that is refused can be made through another ABI", (*linter).abiEscape},
		{"x32-low-numbers", "a call that is refused can be made by its x32 number without the x32 bit (before Linux 5.4)", (*linter).x32Low},
		{"wide-compare", "bits of an argument are compared that the kernel ignores", (*linter).wideCompare},
		{"equivalent-open", "a call is refused or restricted and one that does the same is not", (*linter).equivalents},
		{"io-uring-open", "io_uring makes calls that are refused", (*linter).ioUring},
		{"enosys", "a C library needs ENOSYS to fall back to an older call", (*linter).enosys},
		{"missing-essential", "a call that every program needs is refused", (*linter).essential},
		{"kill-thread", "killing one thread leaves the others hanging", (*linter).killThread},
		{"unknown-action", "a return value names no action", (*linter).unknownAction},
		{"action-kernel", "the stated kernel does not have an action", (*linter).actionKernel},
		{"no-room", "the kernel has no room for filters of this size", (*linter).room},
		{"dead-rule", "an entry of the policy decides nothing", (*linter).deadRules},
		{"never-matches", "a condition of the policy never holds, or compares bits that its mask clears", (*linter).neverMatches},
		{"unchecked-arguments", "conditions cannot be checked behind a multiplexed call", (*linter).unchecked},
	}
}

// Check applies all rules to a filter. The worst findings come first.
func Check(f *explain.Filter, in *source.Input, o Options) ([]Finding, error) {
	if f.Partial {
		return nil, errors.New("it cannot be checked: the conditions of some calls are too complex (explain shows which)")
	}
	l := &linter{f: f, in: in, options: o, s: f.Space}
	l.permit = f.Space.Is(f.Node, permits)
	for _, r := range Rules() {
		l.rule = r.ID
		r.check(l)
		if l.err != nil {
			return nil, fmt.Errorf("rule %s: %w", r.ID, l.err)
		}
	}
	if err := f.Space.Err(); err != nil {
		return nil, err
	}
	slices.SortStableFunc(l.findings, func(a, b Finding) int { return cmp.Compare(b.Severity.Rank(), a.Severity.Rank()) })
	return l.findings, nil
}

// A linter looks at one filter.
type linter struct {
	f        *explain.Filter
	in       *source.Input
	s        *decision.Space
	options  Options
	permit   decision.Node // the predicate that a call is made
	rule     string
	findings []Finding
	err      error
}

func permits(ret uint32) bool {
	a := ret & cbpf.RetActionFull
	return a == cbpf.RetAllow || a == cbpf.RetLog
}

// add notes a finding; call, when not nil, shows it.
func (l *linter) add(severity Severity, call *cbpf.Data, text, fix string) {
	finding := Finding{Rule: l.rule, Severity: severity, Text: text, Fix: fix}
	if call != nil {
		if abi, ok := arch.OfCall(arch.AuditArch(call.Arch), call.NR); ok {
			finding.ABI = abi.Name
			finding.Witness = explain.CallText(call, abi)
			finding.Action = explain.ActionWords(l.f.Action(*call), abi)
		}
	}
	l.findings = append(l.findings, finding)
}

// native lists the machine's ABI and the others that its kernel runs.
func (l *linter) native() (native *arch.Info, others []*arch.Info) {
	return l.f.Native, l.f.Native.Compat()
}

// covered lists the ABIs that the filter has decisions of its own for, the
// native one first.
func (l *linter) covered() []*arch.Info {
	native, _ := l.native()
	out := []*arch.Info{native}
	abis, _, err := l.f.Architectures()
	if err != nil {
		l.err = err
		return nil
	}
	here := l.s.Restrict(l.permit, decision.WordArch, uint32(native.ID))
	for _, abi := range abis {
		// Where numbers are decided as the native ones are, those of another ABI
		// are decided by chance: rule arch-unchecked says so.
		if abi.Name != native.Name && (abi.ID == native.ID || l.s.Restrict(l.permit, decision.WordArch, uint32(abi.ID)) != here) {
			out = append(out, abi)
		}
	}
	return out
}

// on begins a text about an ABI that is not the native one.
func (l *linter) on(abi *arch.Info) string {
	if abi.Name == l.f.Native.Name {
		return ""
	}
	return "on " + abi.Name + ", "
}

// made is the predicate over arguments that a call is made.
func (l *linter) made(abi *arch.Info, nr uint32) decision.Node {
	n := l.s.Restrict(l.permit, decision.WordArch, uint32(abi.ID))
	return l.s.Restrict(n, decision.WordNR, nr)
}

// A state says of a call whether it is made.
type state int

const (
	refused state = iota // whatever the arguments
	restricted
	open // whatever the arguments
)

func (l *linter) state(abi *arch.Info, nr uint32) state {
	v, constant := l.s.Value(l.made(abi, nr))
	switch {
	case !constant:
		return restricted
	case v != 0:
		return open
	}
	return refused
}

// named is state for a call by name; ok is false where the ABI lacks it.
func (l *linter) named(abi *arch.Info, name string) (nr uint32, s state, ok bool) {
	nr, ok = abi.Number(name)
	if !ok {
		return 0, refused, false
	}
	return nr, l.state(abi, nr), true
}

// example is a call of a number for which a predicate over arguments holds.
func (l *linter) example(abi *arch.Info, nr uint32, p decision.Node) *cbpf.Data {
	words, ok := l.s.Find(p)
	if !ok {
		return nil
	}
	return callData(&words, abi, nr)
}

func callData(words *[decision.Words]uint32, abi *arch.Info, nr uint32) *cbpf.Data {
	call := wholeCall(words)
	call.Arch, call.NR = uint32(abi.ID), nr
	return call
}

// denylist tells whether what is not named is made.
func (l *linter) denylist(abi *arch.Info) bool {
	const unassigned = 0x0000ffff // no call of any ABI has a number like it
	return l.state(abi, unassigned|uint32(abi.SeccompMask)) == open
}
