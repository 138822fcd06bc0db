package explain

import (
	"errors"
	"fmt"
	"slices"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/cbpf"
	"github.com/elastic/go-seccomp-bpf/internal/decision"
)

// A Decompiled is a policy made from a filter.
type Decompiled struct {
	Policy *seccomp.Policy
	// Proved says that the policy's compiled function is the filter's: they
	// decide every call alike.
	Proved bool
	// Problems say what the policy cannot express, and where that is in the
	// filter; none when Proved.
	Problems []string
	// Remarks say what differs without a consequence.
	Remarks []string
}

// DecompileOptions steer Decompile.
type DecompileOptions struct {
	Minimal bool // the fewest entries, whatever the default action
	Numbers bool // no symbols for values
}

// Decompile makes a policy of the filter, and proves that its compiled function
// is the filter's.
func (f *Filter) Decompile(o DecompileOptions) (*Decompiled, error) {
	d, err := f.decompile(o, nil)
	if err != nil {
		return nil, err
	}
	if !d.Proved && !o.Numbers && len(d.Problems) == 0 {
		o.Numbers = true // a symbol's value may differ from what was compared
		if d, err = f.decompile(o, nil); err != nil {
			return nil, err
		}
	}
	if o.Minimal {
		for _, action := range f.Space.Values(f.Node) {
			other, err := f.decompile(o, &action)
			if err == nil && other.Proved == d.Proved && len(other.Problems) <= len(d.Problems) && policySize(other.Policy) < policySize(d.Policy) {
				d = other
			}
		}
	}
	return d, nil
}

// policySize is what a reader has to read.
func policySize(p *seccomp.Policy) int {
	n := 0
	for _, g := range p.Syscalls {
		n += 1 + len(g.Names)
		for _, e := range g.NamesWithConditions {
			n += 1 + 2*len(e.Conditions)
		}
	}
	return n
}

func (f *Filter) decompile(o DecompileOptions, defaultReturn *uint32) (*Decompiled, error) {
	b := builder{f: f, options: o, out: &Decompiled{Policy: &seccomp.Policy{}}}
	if err := b.cover(defaultReturn); err != nil {
		return nil, err
	}
	for _, t := range b.tables {
		if err := b.table(t); err != nil {
			return nil, err
		}
	}
	b.unify()
	b.group()
	if err := b.prove(); err != nil {
		return nil, err
	}
	return b.out, nil
}

// A builder makes a policy from a filter.
type builder struct {
	f       *Filter
	options DecompileOptions
	out     *Decompiled
	node    decision.Node // the filter with return values as the kernel reads them
	abis    []*arch.Info  // covered
	tables  []*archTable
	recipes []*recipe
}

// An archTable is the ABIs of one audit architecture.
type archTable struct {
	abis []*arch.Info
}

// canonical is a return value as the kernel reads it: data is cut off where it
// means nothing (kernel/seccomp.c: __seccomp_filter).
func canonical(ret uint32) uint32 {
	switch action, data := ret&cbpf.RetActionFull, ret&cbpf.RetData; action {
	case cbpf.RetErrno:
		return action | min(data, 4095)
	case cbpf.RetTrap, cbpf.RetTrace, Undecided:
		return ret
	case cbpf.RetAllow, cbpf.RetLog, cbpf.RetUserNotif, cbpf.RetKillThread, cbpf.RetKillProcess:
		return action
	}
	return cbpf.RetKillProcess // an action that no kernel knows
}

// action is the policy's word for a canonical return value.
func action(ret uint32, abi *arch.Info) seccomp.Action {
	kind, data := ret&cbpf.RetActionFull, uint16(ret&cbpf.RetData)
	switch kind {
	case cbpf.RetKillThread:
		return seccomp.ActionKillThread
	case cbpf.RetErrno:
		if data == 0 {
			return seccomp.Errno(0)
		}
		if name, ok := abi.ErrnoName(data); ok {
			if a := seccomp.ErrnoName(name); a.String() == "errno("+name+")" {
				return a
			}
		}
		return seccomp.ActionErrno | seccomp.Action(data)
	}
	return seccomp.Action(ret)
}

// cover finds which ABIs the policy is for, and what is the default.
func (b *builder) cover(defaultReturn *uint32) error {
	b.node = b.f.Space.MapValues(b.f.Node, canonical)
	if b.node != b.f.Node {
		b.out.Remarks = append(b.out.Remarks, "return values carry data, or name actions, that no kernel heeds; the policy has what the kernel makes of them")
	}
	canonicalFilter := *b.f
	canonicalFilter.Node = b.node
	b.f = &canonicalFilter
	abis, other, err := b.f.Architectures()
	if err != nil {
		return err
	}
	badArch, constant := b.f.Space.Value(other)
	if !constant || badArch == Undecided {
		badArch = cbpf.RetKillProcess
		b.problem("calls through unknown ABIs are decided by their numbers or arguments, which bad_arch_action cannot express (the policy has kill_process): "+
			"the filter reaches a decision without comparing the architecture", nil)
	}
	for _, abi := range abis {
		if abi.Name == "x32" && slices.ContainsFunc(abis, func(a *arch.Info) bool { return a.Name == "x86_64" }) {
			if constant, err := b.constantWindow(abi); err != nil || constant {
				if err != nil {
					return err
				}
				continue // said with ranges of x86_64's numbers
			}
		}
		b.abis = append(b.abis, abi)
		i := slices.IndexFunc(b.tables, func(t *archTable) bool { return t.abis[0].ID == abi.ID })
		if i < 0 {
			b.tables = append(b.tables, &archTable{})
			i = len(b.tables) - 1
		}
		b.tables[i].abis = append(b.tables[i].abis, abi)
	}
	if len(b.abis) == 0 {
		return errors.New("the filter decides alike for every call of every ABI: there is nothing that a policy could list")
	}
	p := b.out.Policy
	for _, abi := range b.abis {
		p.ABIs = append(p.ABIs, abi.Name)
	}
	p.BadArchAction = action(badArch, b.abis[0])
	ret := b.commonReturn()
	if defaultReturn != nil {
		if ret = canonical(*defaultReturn); b.f.Partial && ret == Undecided {
			return errors.New("no action")
		}
	}
	p.DefaultAction = action(ret, b.abis[0])
	return nil
}

