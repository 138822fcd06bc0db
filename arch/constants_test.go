package arch

import (
	"slices"
	"testing"
)

// TestConstants states values of the kernel's headers (arch/*/include/uapi).
func TestConstants(t *testing.T) {
	minus100 := ^uint64(99)
	tests := []struct {
		abi, name string
		value     uint64
		kind      ConstKind
	}{
		{"x86_64", "AF_INET", 2, Enum}, {"x86_64", "AF_VSOCK", 40, Enum}, {"x86_64", "CLONE_NEWUSER", 0x10000000, Flag},
		{"x86_64", "CLONE_NEWTIME", 0x80, Flag}, {"x86_64", "O_CREAT", 0x40, Flag}, {"mips", "O_CREAT", 0x100, Flag},
		{"sparc64", "O_CREAT", 0x200, Flag}, {"aarch64", "O_DIRECTORY", 0x4000, Flag}, {"x86_64", "O_DIRECTORY", 0x10000, Flag},
		{"x86_64", "SOCK_STREAM", 1, Enum}, {"mips", "SOCK_STREAM", 2, Enum}, {"mips", "SOCK_DGRAM", 1, Enum},
		{"x86_64", "SOCK_CLOEXEC", 0x80000, Flag}, {"x86_64", "AT_FDCWD", minus100, Enum}, {"i386", "AT_FDCWD", minus100, Enum},
		{"x86_64", "AT_EMPTY_PATH", 0x1000, Flag}, {"x86_64", "TIOCSTI", 0x5412, Enum}, {"mips", "TIOCSTI", 0x5472, Enum},
		{"sparc64", "TIOCSTI", 0x80017472, Enum}, {"x86_64", "FIONREAD", 0x541b, Enum}, {"x86_64", "PR_SET_NO_NEW_PRIVS", 38, Enum},
		{"x86_64", "PROT_EXEC", 4, Flag}, {"mips64n32", "PROT_EXEC", 4, Flag}, {"x86_64", "MAP_ANONYMOUS", 0x20, Flag},
		{"mips64n32", "MAP_ANONYMOUS", 0x800, Flag}, {"x86_64", "SIGKILL", 9, Enum}, {"mips", "SIGUSR1", 16, Enum},
		{"x86_64", "RLIMIT_NOFILE", 7, Enum}, {"mips", "RLIMIT_NOFILE", 5, Enum}, {"x86_64", "BPF_PROG_LOAD", 5, Enum},
		{"x86_64", "KEYCTL_JOIN_SESSION_KEYRING", 1, Enum}, {"x86_64", "SECCOMP_SET_MODE_FILTER", 1, Enum},
		{"x86_64", "SECCOMP_FILTER_FLAG_TSYNC", 1, Flag}, {"x86_64", "PTRACE_ATTACH", 16, Enum}, {"x86_64", "MADV_DONTNEED", 4, Enum},
		{"x86_64", "MS_BIND", 0x1000, Flag}, {"x86_64", "MNT_DETACH", 2, Flag}, {"x86_64", "UMOUNT_NOFOLLOW", 8, Flag},
		{"x86_64", "SOL_SOCKET", 1, Enum}, {"mips", "SOL_SOCKET", 0xffff, Enum}, {"x86_64", "SO_PEERCRED", 17, Enum},
		{"x86_64", "IPPROTO_TCP", 6, Enum}, {"x86_64", "FUTEX_WAIT", 0, Enum}, {"x86_64", "FUTEX_PRIVATE_FLAG", 128, Flag},
		{"x86_64", "ARCH_SET_FS", 0x1002, Enum}, {"x86_64", "ADDR_NO_RANDOMIZE", 0x40000, Flag}, {"x86_64", "S_ISUID", 0x800, Flag},
		{"x86_64", "S_IFCHR", 0x2000, Enum}, {"x86_64", "F_DUPFD", 0, Enum}, {"x86_64", "F_SEAL_WRITE", 8, Flag},
		{"x86_64", "SCHED_FIFO", 1, Enum}, {"x86_64", "SCHED_RESET_ON_FORK", 0x40000000, Flag}, {"x86_64", "LOCK_EX", 2, Enum},
		{"x86_64", "EPOLL_CTL_ADD", 1, Enum}, {"x86_64", "EPOLLIN", 1, Flag}, {"x86_64", "GRND_NONBLOCK", 1, Flag},
		{"x86_64", "IPC_RMID", 0, Enum}, {"x86_64", "WNOHANG", 1, Flag}, {"x86_64", "SEEK_SET", 0, Enum},
		{"x86_64", "MFD_CLOEXEC", 1, Flag}, {"x86_64", "CLOCK_REALTIME", 0, Enum}, {"x86_64", "KEY_SPEC_THREAD_KEYRING", ^uint64(0), Enum},
		{"sh", "O_CREAT", 0x40, Flag}, {"sh", "O_DIRECTORY", 0x10000, Flag}, {"m68k", "O_DIRECTORY", 0x4000, Flag},
		{"parisc", "O_CREAT", 0x100, Flag}, {"parisc64", "O_NONBLOCK", 0x10000, Flag}, {"parisc", "SOCK_NONBLOCK", 0x40000000, Flag},
		{"parisc", "SOL_SOCKET", 0xffff, Enum}, {"m68k", "SOL_SOCKET", 1, Enum}, {"parisc", "SIGUSR1", 16, Enum},
		{"parisc", "MAP_ANONYMOUS", 0x10, Flag}, {"sh", "MAP_ANONYMOUS", 0x20, Flag}, {"sheb", "SOCK_STREAM", 1, Enum},
		{"parisc64", "AF_INET", 2, Enum}, {"m68k", "CLONE_NEWUSER", 0x10000000, Flag}, {"parisc", "AT_FDCWD", minus100, Enum},
		{"sh", "PR_SET_NO_NEW_PRIVS", 38, Enum}, {"m68k", "TIOCSTI", 0x5412, Enum}, {"parisc", "TIOCSTI", 0x5412, Enum},
	}
	for _, tt := range tests {
		v, kind, ok := info(t, tt.abi).Constant(tt.name)
		if !ok || v != tt.value || kind != tt.kind {
			t.Errorf("%s: %s is %#x (%v), %v; want %#x (%v)", tt.abi, tt.name, v, kind, ok, tt.value, tt.kind)
		}
	}
	for abi, name := range map[string]string{"x86_64": "O_LARGEFILE", "aarch64": "ARCH_SET_FS", "x32": "PERF_EVENT_IOC_SET_FILTER", "s390": "F_SETLK", "sh": "F_SETLK", "arm": "NO_SUCH"} {
		if v, _, ok := info(t, abi).Constant(name); ok {
			t.Errorf("%s: %s is %#x, want unknown", abi, name, v)
		}
	}
}

