package main

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/elfscan"
)

// policy unites the policies of the results.
func (f *scanFlags) policy(notes io.Writer, results []*elfscan.Result, action seccomp.Action, extra []string) (*seccomp.Policy, error) {
	info, err := arch.GetInfo(results[0].ABI)
	if err != nil {
		return nil, err
	}
	allow, err := f.allow.calls("allow", info, notes)
	if err != nil {
		return nil, err
	}
	block, err := f.block.calls("block", info, notes)
	if err != nil {
		return nil, err
	}
	var missing []string
	if f.target == "oci" {
		var oci []string
		oci, missing = elfscan.OCICalls(info.Name)
		allow = append(allow, oci...)
	}
	opt := &elfscan.PolicyOptions{DefaultAction: action, Args: f.args, Gated: f.gated, Numbers: f.numbers, Decided: true,
		Allow: append(allow, extra...), Block: block}
	var policies []*seccomp.Policy
	for _, r := range results {
		p, why, err := r.Policy(opt)
		if err != nil {
			return nil, err
		}
		for _, n := range why {
			fmt.Fprintf(notes, "%s: %s\n", r.Path, n)
		}
		policies = append(policies, p)
	}
	p := elfscan.Union(policies...)
	missing = slices.DeleteFunc(missing, func(n string) bool { return slices.Contains(p.Syscalls[0].Names, n) })
	if len(missing) > 0 {
		p.Syscalls = append(p.Syscalls, seccomp.SyscallGroup{Action: seccomp.ErrnoName("ENOSYS"), Names: missing})
	}
	return p, nil
}

// report prints what the user should know besides the policy. Programs and
// libraries that were named in the command line are known.
func report(w io.Writer, results []*elfscan.Result, programs, libraries []string) {
	for _, r := range results {
		if r.Script != "" {
			fmt.Fprintf(w, "%s: warning: a script: %s\n", r.Path, r.Script)
		}
		for _, n := range r.Notes {
			fmt.Fprintf(w, "%s: %s\n", r.Path, n)
		}
		if runs := without(r.Execs, programs); len(runs) > 0 {
			fmt.Fprintf(w, "%s: runs %s (add their calls with --with-exec)\n", r.Path, strings.Join(runs, ", "))
		}
		if len(r.Loads) > 0 {
			var names []string
			for _, l := range r.Loads {
				names = append(names, l.Function+" ("+l.Gate+")")
			}
			what := "libraries"
			if len(libraries) > 0 {
				what = "further libraries"
			}
			fmt.Fprintf(w, "%s: may load %s through %s; add those that it loads with --dlopen\n", r.Path, what, strings.Join(names, ", "))
		}
	}
}

// without is the paths that are not among the known ones.
func without(paths, known []string) []string {
	same := func(path string) func(string) bool {
		return func(k string) bool { return filepath.Clean(k) == filepath.Clean(path) }
	}
	return slices.DeleteFunc(slices.Clone(paths), func(p string) bool { return slices.ContainsFunc(known, same(p)) })
}

// warnPartial tells of programs that were not read whole, however quiet the
// user wants it: their policies may lack calls.
func warnPartial(w io.Writer, results []*elfscan.Result) {
	for _, r := range results {
		if r.Partial {
			fmt.Fprintf(w, "%s: warning: the result is partial: it may lack calls that the program makes\n", r.Path)
		}
	}
}
