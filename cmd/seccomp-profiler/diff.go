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

// setting is something other than an allowed call that changed.
type setting struct {
	Setting string   `json:"setting"`
	Was     []string `json:"was,omitempty"`
	Is      []string `json:"is,omitempty"`
}

// showDiff prints what a policy gains and loses against an older one.
func (f *scanFlags) showDiff(w io.Writer, p *seccomp.Policy, results []*elfscan.Result) error {
	file, err := policyfile.ReadFile(f.diff)
	if err != nil {
		return fmt.Errorf("--diff: %w", err)
	}
	changes, err := changesOf(&file.Policy, p, results)
	if err != nil {
		return fmt.Errorf("--diff: %s: %w", f.diff, err)
	}
	settings, err := settingsChanged(&file.Policy, p, results[0].ABI)
	if err != nil {
		return fmt.Errorf("--diff: %s: %w", f.diff, err)
	}
	if f.form == "json" {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		err = enc.Encode(map[string]any{"schema": "seccomp-profiler/diff/1", "settings": settings, "changes": changes})
	} else {
		err = printChanges(w, f.painter(w), settings, changes)
	}
	if err == nil && len(settings)+len(changes) > 0 {
		return &exitCode{code: exitChanged}
	}
	return err
}

func changesOf(old, now *seccomp.Policy, results []*elfscan.Result) ([]change, error) {
	before, err := allowed(old)
	if err != nil {
		return nil, err
	}
	after, err := allowed(now)
	if err != nil {
		return nil, err
	}
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
	return changes, nil
}

// settingsChanged compares what policies hold besides the calls they allow;
// both are for the program, whose ABI is the native one.
func settingsChanged(old, now *seccomp.Policy, native string) ([]setting, error) {
	before, err := settings(old, native)
	if err != nil {
		return nil, err
	}
	after, err := settings(now, native)
	if err != nil {
		return nil, err
	}
	names := slices.AppendSeq(slices.Collect(maps.Keys(before)), maps.Keys(after))
	slices.Sort(names)
	changed := []setting{}
	for _, name := range slices.Compact(names) {
		if !slices.Equal(before[name], after[name]) {
			changed = append(changed, setting{name, before[name], after[name]})
		}
	}
	return changed, nil
}

func settings(p *seccomp.Policy, native string) (map[string][]string, error) {
	abis := []string{}
	for _, name := range p.ABIs {
		if info, err := arch.GetInfo(name); err == nil {
			name = info.Name // policies may use Go's
		}
		abis = append(abis, name)
	}
	if len(abis) == 0 {
		abis = []string{native}
	}
	foreign := p.BadArchAction
	if foreign == 0 {
		foreign = seccomp.ActionKillProcess
	}
	m := map[string][]string{"default_action": {p.DefaultAction.String()}, "bad_arch_action": {foreign.String()}, "abis": slices.Sorted(slices.Values(abis))}
	if p.Kernel != "" {
		m["kernel"] = []string{p.Kernel}
	}
	for i := range p.Syscalls {
		g := &p.Syscalls[i]
		if g.Action == seccomp.ActionAllow {
			continue
		}
		calls, err := callsOf(g)
		if err != nil {
			return nil, err
		}
		name := "action " + g.Action.String()
		for _, call := range slices.Sorted(maps.Keys(calls)) {
			for _, args := range calls[call] {
				if args != anyArguments {
					call += " with " + args
				}
				m[name] = append(m[name], call)
			}
		}
	}
	return m, nil
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

func printChanges(w io.Writer, paint painter, settings []setting, changes []change) error {
	var b bytes.Buffer
	if len(settings)+len(changes) == 0 {
		fmt.Fprintln(&b, "no change")
	}
	for _, s := range settings {
		fmt.Fprintf(&b, "%s: %s, was %s\n", paint.in(yellow, "~ "+s.Setting), list(s.Is), list(s.Was))
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

func list(texts []string) string {
	if len(texts) == 0 {
		return "none"
	}
	return strings.Join(texts, ", ")
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
func allowed(p *seccomp.Policy) (map[string][]string, error) {
	all := map[string][]string{}
	for i := range p.Syscalls {
		g := &p.Syscalls[i]
		if g.Action != seccomp.ActionAllow {
			continue
		}
		calls, err := callsOf(g)
		if err != nil {
			return nil, err
		}
		for name, args := range calls {
			if slices.Contains(args, anyArguments) || slices.Contains(all[name], anyArguments) {
				all[name] = []string{anyArguments}
			} else {
				all[name] = append(all[name], args...)
			}
		}
	}
	return all, nil
}

// callsOf maps the calls of one group to their alternatives.
func callsOf(g *seccomp.SyscallGroup) (map[string][]string, error) {
	out := map[string][]string{}
	for _, n := range g.Names {
		names := []string{n}
		if strings.HasPrefix(n, "@") {
			var err error
			if names, err = seccomp.Group(n); err != nil {
				return nil, err
			}
		}
		for _, n := range names {
			out[n] = []string{anyArguments}
		}
	}
	for j := range g.NamesWithConditions {
		n := &g.NamesWithConditions[j]
		if slices.Contains(out[n.Name], anyArguments) {
			continue
		}
		var all []string
		for k := range n.Conditions {
			all = append(all, conditionText(&n.Conditions[k]))
		}
		out[n.Name] = append(out[n.Name], strings.Join(all, " and "))
	}
	return out, nil
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
