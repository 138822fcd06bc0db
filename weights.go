package seccomp

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// typicalWeights is how often calls were made by eleven workloads of servers
// and tools on x86_64 (a web server, databases, a compiler, version control,
// shells and the like, each counted alike), in calls of 100,000. It steers the
// compiler and nothing else: a filter decides the same whatever the weights.
var typicalWeights = map[string]float64{
	"read": 13777.9, "write": 11492.1, "newfstatat": 8012.8, "openat": 6649.3, "close": 5286.7,
	"futex": 5138.4, "lseek": 3928.2, "readlink": 3701.9, "fcntl": 3636.3, "pwrite64": 3624,
	"recvfrom": 3338.6, "rt_sigaction": 2924.9, "nanosleep": 2734, "mmap": 2531.8, "epoll_pwait": 2182,
	"setsockopt": 2022.4, "sendto": 2017.6, "epoll_wait": 1427.9, "writev": 1129, "fdatasync": 1040.5,
	"sendfile": 983.5, "rt_sigprocmask": 976.4, "munmap": 957.9, "pread64": 844.5, "access": 564.1,
	"mprotect": 538, "ioctl": 534.5, "brk": 509.6, "epoll_ctl": 457.8, "mremap": 447.1,
	"getpid": 445.2, "kill": 364, "execve": 352.5, "geteuid": 344.3, "getdents64": 310.9,
	"statx": 301.1, "fadvise64": 281.2, "unlinkat": 255.3, "fchown": 251.9, "unlink": 242.6,
	"set_robust_list": 211.3, "wait4": 176.4, "prlimit64": 160.3, "rt_sigreturn": 134.8, "dup2": 128.4,
	"exit_group": 128, "getuid": 120.8, "clone": 119.8, "getgid": 118.1, "getegid": 116.6,
	"stat": 116.2, "rseq": 115.3, "arch_prctl": 105.6, "getrandom": 102.9, "set_tid_address": 100.2,
	"copy_file_range": 97.1, "madvise": 93.5, "pipe2": 91, "getxattr": 80.4, "getcwd": 76.5,
	"clock_nanosleep": 74.5, "lgetxattr": 71.4, "utimensat": 69.1, "tgkill": 66.1, "gettid": 56,
	"fstat": 53.6, "sigaltstack": 49.6, "fchmod": 48.5, "sched_yield": 36, "getppid": 28.1,
	"mkdir": 27.2, "accept4": 26.9, "sysinfo": 23.5, "rename": 22, "mkdirat": 21, "socket": 19.8,
	"poll": 19.8, "vfork": 19.5, "chdir": 19.4, "connect": 18.2, "alarm": 17.7, "clone3": 16.6,
	"dup3": 16.3, "getsockname": 15.3, "sched_getaffinity": 14.3, "exit": 13.4, "uname": 12.8,
	"ftruncate": 12.5, "getpeername": 11.5, "pwritev": 10.7, "epoll_create1": 10.2, "chmod": 9.9,
	"prctl": 8.4, "statfs": 8.3, "getpgrp": 8.2, "close_range": 7.5, "setitimer": 7.3, "eventfd2": 7.1,
	"faccessat2": 6.1, "waitid": 5.8, "fsync": 5, "capget": 4.4, "link": 4.3, "truncate": 4.2,
	"dup": 4.2, "getsockopt": 4.1, "rmdir": 3.6, "pselect6": 3, "getrusage": 2.9, "umask": 2.3,
	"fstatfs": 2.1, "socketpair": 1.7, "setresuid": 1.5, "setresgid": 1.5, "fchownat": 1.4,
	"bind": 1.4, "signalfd4": 1.2, "setsid": 1.2, "listen": 1.2, "accept": 1, "symlink": 0.7,
	"fchdir": 0.7, "creat": 0.7, "flock": 0.5, "fallocate": 0.5, "shutdown": 0.4, "pkey_alloc": 0.4,
	"chown": 0.4, "restart_syscall": 0.3, "open": 0.3, "epoll_create": 0.3, "shmdt": 0.2,
	"shmctl": 0.2, "rt_sigsuspend": 0.2, "recvmsg": 0.2, "setuid": 0.1, "setgroups": 0.1,
	"setgid": 0.1, "sendmsg": 0.1, "renameat": 0.1, "readlinkat": 0.1, "pidfd_send_signal": 0.1,
	"pidfd_open": 0.1, "fchmodat": 0.1,
}

// ParseWeights reads how often system calls are made, for
// CompileOptions.Weights: a JSON object of counts by name, or the summary that
// strace -c prints. It reads counts alone; times are not used.
func ParseWeights(data []byte) (map[string]float64, error) {
	if t := bytes.TrimSpace(data); len(t) > 0 && t[0] == '{' {
		return parseJSONWeights(t)
	}
	return parseStraceSummary(data)
}

func parseJSONWeights(data []byte) (map[string]float64, error) {
	var weights map[string]float64
	if err := json.Unmarshal(data, &weights); err != nil {
		return nil, fmt.Errorf("read weights: %w", err)
	}
	for name, w := range weights {
		if w < 0 || math.IsInf(w, 0) {
			return nil, fmt.Errorf("read weights: %s is called %v times", name, w)
		}
	}
	return weights, nil
}

// parseStraceSummary reads lines of "% time, seconds, usecs/call, calls,
// errors, syscall", of which errors may be blank.
func parseStraceSummary(data []byte) (map[string]float64, error) {
	weights := map[string]float64{}
	lines := bufio.NewScanner(bytes.NewReader(data))
	table := false
	for n := 1; lines.Scan(); n++ {
		fields := strings.Fields(lines.Text())
		switch {
		case len(fields) == 0:
			continue
		case fields[0] == "%" || strings.HasPrefix(fields[0], "---"):
			table = true
			continue
		case !table || fields[len(fields)-1] == "total":
			continue
		case len(fields) < 5 || len(fields) > 6:
			return nil, fmt.Errorf("read weights: line %d: %d columns are no row of strace -c", n, len(fields))
		}
		calls, err := strconv.ParseUint(fields[3], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("read weights: line %d: calls: %w", n, err)
		}
		weights[fields[len(fields)-1]] += float64(calls)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read weights: %w", err)
	}
	if len(weights) == 0 {
		return nil, errors.New("read weights: neither a JSON object of counts nor the summary of strace -c")
	}
	return weights, nil
}