func (b *builder) constantWindow(abi *arch.Info) (bool, error) {
	outcomes, err := b.f.numbers(abi)
	if err != nil {
		return false, err
	}
	for _, o := range outcomes {
		if o.To != outcomes[0].To {
			return false, nil
		}
	}
	_, constant := b.f.Space.Value(outcomes[0].To)
	return constant, nil
}

// commonReturn is what most numbers of the first ABI get.
func (b *builder) commonReturn() uint32 {
	outcomes, err := b.f.numbers(b.abis[0])
	if err != nil || len(outcomes) == 0 {
		return cbpf.RetKillProcess
	}
	n := mostNumbers(outcomes)
	return canonical(b.f.strictest(n))
}

// strictest is the action of a function that the kernel prefers to its others.
func (f *Filter) strictest(n decision.Node) uint32 {
	values := f.Space.Values(n)
	if f.Partial && slices.Contains(values, Undecided) {
		// Anything that some program returns may be meant.
		values = slices.DeleteFunc(f.Space.Values(f.Node), func(v uint32) bool { return v == Undecided })
	}
	if len(values) == 0 {
		return cbpf.RetKillProcess
	}
	best := values[0]
	for _, v := range values {
		if cbpf.Stricter(v, best) {
			best = v
		}
	}
	return best
}

// problem notes what cannot be expressed, with the instruction that decides it
// for a call where that is known.
func (b *builder) problem(text string, call *cbpf.Data) {
	if call != nil {
		text += "; " + b.f.deciding(*call)
	}
	if !slices.Contains(b.out.Problems, text) {
		b.out.Problems = append(b.out.Problems, text)
	}
}

// deciding names the instruction that decides a call.
func (f *Filter) deciding(call cbpf.Data) string {
	v := f.Decide(call)
	f.FindPaths(&v, call)
	for i, p := range v.Programs {
		if !p.Decides || len(p.Path) == 0 {
			continue
		}
		at := p.Path[len(p.Path)-1]
		if len(p.Path) > 1 {
			at = p.Path[len(p.Path)-2] // what leads to the return
		}
		line := cbpf.Lines(f.Programs[i], cbpf.DisassembleOptions{BigEndian: f.BigEndian})[at]
		where := fmt.Sprintf("instruction %d (%s %s)", at, line.Mnemonic, line.Operands)
		if len(f.Programs) > 1 {
			where += fmt.Sprintf(" of filter %d of %d", i+1, len(f.Programs))
		}
		abi := abiOfCall(call.Arch, call.NR)
		return fmt.Sprintf("%s decides %s", where, CallText(&call, abi))
	}
	return "no program decides"
}

// noLooser makes sure that the policy of a filter of which something is
// undecided takes the filter's action or a stricter one: where it is undecided,
// the strictest of all.
func (b *builder) noLooser(policy decision.Node) error {
	strictest := canonical(b.f.strictest(b.f.Space.Const(Undecided)))
	looser := b.f.Space.Apply(policy, b.node, func(policy, filter uint32) uint32 {
		if filter == Undecided {
			filter = strictest
		}
		if cbpf.Stricter(filter, policy) {
			return 1
		}
		return 0
	})
	if words, found := b.f.Space.Find(looser); found {
		call := callOf(&words)
		return fmt.Errorf("%s would be decided less strictly by the policy: please report this", CallText(&call, abiOfCall(call.Arch, call.NR)))
	}
	return b.f.Space.Err()
}

// prove compiles the policy and compares.
func (b *builder) prove() error {
	c, err := b.out.Policy.Compile(&seccomp.CompileOptions{ABI: b.abis[0]})
	if err != nil {
		return fmt.Errorf("compile what was decompiled: %w", err)
	}
	again, err := New(b.f.Space, "", []cbpf.Program{c.Raw()}, b.f.BigEndian, b.f.Native)
	if err != nil {
		return fmt.Errorf("lift what was decompiled: %w", err)
	}
	if b.f.Partial {
		return b.noLooser(b.f.Space.MapValues(again.Node, canonical))
	}
	w, differ := b.f.Space.Difference(b.node, b.f.Space.MapValues(again.Node, canonical))
	b.out.Proved = !differ
	if differ && len(b.out.Problems) == 0 {
		call := callOf(&w.Words)
		abi := abiOfCall(call.Arch, call.NR)
		b.out.Problems = append(b.out.Problems, fmt.Sprintf("%s is %s in the filter and %s in the policy; %s",
			CallText(&call, abi), ActionWords(w.A, abi), ActionWords(w.B, abi), b.f.deciding(call)))
	}
	return b.f.Space.Err()
}
