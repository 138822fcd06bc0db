package main

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/cbpf"
	"github.com/elastic/go-seccomp-bpf/internal/decision"
	"github.com/elastic/go-seccomp-bpf/internal/explain"
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
	native := c.ABIs()[0]
	bigEndian := c.ByteOrder() == binary.ByteOrder(binary.BigEndian)
	f, err := explain.New(decision.NewSpace(0), file.Name, []cbpf.Program{c.Raw()}, bigEndian, native)
	if err != nil {
		return nil, fmt.Errorf("read the program: %w", err)
	}
	r := &report{Version: 1, Policy: file.Name, Instructions: len(c.Raw()), Notes: []note{}}
	for i, abi := range c.ABIs() {
		decisions, err := f.ABI(abi)
		if err != nil {
			return nil, err
		}
		a := reporter{filter: f, decisions: decisions, abi: abi}
		if i == 0 { // numbers in the policy are this ABI's
			a.numbers = numbers(&file.Policy)
		}
		r.ABIs = append(r.ABIs, a.report())
	}
	const noABI = 0 // an audit architecture that does not exist
	r.OtherABIs = explain.ActionWords(f.Action(cbpf.Data{Arch: noABI}), native)
	for _, n := range c.Notes {
		r.Notes = append(r.Notes, note{string(n.Kind), n.Syscall, n.ABI, n.Text})
	}
	return r, nil
}

// A reporter describes what a filter decides for the calls of one ABI.
type reporter struct {
	filter    *explain.Filter
	decisions *explain.ABI
	abi       *arch.Info
	numbers   []uint32 // without names, that the policy speaks of
}

func (a *reporter) report() abiReport {
	r := abiReport{Name: a.abi.Name, Conditional: []call{}}
	byAction := map[string][]string{}
	for _, e := range a.entries() {
		if !e.Constant() {
			r.Conditional = append(r.Conditional, call{e.Name, a.rules(&e)})
			continue
		}
		if a.filter.Programs[0].ConstAllow(uint32(a.abi.ID), e.Lo) {
			r.WithoutRun++
		}
		action := explain.ActionWords(e.Else, a.abi)
		byAction[action] = append(byAction[action], e.Name)
	}
	for action, names := range byAction {
		r.Actions = append(r.Actions, actionCalls{action, names})
	}
	slices.SortFunc(r.Actions, func(x, y actionCalls) int {
		return cmp.Or(len(y.Syscalls)-len(x.Syscalls), strings.Compare(x.Action, y.Action))
	})
	r.Unknown = a.action(a.unknown())
	const x32Bit = 0x40000000
	if a.abi.Name == "x86_64" {
		r.X32 = a.action(x32Bit)
	}
	return r
}

// entries are the decisions for all calls, and for the numbers that the policy
// speaks of, by name.
func (a *reporter) entries() []explain.Entry {
	var out []explain.Entry
	for _, e := range a.decisions.Entries {
		if e.Name != "" {
			out = append(out, e)
			continue
		}
		for _, nr := range a.numbers {
			if e.Lo <= nr && nr <= e.Hi {
				e.Name, e.Lo, e.Hi = fmt.Sprint(nr), nr, nr
				out = append(out, e)
			}
		}
	}
	slices.SortFunc(out, func(x, y explain.Entry) int { return strings.Compare(x.Name, y.Name) })
	return out
}

// numbers lists the numbers that a policy names without a range.
func numbers(p *seccomp.Policy) []uint32 {
	var out []uint32
	add := func(name string) {
		if n, err := strconv.ParseInt(name, 0, 64); err == nil {
			out = append(out, uint32(n))
		}
	}
	for _, g := range p.Syscalls {
		for _, name := range g.Names {
			add(name)
		}
		for _, e := range g.NamesWithConditions {
			add(e.Name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (a *reporter) action(nr uint32) string {
	return explain.ActionWords(a.filter.Action(cbpf.Data{Arch: uint32(a.abi.ID), NR: nr}), a.abi)
}

// unknown is the number after the last of the ABI's table, which grows there.
func (a *reporter) unknown() uint32 {
	const armPrivate = 0x0f0000 // __ARM_NR_BASE
	var last uint32
	for _, e := range a.decisions.Entries {
		if e.Name != "" && e.Lo&^uint32(a.abi.SeccompMask) < armPrivate {
			last = max(last, e.Lo)
		}
	}
	return last + 1
}

// rules lists what decides a call, up to what always applies.
func (a *reporter) rules(e *explain.Entry) []rule {
	if e.Err != nil {
		return []rule{{"depends on its arguments", []string{e.Err.Error()}}}
	}
	var rules []rule
	for _, r := range e.Rules {
		var when []string
		for i := range r.Conds {
			when = append(when, r.Conds[i].Words(a.abi, e.Name))
		}
		rules = append(rules, rule{explain.ActionWords(r.Action, a.abi), when})
	}
	return append(rules, rule{explain.ActionWords(e.Else, a.abi), nil})
}
