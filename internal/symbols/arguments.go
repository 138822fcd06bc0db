package symbols

import (
	"strconv"
	"strings"
	"sync"
)

// arguments says which constants an argument may be: calls, position, and
// patterns of names, the preferred first; "!" takes names out again.
const arguments = `
accept4                               3  SOCK_CLOEXEC SOCK_NONBLOCK
access                                1  [RWX]_OK F_OK
arch_prctl                            0  ARCH_*
bpf                                   0  BPF_MAP_* BPF_PROG_* BPF_OBJ_* BPF_RAW_TRACEPOINT_OPEN BPF_BTF_* BPF_TASK_* BPF_LINK_* BPF_ENABLE_STATS BPF_ITER_* BPF_TOKEN_CREATE !BPF_*_TYPE_*
chmod                                 1  S_ISUID S_ISGID S_ISVTX
clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64 clock_nanosleep clock_nanosleep_time64 clock_settime clock_settime64 timer_create timerfd_create 0 CLOCK_* !CLOCK_DEFAULT !CLOCK_EXT !CLOCK_INT !CLOCK_TX*
clone                                 0  CLONE_* SIGCHLD !CLONE_ARGS_* !CLONE_CLEAR_SIGHAND !CLONE_INTO_CGROUP !CLONE_NEWTIME
close_range                           2  CLOSE_RANGE_*
creat                                 1  S_ISUID S_ISGID S_ISVTX
dup3                                  2  O_CLOEXEC
epoll_create1                         0  EPOLL_CLOEXEC
epoll_ctl                             1  EPOLL_CTL_*
eventfd2                              1  EFD_*
execveat                              0  AT_FDCWD
execveat                              4  AT_EMPTY_PATH AT_SYMLINK_NOFOLLOW
faccessat faccessat2                  0  AT_FDCWD
faccessat faccessat2                  2  [RWX]_OK F_OK
faccessat2                            3  AT_EACCESS AT_EMPTY_PATH AT_SYMLINK_NOFOLLOW
fadvise64                             3  POSIX_FADV_*
fallocate                             1  FALLOC_FL_*
fanotify_init                         0  FAN_CLASS_* FAN_CLOEXEC FAN_NONBLOCK FAN_UNLIMITED_* FAN_REPORT_* FAN_ENABLE_AUDIT
fchmod                                1  S_ISUID S_ISGID S_ISVTX
fchmodat fchmodat2 mkdirat mknodat    0  AT_FDCWD
fchmodat fchmodat2 mkdirat mknodat    2  S_ISUID S_ISGID S_ISVTX
fchmodat2                             3  AT_EMPTY_PATH AT_SYMLINK_NOFOLLOW
fchownat                              0  AT_FDCWD
fchownat                              4  AT_EMPTY_PATH AT_SYMLINK_NOFOLLOW
fcntl fcntl64                         1  F_DUPFD* F_GET* F_SET* F_OFD_* F_ADD_SEALS F_NOTIFY F_CREATED_QUERY
flock                                 1  LOCK_*
fsconfig                              1  FSCONFIG_*
fsmount                               1  FSMOUNT_*
fsopen                                1  FSOPEN_*
fspick                                2  FSPICK_*
fstatat64 newfstatat                  0  AT_FDCWD
fstatat64 newfstatat                  3  AT_* !AT_FDCWD !AT_EACCESS !AT_REMOVEDIR !AT_STATX_* !AT_RECURSIVE
futex futex_time64                    1  FUTEX_*
getitimer setitimer                   0  ITIMER_*
getpriority setpriority               0  PRIO_*
getrandom                             2  GRND_*
getrlimit setrlimit ugetrlimit        0  RLIMIT_*
getrusage                             0  RUSAGE_*
getsockopt setsockopt                 1  SOL_SOCKET SOL_* IPPROTO_IP IPPROTO_TCP IPPROTO_IPV6
inotify_init1                         0  IN_CLOEXEC IN_NONBLOCK
ioctl                                 1  TC* TIO* FIO* SIO* BLK* TUN* RND* FICLONE* FIDEDUPERANGE HIDIOC* PPPIO* LOOP_* NS_* SECCOMP_IOCTL_* PERF_EVENT_IOC_* !TIOCM_* !TIOCPKT_* !TIOCSER_* !TCP_* !TC?OFF !TC?ON !TC*FLUSH !TUN_*
kcmp                                  2  KCMP_*
keyctl                                0  KEYCTL_* !KEYCTL_CAPS* !KEYCTL_SUPPORTS_* !KEYCTL_MOVE_EXCL
kill rt_sigqueueinfo tkill            1  SIG[A-Z]*
landlock_create_ruleset               2  LANDLOCK_CREATE_RULESET_*
linkat                                4  AT_EMPTY_PATH AT_SYMLINK_FOLLOW
lseek                                 2  SEEK_SET SEEK_CUR SEEK_END SEEK_DATA SEEK_HOLE
madvise                               2  MADV_*
process_madvise                       3  MADV_*
mbind                                 2  MPOL_*
membarrier                            0  MEMBARRIER_CMD_*
memfd_create                          1  MFD_*
mkdir                                 1  S_ISUID S_ISGID S_ISVTX
mknod                                 1  S_IF* S_ISUID S_ISGID S_ISVTX
mlockall                              0  MCL_*
mmap mmap2                            2  PROT_*
mmap mmap2                            3  MAP_*
mount                                 3  MS_* !MS_ASYNC !MS_SYNC !MS_INVALIDATE !MS_MGC_* !MS_RMT_MASK
mount_setattr open_tree               1  OPEN_TREE_* AT_*
move_mount                            4  MOVE_MOUNT_*
mprotect pkey_mprotect                2  PROT_*
mremap                                3  MREMAP_*
msync                                 2  MS_ASYNC MS_SYNC MS_INVALIDATE
name_to_handle_at                     4  AT_EMPTY_PATH AT_SYMLINK_FOLLOW
open                                  1  O_* !O_NDELAY !O_FSYNC !O_RSYNC
openat                                0  AT_FDCWD
openat                                2  O_* !O_NDELAY !O_FSYNC !O_RSYNC
openat2 statx unlinkat utimensat utimensat_time64 readlinkat futimesat renameat renameat2 linkat name_to_handle_at 0 AT_FDCWD
perf_event_open                       4  PERF_FLAG_*
personality                           0  PER_* ADDR_* READ_IMPLIES_EXEC UNAME26 WHOLE_SECONDS STICKY_TIMEOUTS MMAP_PAGE_ZERO SHORT_INODE FDPIC_FUNCPTRS
pidfd_open                            1  PIDFD_*
pipe2                                 1  O_CLOEXEC O_NONBLOCK O_DIRECT
prctl                                 0  PR_SET_* PR_GET_* PR_CAPBSET_* PR_CAP_AMBIENT PR_MCE_KILL PR_MCE_KILL_GET PR_TASK_PERF_* PR_MPX_* PR_SCHED_CORE PR_PAC_*_KEYS PR_S?E_[GS]ET_VL PR_RISCV_V_*_CONTROL PR_RISCV_SET_ICACHE_FLUSH_CTX PR_PPC_?ET_DEXCR PR_*_SHADOW_STACK_STATUS PR_FUTEX_HASH PR_TIMER_CREATE_RESTORE_IDS !PR_SET_MM_* !PR_SET_VMA_* !PR_SET_PTRACER_ANY
preadv2 pwritev2                      5  RWF_*
prlimit64                             1  RLIMIT_*
ptrace                                0  PTRACE_* !PTRACE_O_* !PTRACE_EVENT* !PTRACE_SYSCALL_INFO_* !PTRACE_PEEKSIGINFO_*
reboot                                0  LINUX_REBOOT_MAGIC1
reboot                                2  LINUX_REBOOT_CMD_*
recvfrom send sendto recv             3  MSG_*
recvmsg sendmsg                       2  MSG_*
recvmmsg sendmmsg recvmmsg_time64     3  MSG_*
renameat2                             4  RENAME_*
rt_sigaction                          0  SIG[A-Z]*
rt_sigprocmask                        0  SIG_BLOCK SIG_UNBLOCK SIG_SETMASK
sched_setscheduler                    1  SCHED_* !SCHED_FLAG_* !SCHED_NORMAL
seccomp                               0  SECCOMP_SET_MODE_* SECCOMP_GET_*
seccomp                               1  SECCOMP_FILTER_FLAG_*
set_mempolicy                         0  MPOL_*
setns                                 1  CLONE_NEW*
shutdown                              1  SHUT_*
signalfd4                             3  SFD_*
socket socketpair                     0  AF_UNIX AF_NETLINK AF_* !AF_MAX
socket socketpair                     1  SOCK_STREAM SOCK_DGRAM SOCK_RAW SOCK_SEQPACKET SOCK_RDM SOCK_DCCP SOCK_PACKET SOCK_CLOEXEC SOCK_NONBLOCK
socket socketpair                     2  IPPROTO_*
splice                                5  SPLICE_F_*
tee vmsplice                          3  SPLICE_F_*
statx                                 2  AT_* !AT_FDCWD !AT_EACCESS !AT_REMOVEDIR !AT_RECURSIVE
statx                                 3  STATX_* !STATX_ATTR_*
symlinkat                             1  AT_FDCWD
sync_file_range                       3  SYNC_FILE_RANGE_*
syslog                                0  SYSLOG_ACTION_*
tgkill rt_tgsigqueueinfo pidfd_send_signal 2 SIG[A-Z]*
timerfd_create                        1  TFD_CLOEXEC TFD_NONBLOCK
timerfd_settime timerfd_settime64     1  TFD_TIMER_*
umount umount2                        1  MNT_* UMOUNT_*
unlinkat                              2  AT_REMOVEDIR
unshare                               0  CLONE_NEW* CLONE_F* CLONE_SYSVSEM CLONE_VM CLONE_THREAD CLONE_SIGHAND
utimensat                             3  AT_EMPTY_PATH AT_SYMLINK_NOFOLLOW
wait4                                 2  WNOHANG WUNTRACED WCONTINUED
waitid                                0  P_*
waitid                                3  WNOHANG WEXITED WSTOPPED WCONTINUED WNOWAIT
`

type argument struct {
	call     string
	position int
}

// patterns are the arguments by call and position.
var patterns = sync.OnceValue(func() map[argument]string {
	table := map[argument]string{}
	for line := range strings.Lines(arguments) {
		fields := strings.Fields(line)
		for i, f := range fields {
			position, err := strconv.Atoi(f)
			if err != nil {
				continue
			}
			for _, call := range fields[:i] {
				table[argument{call, position}] = strings.Join(fields[i+1:], " ")
			}
			break
		}
	}
	return table
})

func patternsOf(call string, arg int) string { return patterns()[argument{call, arg}] }
