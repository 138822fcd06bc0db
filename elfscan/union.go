package elfscan

import (
	"slices"
	"sort"

	seccomp "github.com/elastic/go-seccomp-bpf"
)

// Union allows what any of the allowlists allows. The default action and the
// ABIs are those of the first.
func Union(policies ...*seccomp.Policy) *seccomp.Policy {
	if len(policies) == 0 {
		return nil
	}
	any := map[string]bool{}
	for _, p := range policies {
		for _, g := range p.Syscalls {
			for _, n := range g.Names {
				any[n] = true
			}
		}
	}
	out := *policies[0]
	group := seccomp.SyscallGroup{Action: seccomp.ActionAllow}
	for n := range any {
		group.Names = append(group.Names, n)
	}
	sort.Strings(group.Names)
	for _, p := range policies {
		for _, g := range p.Syscalls {
			for _, c := range g.NamesWithConditions {
				if !any[c.Name] {
					group.NamesWithConditions = addAlternative(group.NamesWithConditions, c)
				}
			}
		}
	}
	sort.SliceStable(group.NamesWithConditions, func(i, j int) bool {
		return group.NamesWithConditions[i].Name < group.NamesWithConditions[j].Name
	})
	out.Syscalls = []seccomp.SyscallGroup{group}
	return &out
}

// addAlternative adds an entry, or its values to an entry that differs in
// nothing else.
func addAlternative(list []seccomp.NameWithConditions, c seccomp.NameWithConditions) []seccomp.NameWithConditions {
	for i, have := range list {
		if have.Name != c.Name || len(have.Conditions) != len(c.Conditions) {
			continue
		}
		at, differ := 0, 0
		for j := range c.Conditions {
			if !sameCondition(have.Conditions[j], c.Conditions[j]) {
				at, differ = j, differ+1
			}
		}
		if differ == 0 {
			return list
		}
		if merged, ok := mergeSets(have.Conditions[at], c.Conditions[at]); ok && differ == 1 {
			list[i].Conditions = slices.Clone(have.Conditions)
			list[i].Conditions[at] = merged
			return list
		}
	}
	return append(list, c)
}

func sameCondition(x, y seccomp.Condition) bool {
	return sameArgument(x, y) && x.Operation == y.Operation && x.Value == y.Value && x.Symbol == y.Symbol &&
		slices.Equal(x.Values, y.Values) && slices.Equal(x.Symbols, y.Symbols)
}

func sameArgument(x, y seccomp.Condition) bool {
	return x.Argument == y.Argument && x.Name == y.Name && x.Width == y.Width
}

// mergeSets unites what two conditions on the same argument allow.
func mergeSets(x, y seccomp.Condition) (seccomp.Condition, bool) {
	if !sameArgument(x, y) {
		return x, false
	}
	out := seccomp.Condition{Argument: x.Argument, Name: x.Name, Width: x.Width, Operation: seccomp.In}
	for _, c := range []seccomp.Condition{x, y} {
		switch {
		case c.Operation == seccomp.In:
			out.Values = append(out.Values, c.Values...)
			out.Symbols = append(out.Symbols, c.Symbols...)
		case c.Operation != seccomp.Equal:
			return x, false
		case c.Symbol != "":
			out.Symbols = append(out.Symbols, c.Symbol)
		default:
			out.Values = append(out.Values, c.Value)
		}
	}
	slices.Sort(out.Values)
	out.Values = slices.Compact(out.Values)
	out.Symbols = unique(out.Symbols)
	return out, true
}

// unique leaves out what came before.
func unique(in []string) (out []string) {
	for _, s := range in {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// ResolveIn follows path inside the directory root as a process would whose
// root it is: absolute and upward symbolic links stay inside.
func ResolveIn(root, path string) (string, error) { return resolveIn(root, path) }
