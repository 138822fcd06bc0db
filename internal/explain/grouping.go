package explain

import (
	"cmp"
	"slices"
	"strings"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
)

// unify makes one recipe of those that say the same of a name on several ABIs.
func (b *builder) unify() {
	byKey := map[string]*recipe{}
	var out []*recipe
	for _, r := range b.recipes {
		if same := byKey[r.key()]; same != nil {
			same.abis = append(same.abis, r.abis...)
			continue
		}
		byKey[r.key()] = r
		out = append(out, r)
	}
	for _, r := range out {
		have := 0
		for _, abi := range b.abis {
			if _, ok := abi.Number(r.name); ok {
				have++
			}
		}
		isNumber := r.name[0] >= '0' && r.name[0] <= '9'
		r.all = !isNumber && have == len(r.abis) || isNumber && len(b.abis) == 1
	}
	b.recipes = out
}

// A scope is what entries of one group have in common.
type scope struct {
	abis   string // joined by commas; empty for all
	action seccomp.Action
	stage  int
}

// Stages: what must come first, with and without conditions; then the others.
const (
	stageFirst = iota
	stageFirstRest
	stageConditions
	stageRest
)

func (r *recipe) scope() string {
	if r.all {
		return ""
	}
	return strings.Join(r.abis, ",")
}

// group arranges the recipes as groups of a policy.
func (b *builder) group() {
	groups := map[scope]*seccomp.SyscallGroup{}
	at := func(r *recipe, a seccomp.Action, stage int) *seccomp.SyscallGroup {
		key := scope{r.scope(), a, stage}
		g := groups[key]
		if g == nil {
			g = &seccomp.SyscallGroup{Action: a}
			if key.abis != "" {
				g.ABIs = strings.Split(key.abis, ",")
			}
			groups[key] = g
		}
		return g
	}
	merged := b.mergeable()
	for _, r := range b.recipes {
		conditions, rest := stageConditions, stageRest
		if r.first {
			conditions, rest = stageFirst, stageFirstRest
		} else if merged != nil {
			conditions = stageRest
		}
		for _, c := range r.conds {
			g := at(r, c.action, conditions)
			g.NamesWithConditions = append(g.NamesWithConditions, seccomp.NameWithConditions{Name: r.name, Conditions: c.conds})
		}
		if r.rest != 0 {
			g := at(r, r.rest, rest)
			g.Names = append(g.Names, r.name)
		}
	}
	keys := make([]scope, 0, len(groups))
	for key := range groups {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(x, y scope) int {
		return cmp.Or(x.stage-y.stage, merged[scope{x.abis, x.action, 0}]-merged[scope{y.abis, y.action, 0}],
			strings.Compare(x.abis, y.abis), size(groups[y])-size(groups[x]), cmp.Compare(x.action, y.action))
	})
	p := b.out.Policy
	for _, key := range keys {
		g := groups[key]
		slices.Sort(g.Names)
		if key.abis == "" {
			g.Names = b.useGroups(g.Names)
		}
		p.Syscalls = append(p.Syscalls, *g)
	}
	if len(p.Syscalls) == 0 { // a policy lists something
		p.Syscalls = []seccomp.SyscallGroup{{Action: p.DefaultAction, Names: []string{unusedNumber}}}
	}
}

func size(g *seccomp.SyscallGroup) int { return len(g.Names) + len(g.NamesWithConditions) }

// mergeable orders groups so that entries with conditions stand in one group
// with the others of the same action, each before what happens otherwise. Nil
// when there is no such order.
func (b *builder) mergeable() map[scope]int {
	after := map[scope]map[scope]bool{} // what must come later
	nodes := map[scope]bool{}
	for _, r := range b.recipes {
		if r.first {
			continue
		}
		rest := scope{r.scope(), r.rest, 0}
		for _, c := range r.conds {
			from := scope{r.scope(), c.action, 0}
			nodes[from] = true
			if r.rest != 0 && from != rest {
				if after[from] == nil {
					after[from] = map[scope]bool{}
				}
				after[from][rest] = true
			}
		}
		if r.rest != 0 {
			nodes[rest] = true
		}
	}
	rank := map[scope]int{}
	var visit func(s scope, depth int) bool
	visit = func(s scope, depth int) bool {
		if depth > len(nodes) {
			return false // a cycle
		}
		rank[s] = max(rank[s], depth)
		for next := range after[s] {
			if !visit(next, depth+1) {
				return false
			}
		}
		return true
	}
	for s := range nodes {
		if !visit(s, 1) {
			return nil
		}
	}
	return rank
}

// useGroups replaces names by the @groups they make up, the largest first.
func (b *builder) useGroups(names []string) []string {
	least := 4
	if b.options.Minimal {
		least = 2
	}
	for {
		best, members := "", []string(nil)
		for _, group := range seccomp.Groups() {
			calls, err := seccomp.Group(group)
			if err != nil {
				continue
			}
			present := b.present(calls)
			if len(present) >= least && len(present) > len(members) && contains(names, present) {
				best, members = group, present
			}
		}
		if best == "" {
			return names
		}
		names = slices.DeleteFunc(names, func(n string) bool { return slices.Contains(members, n) })
		names = append([]string{best}, names...)
		slices.SortFunc(names, func(x, y string) int {
			return cmp.Or(-cmp.Compare(btoi(x[0] == '@'), btoi(y[0] == '@')), strings.Compare(x, y))
		})
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// present is those of some calls that an ABI of the policy has.
func (b *builder) present(calls []string) []string {
	return slices.DeleteFunc(slices.Clone(calls), func(name string) bool {
		return !slices.ContainsFunc(b.abis, func(abi *arch.Info) bool { _, ok := abi.Number(name); return ok })
	})
}

func contains(names, all []string) bool {
	return !slices.ContainsFunc(all, func(n string) bool { return !slices.Contains(names, n) })
}
