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
				if !any[c.Name] && !slices.ContainsFunc(group.NamesWithConditions, func(d seccomp.NameWithConditions) bool { return sameCondition(c, d) }) {
					group.NamesWithConditions = append(group.NamesWithConditions, c)
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

func sameCondition(a, b seccomp.NameWithConditions) bool {
	return a.Name == b.Name && slices.EqualFunc(a.Conditions, b.Conditions, func(x, y seccomp.Condition) bool {
		return x.Argument == y.Argument && x.Operation == y.Operation && x.Value == y.Value && slices.Equal(x.Values, y.Values)
	})
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
