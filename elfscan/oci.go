package elfscan

import (
	"slices"
	"strings"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
)

// ociCalls are what a container's runtime calls between setting the filter and
// executing the program, each with the places that call it. They were seen under
// strace in runc 1.1.5, 1.3.0 and 1.4.0 and crun 1.8.1, with and without
// noNewPrivileges, as root and another user, with a terminal, ambient
// capabilities and a user namespace, on run and on exec.
//
// Without noNewPrivileges both set the filter before they drop capabilities and
// change the user; with it last of all, which leaves the short list.
const ociCalls = `
execve                       runc, crun: the program
write                        runc: the exec fifo that start waits on, and the log; crun: messages
close                        runc, crun: the pipe to the parent
close_range                  runc 1.3: no descriptor but the passed ones stays open
openat openat2               runc: the exec fifo, and /proc/self/fd for the descriptors to close
getdents64 fstatfs           runc: the entries of /proc/self/fd, once it is known to be procfs
fstat newfstatat statx       runc: the standard streams, the program in PATH; 1.4: is /proc procfs?
fstat64 fstatat64 fstatfs64  the same on 32-bit ABIs
fcntl fcntl64                runc: close-on-exec on each descriptor
getpid getppid               runc: has the parent died meanwhile?
capget capset                runc, crun: capabilities
prctl                        runc, crun: bounding and ambient capabilities, PR_SET_KEEPCAPS, PR_SET_PDEATHSIG
setuid setgid setgroups      runc: the user
setuid32 setgid32 setgroups32  the same on 32-bit ABIs
setresuid setresgid          crun: the user
setresuid32 setresgid32      the same on 32-bit ABIs
fchown fchown32              runc: the standard streams, for another user than root
chdir getcwd                 runc: the working directory, and whether it is inside the container
faccessat faccessat2         runc: may the user execute the program?
read                         runc: /etc/passwd and /etc/group; the last capability
rt_sigaction rt_sigprocmask  crun: signals as they were
exit_group                   runc, crun: when something failed
@go-runtime                  runc is a Go program: threads, memory, preemption (futex, tgkill, rt_sigreturn), pollers
`

// ociMissing are calls that runc 1.4 tries first on exec, to see /proc as
// nobody can change it. It does without where the kernel has none of them, so
// that they need not be allowed to programs in containers.
const ociMissing = "fsopen fsconfig fsmount open_tree"

// OCICalls are the calls that runc and crun make after they have set a
// container's filter, as far as the ABI has them: those to allow, without which
// a container does not start, and those to answer with ENOSYS.
func OCICalls(abi string) (allow, missing []string) {
	info, err := arch.GetInfo(abi)
	if err != nil {
		return nil, nil
	}
	add := func(to *[]string, name string) {
		if _, ok := info.Number(name); ok {
			*to = append(*to, name)
		}
	}
	for line := range strings.Lines(ociCalls) {
		names, _, _ := strings.Cut(line, "  ")
		for _, name := range strings.Fields(names) {
			if !strings.HasPrefix(name, "@") {
				add(&allow, name)
				continue
			}
			group, err := seccomp.Group(name)
			if err != nil {
				continue // the names above are the package's own
			}
			for _, member := range group {
				add(&allow, member)
			}
		}
	}
	for _, name := range strings.Fields(ociMissing) {
		add(&missing, name)
	}
	slices.Sort(allow)
	return slices.Compact(allow), missing
}
