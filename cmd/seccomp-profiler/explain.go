package main

import (
	"fmt"
	"io"
	"sort"
	"strings"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/elfscan"
	"github.com/elastic/go-seccomp-bpf/policyfile"
)

// explain prints why a call is in the list.
func explain(w io.Writer, results []*elfscan.Result, name string) error {
	found := false
	for _, r := range results {
		for _, c := range r.Calls {
			if c.Name != name {
				continue
			}
			found = true
			fmt.Fprintf(w, "%s: %s, %s%s\n", r.Path, c.Name, c.Grade, gateText(c.Gate))
			for _, e := range c.Evidence {
				printEvidence(w, e)
			}
		}
	}
	if found {
		return nil
	}
	if !arch.Known(name) {
		return fmt.Errorf("unknown system call %q (did you mean %s?)", name, strings.Join(arch.Nearest(name, 3), ", "))
	}
	return fmt.Errorf("%s does not call %s", results[0].Path, name)
}

func gateText(gate string) string {
	if gate == "" {
		return ""
	}
	return ": only with " + gate
}

func printEvidence(w io.Writer, e elfscan.Evidence) {
	fmt.Fprintf(w, "  %s at %#x in %s", e.Function, e.Address, e.Module)
	if e.File != "" {
		fmt.Fprintf(w, " (%s:%d)", e.File, e.Line)
	}
	fmt.Fprintf(w, ", system call at %#x%s\n", e.Site, gateText(e.Gate))
	for i, p := range e.Path {
		fmt.Fprintf(w, "    %s%s\n", strings.Repeat(" ", min(i, 20)), p.Function)
	}
}

// list prints all calls, grade and first evidence.
func list(w io.Writer, results []*elfscan.Result) error {
	for _, r := range results {
		fmt.Fprintf(w, "%s: %s, %d calls, %d unresolved\n", r.Path, r.ABI, len(r.Calls), len(r.Unresolved))
		for _, c := range r.Calls {
			where := ""
			if len(c.Evidence) > 0 {
				where = c.Evidence[0].Function
			}
			fmt.Fprintf(w, "%-24s %-9s %s%s\n", c.Name, c.Grade, where, gateText(c.Gate))
		}
		for _, u := range r.Unresolved {
			fmt.Fprintf(w, "unresolved: %s\n", siteText(u))
		}
	}
	return nil
}

func siteText(u elfscan.Site) string {
	return fmt.Sprintf("%s+%#x in %s (system call at %#x): %s", u.Function, u.Offset, u.Module, u.Site, u.Reason)
}

// diff prints what a policy gains and loses against an older one.
func diff(w io.Writer, old string, p *seccomp.Policy, results []*elfscan.Result) error {
	file, err := policyfile.ReadFile(old)
	if err != nil {
		return fmt.Errorf("--diff: %w", err)
	}
	before, after := allowed(&file.Policy), allowed(p)
	changed := false
	for _, name := range union(before, after) {
		was, is := before[name], after[name]
		switch {
		case was == is:
			continue
		case was == "":
			fmt.Fprintf(w, "+ %s%s\n", name, bringer(results, name))
		case is == "":
			fmt.Fprintf(w, "- %s: nothing in the program calls it any more\n", name)
		default:
			fmt.Fprintf(w, "~ %s: arguments %s, were %s%s\n", name, is, was, bringer(results, name))
		}
		changed = true
	}
	if !changed {
		fmt.Fprintln(w, "no change")
	}
	return nil
}

// allowed maps the calls of a policy to their conditions, "any" without.
func allowed(p *seccomp.Policy) map[string]string {
	out := map[string]string{}
	for _, g := range p.Syscalls {
		for _, n := range g.Names {
			out[n] = "any"
		}
		for _, n := range g.NamesWithConditions {
			if out[n.Name] == "any" {
				continue
			}
			text := make([]string, 0, len(n.Conditions))
			for _, c := range n.Conditions {
				text = append(text, fmt.Sprintf("%d %s %d%v", c.Argument, c.Operation, c.Value, c.Values))
			}
			out[n.Name] += "(" + strings.Join(text, " and ") + ")"
		}
	}
	return out
}

func union(a, b map[string]string) []string {
	seen := map[string]bool{}
	for n := range a {
		seen[n] = true
	}
	for n := range b {
		seen[n] = true
	}
	out := make([]string, 0, len(seen))
	for n := range seen {
		out = append(out, n)
	}
	sort.Strings(out)
	return out
}

// bringer names the function that brings a call, and how the program gets
// there.
func bringer(results []*elfscan.Result, name string) string {
	for _, r := range results {
		for _, c := range r.Calls {
			if c.Name != name || len(c.Evidence) == 0 {
				continue
			}
			e := c.Evidence[0]
			var path []string
			for _, p := range e.Path {
				path = append(path, p.Function)
			}
			if len(path) > 8 {
				path = append(append(path[:3:3], "..."), path[len(path)-4:]...)
			}
			return fmt.Sprintf(": %s (%s)", e.Function, strings.Join(path, " > "))
		}
	}
	return ""
}
