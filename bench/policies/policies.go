// Package policies makes the policies of the comparison that need no files:
// one for each shape that filters have in the field.
package policies

import (
	"fmt"

	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/elastic/go-seccomp-bpf/bench/neutral"
)

// All makes every policy, in the order of the table.
func All() ([]*neutral.Policy, error) {
	m, err := newMaker()
	if err != nil {
		return nil, err
	}
	var all []*neutral.Policy
	for _, shape := range []func() *neutral.Policy{m.denylist, m.intervals, m.ioctl, m.severalABIs, m.denyByArgument} {
		p := shape()
		if m.err != nil {
			return nil, m.err
		}
		if err := p.Check(); err != nil {
			return nil, fmt.Errorf("policy %s: %w", p.Name, err)
		}
		all = append(all, p)
	}
	return all, nil
}

type maker struct {
	abi *arch.Info
	err error
}

func newMaker() (*maker, error) {
	abi, err := arch.GetInfo("x86_64")
	return &maker{abi: abi}, err
}

// rule is a rule for a call by name.
func (m *maker) rule(action, name string, alts ...[]neutral.Cond) neutral.Rule {
	nr, ok := m.abi.Number(name)
	if !ok {
		m.err = fmt.Errorf("x86_64 has no %s", name)
	}
	return neutral.Rule{Name: name, NR: nr, Action: action, Alts: alts}
}

func (m *maker) rules(action string, names ...string) []neutral.Rule {
	var rules []neutral.Rule
	for _, name := range names {
		rules = append(rules, m.rule(action, name))
	}
	return rules
}

func one(arg int, op string, v uint64) []neutral.Cond {
	return []neutral.Cond{{Arg: arg, Op: op, V: v, Mask: ^uint64(0)}}
}

func masked(arg int, mask, v uint64) []neutral.Cond {
	return []neutral.Cond{{Arg: arg, Op: "meq", V: v, Mask: mask}}
}

// denylist refuses what a service manager's usual switches refuse: clocks,
// modules, raw I/O, reboot, swap, debugging, mounts, obsolete calls.
func (m *maker) denylist() *neutral.Policy {
	p := &neutral.Policy{Name: "denylist", Default: "allow"}
	p.Rules = m.rules("errno:1",
		"adjtimex", "clock_adjtime", "clock_settime", "settimeofday",
		"init_module", "finit_module", "delete_module",
		"ioperm", "iopl", "reboot", "kexec_load", "kexec_file_load", "swapon", "swapoff",
		"ptrace", "process_vm_readv", "process_vm_writev", "kcmp", "perf_event_open", "bpf", "userfaultfd",
		"mount", "umount2", "pivot_root", "move_mount", "open_tree", "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr",
		"acct", "quotactl", "nfsservctl", "vhangup", "sethostname", "setdomainname",
		"add_key", "request_key", "keyctl")
	p.Rules = append(p.Rules, m.rules("errno:38",
		"_sysctl", "afs_syscall", "create_module", "get_kernel_syms", "getpmsg", "putpmsg", "query_module",
		"security", "sysfs", "tuxcall", "uselib", "ustat", "vserver", "lookup_dcookie")...)
	return p
}

// intervals allows every call but each fifth and what stands beside some of
// them: the most intervals of numbers that differ in outcome.
func (m *maker) intervals() *neutral.Policy {
	p := &neutral.Policy{Name: "intervals", Default: "errno:1"}
	for nr := range uint32(460) {
		name, ok := m.abi.SyscallName(nr)
		if !ok || nr%5 == 4 || nr%7 == 6 {
			continue
		}
		p.Rules = append(p.Rules, m.rule("allow", name))
	}
	return p
}

// base is what every program needs.
var base = []string{
	"read", "write", "close", "fstat", "lseek", "mmap", "mprotect", "munmap", "brk", "rt_sigaction",
	"rt_sigprocmask", "rt_sigreturn", "pread64", "pwrite64", "readv", "writev", "access", "sched_yield",
	"madvise", "dup", "dup2", "nanosleep", "getpid", "sendto", "recvfrom", "exit", "uname", "fcntl",
	"getcwd", "readlink", "gettimeofday", "getuid", "getgid", "geteuid", "getegid", "getppid",
	"sigaltstack", "arch_prctl", "gettid", "futex", "getdents64", "set_tid_address", "clock_gettime",
	"exit_group", "epoll_wait", "epoll_ctl", "openat", "newfstatat", "set_robust_list", "epoll_pwait",
	"pipe2", "prlimit64", "getrandom", "statx", "rseq",
}

// ioctl is a device's user: 400 requests of one call, of a few drivers each
// with a run of numbers and gaps in it.
func (m *maker) ioctl() *neutral.Policy {
	p := &neutral.Policy{Name: "ioctl", Default: "errno:1", Rules: m.rules("allow", base...)}
	var requests [][]neutral.Cond
	for i := range uint64(400) {
		driver, n := i%8, i/8
		// The layout of _IOWR: direction, size of the argument, type, number.
		request := (1+driver%3)<<30 | (8+8*(n%4))<<16 | ('A'+driver)<<8 | (n + n/6)
		requests = append(requests, one(1, "eq", request))
	}
	p.Rules = append(p.Rules, m.rule("allow", "ioctl", requests...))
	return p
}

// severalABIs is an allowlist for the three ABIs of an x86_64 kernel.
func (m *maker) severalABIs() *neutral.Policy {
	p := &neutral.Policy{Name: "abis", Default: "errno:38", ABIs: []string{"i386", "x32"}, Rules: m.rules("allow", base...)}
	p.Rules = append(p.Rules,
		m.rule("allow", "personality", one(0, "eq", 0), one(0, "eq", 8)),
		m.rule("allow", "prctl", one(0, "eq", 15), one(0, "eq", 16), one(0, "eq", 38)))
	return p
}

// denyByArgument allows all but some uses of calls: new namespaces, unusual
// sockets, typing into a terminal, memory that is both written and executed,
// set-user-ID files.
func (m *maker) denyByArgument() *neutral.Policy {
	const (
		namespaces = 0x7e020000 // CLONE_NEWNS to CLONE_NEWNET
		newTime    = 0x80
		writeExec  = 6
	)
	var setIDs [][]neutral.Cond
	for _, bits := range []uint64{0o2000, 0o4000} {
		setIDs = append(setIDs, masked(1, bits, bits))
	}
	p := &neutral.Policy{Name: "deny-args", Default: "allow"}
	p.Rules = append(p.Rules,
		m.rule("errno:97", "socket", one(0, "gt", 16), one(0, "eq", 3), one(0, "eq", 5), one(0, "eq", 9)),
		m.rule("errno:1", "ioctl", masked(1, 0xffffffff, 0x5412), masked(1, 0xffffffff, 0x541c)),
		m.rule("errno:1", "mmap", masked(2, writeExec, writeExec)),
		m.rule("errno:1", "mprotect", masked(2, 4, 4)),
		m.rule("errno:1", "chmod", setIDs...),
		m.rule("errno:1", "fchmod", setIDs...))
	var clone, unshare [][]neutral.Cond
	for bit := uint64(newTime); bit <= namespaces; bit <<= 1 {
		if bit&(namespaces|newTime) == 0 {
			continue
		}
		unshare = append(unshare, masked(0, bit, bit))
		if bit != newTime { // clone's low byte is a signal
			clone = append(clone, masked(0, bit, bit))
		}
	}
	p.Rules = append(p.Rules,
		m.rule("errno:1", "clone", clone...),
		m.rule("errno:1", "unshare", unshare...),
		m.rule("errno:38", "clone3"))
	return p
}
