package elfscan_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/elastic/go-seccomp-bpf/elfscan"
)

// argumentProgram makes one call with several arguments from one function,
// through functions that pass on the argument, or the number as well.
const argumentProgram = `package main

import (
	"os"
	"syscall"
)

func option(op uintptr) { syscall.RawSyscall(syscall.SYS_PRCTL, op, 0, 0) }

func both(nr, op uintptr) { syscall.RawSyscall(nr, op, 0, 0) }

func main() {
	syscall.RawSyscall(syscall.SYS_PRCTL, 3, 0, 0)
	syscall.RawSyscall(syscall.SYS_PRCTL, 23, 0, 0)
	option(7)
	option(27)
	both(syscall.SYS_PRCTL, 30)
	both(syscall.SYS_PRCTL, 39)
	both(syscall.SYS_PERSONALITY, 0xffffffff)
	op := uintptr(14)
	if len(os.Args) > 1 {
		op = 38
	}
	option(op)
	syscall.RawSyscall(syscall.SYS_UNSHARE, uintptr(len(os.Args)), 0, 0)
	syscall.RawSyscall(syscall.SYS_SOCKET, syscall.AF_NETLINK, syscall.SOCK_RAW, 0)
	syscall.RawSyscall(syscall.SYS_SOCKET, syscall.AF_UNIX, syscall.SOCK_DGRAM, 0)
	syscall.RawSyscall(syscall.SYS_SOCKET, syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
}
`

func TestArguments(t *testing.T) {
	for _, goarch := range []string{"amd64", "arm64", "riscv64"} {
		t.Run(goarch, func(t *testing.T) { checkArguments(t, goarch) })
	}
}

func checkArguments(t *testing.T, goarch string) {
	res := scanFile(t, buildSource(t, argumentProgram, goarch), nil)
	p, notes, err := res.Policy(&elfscan.PolicyOptions{Args: true})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{}
	for _, c := range p.Syscalls[0].NamesWithConditions {
		var all []string
		for _, cond := range c.Conditions {
			all = append(all, cond.Name+"="+strings.Join(append(cond.Symbols, cond.Symbol), " "))
		}
		got[c.Name] = append(got[c.Name], strings.TrimSpace(strings.Join(all, ", ")))
	}
	prctl := strings.Join(got["prctl"], " ")
	for _, want := range []string{"PR_GET_DUMPABLE", "PR_CAPBSET_READ", "PR_GET_KEEPCAPS", "PR_GET_SECUREBITS", "PR_GET_TIMERSLACK",
		"PR_GET_NO_NEW_PRIVS", "PR_SET_TIMING", "PR_SET_NO_NEW_PRIVS"} {
		if !strings.Contains(prctl, want) {
			t.Errorf("prctl without %s: %s", want, prctl)
		}
	}
	if strings.Contains(prctl, "PR_SET_SECCOMP") {
		t.Errorf("prctl: %s", prctl)
	}
	want := []string{"family=AF_NETLINK, type=SOCK_RAW", "family=AF_UNIX, type=SOCK_STREAM SOCK_DGRAM"}
	if g := got["socket"]; len(g) != 2 || !slices.ContainsFunc(g, func(s string) bool { return strings.TrimSpace(s) == want[0] }) ||
		!slices.ContainsFunc(g, func(s string) bool { return strings.TrimSpace(s) == want[1] }) {
		t.Errorf("socket: %q, want %q", g, want)
	}
	if !slices.Contains(p.Syscalls[0].Names, "unshare") ||
		!slices.ContainsFunc(notes, func(n string) bool { return strings.HasPrefix(n, "unshare is not restricted: main.main (") }) {
		t.Errorf("unshare: %q, notes %q", got["unshare"], notes)
	}
}
