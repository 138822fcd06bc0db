package main

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// enumPrefixes and flagPrefixes select the constants that are values of system
// call arguments, and say how they combine. The longest prefix that fits a
// name decides; a prefix ending in "$" is a whole name.
var enumPrefixes = strings.Fields(`
	AF_ PF_ IPPROTO_ SOL_ SO_ IP_ IPV6_ TCP_ UDP_ SOCK_ SHUT_ NETLINK_ SCM_ PACKET_ ALG_
	PR_ PTRACE_ SECCOMP_ BPF_ KEYCTL_ KEY_SPEC_ LANDLOCK_ CAP_ ARCH_
	F_ SEEK_ LOCK_ FSCONFIG_ AT_FDCWD$ S_IF IPC_ EPOLL_CTL_ FADV_ POSIX_FADV_ UTIME_
	MADV_ MPOL_ SCHED_ RLIMIT_ RUSAGE_ PRIO_ CLOCK_ ITIMER_ P_ SIG LINUX_REBOOT_ SYSLOG_ACTION_ FUTEX_ MEMBARRIER_CMD_ KCMP_ PER_
	TIOC TC FIO SIOC BLK FS_IOC_ FI PERF_EVENT_IOC_ NS_GET_ TUN RND LOOP_ RTC_ HDIO_ USBDEVFS_ HIDIOC IOCTL_ PPPIOC UFFDIO_
	TIMER_`)

var flagPrefixes = strings.Fields(`
	CLONE_ O_ PROT_ MAP_ MS_ MNT_ UMOUNT_ AT_ MSG_ GRND_ RENAME_ MFD_ EFD_ TFD_ SFD_ IN_ FAN_ EPOLL EPOLL_CLOEXEC$
	SOCK_CLOEXEC$ SOCK_NONBLOCK$ SECCOMP_FILTER_FLAG_ S_I S_IFMT$ MCL_ MREMAP_ SPLICE_F_ SYNC_FILE_RANGE_ FALLOC_FL_ STATX_ RESOLVE_
	MPOL_F_ MPOL_MF_ MOUNT_ATTR_ MOVE_MOUNT_ OPEN_TREE_ FSOPEN_ FSMOUNT_ FSPICK_ KEXEC_ RWF_ XATTR_ PTRACE_O_ PERF_FLAG_
	LANDLOCK_ACCESS_ LANDLOCK_CREATE_ LANDLOCK_RESTRICT_ LANDLOCK_SCOPE_ FUTEX_PRIVATE_FLAG$ FUTEX_CLOCK_REALTIME$
	IPC_CREAT$ IPC_EXCL$ IPC_NOWAIT$ SHM_ PIDFD_ CLOSE_RANGE_ MODULE_INIT_ FD_CLOEXEC$ F_SEAL_ SCHED_RESET_ON_FORK$ SCHED_FLAG_
	TIMER_ABSTIME$ WNOHANG$ WUNTRACED$ WCONTINUED$ WEXITED$ WSTOPPED$ WNOWAIT$ __WALL$ __WCLONE$ __WNOTHREAD$ POLL BPF_F_ ADJ_
	ADDR_ READ_IMPLIES_EXEC$ MMAP_PAGE_ZERO$ UFFD_ R_OK$ W_OK$ X_OK$ F_OK$`)

// notArguments are names the prefixes catch that are no values of arguments.
var notArguments = strings.Fields(`AF_MAX$ PF_MAX$ SIGSTKSZ$ TCA_ TCPOPT_ TIPC_ IN_CLASS S_ISUPER TUNATTACH$ FIB_ FILE_`)

func hasPrefix(name, prefix string) bool {
	if whole, ok := strings.CutSuffix(prefix, "$"); ok {
		return name == whole
	}
	return strings.HasPrefix(name, prefix)
}

// kindOf selects a constant and says whether it is a flag.
func kindOf(name string) (flag, ok bool) {
	if slices.ContainsFunc(notArguments, func(p string) bool { return hasPrefix(name, p) }) {
		return false, false
	}
	longest := 0
	for i, list := range [][]string{enumPrefixes, flagPrefixes} {
		for _, p := range list {
			if hasPrefix(name, p) && len(p) > longest {
				longest, flag, ok = len(p), i == 1, true
			}
		}
	}
	return flag, ok
}

