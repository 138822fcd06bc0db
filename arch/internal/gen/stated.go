package main

import "strings"

// statedVersions overrides the other sources: calls that they miss, or date
// wrongly. membarrier and pkey_* are the releases whose arch/x86 syscall table
// first has them, where the manual page gives an earlier one; the calls of
// 6.4 to 7.0 appeared in releases between two that x/sys was made from. 2.6
// stands for "2.6 or before" of calls the manual does not list.
var statedVersions = parseStated(`
	2.6 afs_syscall arm_fadvise64_64 arm_sync_file_range break cachectl epoll_ctl_old epoll_wait_old ftime getpmsg gtty
	2.6 idle llseek lock mpx multiplexer pread64 prof profil putpmsg pwrite64 security stty timerfd tuxcall ulimit vserver
	4.3 membarrier
	4.9 pkey_alloc pkey_free pkey_mprotect
	6.4 riscv_hwprobe
	6.15 open_tree_attr
	6.17 file_getattr file_setattr
	6.18 uprobe
	6.19 listns
	7.0 rseq_slice_yield
`)

// statedOnABI are calls that one ABI gained later than others, before x/sys
// kept a record: direct socket calls beside socketcall (arch/x86,
// arch/m68k, arch/s390 in Linux 4.3, arch/sparc in 4.4, arch/powerpc in 2.6.37), direct System V IPC
// beside ipc (5.1), arch_prctl on i386 (4.12).
var statedOnABI = statedABIs()

// notGained are calls that x/sys got late or by another name first, not the
// ABI: arm64 has clone3 since 5.3, its header lacked it until 5.5.
var notGained = strings.Fields(`aarch64/clone3 aarch64/newfstatat loongarch64/newfstatat riscv64/newfstatat
	riscv64/riscv_flush_icache riscv64/riscv_hwprobe sparc64/vserver`)

const socketNames = "socket bind connect listen getsockname getpeername socketpair sendto recvfrom shutdown setsockopt getsockopt sendmsg recvmsg accept4"

func statedABIs() map[string]string {
	out := map[string]string{"i386/arch_prctl": "4.12"}
	add := func(version, abis, names string) {
		for _, abi := range strings.Fields(abis) {
			for _, name := range strings.Fields(names) {
				out[abi+"/"+name] = version
			}
		}
	}
	add("4.3", "i386 m68k s390 s390x", socketNames)
	add("4.3", "m68k s390 s390x", "recvmmsg sendmmsg")
	add("4.4", "sparc sparc64", "bind listen setsockopt")
	add("5.1", "i386 m68k s390 s390x sh sheb ppc ppc64 ppc64le mips mipsel sparc sparc64", "semget semctl shmget shmctl shmat shmdt msgget msgsnd msgrcv msgctl")
	add("5.1", "s390x ppc64 ppc64le sparc64", "semtimedop")
	return out
}

func parseStated(text string) map[string]string {
	out := map[string]string{}
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		for i := 1; i < len(f); i++ {
			out[f[i]] = f[0]
		}
	}
	return out
}
