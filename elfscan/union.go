package elfscan

import (
	"slices"
	"sort"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
)

// Union allows what any of the allowlists allows. The default action and the
// ABIs are those of the first.
func Union(policies ...*seccomp.Policy) *seccomp.Policy {
	if len(policies) == 0 {
		return nil
	}
	any := map[string]bool{}
	for _, p := range policies {
		for _, g := range p.Syscalls {
			for _, n := range g.Names {
				any[n] = true
			}
		}
	}
	out := *policies[0]
	group := seccomp.SyscallGroup{Action: seccomp.ActionAllow}
	for n := range any {
		group.Names = append(group.Names, n)
	}
	sort.Strings(group.Names)
	for _, p := range policies {
		for _, g := range p.Syscalls {
			for _, c := range g.NamesWithConditions {
				if !any[c.Name] {
					group.NamesWithConditions = addAlternative(group.NamesWithConditions, c)
				}
			}
		}
	}
	sort.SliceStable(group.NamesWithConditions, func(i, j int) bool {
		return group.NamesWithConditions[i].Name < group.NamesWithConditions[j].Name
	})
	out.Syscalls = []seccomp.SyscallGroup{group}
	return &out
}

// addAlternative adds an entry, or its values to an entry that differs in
// nothing else.
func addAlternative(list []seccomp.NameWithConditions, c seccomp.NameWithConditions) []seccomp.NameWithConditions {
	for i, have := range list {
		if have.Name != c.Name || len(have.Conditions) != len(c.Conditions) {
			continue
		}
		at, differ := 0, 0
		for j := range c.Conditions {
			if !sameCondition(have.Conditions[j], c.Conditions[j]) {
				at, differ = j, differ+1
			}
		}
		if differ == 0 {
			return list
		}
		if merged, ok := mergeSets(have.Conditions[at], c.Conditions[at]); ok && differ == 1 {
			list[i].Conditions = slices.Clone(have.Conditions)
			list[i].Conditions[at] = merged
			return list
		}
	}
	return append(list, c)
}

func sameCondition(x, y seccomp.Condition) bool {
	return sameArgument(x, y) && x.Operation == y.Operation && x.Value == y.Value && x.Symbol == y.Symbol &&
		slices.Equal(x.Values, y.Values) && slices.Equal(x.Symbols, y.Symbols)
}

func sameArgument(x, y seccomp.Condition) bool {
	return x.Argument == y.Argument && x.Name == y.Name && x.Width == y.Width
}

// mergeSets unites what two conditions on the same argument allow.
func mergeSets(x, y seccomp.Condition) (seccomp.Condition, bool) {
	if !sameArgument(x, y) {
		return x, false
	}
	out := seccomp.Condition{Argument: x.Argument, Name: x.Name, Width: x.Width, Operation: seccomp.In}
	for _, c := range []seccomp.Condition{x, y} {
		switch {
		case c.Operation == seccomp.In:
			out.Values = append(out.Values, c.Values...)
			out.Symbols = append(out.Symbols, c.Symbols...)
		case c.Operation != seccomp.Equal:
			return x, false
		case c.Symbol != "":
			out.Symbols = append(out.Symbols, c.Symbol)
		default:
			out.Values = append(out.Values, c.Value)
		}
	}
	slices.Sort(out.Values)
	out.Values = slices.Compact(out.Values)
	out.Symbols = unique(out.Symbols)
	return out, true
}

// unique leaves out what came before.
func unique(in []string) (out []string) {
	for _, s := range in {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// ociCalls are made by container runtimes between setting the filter and
// executing the program: runc's init (libcontainer/standard_init_linux.go,
// finalizeNamespace and what follows) with the Go runtime's own calls, and
// crun's (src/libcrun/container.c, container_init).
var ociCalls = []string{
	"arch_prctl", "brk", "capget", "capset", "chdir", "clock_gettime", "clone", "clone3", "close", "close_range", "dup", "dup3",
	"epoll_create1", "epoll_ctl", "epoll_pwait", "eventfd2", "execve", "execveat", "exit", "exit_group", "faccessat", "faccessat2",
	"fchdir", "fchown", "fcntl", "fstat", "fstatfs", "futex", "getcwd", "getdents64", "getpid", "getppid", "getrandom", "gettid",
	"getuid", "ioctl", "lseek", "madvise", "mmap", "mprotect", "munmap", "nanosleep", "newfstatat", "openat", "openat2", "pipe2",
	"prctl", "pread64", "prlimit64", "read", "readlinkat", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sched_getaffinity",
	"sched_yield", "sendmsg", "set_robust_list", "set_tid_address", "setgid", "setgroups", "setresgid", "setresuid", "setsid", "setuid",
	"sigaltstack", "statx", "tgkill", "umask", "write",
}

// OCICalls are the calls that runc and crun make after they have set a
// container's filter, as far as the ABI has them: without them a container
// does not start.
func OCICalls(abi string) []string {
	info, err := arch.GetInfo(abi)
	if err != nil {
		return nil
	}
	var out []string
	for _, n := range ociCalls {
		if _, ok := info.Number(n); ok {
			out = append(out, n)
		}
	}
	return out
}

// ResolveIn follows path inside the directory root as a process would whose
// root it is: absolute and upward symbolic links stay inside.
func ResolveIn(root, path string) (string, error) { return resolveIn(root, path) }
