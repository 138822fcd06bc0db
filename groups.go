package seccomp

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/elastic/go-seccomp-bpf/arch"
)

// Groups lists the names that stand for a set of system calls wherever a
// policy takes names, such as "@network-io". They are systemd's, with
// systemd's meaning (version 252; calls that Linux gained later stand beside
// their relatives), and three for Go programs, which hold for the Go releases
// that are supported when this package is released:
//
//   - @go-runtime: what the runtime itself does
//   - @go-net: what package net does in addition
//   - @go-exec: what package os/exec does in addition
func Groups() []string {
	names := []string{knownGroup}
	for name := range groups() {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Group lists the system calls of a group in alphabetical order, groups within
// it expanded.
func Group(name string) ([]string, error) {
	calls, err := expandGroup(name)
	return slices.Clone(calls), err
}

// knownGroup is every call of every ABI that this package knows.
const knownGroup = "@known"

var knownCalls = sync.OnceValues(func() ([]string, error) {
	calls := map[string]bool{}
	for _, abi := range arch.All() {
		filled, err := arch.GetInfo(abi.Name)
		if err != nil {
			return nil, err
		}
		for call := range filled.SyscallNames {
			calls[call] = true
		}
	}
	return slices.Sorted(maps.Keys(calls)), nil
})

func expandGroup(name string) ([]string, error) {
	if name == knownGroup {
		return knownCalls()
	}
	calls, ok := groups()[name]
	if !ok {
		return nil, fmt.Errorf("unknown group %q (one of %s)", name, strings.Join(Groups(), ", "))
	}
	return calls, nil
}

// groups is groupLines by name, with groups in groups expanded.
var groups = sync.OnceValue(func() map[string][]string {
	members := map[string][]string{}
	for line := range strings.Lines(groupLines) {
		name, list, _ := strings.Cut(line, ":")
		members[name] = strings.Fields(list)
	}
	var add func(calls map[string]bool, name string)
	add = func(calls map[string]bool, name string) {
		for _, member := range members[name] {
			if strings.HasPrefix(member, "@") {
				add(calls, member)
			} else {
				calls[member] = true
			}
		}
	}
	expanded := map[string][]string{}
	for name := range members {
		calls := map[string]bool{}
		add(calls, name)
		expanded[name] = slices.Sorted(maps.Keys(calls))
	}
	return expanded
})

// groupLines has one group to the line, its members in alphabetical order. A
// group holds no group that holds it.
const groupLines = `@aio: io_cancel io_destroy io_getevents io_pgetevents io_pgetevents_time64 io_setup io_submit io_uring_enter io_uring_register io_uring_setup
@basic-io: _llseek close close_range dup dup2 dup3 lseek pread64 preadv preadv2 pwrite64 pwritev pwritev2 read readv write writev
@chown: chown chown32 fchown fchown32 fchownat lchown lchown32
@clock: adjtimex clock_adjtime clock_adjtime64 clock_settime clock_settime64 settimeofday
@cpu-emulation: modify_ldt subpage_prot switch_endian vm86 vm86old
@debug: lookup_dcookie perf_event_open pidfd_getfd ptrace rtas s390_runtime_instr sys_debug_setcontext
@default: arch_prctl brk cacheflush clock_getres clock_getres_time64 clock_gettime clock_gettime64 clock_nanosleep clock_nanosleep_time64 execve exit exit_group futex futex_requeue futex_time64 futex_wait futex_waitv futex_wake get_robust_list get_thread_area getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getpgid getpgrp getpid getppid getrandom getresgid getresgid32 getresuid getresuid32 getrlimit getsid gettid gettimeofday getuid getuid32 map_shadow_stack membarrier mmap mmap2 mprotect mseal munmap nanosleep pause prlimit64 restart_syscall riscv_flush_icache riscv_hwprobe rseq rt_sigreturn sched_getaffinity sched_yield set_robust_list set_thread_area set_tid_address set_tls sigreturn time ugetrlimit uprobe uretprobe
@file-system: access cachestat chdir chmod close creat faccessat faccessat2 fallocate fchdir fchmod fchmodat fchmodat2 fcntl fcntl64 fgetxattr file_getattr file_setattr flistxattr fremovexattr fsetxattr fstat fstat64 fstatat64 fstatfs fstatfs64 ftruncate ftruncate64 futimesat getcwd getdents getdents64 getxattr getxattrat inotify_add_watch inotify_init inotify_init1 inotify_rm_watch lgetxattr link linkat listxattr listxattrat llistxattr lremovexattr lsetxattr lstat lstat64 mkdir mkdirat mknod mknodat newfstatat oldfstat oldlstat oldstat open openat openat2 readlink readlinkat removexattr removexattrat rename renameat renameat2 rmdir setxattr setxattrat stat stat64 statfs statfs64 statx symlink symlinkat truncate truncate64 unlink unlinkat utime utimensat utimensat_time64 utimes
@go-exec: chdir clone clone3 close dup dup2 dup3 execve exit exit_group faccessat faccessat2 fcntl fcntl64 fstat fstat64 fstatat64 getpid getppid kill lstat lstat64 newfstatat openat pidfd_open pidfd_send_signal pipe2 prctl prlimit64 read readlinkat rt_sigaction rt_sigprocmask setpgid setrlimit setsid stat stat64 statx ugetrlimit vfork wait4 waitid waitpid write
@go-net: _llseek accept accept4 bind close connect copy_file_range epoll_create1 epoll_ctl epoll_pwait eventfd2 fcntl fcntl64 fstat fstat64 fstatat64 getpeername getsockname getsockopt ioctl listen lseek lstat lstat64 newfstatat openat pipe2 read readv recvfrom recvmmsg recvmsg sendfile sendfile64 sendmmsg sendmsg sendto setsockopt shutdown socket socketpair splice stat stat64 statx uname unlinkat write writev
@go-runtime: arch_prctl brk clock_gettime clock_gettime64 clock_nanosleep clock_nanosleep_time64 clone close epoll_create1 epoll_ctl epoll_pwait epoll_wait eventfd2 exit exit_group fcntl fcntl64 fstat fstat64 futex futex_time64 getegid getegid32 geteuid geteuid32 getgid getgid32 getpid getrandom getrlimit gettid gettimeofday getuid getuid32 kill madvise membarrier mincore mmap mmap2 mprotect munmap nanosleep newfstatat open openat pipe2 prctl pread64 prlimit64 read readlinkat restart_syscall riscv_hwprobe rt_sigaction rt_sigprocmask rt_sigreturn rt_sigtimedwait sched_getaffinity sched_yield set_robust_list set_thread_area set_tid_address setitimer setrlimit sigaltstack sigreturn statx tgkill timer_create timer_delete timer_settime timer_settime64 tkill ugetrlimit uname write
@io-event: _newselect epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd eventfd2 poll ppoll ppoll_time64 pselect6 pselect6_time64 select
@ipc: ipc memfd_create mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64 mq_unlink msgctl msgget msgrcv msgsnd pipe pipe2 process_madvise process_vm_readv process_vm_writev semctl semget semop semtimedop semtimedop_time64 shmat shmctl shmdt shmget
@keyring: add_key keyctl request_key
@memlock: mlock mlock2 mlockall munlock munlockall
@module: delete_module finit_module init_module
@mount: chroot fsconfig fsmount fsopen fspick listmount listns mount mount_setattr move_mount open_tree open_tree_attr pivot_root statmount umount umount2
@network-io: accept accept4 bind connect getpeername getsockname getsockopt listen recv recvfrom recvmmsg recvmmsg_time64 recvmsg send sendmmsg sendmsg sendto setsockopt shutdown socket socketcall socketpair
@obsolete: _sysctl afs_syscall bdflush break create_module ftime get_kernel_syms getpmsg gtty idle lock mpx prof profil putpmsg query_module security sgetmask ssetmask stime stty sysfs tuxcall ulimit uselib ustat vserver
@pkey: pkey_alloc pkey_free pkey_mprotect
@privileged: @chown @clock @module @raw-io @reboot @swap _sysctl acct bpf capset chroot fanotify_init fanotify_mark nfsservctl open_by_handle_at pivot_root quotactl quotactl_fd setdomainname setfsuid setfsuid32 setgroups setgroups32 sethostname setresuid setresuid32 setreuid setreuid32 setuid setuid32 vhangup
@process: capget clone clone3 execveat fork getrusage kill pidfd_open pidfd_send_signal prctl rt_sigqueueinfo rt_tgsigqueueinfo setns swapcontext tgkill times tkill unshare vfork wait4 waitid waitpid
@raw-io: ioperm iopl pciconfig_iobase pciconfig_read pciconfig_write s390_pci_mmio_read s390_pci_mmio_write
@reboot: kexec_file_load kexec_load reboot
@resources: ioprio_set mbind migrate_pages move_pages nice sched_setaffinity sched_setattr sched_setparam sched_setscheduler set_mempolicy set_mempolicy_home_node setpriority setrlimit
@sandbox: landlock_add_rule landlock_create_ruleset landlock_restrict_self lsm_get_self_attr lsm_list_modules lsm_set_self_attr seccomp
@setuid: setgid setgid32 setgroups setgroups32 setregid setregid32 setresgid setresgid32 setresuid setresuid32 setreuid setreuid32 setuid setuid32
@signal: rt_sigaction rt_sigpending rt_sigprocmask rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 sigaction sigaltstack signal signalfd signalfd4 sigpending sigprocmask sigsuspend
@swap: swapoff swapon
@sync: fdatasync fsync msync sync sync_file_range sync_file_range2 syncfs
@system-service: @aio @basic-io @chown @default @file-system @io-event @ipc @keyring @memlock @network-io @process @resources @setuid @signal @sync @timer arm_fadvise64_64 capget capset copy_file_range fadvise64 fadvise64_64 flock get_mempolicy getcpu getpriority ioctl ioprio_get kcmp madvise mremap name_to_handle_at oldolduname olduname personality readahead readdir remap_file_pages sched_get_priority_max sched_get_priority_min sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval sched_rr_get_interval_time64 sched_yield sendfile sendfile64 setfsgid setfsgid32 setfsuid setfsuid32 setpgid setsid splice sysinfo tee umask uname userfaultfd vmsplice
@timer: alarm getitimer setitimer timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64 timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64 times
`
