package main

import (
	"encoding/json"
	"io"
	"slices"
	"strconv"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/cbpf"
	"github.com/elastic/go-seccomp-bpf/policyfile"
)

// A report is what -check says. Its JSON form keeps its keys while Version
// stays the same; keys may be added.
type report struct {
	Version      int         `json:"version"` // 1
	Policy       string      `json:"policy"`
	Instructions int         `json:"instructions"`
	ABIs         []abiReport `json:"abis"`       // the native one first
	OtherABIs    string      `json:"other_abis"` // the action for calls through any other ABI
	Starts       bool        `json:"starts"`     // whether a command can be started
	Notes        []note      `json:"notes"`
}

type abiReport struct {
	Name        string        `json:"name"`
	Actions     []actionCalls `json:"actions"`     // the calls whose arguments do not matter
	Conditional []call        `json:"conditional"` // the calls whose arguments do
	Unknown     string        `json:"unknown"`     // the action for numbers above all known ones
	WithoutRun  int           `json:"without_run"` // how many calls Linux 5.11 and later allow without running the filter
	X32         string        `json:"x32,omitempty"`
}

type actionCalls struct {
	Action   string   `json:"action"`
	Syscalls []string `json:"syscalls"`
}

// A call is decided by the first of its rules that applies.
type call struct {
	Name  string `json:"name"`
	Rules []rule `json:"rules"`
}

type rule struct {
	Action string   `json:"action"`
	When   []string `json:"when,omitempty"` // all have to hold; nothing means always
}

type note struct {
	Kind    string `json:"kind"`
	Syscall string `json:"syscall,omitempty"`
	ABI     string `json:"abi,omitempty"`
	Text    string `json:"text"`
}

// report writes what the policy does. It is an error when nothing could run
// under it, as it would be without -check.
func (o *options) report(w io.Writer, file *policyfile.File, c *seccomp.Compiled) error {
	r, err := newReport(file, c)
	if err != nil {
		return err
	}
	cannotStart := startable(c)
	r.Starts = cannotStart == nil
	if o.output == "json" {
		e := json.NewEncoder(w)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		err = e.Encode(r)
	} else {
		err = r.writeText(w)
	}
	if err != nil {
		return err
	}
	return cannotStart
}

func newReport(file *policyfile.File, c *seccomp.Compiled) (*report, error) {
	p, err := lift(c)
	if err != nil {
		return nil, err
	}
	native := c.ABIs()[0]
	r := &report{Version: 1, Policy: file.Name, Instructions: len(c.Raw()), Notes: []note{}}
	for i, abi := range c.ABIs() {
		filled, err := arch.GetInfo(abi.Name)
		if err != nil {
			return nil, err
		}
		a := reporter{program: p, raw: c.Raw(), policy: &file.Policy, abi: filled, native: i == 0}
		r.ABIs = append(r.ABIs, a.report())
	}
	const noABI = 0 // an audit architecture that does not exist
	r.OtherABIs = actionText(native, p.outcomes(&arch.Info{ID: noABI}, 0)[0])
	for _, n := range c.Notes {
		r.Notes = append(r.Notes, note{string(n.Kind), n.Syscall, n.ABI, n.Text})
	}
	return r, nil
}

// A reporter describes the part of a policy that is about one ABI.
type reporter struct {
	program *program
	raw     cbpf.Program
	policy  *seccomp.Policy
	abi     *arch.Info
	native  bool // numbers in the policy are this ABI's
}

