package main

import (
	"fmt"
	"io"
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

// report prints what the user should know besides the policy.
func report(w io.Writer, results []*elfscan.Result, libraries bool) {
	for _, r := range results {
		if r.Script != "" {
			fmt.Fprintf(w, "%s: warning: a script: %s\n", r.Path, r.Script)
		}
		for _, n := range r.Notes {
			fmt.Fprintf(w, "%s: %s\n", r.Path, n)
		}
		if len(r.Execs) > 0 {
			fmt.Fprintf(w, "%s: runs %s (add their calls with --with-exec)\n", r.Path, strings.Join(r.Execs, ", "))
		}
		if !libraries && len(r.Loads) > 0 {
			var names []string
			for _, l := range r.Loads {
				names = append(names, l.Function+" ("+l.Gate+")")
			}
			fmt.Fprintf(w, "%s: may load libraries through %s; add those that it loads with --dlopen\n", r.Path, strings.Join(names, ", "))
		}
		if r.Partial {
			fmt.Fprintf(w, "%s: warning: the result is partial\n", r.Path)
		}
	}
}
