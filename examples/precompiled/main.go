//go:build linux

// Command precompiled confines itself by a filter that was compiled, and proved,
// when go generate ran: nothing is compiled where it runs. There is a file for
// each architecture that Go has a Linux port for, all made on one machine.
package main

import (
	"fmt"
	"os"
	"os/exec"

	seccomp "github.com/elastic/go-seccomp-bpf"
)

//go:generate sh -c "for a in 386 amd64 arm arm64 loong64 mips mipsle mips64 mips64le ppc64 ppc64le riscv64 s390x; do go run ../../cmd/seccomp-policy compile policy.yaml -o zpolicy_$DOLLAR{a}.go --machine $DOLLAR{a} || exit 1; done"

// confine loads the filter into all threads of the process.
func confine() error {
	return seccomp.LoadFilter(seccomp.Filter{NoNewPrivs: true, Flag: seccomp.FilterFlagTSync, Precompiled: &policyFilter})
}

func main() {
	if err := confine(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(exec.Command("true").Run())
}