func (a *reporter) report() abiReport {
	r := abiReport{Name: a.abi.Name, Conditional: []call{}}
	byAction := map[string][]string{}
	for _, name := range a.names() {
		nr := a.number(name)
		outcomes := a.program.outcomes(a.abi, nr)
		if len(outcomes) > 1 {
			r.Conditional = append(r.Conditional, call{name, a.rules(name)})
			continue
		}
		if a.raw.ConstAllow(uint32(a.abi.ID), nr) {
			r.WithoutRun++
		}
		action := actionText(a.abi, outcomes[0])
		byAction[action] = append(byAction[action], name)
	}
	for action, names := range byAction {
		r.Actions = append(r.Actions, actionCalls{action, names})
	}
	slices.SortFunc(r.Actions, func(x, y actionCalls) int {
		if d := len(y.Syscalls) - len(x.Syscalls); d != 0 {
			return d
		}
		if x.Action < y.Action {
			return -1
		}
		return 1
	})
	r.Unknown = actionText(a.abi, a.program.outcomes(a.abi, a.unknown())[0])
	const x32Bit = 0x40000000
	if a.abi.Name == "x86_64" {
		r.X32 = actionText(a.abi, a.program.outcomes(a.abi, x32Bit)[0])
	}
	return r
}

// names lists the calls that the ABI has, and the numbers that the policy names.
func (a *reporter) names() []string {
	var names []string
	for name := range a.abi.SyscallNames {
		names = append(names, name)
	}
	for _, g := range a.policy.Syscalls {
		all := slices.Clone(g.Names)
		for _, e := range g.NamesWithConditions {
			all = append(all, e.Name)
		}
		for _, name := range all {
			if _, isNumber := parseNumber(name); isNumber && a.native {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (a *reporter) number(name string) uint32 {
	if nr, ok := a.abi.Number(name); ok {
		return nr
	}
	nr, _ := parseNumber(name)
	return nr
}

func parseNumber(name string) (uint32, bool) {
	n, err := strconv.ParseInt(name, 0, 64)
	return uint32(n), err == nil
}

// unknown is the number after the last of the ABI's table, which grows there.
func (a *reporter) unknown() uint32 {
	const armPrivate = 0x0f0000 // __ARM_NR_BASE
	var last uint32
	for name := range a.abi.SyscallNames {
		if nr, ok := a.abi.Number(name); ok && nr&^uint32(a.abi.SeccompMask) < armPrivate {
			last = max(last, nr)
		}
	}
	return last + 1
}

// rules lists what the policy says about a call, up to what always applies.
func (a *reporter) rules(name string) []rule {
	var rules []rule
	if a.multiplexes(name) {
		rules = append(rules, rule{"as for the call that it makes", []string{"that is one the policy names"}})
	}
	add := func(action seccomp.Action, when []string) (always bool) {
		rules = append(rules, rule{a.action(action), when})
		return len(when) == 0
	}
	for _, g := range a.policy.Syscalls {
		if !a.within(g.ABIs) {
			continue
		}
		if a.lists(g.Names, name) {
			add(g.Action, nil)
			return rules
		}
		for _, e := range g.NamesWithConditions {
			if e.Name != name {
				continue
			}
			if add(g.Action, a.when(name, e.Conditions)) {
				return rules
			}
		}
	}
	add(a.policy.DefaultAction, nil)
	return rules
}

// within tells whether a group that is limited to some ABIs is for this one.
func (a *reporter) within(abis []string) bool {
	return len(abis) == 0 || slices.ContainsFunc(abis, func(name string) bool {
		if name == "native" || name == "compat" {
			return (name == "native") == a.native
		}
		abi, err := arch.GetInfo(name)
		return err == nil && abi.Name == a.abi.Name
	})
}

// multiplexes tells whether the call is socketcall or ipc, which make others.
func (a *reporter) multiplexes(name string) bool {
	for other := range a.abi.SyscallNames {
		if via, _, ok := a.abi.Multiplexed(other); ok && via == name {
			return true
		}
	}
	return false
}

func (a *reporter) lists(names []string, name string) bool {
	return slices.ContainsFunc(names, func(n string) bool {
		if n == name {
			return true
		}
		if n == "" || n[0] != '@' {
			return false
		}
		group, err := seccomp.Group(n)
		return err == nil && slices.Contains(group, name)
	})
}

func (a *reporter) action(action seccomp.Action) string {
	ret, err := action.Return(a.abi)
	if err != nil {
		return action.String()
	}
	return actionText(a.abi, ret)
}