// statedConstants are not in x/sys. They have the same value on every ABI:
// linux/futex.h, linux/personality.h, linux/membarrier.h, linux/kcmp.h,
// linux/sched.h, unistd.h; the ARCH_ codes of arch_prctl are x86's
// (arch/x86/include/uapi/asm/prctl.h).
var statedConstants = parseConstants(`
	FUTEX_WAIT=0 FUTEX_WAKE=1 FUTEX_FD=2 FUTEX_REQUEUE=3 FUTEX_CMP_REQUEUE=4 FUTEX_WAKE_OP=5 FUTEX_LOCK_PI=6 FUTEX_UNLOCK_PI=7
	FUTEX_TRYLOCK_PI=8 FUTEX_WAIT_BITSET=9 FUTEX_WAKE_BITSET=10 FUTEX_WAIT_REQUEUE_PI=11 FUTEX_CMP_REQUEUE_PI=12 FUTEX_LOCK_PI2=13
	FUTEX_PRIVATE_FLAG=128 FUTEX_CLOCK_REALTIME=256
	PER_LINUX=0 PER_LINUX32=8 PER_LINUX_32BIT=0x800000 PER_LINUX32_3GB=0x8000008
	ADDR_NO_RANDOMIZE=0x40000 ADDR_COMPAT_LAYOUT=0x200000 ADDR_LIMIT_32BIT=0x800000 ADDR_LIMIT_3GB=0x8000000
	MMAP_PAGE_ZERO=0x100000 READ_IMPLIES_EXEC=0x400000
	MEMBARRIER_CMD_QUERY=0 MEMBARRIER_CMD_GLOBAL=1 MEMBARRIER_CMD_GLOBAL_EXPEDITED=2 MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED=4
	MEMBARRIER_CMD_PRIVATE_EXPEDITED=8 MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED=16
	KCMP_FILE=0 KCMP_VM=1 KCMP_FILES=2 KCMP_FS=3 KCMP_SIGHAND=4 KCMP_IO=5 KCMP_SYSVSEM=6 KCMP_EPOLL_TFD=7
	SCHED_OTHER=0 R_OK=4 W_OK=2 X_OK=1 F_OK=0 UFFD_USER_MODE_ONLY=1`)

var statedX86 = parseConstants(`ARCH_SET_GS=0x1001 ARCH_SET_FS=0x1002 ARCH_GET_FS=0x1003 ARCH_GET_GS=0x1004
	ARCH_GET_CPUID=0x1011 ARCH_SET_CPUID=0x1012`)

// aliases are second names of constants that x/sys has by the first.
var constantAliases = map[string]string{"TIOCINQ": "FIONREAD", "FADV_NORMAL": "POSIX_FADV_NORMAL", "FADV_RANDOM": "POSIX_FADV_RANDOM",
	"FADV_SEQUENTIAL": "POSIX_FADV_SEQUENTIAL", "FADV_WILLNEED": "POSIX_FADV_WILLNEED",
	"FADV_DONTNEED": "POSIX_FADV_DONTNEED", "FADV_NOREUSE": "POSIX_FADV_NOREUSE"}

func parseConstants(text string) map[string]uint64 {
	out := map[string]uint64{}
	for _, f := range strings.Fields(text) {
		name, value, _ := strings.Cut(f, "=")
		out[name], _ = strconv.ParseUint(value, 0, 64)
	}
	return out
}

// constantsOf collects the argument constants and the errnos of one ABI.
func constantsOf(x *xsys, h *headerFacts, a abi) (consts, errnos map[string]uint64, err error) {
	port := cmp.Or(a.goarch, a.constants)
	consts, errnos = maps.Clone(statedConstants), map[string]uint64{}
	if a.archDir == "x86" {
		maps.Copy(consts, statedX86)
	}
	if a.headers {
		return ofHeaders(h.of[a.archDir], consts)
	}
	for _, file := range []string{"ztypes_linux.go", "ztypes_linux_" + port + ".go", "zerrors_linux.go", "zerrors_linux_" + port + ".go"} {
		all, err := x.constants(file)
		if err != nil {
			return nil, nil, err
		}
		for name, c := range all {
			if c.typ == "Errno" {
				errnos[name] = c.value
			} else if usable(a, name, c.value) {
				consts[name] = c.value
				if other := constantAliases[name]; other != "" {
					consts[other] = c.value
				}
			}
		}
	}
	if len(consts) < 1000 || len(errnos) < 130 {
		return nil, nil, fmt.Errorf("x/sys %s: %s: only %d constants and %d errnos", x.version, port, len(consts), len(errnos))
	}
	return consts, errnos, nil
}

// ofHeaders adds what the kernel's headers say: constants of arguments, and
// errnos, which are the rest.
func ofHeaders(all, consts map[string]uint64) (_, errnos map[string]uint64, err error) {
	errnos = map[string]uint64{}
	for name, v := range all {
		if _, argument := kindOf(name); argument {
			consts[name] = v
		} else {
			errnos[name] = v
		}
	}
	for name, other := range constantAliases {
		if v, ok := consts[name]; ok {
			consts[other] = v
		}
	}
	if len(consts) < 600 || len(errnos) < 130 {
		return nil, nil, fmt.Errorf("headers.txt: only %d constants and %d errnos", len(consts), len(errnos))
	}
	return consts, errnos, nil
}