func TestConstantNames(t *testing.T) {
	i := info(t, "x86_64")
	names := i.ConstantNames("CLONE_NEW")
	for _, n := range []string{"CLONE_NEWCGROUP", "CLONE_NEWIPC", "CLONE_NEWNET", "CLONE_NEWNS", "CLONE_NEWPID", "CLONE_NEWTIME", "CLONE_NEWUSER", "CLONE_NEWUTS"} {
		if !slices.Contains(names, n) {
			t.Errorf("CLONE_NEW*: no %s", n)
		}
	}
	if len(names) != 8 || !slices.IsSorted(names) {
		t.Errorf("CLONE_NEW*: %v", names)
	}
	if all := i.ConstantNames(""); len(all) < 1500 || !slices.IsSorted(all) {
		t.Errorf("%d constants", len(all))
	}
	if got := i.ConstantNames("ZZZ"); len(got) != 0 {
		t.Errorf("ZZZ*: %v", got)
	}
}

func TestErrno(t *testing.T) {
	for _, tt := range []struct {
		abi, name string
		want      uint16
	}{
		{"x86_64", "EPERM", 1}, {"x86_64", "ENOSYS", 38}, {"mips", "ENOSYS", 89}, {"mips64n32", "ENOSYS", 89}, {"sparc64", "ENOSYS", 90},
		{"sparc", "ENOSYS", 90}, {"aarch64", "EHWPOISON", 133}, {"mips", "EHWPOISON", 168}, {"mips", "EDQUOT", 1133}, {"ppc64", "EDEADLOCK", 58},
		{"x86_64", "EOPNOTSUPP", 95}, {"s390", "EACCES", 13},
		{"sh", "ENOSYS", 38}, {"sheb", "EHWPOISON", 133}, {"m68k", "ENOSYS", 38}, {"parisc", "ENOSYS", 251}, {"parisc64", "EDEADLK", 45},
		{"parisc", "EAGAIN", 11}, {"parisc", "ECANCELED", 253}, {"parisc", "ECONNREFUSED", 239}, {"parisc64", "EUCLEAN", 177},
	} {
		if v, ok := info(t, tt.abi).Errno(tt.name); !ok || v != tt.want {
			t.Errorf("%s: %s is %d, %v; want %d", tt.abi, tt.name, v, ok, tt.want)
		}
		if n, ok := info(t, tt.abi).ErrnoName(tt.want); !ok || n != tt.name {
			t.Errorf("%s: %d is %s, %v; want %s", tt.abi, tt.want, n, ok, tt.name)
		}
	}
	i := info(t, "x86_64")
	for alias, name := range map[string]string{"EWOULDBLOCK": "EAGAIN", "ENOTSUP": "EOPNOTSUPP", "EDEADLOCK": "EDEADLK"} {
		v, _ := i.Errno(alias)
		if got, _ := i.ErrnoName(v); got != name {
			t.Errorf("%s is %d is %s, want %s", alias, v, got, name)
		}
	}
	if _, ok := i.Errno("EBOGUS"); ok {
		t.Error("EBOGUS is known")
	}
	if n, ok := i.ErrnoName(0); ok {
		t.Errorf("0 is %s", n)
	}
	if n, ok := i.ErrnoName(4000); ok {
		t.Errorf("4000 is %s", n)
	}
}
