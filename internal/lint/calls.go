package lint

import (
	"fmt"
	"slices"

	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/cbpf"
	"github.com/elastic/go-seccomp-bpf/internal/decision"
)

// sortedNumbers lists the numbers of an ABI whose tables are filled, ascending.
func sortedNumbers(info *arch.Info) []int {
	var out []int
	for nr := range info.SyscallNumbers {
		out = append(out, nr)
	}
	slices.Sort(out)
	return out
}

// families are calls that do the same, so that to refuse one is to refuse all.
var families = [][]string{
	{"chmod", "fchmodat", "fchmodat2"},
	{"chown", "lchown", "fchownat"},
	{"open", "openat", "openat2", "creat"},
	{"clone", "clone3"},
	{"execve", "execveat"},
	{"socket", "socketcall"},
	{"mkdir", "mkdirat"},
	{"mknod", "mknodat"},
	{"link", "linkat"},
	{"symlink", "symlinkat"},
	{"unlink", "unlinkat"},
	{"rename", "renameat", "renameat2"},
	{"access", "faccessat", "faccessat2"},
	{"setxattr", "lsetxattr", "fsetxattr", "setxattrat"},
	{"removexattr", "lremovexattr", "fremovexattr", "removexattrat"},
	{"init_module", "finit_module"},
	{"kexec_load", "kexec_file_load"},
	{"umount", "umount2"},
	{"mprotect", "pkey_mprotect"},
	{"settimeofday", "clock_settime", "clock_settime64"},
	{"setrlimit", "prlimit64"},
	{"sched_setscheduler", "sched_setattr"},
}

// wider are calls that do more than others: to refuse one of these by leaving
// its number out is to refuse the wider ones, while a restricted wider one says
// nothing about it.
var wider = [][]string{
	{"fork", "clone", "clone3"},
	{"vfork", "clone", "clone3"},
	{"process_vm_readv", "ptrace"},
	{"dup", "dup2", "dup3", "fcntl"},
}

// equivalents: in a denylist, a refused call beside an open one of its family;
// anywhere, a call restricted by arguments beside an open one.
func (l *linter) equivalents() {
	reported := map[string]bool{}
	for _, abi := range l.covered() {
		l.equivalentsOn(abi, reported)
	}
}

// equivalentsOn looks at one ABI, and leaves out what was reported of another.
func (l *linter) equivalentsOn(abi *arch.Info, reported map[string]bool) {
	denylist := l.denylist(abi)
	for i, family := range append(families[:len(families):len(families)], wider...) {
		for j, name := range family {
			nr, s, ok := l.named(abi, name)
			if !ok || s == open || s == refused && !denylist || i >= len(families) && (j > 0 || s != refused) {
				continue
			}
			for _, other := range family {
				nrOther, sOther, ok := l.named(abi, other)
				if !ok || sOther != open || reported[name+other] {
					continue
				}
				reported[name+other] = true
				word, severity := "refused", Error
				if s == restricted {
					word, severity = "restricted by its arguments", Warning
				}
				if s == restricted && !l.restrictsMuch(abi, nr) {
					severity = Info
				}
				l.add(severity, &cbpf.Data{Arch: uint32(abi.ID), NR: nrOther},
					fmt.Sprintf("%s%s is %s, and %s, which can do the same, is open", l.on(abi), name, word, other),
					fmt.Sprintf("treat %s as %s; errno(ENOSYS) makes libraries use %s", other, name, name))
			}
		}
	}
}

// restrictsMuch tells whether some call of the number is refused that differs
// from a made one in more than ignored bits.
func (l *linter) restrictsMuch(abi *arch.Info, nr uint32) bool {
	refused := l.s.Not(l.made(abi, nr))
	for arg := range 6 {
		refused = l.s.Restrict(refused, decision.ArgWord(arg, true), 0)
	}
	_, ok := l.s.Find(refused)
	return ok
}

// uringCalls are what io_uring's operations do for a process that may not.
var uringCalls = []string{"openat", "openat2", "open", "connect", "socket", "bind", "listen", "unlinkat", "renameat2", "mkdirat", "symlinkat", "linkat", "setxattr", "sendto", "sendmsg"}

// ioUring: the kernel makes an io_uring's calls itself, past the filter.
func (l *linter) ioUring() {
	for _, abi := range l.covered() {
		nr, s, ok := l.named(abi, "io_uring_setup")
		if !ok || s == refused {
			continue
		}
		var names []string
		for _, name := range uringCalls {
			if _, s, ok := l.named(abi, name); ok && s != open {
				names = append(names, name)
			}
		}
		if len(names) == 0 {
			continue
		}
		l.add(Warning, &cbpf.Data{Arch: uint32(abi.ID), NR: nr},
			fmt.Sprintf("%s%s are refused or restricted, and io_uring does the same unseen by filters", l.on(abi), list(names)),
			"refuse io_uring_setup with errno(ENOSYS)")
		return
	}
}

// essential: a process cannot return from a signal handler, or end.
func (l *linter) essential() {
	abis, _, err := l.f.Architectures()
	if err != nil {
		l.err = err
		return
	}
	for _, abi := range abis {
		if !l.used(abi) {
			continue
		}
		for _, e := range []struct{ name, text string }{
			{"exit_group", "a process cannot end"},
			{"rt_sigreturn", "no signal handler can return"},
		} {
			if nr, s, ok := l.named(abi, e.name); ok && s == refused {
				l.add(Error, &cbpf.Data{Arch: uint32(abi.ID), NR: nr}, fmt.Sprintf("%s is refused: %s", e.name, e.text), "allow "+e.name)
			}
		}
		if nr, s, ok := l.named(abi, "execve"); ok && s == refused {
			l.add(Info, &cbpf.Data{Arch: uint32(abi.ID), NR: nr},
				"execve is refused: a program that is to run under the filter must load it itself", "allow execve if the filter is loaded before the program is started")
		}
	}
}

// used tells whether an ABI is meant to be used: some call can be made.
func (l *linter) used(abi *arch.Info) bool {
	_, made, _ := l.named(abi, "read")
	_, written, _ := l.named(abi, "write")
	_, exit, _ := l.named(abi, "exit")
	return made != refused || written != refused || exit != refused
}