// usable reports whether a constant of the x/sys port is one of the ABI. C
// libraries call O_LARGEFILE 0 on 64-bit ABIs, which is not the kernel's bit.
// A relative of the port may have other sizes of structures, and so other
// ioctl requests and record lock commands.
func usable(a abi, name string, value uint64) bool {
	flag, ok := kindOf(name)
	if !ok || name == "O_LARGEFILE" && value == 0 {
		return false
	}
	if a.sibling {
		sized := !flag && value > 0xffff && value <= 0xffffffff && !strings.Contains(name, "REBOOT")
		lock := strings.HasPrefix(name, "F_") && strings.Contains(name, "LK")
		return !sized && !lock && name != "O_LARGEFILE"
	}
	return true
}

// A variants table keeps the value that most ABIs have for each name, and for
// each ABI what differs.
type variants struct {
	names  []string
	common map[string]uint64
	of     map[string]map[string]uint64 // by ABI
}

func newVariants(of map[string]map[string]uint64) *variants {
	v := &variants{of: of, common: map[string]uint64{}}
	count := map[string]map[uint64]int{}
	for _, consts := range of {
		for name, value := range consts {
			if count[name] == nil {
				count[name] = map[uint64]int{}
			}
			count[name][value]++
		}
	}
	v.names = slices.Sorted(maps.Keys(count))
	for name, values := range count {
		best := 0
		for _, value := range slices.Sorted(maps.Keys(values)) {
			if values[value] > best {
				best, v.common[name] = values[value], value
			}
		}
	}
	return v
}

func (v *variants) emit(b *bytes.Buffer, name, what string) {
	newStringTable(v.names).emit(b, name, name+"Text holds the names of "+what+", sorted.")
	fmt.Fprintf(b, "\n// %sCommon holds the value most ABIs have for each name.\nvar %sCommon = [...]uint64{", name, name)
	for i, n := range v.names {
		if i%8 == 0 {
			b.WriteString("\n\t")
		}
		fmt.Fprintf(b, "%#x, ", v.common[n])
	}
	b.WriteString("\n}\n")
	fmt.Fprintf(b, "\n// %sDiffer holds the lists of differences, %sOf the list of each ABI.\nvar %sDiffer = [...][]difference{\n", name, name, name)
	lists := map[string]int{}
	var of []int
	for _, a := range abis {
		body := v.rows(a.name)
		if _, ok := lists[body]; !ok {
			fmt.Fprintf(b, "\t%d: { // %s%s\n\t},\n", len(lists), a.name, body)
			lists[body] = len(lists)
		}
		of = append(of, lists[body])
	}
	fmt.Fprintf(b, "}\n\nvar %sOf = [...]uint8{", name)
	emitNumbers(b, of)
	b.WriteString("}\n")
}

func (v *variants) rows(abi string) string {
	var body strings.Builder
	n := 0
	for i, name := range v.names {
		value, ok := v.of[abi][name]
		if ok && value == v.common[name] {
			continue
		}
		if n%8 == 0 {
			body.WriteString("\n\t")
		}
		n++
		fmt.Fprintf(&body, "{%d, %t, %#x}, ", i, ok, value)
	}
	return body.String()
}

func constantTables(x *xsys, h *headerFacts) ([]byte, error) {
	consts, errnos := map[string]map[string]uint64{}, map[string]map[string]uint64{}
	for _, a := range abis {
		c, e, err := constantsOf(x, h, a)
		if err != nil {
			return nil, err
		}
		consts[a.name], errnos[a.name] = c, e
	}
	for _, n32 := range []string{"mips64n32", "mipsel64n32"} { // keep what o32 and n64 agree on
		maps.DeleteFunc(consts[n32], func(name string, v uint64) bool {
			o32, ok := consts["mips"][name]
			return ok && o32 != v
		})
	}
	var b bytes.Buffer
	v := newVariants(consts)
	v.emit(&b, "constName", "constants")
	b.WriteString("\n// constFlags has bit n%8 of byte n/8 set when name n is a Flag.\nconst constFlags = \"\" +\n")
	bits := make([]byte, (len(v.names)+7)/8)
	for i, n := range v.names {
		if flag, _ := kindOf(n); flag {
			bits[i/8] |= 1 << (i % 8)
		}
	}
	for i := 0; i < len(bits); i += 24 {
		end := min(i+24, len(bits))
		fmt.Fprintf(&b, "\t%s", hexString(bits[i:end]))
		if end < len(bits) {
			b.WriteString(" +")
		}
		b.WriteString("\n")
	}
	newVariants(errnos).emit(&b, "errnoName", "errnos")
	return b.Bytes(), nil
}

func hexString(b []byte) string {
	var s strings.Builder
	for _, c := range b {
		fmt.Fprintf(&s, `\x%02x`, c)
	}
	return `"` + s.String() + `"`
}
