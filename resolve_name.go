package seccomp

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/internal/decision"
)

// A flatGroup is a SyscallGroup with @groups replaced by their names, and the
// unconditional entries first: within a group, order says nothing.
type flatGroup struct {
	action  Action
	abis    []*arch.Info // the only ones the group is for; nil: all
	entries []entry
}

// governs tells whether the group is for the ABI.
func (g *flatGroup) governs(abi *arch.Info) bool {
	return g.abis == nil || slices.ContainsFunc(g.abis, func(a *arch.Info) bool { return a.Name == abi.Name })
}

// An entry is one name, number or range of numbers of a group.
type entry struct {
	name      string
	number    uint32
	last      uint32 // where the range ends: number, when it is none
	isNumber  bool
	fromGroup string // the @group that brought it, if one did
	conds     ArgumentConditions
}

// flatten expands all groups and refuses names that no ABI has.
func (r *resolver) flatten() ([]flatGroup, error) {
	var groups []flatGroup
	var problems []error
	refused := map[string]bool{}
	for i := range r.policy.Syscalls {
		g := &r.policy.Syscalls[i]
		abis, err := r.groupABIs(g)
		if err != nil {
			problems = append(problems, fmt.Errorf("syscalls[%d]: %w", i, err))
		}
		conditioned := g.conditioned()
		flat := flatGroup{action: g.Action, abis: abis, entries: make([]entry, 0, len(g.Names)+len(conditioned))}
		add := func(name string, conds ArgumentConditions) {
			if arch.Known(name) { // most are; parseName takes the others
				flat.entries = append(flat.entries, entry{name: name, conds: conds})
				return
			}
			var err error
			if flat.entries, err = parseName(flat.entries, name, conds); err != nil && !refused[name] {
				refused[name] = true
				problems = append(problems, fmt.Errorf("syscalls[%d]: %w", i, err))
			}
		}
		for _, name := range g.Names {
			add(name, nil)
		}
		for _, n := range conditioned {
			add(n.Name, n.Conditions)
		}
		groups = append(groups, flat)
	}
	return groups, errors.Join(problems...)
}

// parseName appends the entries that a name stands for.
func parseName(entries []entry, name string, conds ArgumentConditions) ([]entry, error) {
	switch {
	case strings.HasPrefix(name, "@"):
		if len(conds) > 0 {
			return entries, fmt.Errorf("%s: a group has no arguments of its own; name the calls to give conditions", name)
		}
		names, err := expandGroup(name)
		if err != nil {
			return entries, err
		}
		for _, n := range names {
			entries = append(entries, entry{name: n, fromGroup: name})
		}
		return entries, nil
	case isNumber(name):
		e, err := parseNumbers(name)
		if err != nil {
			return entries, err
		}
		if e.last > e.number && len(conds) > 0 {
			return entries, fmt.Errorf("%q: a range of numbers takes no conditions; give them for each number", name)
		}
		e.conds = conds
		return append(entries, e), nil
	case !arch.Known(name):
		return entries, unknownCall(name)
	}
	return append(entries, entry{name: name, conds: conds}), nil
}

// parseNumbers reads "1000" and "512-547".
func parseNumbers(name string) (entry, error) {
	first, last, isRange := strings.Cut(name, "-")
	if first == "" || !isRange { // a negative number, or one alone
		first, last = name, name
	}
	e := entry{name: name, isNumber: true}
	var err error
	if e.number, err = parseCallNumber(first); err != nil {
		return e, err
	}
	if e.last, err = parseCallNumber(last); err != nil {
		return e, err
	}
	if e.last < e.number {
		return e, fmt.Errorf("%q: a range of numbers starts with the lower one", name)
	}
	return e, nil
}

func parseCallNumber(text string) (uint32, error) {
	n, negative, err := parseNumber(strings.TrimSpace(text))
	if err != nil || !negative && n > math.MaxUint32 || negative && int64(n) < math.MinInt32 {
		return 0, fmt.Errorf("%q is not a syscall number of 32 bits", text)
	}
	return uint32(n), nil
}

