package main

import (
	"fmt"
	"slices"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/policyfile"
)

// adjust puts what -deny and -allow name before the policy's own groups. As the
// first group that matches decides, -deny wins over -allow, and both over the
// policy.
func adjust(file *policyfile.File, allow, deny []string) error {
	var first []seccomp.SyscallGroup
	for _, adjustment := range []struct {
		flag   string
		names  []string
		action seccomp.Action
	}{
		{"deny", deny, seccomp.ErrnoName("EPERM")},
		{"allow", allow, seccomp.ActionAllow},
	} {
		for _, name := range adjustment.names {
			if err := policyfile.CheckName(name); err != nil {
				return fmt.Errorf("-%s: %w", adjustment.flag, err)
			}
		}
		if len(adjustment.names) > 0 {
			first = append(first, seccomp.SyscallGroup{Names: adjustment.names, Action: adjustment.action})
		}
	}
	file.Prepend(slices.Clip(first)...)
	return nil
}
