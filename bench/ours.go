package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/bench/neutral"
	"github.com/elastic/go-seccomp-bpf/cbpf"
)

// A setting is a way to compile with this project.
type setting struct {
	objective seccomp.Objective
	weights   string // builtinWeights, noWeights or traceWeights
}

const (
	builtinWeights = ""
	noWeights      = "no weights"
	traceWeights   = "trace weights"
)

var objectiveNames = map[seccomp.Objective]string{
	seccomp.MeanWithBitmap: "bitmap", seccomp.Mean: "mean", seccomp.WorstCase: "worst", seccomp.Size: "size",
}

func (s setting) String() string {
	name := "ours, " + objectiveNames[s.objective]
	if s.weights != builtinWeights {
		name += ", " + s.weights
	}
	return name
}

// detail tells whether a brief table does without the setting.
func (s setting) detail() bool {
	return s.weights != builtinWeights || s.objective == seccomp.WorstCase || s.objective == seccomp.Size
}

// settings are the rows of the table that are ours. Trace weights are for
// where there is a trace.
func settings(traced bool) []setting {
	var all []setting
	for _, objective := range []seccomp.Objective{seccomp.MeanWithBitmap, seccomp.Mean} {
		for _, weights := range []string{builtinWeights, noWeights, traceWeights} {
			if traced || weights != traceWeights {
				all = append(all, setting{objective, weights})
			}
		}
	}
	return append(all, setting{seccomp.WorstCase, builtinWeights}, setting{seccomp.Size, builtinWeights})
}

// A made is a program of ours and what making it took.
type made struct {
	program cbpf.Program
	cost    neutral.Cost // without the proof
	proof   neutral.Cost // compiling and proving
}

// compile compiles the policy, several times with the proof and without.
func (s setting) compile(p *neutral.Policy, trace map[string]float64, budget time.Duration) (m made, err error) {
	policy, err := ours(p)
	if err != nil {
		return m, fmt.Errorf("policy %s: %w", p.Name, err)
	}
	native, err := arch.GetInfo("x86_64")
	if err != nil {
		return m, err
	}
	options := seccomp.CompileOptions{ABI: native, Objective: s.objective}
	switch s.weights {
	case noWeights:
		options.Weights = map[string]float64{}
	case traceWeights:
		options.Weights = trace
	}
	for _, way := range []struct {
		skip bool
		cost *neutral.Cost
	}{{true, &m.cost}, {false, &m.proof}} {
		options.SkipProof = way.skip
		*way.cost, err = neutral.Measure(budget/2, func() error {
			c, err := policy.Compile(&options)
			if err == nil {
				m.program = c.Raw()
			}
			return err
		})
		if err != nil {
			return m, fmt.Errorf("%s: policy %s: %w", s, p.Name, err)
		}
	}
	return m, m.program.Validate()
}

var operations = map[string]seccomp.Operation{
	"eq": seccomp.Equal, "ne": seccomp.NotEqual, "lt": seccomp.LessThan, "le": seccomp.LessOrEqual,
	"gt": seccomp.GreaterThan, "ge": seccomp.GreaterOrEqual, "meq": seccomp.MaskedEqual,
}

// ours is the policy in terms of this project: a group for each action. Calls go
// by name, and by number where x86_64 has no such name.
func ours(p *neutral.Policy) (*seccomp.Policy, error) {
	byDefault, err := action(p.Default)
	if err != nil {
		return nil, err
	}
	out := &seccomp.Policy{DefaultAction: byDefault}
	if len(p.ABIs) > 0 {
		out.ABIs = append([]string{"x86_64"}, p.ABIs...)
	}
	native, err := arch.GetInfo("x86_64")
	if err != nil {
		return nil, err
	}
	groups := map[string]*seccomp.SyscallGroup{}
	for _, r := range p.Rules {
		g := groups[r.Action]
		if g == nil {
			a, err := action(r.Action)
			if err != nil {
				return nil, err
			}
			g = &seccomp.SyscallGroup{Action: a}
			groups[r.Action] = g
		}
		name := r.Name
		if nr, known := native.Number(name); !known || nr != r.NR {
			name = strconv.Itoa(int(r.NR))
		}
		add(g, &r, name)
	}
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		out.Syscalls = append(out.Syscalls, *groups[name])
	}
	return out, nil
}

func add(g *seccomp.SyscallGroup, r *neutral.Rule, name string) {
	if len(r.Alts) == 0 {
		g.Names = append(g.Names, name)
		return
	}
	for _, alt := range r.Alts {
		var conds seccomp.ArgumentConditions
		for _, c := range alt {
			cond := seccomp.Condition{Argument: uint32(c.Arg), Operation: operations[c.Op], Value: c.V, Width: seccomp.Width64}
			if c.Op == "meq" {
				cond.Mask = c.Mask
			}
			conds = append(conds, cond)
		}
		g.NamesWithConditions = append(g.NamesWithConditions, seccomp.NameWithConditions{Name: name, Conditions: conds})
	}
}

func action(text string) (seccomp.Action, error) {
	if data, ok := strings.CutPrefix(text, "errno:"); ok {
		n, err := strconv.ParseUint(data, 10, 16)
		return seccomp.Errno(syscall.Errno(n)), err
	}
	return seccomp.ParseAction(strings.Replace(text, "user_notif", "user_notify", 1))
}
