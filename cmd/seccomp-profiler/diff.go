package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/elfscan"
	"github.com/elastic/go-seccomp-bpf/internal/symbols"
	"github.com/elastic/go-seccomp-bpf/policyfile"
)

// change is one call that a rebuild changed.
type change struct {
	Call     string   `json:"call"`
	Change   string   `json:"change"` // added, removed, arguments
	Was      []string `json:"was,omitempty"`
	Is       []string `json:"is,omitempty"`
	Function string   `json:"function,omitempty"` // that brings it
	File     string   `json:"file,omitempty"`
	Line     int      `json:"line,omitempty"`
	Path     []string `json:"path,omitempty"`
}

// showDiff prints what a policy gains and loses against an older one.
func (f *scanFlags) showDiff(w io.Writer, p *seccomp.Policy, results []*elfscan.Result) error {
	file, err := policyfile.ReadFile(f.diff)
	if err != nil {
		return fmt.Errorf("--diff: %w", err)
	}
	changes := changesOf(&file.Policy, p, results)
	if f.form == "json" {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		err = enc.Encode(map[string]any{"schema": "seccomp-profiler/diff/1", "changes": changes})
	} else {
		err = printChanges(w, f.painter(w), changes)
	}
	if err == nil && len(changes) > 0 {
		return &exitCode{code: exitChanged}
	}
	return err
}

func changesOf(old, now *seccomp.Policy, results []*elfscan.Result) []change {
	before, after := allowed(old), allowed(now)
	names := slices.Sorted(maps.Keys(before))
	names = slices.AppendSeq(names, maps.Keys(after))
	slices.Sort(names)
	changes := []change{}
	for _, name := range slices.Compact(names) {
		c := change{Call: name, Was: before[name], Is: after[name]}
		switch {
		case slices.Equal(c.Was, c.Is):
			continue
		case c.Was == nil:
			c.Change = "added"
		case c.Is == nil:
			c.Change = "removed"
		default:
			c.Change = "arguments"
		}
		if c.Is != nil {
			c.bring(results)
		}
		changes = append(changes, c)
	}
	return changes
}

// bring notes the function that brings a call, and how the program gets there.
func (c *change) bring(results []*elfscan.Result) {
	info, err := arch.GetInfo(results[0].ABI)
	if err != nil {
		return // results have ABIs that exist
	}
	for _, r := range results {
		for _, call := range r.Calls {
			if call.Name != c.Call || len(call.Evidence) == 0 {
				continue
			}
			e := call.Evidence[0]
			if from, ok := newArgument(info, &call, c.Was); ok && c.Change == "arguments" {
				e = from
			}
			c.Function, c.File, c.Line = e.Function, e.File, e.Line
			for _, p := range e.Path {
				c.Path = append(c.Path, p.Function)
			}
			return
		}
	}
}

// newArgument finds the place that supplies a value which was not there before.
func newArgument(info *arch.Info, call *elfscan.Call, was []string) (elfscan.Evidence, bool) {
	if call.Args == nil {
		return elfscan.Evidence{}, false
	}
	words := strings.FieldsFunc(strings.Join(was, " "), func(r rune) bool { return r == ' ' || r == ',' })
	namer := symbols.For(info)
	for i, tuple := range call.Args.Values {
		for k, v := range tuple {
			if !slices.Contains(words, fmt.Sprint(v)) && !slices.Contains(words, namer.Value(call.Name, call.Args.Index[k], v, 64)) {
				return call.Args.From[i], true
			}
		}
	}
	return elfscan.Evidence{}, false
}

func printChanges(w io.Writer, paint painter, changes []change) error {
	var b bytes.Buffer
	if len(changes) == 0 {
		fmt.Fprintln(&b, "no change")
	}
	for _, c := range changes {
		switch c.Change {
		case "added":
			fmt.Fprintf(&b, "%s%s\n", paint.in(green, "+ "+c.Call), c.bringer())
		case "removed":
			fmt.Fprintf(&b, "%s: nothing in the program calls it any more\n", paint.in(red, "- "+c.Call))
		case "arguments":
			fmt.Fprintf(&b, "%s: arguments %s, were %s%s\n", paint.in(yellow, "~ "+c.Call), strings.Join(c.Is, " or "), strings.Join(c.Was, " or "), c.bringer())
		}
	}
	_, err := b.WriteTo(w)
	return err
}

func (c *change) bringer() string {
	if c.Function == "" {
		return ": asked for"
	}
	path := c.Path
	if len(path) > 8 {
		path = append(append(path[:3:3], "..."), path[len(path)-4:]...)
	}
	text := ": " + c.Function
	if c.File != "" {
		text += fmt.Sprintf(" (%s:%d)", c.File, c.Line)
	}
	if len(path) > 0 {
		text += ", by " + strings.Join(path, " > ")
	}
	return text
}

// anyArguments is said of calls without conditions.
const anyArguments = "any"

// allowed maps the calls that a policy allows to their alternatives.
func allowed(p *seccomp.Policy) map[string][]string {
	out := map[string][]string{}
	for i := range p.Syscalls {
		g := &p.Syscalls[i]
		if g.Action != seccomp.ActionAllow {
			continue
		}
		for _, n := range g.Names {
			out[n] = []string{anyArguments}
		}
		for j := range g.NamesWithConditions {
			n := &g.NamesWithConditions[j]
			if slices.Contains(g.Names, n.Name) {
				continue
			}
			var all []string
			for k := range n.Conditions {
				all = append(all, conditionText(&n.Conditions[k]))
			}
			out[n.Name] = append(out[n.Name], strings.Join(all, " and "))
		}
	}
	return out
}

func conditionText(c *seccomp.Condition) string {
	name := c.Name
	if name == "" {
		name = fmt.Sprintf("argument %d", c.Argument)
	}
	values := slices.Clone(c.Symbols)
	for _, v := range c.Values {
		values = append(values, fmt.Sprint(v))
	}
	op := map[seccomp.Operation]string{seccomp.Equal: "=", seccomp.In: "one of"}[c.Operation]
	switch {
	case op == "":
		op = string(c.Operation)
	case len(values) > 0:
		return name + " " + op + " " + strings.Join(values, ", ")
	}
	if c.Symbol != "" {
		return name + " " + op + " " + c.Symbol
	}
	return fmt.Sprintf("%s %s %d", name, op, c.Value)
}
