package seccomp

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/internal/decision"
)

// A resolver turns a policy into a decision.Spec: names into numbers,
// conditions into sets of register values, actions into return values, each
// for every ABI that the policy covers.
type resolver struct {
	policy  *Policy
	abis    []*arch.Info // covered, the native one first
	covered []*arch.Info // the same before those of the other byte order are left out
	groups  []flatGroup
	spec    *decision.Spec
	notes   []Note
	noted   map[Note]bool
}

// A table collects the calls of one audit architecture.
type table struct {
	abis  []*arch.Info
	calls map[uint32]*call
	fresh []call           // memory for calls to come
	rules []decision.Rule  // and for the first rule of each
	spans []decision.Range // numbers that entries name from one to another, the first to decide first
}

// A call collects the rules for one number. It is closed when the last one
// matches always: no later rule can.
type call struct {
	rules  []decision.Rule
	closed bool
}

func (p *Policy) resolve(machine *arch.Info) (*resolver, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	r := &resolver{policy: p, noted: map[Note]bool{}}
	var err error
	if err = r.findABIs(machine); err != nil {
		return nil, err
	}
	if r.groups, err = r.flatten(); err != nil {
		return nil, err
	}
	r.spec = &decision.Spec{BigEndian: r.abis[0].BigEndian}
	badArch := p.BadArchAction
	if badArch == 0 {
		badArch = ActionKillProcess
	}
	if r.spec.BadArch, err = badArch.Return(r.abis[0]); err != nil {
		return nil, fmt.Errorf("bad_arch_action: %w", err)
	}
	var problems []error
	for _, t := range r.tables() {
		abi, err := r.resolveTable(t)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		r.spec.ABIs = append(r.spec.ABIs, *abi)
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return r, nil
}

// tables groups the covered ABIs by audit architecture: x86_64 and x32 share one.
func (r *resolver) tables() []*table {
	var tables []*table
	entries := 0
	for i := range r.groups {
		entries += len(r.groups[i].entries)
	}
	for _, abi := range r.abis {
		i := slices.IndexFunc(tables, func(t *table) bool { return t.abis[0].ID == abi.ID })
		if i < 0 {
			tables = append(tables, &table{calls: make(map[uint32]*call, entries)})
			i = len(tables) - 1
		}
		tables[i].abis = append(tables[i].abis, abi)
	}
	return tables
}

func (r *resolver) resolveTable(t *table) (*decision.ABI, error) {
	var problems []error
	for i := range r.groups { // the outer loop: an earlier group decides on every ABI
		for _, abi := range t.abis {
			if !r.groups[i].governs(abi) {
				continue
			}
			if err := r.addGroup(t, abi, &r.groups[i]); err != nil {
				problems = append(problems, fmt.Errorf("syscalls[%d]: %w", i, err))
			}
		}
	}
	def, err := r.policy.DefaultAction.Return(t.abis[0])
	if err != nil {
		problems = append(problems, fmt.Errorf("default_action: %w", err))
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	out := &decision.ABI{Arch: uint32(t.abis[0].ID), Default: def}
	enosys, err := ErrnoName("ENOSYS").Return(t.abis[0])
	if err != nil {
		return nil, err
	}
	guards := r.guards(t, enosys)
	newer, err := r.newerCalls(t, enosys)
	if err != nil {
		return nil, err
	}
	numbers := slices.AppendSeq(make([]uint32, 0, len(t.calls)), maps.Keys(t.calls))
	slices.Sort(numbers)
	out.Ranges = arrange(slices.Concat(t.spans, guards, newer), numbers)
	out.Calls = make([]decision.Call, 0, len(t.calls))
	for _, nr := range numbers {
		otherwise := def
		for _, g := range guards {
			if g.Lo <= nr && nr <= g.Hi {
				otherwise = g.Action
			}
		}
		out.Calls = append(out.Calls, decision.Call{NR: nr, Rules: t.calls[nr].rules, Else: otherwise})
	}
	return out, nil
}

func (r *resolver) addGroup(t *table, abi *arch.Info, g *flatGroup) error {
	ret, err := g.action.Return(abi)
	if err != nil {
		return err
	}
	_, socketcall := abi.Number("socketcall")
	_, ipc := abi.Number("ipc")
	var problems []error
	for i := range g.entries {
		if err := r.addEntry(t, abi, g, &g.entries[i], ret, socketcall || ipc); err != nil {
			problems = append(problems, err)
		}
	}
	return errors.Join(problems...)
}

// addEntry adds one entry's rule to each number through which its call is made.
// multiplexes says whether the ABI has a call that makes others.
func (r *resolver) addEntry(t *table, abi *arch.Info, g *flatGroup, e *entry, ret uint32, multiplexes bool) error {
	if e.isNumber && e.last > e.number {
		if g.abis != nil || abi == r.abis[0] {
			for _, half := range t.half(abi) {
				lo, hi := max(e.number, half.Lo), min(e.last, half.Hi)
				if lo <= hi {
					t.addSpan(decision.Range{Lo: lo, Hi: hi, Action: ret})
				}
			}
		}
		return nil
	}
	var space [2]target
	targets := r.targets(t, abi, g, e, multiplexes, space[:0])
	if len(targets) == 0 {
		return r.skip(abi, e)
	}
	var conds []decision.Cond
	conditioned := len(e.conds) > 0
	if targets[0].sub == nil { // else nothing can be checked, nor is there a prototype to check it by
		var never bool
		var err error
		if conds, never, err = r.conditions(abi, e); err != nil {
			return err
		}
		if never {
			return nil
		}
		conditioned = len(conds) > 0
	}
	for _, target := range targets {
		rule := decision.Rule{Conds: conds, Action: ret}
		if target.sub != nil {
			r.noteMultiplexed(abi, e, target, conditioned, g.action)
			if conditioned && g.action.permits() {
				continue
			}
			rule.Conds = []decision.Cond{*target.sub}
		}
		if abi.NumberFirst && len(rule.Conds) > 0 {
			r.noteHidden(abi, e, target, g.action)
			rule.Conds = t.addHidden(target.nr, rule, g.action.permits())
		}
		if !t.add(target.nr, rule) {
			r.note(NoteRedundant, e, abi, "an earlier entry already decides every call; this one has no effect")
		}
	}
	return nil
}

// addHidden deals with a rule that looks at arguments, on an ABI whose kernel
// shows filters the number in place of the first of them: a call that looks so
// is not allowed by the rule, and is refused by it whatever its arguments. It
// returns the conditions of the rule for all other calls.
func (t *table) addHidden(nr uint32, rule decision.Rule, permits bool) []decision.Cond {
	number := decision.Cond{Bits: 32, Mask: 1<<32 - 1, Set: []decision.Interval{{Lo: uint64(nr), Hi: uint64(nr)}}}
	if permits {
		number.Not = true
		return append(slices.Clone(rule.Conds), number)
	}
	t.add(nr, decision.Rule{Conds: []decision.Cond{number}, Action: rule.Action})
	return rule.Conds
}

// add reports whether the rule can ever be reached.
func (t *table) add(nr uint32, rule decision.Rule) bool {
	c := t.calls[nr]
	if c == nil {
		if t.inSpan(nr) {
			return false
		}
		c = t.newCall()
		t.calls[nr] = c
	}
	if c.closed {
		return false
	}
	c.rules = append(c.rules, rule)
	c.closed = len(rule.Conds) == 0
	return true
}

// newCall makes a call with room for one rule, which is all that most have.
func (t *table) newCall() *call {
	const chunk = 64
	if len(t.fresh) == 0 {
		t.fresh, t.rules = make([]call, chunk), make([]decision.Rule, chunk)
	}
	c := &t.fresh[0]
	c.rules = t.rules[:0:1]
	t.fresh, t.rules = t.fresh[1:], t.rules[1:]
	return c
}

// addSpan decides all numbers of a range that nothing before it has decided.
func (t *table) addSpan(span decision.Range) {
	for nr, c := range t.calls {
		if span.Lo <= nr && nr <= span.Hi && !c.closed {
			c.rules = append(c.rules, decision.Rule{Action: span.Action})
			c.closed = true
		}
	}
	t.spans = append(t.spans, span)
}

func (t *table) inSpan(nr uint32) bool {
	return slices.ContainsFunc(t.spans, func(s decision.Range) bool { return s.Lo <= nr && nr <= s.Hi })
}

// permits tells whether the call is made when this is its action. A supervisor
// or tracer decides for itself and sees the call as it is.
func (a Action) permits() bool { return a == ActionAllow || a == ActionLog }

// refuses tells whether the call is not made, whatever anybody else says.
func (a Action) refuses() bool {
	switch a.Kind() {
	case ActionErrno, ActionTrap, ActionKillThread, ActionKillProcess:
		return true
	}
	return false
}

func (r *resolver) note(kind NoteKind, e *entry, abi *arch.Info, format string, args ...any) {
	n := Note{Kind: kind, Text: fmt.Sprintf(format, args...)}
	if e != nil {
		n.Syscall = e.name
	}
	if abi != nil {
		n.ABI = abi.Name
	}
	if !r.noted[n] {
		r.noted[n] = true
		r.notes = append(r.notes, n)
	}
}
