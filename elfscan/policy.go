package elfscan

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	seccomp "github.com/elastic/go-seccomp-bpf"
)

// PolicyOptions adjust the policy made from a result.
type PolicyOptions struct {
	// DefaultAction is taken on every other call; zero means
	// [seccomp.ActionKillProcess].
	DefaultAction seccomp.Action
	// Args writes conditions on the arguments whose values are all known.
	Args bool
	// Gated includes calls that only a field which the program never sets
	// could enable.
	Gated bool
	// Allow names further calls to allow, Block calls to leave out.
	Allow, Block []string
}

// Policy writes an allowlist of the calls found. The notes say what the policy
// does not show: arguments that could not be restricted, and why. Unresolved
// sites are the caller's to decide about before.
func (r *Result) Policy(opt *PolicyOptions) (*seccomp.Policy, []string, error) {
	var o PolicyOptions
	if opt != nil {
		o = *opt
	}
	if o.DefaultAction == 0 {
		o.DefaultAction = seccomp.ActionKillProcess
	}
	names := map[string]bool{}
	for _, c := range r.Calls {
		if c.Grade != Gated || o.Gated {
			names[c.Name] = true
		}
	}
	for _, n := range o.Allow {
		names[n] = true
	}
	for _, n := range o.Block {
		delete(names, n)
	}
	var notes []string
	group := seccomp.SyscallGroup{Action: seccomp.ActionAllow}
	for n := range names {
		var conds []seccomp.NameWithConditions
		if o.Args && !slices.Contains(o.Allow, n) {
			var why string
			if conds, why = r.conditions(n); why != "" {
				notes = append(notes, why)
			}
		}
		if conds == nil {
			group.Names = append(group.Names, n)
		}
		group.NamesWithConditions = append(group.NamesWithConditions, conds...)
	}
	sort.Strings(group.Names)
	sort.SliceStable(group.NamesWithConditions, func(i, j int) bool {
		return group.NamesWithConditions[i].Name < group.NamesWithConditions[j].Name
	})
	sort.Strings(notes)
	p := &seccomp.Policy{DefaultAction: o.DefaultAction, Syscalls: []seccomp.SyscallGroup{group}, ABIs: []string{r.ABI}}
	return p, notes, nil
}

// conditions are the alternatives of a call's arguments, nil with a reason if
// they are not all known, and nil without for calls that are never restricted.
func (r *Result) conditions(name string) ([]seccomp.NameWithConditions, string) {
	set := r.args[name]
	if argsOf[name] == nil || set == nil {
		return nil, ""
	}
	if all := r.args["*"]; all != nil {
		return nil, fmt.Sprintf("%s is not restricted: the number used in %s is unknown and may be its", name, all.open.where())
	}
	if set.open != nil {
		return nil, fmt.Sprintf("%s is not restricted: its arguments in %s are unknown", name, set.open.where())
	}
	if set.many {
		return nil, fmt.Sprintf("%s is not restricted: more than %d combinations of arguments", name, maxTuples)
	}
	if len(set.index) == 1 && len(set.tuples) > 1 {
		var vals []uint64
		for _, t := range set.tuples {
			vals = append(vals, t[0])
		}
		return []seccomp.NameWithConditions{{Name: name, Conditions: seccomp.ArgumentConditions{
			{Argument: uint32(set.index[0]), Operation: seccomp.In, Values: vals}}}}, ""
	}
	var out []seccomp.NameWithConditions
	for _, t := range set.tuples {
		var cs seccomp.ArgumentConditions
		for k, j := range set.index {
			cs = append(cs, seccomp.Condition{Argument: uint32(j), Operation: seccomp.Equal, Value: t[k]})
		}
		out = append(out, seccomp.NameWithConditions{Name: name, Conditions: cs})
	}
	return out, ""
}

func (e *Evidence) where() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s %#x", e.Function, e.Module, e.Address)
	if e.File != "" {
		fmt.Fprintf(&b, ", %s:%d", e.File, e.Line)
	}
	b.WriteByte(')')
	return b.String()
}
