package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/policyfile"
)

// completeFilters offers files and builtin policies.
func completeFilters(_ *cobra.Command, _ []string, word string) ([]string, cobra.ShellCompDirective) {
	if strings.HasPrefix("builtin:", word) || strings.HasPrefix(word, "builtin:") {
		return policyfile.Builtins(), cobra.ShellCompDirectiveDefault
	}
	return nil, cobra.ShellCompDirectiveDefault
}

// callNames are the calls of an ABI; of this machine's when none is named.
func callNames(abi string) []string {
	info, err := arch.GetInfo(abi)
	if err != nil {
		if info, err = arch.GetInfo("x86_64"); err != nil {
			return nil
		}
	}
	var names []string
	for name := range info.SyscallNames {
		names = append(names, name)
	}
	return names
}

// completeCalls offers names of system calls for a flag.
func completeCalls(cmd *cobra.Command, flag string) {
	complete(cmd, flag, func() []string { return callNames("") })
}