// groupABIs looks up the ABIs that a group is limited to; nil: it is not.
func (r *resolver) groupABIs(g *SyscallGroup) ([]*arch.Info, error) {
	if len(g.ABIs) == 0 {
		return nil, nil
	}
	// Where the policy covers what the machine has, a group may be for some
	// machines only.
	portable := len(r.policy.ABIs) == 0 || slices.Contains(r.policy.ABIs, "native") || slices.Contains(r.policy.ABIs, "compat")
	abis := []*arch.Info{}
	for i, name := range g.ABIs {
		var abi *arch.Info
		var err error
		switch name {
		case "":
			err = errors.New("is empty")
		case "native":
			abi = r.abis[0]
		default:
			abi, err = arch.GetInfo(name)
		}
		if err != nil {
			return nil, fmt.Errorf("abis[%d]: %w", i, err)
		}
		if !slices.ContainsFunc(r.covered, func(a *arch.Info) bool { return a.Name == abi.Name }) {
			if portable {
				continue
			}
			return nil, fmt.Errorf("abis[%d]: the policy does not cover %s; add it to the policy's abis", i, abi.Name)
		}
		abis = append(abis, abi)
	}
	return abis, nil
}

func unknownCall(name string) error {
	near := arch.Nearest(name, 3)
	for i := range near {
		near[i] = fmt.Sprintf("%q", near[i])
	}
	if len(near) == 0 {
		return fmt.Errorf("unknown syscall %q", name)
	}
	return fmt.Errorf("unknown syscall %q (did you mean %s?)", name, strings.Join(near, " or "))
}

// A target is a number through which a call is made: its own, or that of a
// multiplexer together with the condition that selects the call.
type target struct {
	nr  uint32
	via string
	sub *decision.Cond
}

// targets appends the numbers through which an ABI makes the entry's call.
func (r *resolver) targets(t *table, abi *arch.Info, g *flatGroup, e *entry, multiplexes bool, targets []target) []target {
	if e.isNumber {
		own := slices.ContainsFunc(t.half(abi), func(h decision.Range) bool { return h.Lo <= e.number && e.number <= h.Hi })
		if own && (g.abis != nil || abi == r.abis[0]) {
			return append(targets, target{nr: e.number})
		}
		return nil
	}
	if nr, ok := abi.Number(e.name); ok {
		targets = append(targets, target{nr: nr})
	}
	if !multiplexes {
		return targets
	}
	if via, sub, ok := abi.Multiplexed(e.name); ok {
		if nr, ok := abi.Number(via); ok {
			targets = append(targets, target{nr: nr, via: via, sub: subCall(via, sub)})
		}
	}
	return targets
}

// subCall selects one call of a multiplexer by its first argument. ipc has a
// version in the upper 16 bits, which it cuts off (ipc/syscall.c).
func subCall(via string, sub uint32) *decision.Cond {
	mask := uint64(1<<32 - 1)
	if via == "ipc" {
		mask = 1<<16 - 1
	}
	return &decision.Cond{
		Bits: 32,
		Mask: mask,
		Set:  []decision.Interval{{Lo: uint64(sub), Hi: uint64(sub)}},
	}
}

func (r *resolver) noteMultiplexed(abi *arch.Info, e *entry, t target, conditioned bool, action Action) {
	switch {
	case !conditioned:
		r.note(NoteMultiplexed, e, abi, "the rule also governs %s(%d, …)", t.via, t.sub.Set[0].Lo)
	case action.permits():
		r.note(NoteUnchecked, e, abi, "conditions cannot be checked behind %s(%d, …): the rule does not allow the call there", t.via, t.sub.Set[0].Lo)
	default:
		r.note(NoteUnchecked, e, abi, "conditions cannot be checked behind %s(%d, …): %s applies there to every call", t.via, t.sub.Set[0].Lo, action)
	}
}

// noteHidden is about a rule that looks at arguments where the kernel shows the
// call's number in their place.
func (r *resolver) noteHidden(abi *arch.Info, e *entry, t target, action Action) {
	where := t.via
	if where == "" {
		where = e.name
	}
	const shows = "Linux shows filters the number in place of the first argument: "
	if action.permits() {
		r.note(NoteUnchecked, e, abi, shows+"the rule does not allow %s there", where)
		return
	}
	r.note(NoteUnchecked, e, abi, shows+"%s applies to every call of %s there", action, where)
}

// skip deals with an entry whose call an ABI does not have. What a group lists
// is for all ABIs, so that its absence is no news.
func (r *resolver) skip(abi *arch.Info, e *entry) error {
	if e.fromGroup != "" || e.isNumber {
		return nil
	}
	if r.policy.Strict {
		return fmt.Errorf("%s has no syscall %q, and the policy is strict", abi.Name, e.name)
	}
	r.note(NoteSkippedCall, e, abi, "the ABI has no such call")
	return nil
}
