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
	// Gated includes calls that only what the program never does could enable.
	Gated bool
	// Allow names further calls to allow, Block calls that were found to leave
	// out. What both name is allowed.
	Allow, Block []string
	// Decided says that the caller knows what every unresolved site calls: Allow
	// has it, and the arguments of other calls are restricted all the same.
	Decided bool
	// Numbers writes values as numbers, not as the kernel's names for them.
	Numbers bool
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
	names := map[string]*Arguments{}
	for _, c := range r.Calls {
		if (c.Grade != Gated || o.Gated) && !slices.Contains(o.Block, c.Name) {
			names[c.Name] = c.Args
		}
	}
	for _, n := range o.Allow {
		names[n] = nil
	}
	var notes []string
	group := seccomp.SyscallGroup{Action: seccomp.ActionAllow}
	for n, args := range names {
		var conds []seccomp.NameWithConditions
		if o.Args && args != nil {
			var why string
			if conds, why = r.conditions(n, args, &o); why != "" {
				notes = append(notes, n+" is not restricted: "+why)
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

func (e *Evidence) where() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s %#x", e.Function, e.Module, e.Address)
	if e.File != "" {
		fmt.Fprintf(&b, ", %s:%d", e.File, e.Line)
	}
	b.WriteByte(')')
	return b.String()
}
